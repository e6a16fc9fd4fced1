//! The vectors in MessagePack, and those of bodies that pass from one encoding to the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ackd_wire::MessageId;
use ackd_wire::v1::{Body, JsonBody, MessageFrame, Place, ServerFrame, Target, json, msgpack};
use serde_json::Value;

use crate::describe_client::hex;
use crate::golden::{Got, describe_bad, describe_unreadable, equal, same_frames, text, walk};
use crate::{describe_client, describe_server};

pub(crate) fn client(vector: &Value) -> Result<(), String> {
    let source = message(vector);
    let got = msgpack::decode(&source)
        .map(|frame| match frame {
            Ok(frame) => {
                let mut canonical = Vec::new();
                msgpack::encode_client(&mut canonical, &frame);
                Got::Frame(describe_client::describe(&frame), hex(&canonical))
            }
            Err(bad) => describe_bad(&bad),
        })
        .collect();
    same_frames(vector, &hex(&source), got)
}

pub(crate) fn server(vector: &Value) -> Result<(), String> {
    let source = message(vector);
    let got = msgpack::decode_server(&source)
        .map(|frame| match frame {
            Ok(frame) => {
                let mut canonical = Vec::new();
                msgpack::encode(&mut canonical, &frame);
                assert_eq!(msgpack::encoded_len(&frame), canonical.len());
                Got::Frame(describe_server::describe(&frame), hex(&canonical))
            }
            Err(unreadable) => describe_unreadable(&unreadable),
        })
        .collect();
    same_frames(vector, &hex(&source), got)
}

/// A body of one encoding in a frame of the other.
pub(crate) fn bodies(vector: &Value) -> Result<(), String> {
    let (json, msgpack) = (text(vector, "json"), bytes(text(vector, "msgpack")));
    let directions = match text(vector, "direction") {
        "both" => [true, true],
        "to-json" => [true, false],
        "to-msgpack" => [false, true],
        other => return Err(format!("there is no direction {other}")),
    };
    if directions[0] {
        equal(&in_json(&Body::MessagePack(&msgpack)).into(), &json.into())?;
    }
    if directions[1] {
        equal(&hex(&in_msgpack(&Body::Json(json))).into(), &hex(&msgpack).into())?;
    }
    Ok(())
}

/// The body that a JSON client reads.
pub(crate) fn in_json(body: &Body<'_>) -> String {
    let frame = carrying(body.clone());
    let mut out = Vec::new();
    json::encode(&mut out, &frame);
    assert_eq!(json::encoded_len(&frame), out.len());
    let text = std::str::from_utf8(&out).expect("JSON is UTF-8");
    let read = json::decode_server(text).next().expect("a frame").expect("a good one");
    let ServerFrame::Message(MessageFrame { body: Body::Json(read), .. }) = read else {
        panic!("no JSON body in {text}")
    };
    let (mut alone, body) = (String::new(), body);
    assert_eq!(body.in_json(&mut alone), JsonBody::Value(read), "alone as in a frame");
    read.to_owned()
}

/// The body that a MessagePack client reads.
pub(crate) fn in_msgpack(body: &Body<'_>) -> Vec<u8> {
    let frame = carrying(body.clone());
    let mut out = Vec::new();
    msgpack::encode(&mut out, &frame);
    assert_eq!(msgpack::encoded_len(&frame), out.len());
    let read = msgpack::decode_server(&out).next().expect("a frame").expect("a good one");
    let ServerFrame::Message(MessageFrame { body: Body::MessagePack(read), .. }) = read else {
        panic!("no MessagePack body in {read:?}")
    };
    read.to_vec()
}

fn carrying(body: Body<'_>) -> ServerFrame<'_> {
    ServerFrame::Message(MessageFrame {
        place: Place::Mailbox(1),
        id: MessageId([7; 16]),
        from: "ann".into(),
        target: Target::To("bob".into()),
        body,
        at: 1,
        attempt: 1,
    })
}

/// The bytes of the message that a vector is about: a list of hexadecimal digits, spaces as you like.
fn message(vector: &Value) -> Vec<u8> {
    let parts = vector["hex"].as_array().expect("`hex` is a list");
    let digits: Vec<&str> = parts.iter().map(|part| part.as_str().expect("a string")).collect();
    bytes(&digits.concat())
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<char> = digits.chars().filter(|digit| *digit != ' ').collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

#[test]
fn each_vector_in_json_that_is_about_more_than_json_has_its_twin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut without = BTreeSet::new();
    for path in vectors(&root.join("v1")) {
        let inside = path.strip_prefix(root.join("v1")).expect("below v1");
        let twin = root.join("v1-msgpack").join(inside);
        let (vector, Some(twin)) = (read(&path), twin.exists().then(|| read(&twin))) else {
            without.insert(inside.with_extension("").to_string_lossy().into_owned());
            continue;
        };
        let frames = |vector: &Value| -> Vec<Value> {
            let expected = vector["expect"].as_array().expect("a list").iter();
            expected.map(|expected| without_body(&expected["frame"])).collect()
        };
        assert_eq!(frames(&vector), frames(&twin), "{}", inside.display());
    }
    let known: BTreeSet<String> = ONLY_IN_JSON.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(without, known);
}

fn vectors(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(folder, &mut files);
    files
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON")
}

fn without_body(frame: &Value) -> Value {
    let mut frame = frame.clone();
    if let Some(fields) = frame.as_object_mut() {
        fields.retain(|name, _| name != "body" && name != "body_msgpack");
    }
    frame
}

/// What is about the syntax of JSON.
const ONLY_IN_JSON: &[&str] = &[
    "client/batch/comma-alone",
    "client/batch/comma-at-the-end",
    "client/batch/comma-missing",
    "client/invalid/bad-escape",
    "client/invalid/blank",
    "client/invalid/connect-window-fraction",
    "client/invalid/control-character",
    "client/invalid/cut-off-in-the-number",
    "client/invalid/field-twice-escaped",
    "client/invalid/leading-zero",
    "client/invalid/not-an-object",
    "client/invalid/not-json",
    "client/invalid/ref-half-a-surrogate",
    "client/invalid/send-n-exponent",
    "client/invalid/send-n-fraction",
    "client/invalid/send-n-huge",
    "client/valid/send-body-lone-surrogate",
    "client/valid/send-body-untouched",
    "client/valid/send-escaped-fields",
    "client/valid/send-escaped-name",
    "server/invalid/not-json",
];

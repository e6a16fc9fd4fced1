//! Every file below `testdata` is read and must say what the codecs do; a folder nobody reads is an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ackd_wire::v1::json;
use ackd_wire::v1::json::UnreadableFrame;
use ackd_wire::v1::{BadFrame, Body};
use ackd_wire::{MessageId, Ref, classic};
use serde_json::Value;

use crate::{describe_client, describe_server, golden_msgpack};

/// What came of one frame.
pub(crate) enum Got {
    /// Its description and its canonical text.
    Frame(Value, String),
    /// The fields of `bad`.
    Bad(Value),
}

#[test]
fn every_golden_vector_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    walk(&root, &mut files);
    for file in &files {
        let inside = file.strip_prefix(&root).expect("below the root");
        let folder = inside.parent().expect("in a folder").to_string_lossy().replace('\\', "/");
        if folder.is_empty() && inside.ends_with("README.md") {
            continue;
        }
        let vector: Value = serde_json::from_slice(&fs::read(file).expect("readable"))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(fault) = check(&folder, &vector) {
            faults.push(format!("{}: {fault}", inside.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(580 < files.len(), "vectors are missing: {} files", files.len());
}

#[test]
fn the_vectors_hold_every_op_of_both_sides() {
    let folders = ["v1/client", "v1-msgpack/client", "v1/server", "v1-msgpack/server"];
    for (folder, ops) in folders.into_iter().zip([10, 10, 13, 13]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
        let mut files = Vec::new();
        walk(&root.join("valid"), &mut files);
        let seen: BTreeSet<String> = files.iter().flat_map(|file| ops_of(file)).collect();
        assert_eq!(seen.len(), ops, "{folder}: {seen:?}");
    }
}

fn ops_of(file: &Path) -> Vec<String> {
    let vector: Value = serde_json::from_slice(&fs::read(file).expect("readable")).expect("JSON");
    let frames = vector["expect"].as_array().expect("a list");
    frames.iter().map(|frame| text(&frame["frame"], "op").to_owned()).collect()
}

pub(crate) fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("testdata is there") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn check(folder: &str, vector: &Value) -> Result<(), String> {
    assert!(vector["about"].is_string(), "a vector says what it is about");
    match folder {
        "v1/client/valid" | "v1/client/invalid" | "v1/client/batch" => compare(vector, client),
        "v1/server/valid" | "v1/server/invalid" => compare(vector, server),
        "v1-msgpack/client/valid" | "v1-msgpack/client/invalid" | "v1-msgpack/client/batch" => {
            golden_msgpack::client(vector)
        }
        "v1-msgpack/server/valid" | "v1-msgpack/server/invalid" => golden_msgpack::server(vector),
        "bodies" => golden_msgpack::bodies(vector),
        "classic/client/valid" | "classic/client/invalid" => compare(vector, classic_client),
        "classic/server/valid" => compare(vector, classic_server),
        "classic/from-v1" => from_v1(vector),
        "classic/to-v1" => to_v1(vector),
        "" => message_ids(vector),
        _ => Err("nobody reads this folder".to_owned()),
    }
}

pub(crate) fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("`{key}` must be a string"))
}

fn compare(vector: &Value, decode: fn(&str) -> Vec<Got>) -> Result<(), String> {
    let source = text(vector, "text");
    same_frames(vector, source, decode(source))
}

/// What was read against what was expected; `source` is the message, which a frame written again is unless it says so.
pub(crate) fn same_frames(vector: &Value, source: &str, got: Vec<Got>) -> Result<(), String> {
    let expected = vector["expect"].as_array().ok_or("`expect` must be a list")?;
    if got.len() != expected.len() {
        return Err(format!("{} frames instead of {}", got.len(), expected.len()));
    }
    for (got, expected) in got.into_iter().zip(expected) {
        match got {
            Got::Frame(frame, canonical) => {
                equal(&frame, &expected["frame"])?;
                let written = expected["canonical"].as_str().unwrap_or(source);
                equal(&Value::from(canonical), &Value::from(written))?;
            }
            Got::Bad(bad) => same_fault(&bad, &expected["bad"])?,
        }
    }
    Ok(())
}

pub(crate) fn equal(got: &Value, expected: &Value) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("\n     got {got}\nexpected {expected}")) }
}

/// What is told of a bad frame of a client.
pub(crate) fn describe_bad(bad: &BadFrame) -> Got {
    let r#ref = bad.r#ref.as_ref().map(Ref::as_str);
    Got::Bad(serde_json::json!({"ref": r#ref, "n": bad.n, "message": bad.message}))
}

/// What is told of a server's frame that could not be read.
pub(crate) fn describe_unreadable(unreadable: &UnreadableFrame) -> Got {
    let kind = match unreadable {
        UnreadableFrame::UnknownOp => "unknown_op",
        UnreadableFrame::Malformed(_) => "malformed",
    };
    Got::Bad(serde_json::json!({"kind": kind}))
}

/// The expected message is the beginning of the real one: what the JSON parser adds is its own.
fn same_fault(got: &Value, expected: &Value) -> Result<(), String> {
    let mut got = got.clone();
    if let (Some(real), Some(start)) = (got["message"].as_str(), expected["message"].as_str())
        && real.starts_with(start)
    {
        got["message"] = start.into();
    }
    equal(&got, expected)
}

fn utf8(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn client(source: &str) -> Vec<Got> {
    json::decode(source)
        .map(|frame| match frame {
            Ok(frame) => Got::Frame(
                describe_client::describe(&frame),
                utf8(|out| json::encode_client(out, &frame)),
            ),
            Err(bad) => describe_bad(&bad),
        })
        .collect()
}

fn server(source: &str) -> Vec<Got> {
    json::decode_server(source)
        .map(|frame| match frame {
            Ok(frame) => {
                let canonical = utf8(|out| json::encode(out, &frame));
                assert_eq!(json::encoded_len(&frame), canonical.len());
                Got::Frame(describe_server::describe(&frame), canonical)
            }
            Err(unreadable) => describe_unreadable(&unreadable),
        })
        .collect()
}

fn classic_client(source: &str) -> Vec<Got> {
    vec![match classic::decode(source) {
        Ok(frame) => Got::Frame(
            describe_client::describe_classic(&frame),
            utf8(|out| classic::encode_client(out, &frame)),
        ),
        Err(message) => Got::Bad(serde_json::json!({ "message": message })),
    }]
}

fn classic_server(source: &str) -> Vec<Got> {
    vec![match classic::decode_server(source) {
        Ok(frame) => {
            let canonical = utf8(|out| classic::encode(out, &frame));
            assert_eq!(classic::encoded_len(&frame), canonical.len());
            Got::Frame(describe_server::describe_classic(&frame), canonical)
        }
        Err(message) => Got::Bad(serde_json::json!({ "message": message })),
    }]
}

fn from_v1(vector: &Value) -> Result<(), String> {
    let body = Body::Json(text(vector, "body"));
    let (from, to) = (text(vector, "from"), vector["to"].as_str());
    let data = utf8(|out| classic::send_message_data(out, &body, from, to));
    equal(&data.as_str().into(), &vector["data"])?;
    // The same as it stands in a whole frame.
    let frame =
        classic::ServerFrame::Message { id: None, from: from.into(), to: to.map(Into::into), body };
    let written = utf8(|out| classic::encode(out, &frame));
    assert_eq!(classic::encoded_len(&frame), written.len());
    let whole = format!(
        r#"{{"id":"","type":1,"body":{{"command":"sendMessage","data":{data}}},"clientID":"{from}"}}"#
    );
    equal(&written.into(), &whole.into())
}

fn to_v1(vector: &Value) -> Result<(), String> {
    let (command, data) = (text(vector, "command"), vector["data"].as_str());
    let body = classic::command_body(command, data);
    equal(&body.as_str().into(), &vector["body"])?;
    let (again, its_data) = classic::read_command_body(&body).ok_or("not read back")?;
    equal(&(&*again).into(), &command.into())?;
    equal(&its_data.into(), &data.unwrap_or("null").into())
}

fn message_ids(vector: &Value) -> Result<(), String> {
    let triples = vector["vectors"].as_array().ok_or("`vectors` must be a list")?;
    assert!(5 <= triples.len(), "at least five triples");
    for triple in triples {
        let n = triple["n"].as_u64().ok_or("`n` must be an integer")?;
        let id = MessageId::derive(text(triple, "identity"), text(triple, "outbox"), n);
        equal(&id.to_string().into(), &triple["id"])?;
    }
    Ok(())
}

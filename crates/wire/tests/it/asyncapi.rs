//! `docs/asyncapi.yaml` against the schema of AsyncAPI, against the code, and against the golden vectors.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ackd_wire::ErrorCode;
use ackd_wire::v1::{ClientFrame, ServerFrame, json};
use serde_json::Value;

use crate::golden::{text, walk};
use crate::json_schema::Document;
use crate::property::check;
use crate::strategy::{client_frame, message, send};
use crate::strategy_server::server_frame;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn document() -> Value {
    let text = fs::read_to_string(here("../../docs/asyncapi.yaml")).expect("it is there");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// Whether a frame keeps to the schema of its op.
fn check_frame(document: &Value, frame: &Value) -> Result<(), String> {
    let schemas = &document["components"]["schemas"];
    let schema = frame["op"].as_str().and_then(|op| schemas.get(op));
    Document(document).check(schema.ok_or("has an unknown op")?, &without_absent(frame))
}

/// What is as if absent, is: null but as a body, and flags that are false.
fn without_absent(frame: &Value) -> Value {
    let mut frame = frame.clone();
    let fields = frame.as_object_mut().expect("a frame is an object");
    let is_flag = |name: &str| ["all", "receipt", "durable", "new", "dup", "live"].contains(&name);
    fields.retain(|name, value| {
        (name == "body" || !value.is_null()) && !(is_flag(name) && *value == false)
    });
    frame
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_document_is_asyncapi_3() {
    let schema = fs::read(here("tests/it/asyncapi/3.0.0.json")).expect("it is there");
    let schema: Value = serde_json::from_slice(&schema).expect("JSON");
    Document(&schema).check(&schema, &document()).expect("the document keeps to the schema");
}

#[test]
fn every_reference_leads_somewhere_and_every_part_is_referred_to() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        Document(&document).target(&Value::from(*reference));
    }
    for (prefix, parts) in [
        ("#/components/messages/", &document["components"]["messages"]),
        ("#/components/schemas/", &document["components"]["schemas"]),
        ("#/channels/v1/messages/", &document["channels"]["v1"]["messages"]),
    ] {
        for name in names(parts) {
            assert!(found.contains(format!("{prefix}{name}").as_str()), "{prefix}{name}");
        }
    }
}

fn references<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_document_has_the_frames_and_fields_of_the_code_and_no_others() {
    let document = document();
    let written: RefCell<BTreeMap<String, BTreeSet<String>>> = RefCell::default();
    let note = |bytes: &[u8]| {
        let frame: Value = serde_json::from_slice(bytes).expect("JSON");
        check_frame(&document, &frame).unwrap_or_else(|fault| panic!("{frame} {fault}"));
        let fields = names(&frame).into_iter().map(str::to_owned);
        let op = text(&frame, "op").to_owned();
        written.borrow_mut().entry(op).or_default().extend(fields);
    };
    let note_client = |frame: &ClientFrame<'_>| {
        let mut out = Vec::new();
        json::encode_client(&mut out, frame);
        note(&out);
        Ok(())
    };
    let note_server = |frame: &ServerFrame<'_>| {
        let mut out = Vec::new();
        json::encode(&mut out, frame);
        note(&out);
        Ok(())
    };
    check(&client_frame(), |frame| note_client(&frame));
    check(&server_frame(), |frame| note_server(&frame));
    check(&(send(), message()), |(send, message)| {
        note_client(&ClientFrame::Send(send))?;
        note_server(&ServerFrame::Message(message))
    });
    let written = written.into_inner();
    let ops: BTreeSet<&str> = written.keys().map(String::as_str).collect();
    assert_eq!(names(&document["components"]["messages"]), ops);
    for (op, fields) in &written {
        let described = names(&document["components"]["schemas"][op]["properties"]);
        assert_eq!(described, fields.iter().map(String::as_str).collect(), "{op}");
    }
}

#[test]
fn the_document_has_all_error_codes() {
    let document = document();
    let described = &document["components"]["schemas"]["ErrorCode"]["enum"];
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(*described, Value::from(codes));
}

/// The frames of the golden vectors in a folder, by name; of texts that are JSON.
fn golden(folder: &str) -> Vec<(String, Vec<Value>)> {
    let mut files = Vec::new();
    walk(&here("testdata/v1").join(folder), &mut files);
    let mut vectors = Vec::new();
    for file in files {
        let vector: Value =
            serde_json::from_slice(&fs::read(&file).expect("readable")).expect("JSON");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        match serde_json::from_str(text(&vector, "text")) {
            Ok(Value::Array(frames)) => vectors.push((name, frames)),
            Ok(frame) => vectors.push((name, vec![frame])),
            Err(_) => {}
        }
    }
    vectors
}

#[test]
fn every_good_golden_frame_keeps_to_its_schema() {
    let document = document();
    let mut frames = 0;
    for folder in ["client/valid", "server/valid"] {
        for (name, vector) in golden(folder) {
            for frame in vector {
                let result = check_frame(&document, &frame);
                result.unwrap_or_else(|fault| panic!("{folder}/{name}: {fault}"));
                frames += 1;
            }
        }
    }
    assert!(100 < frames, "{frames}");
}

#[test]
fn a_bad_golden_frame_breaks_its_schema_unless_that_cannot_say_why() {
    let document = document();
    let mut good = Vec::new();
    for (name, vector) in golden("client/invalid") {
        if let [frame @ Value::Object(_)] = &vector[..]
            && check_frame(&document, frame).is_ok()
        {
            good.push(name);
        }
    }
    good.sort_unstable();
    assert_eq!(good, BEYOND_SCHEMAS);
}

/// What is about the text: a field given twice, levels, how a number is written.
const BEYOND_SCHEMAS: &[&str] = &[
    "65-levels",
    "65-levels-in-an-unknown-field",
    "field-of-another-frame-twice",
    "field-twice",
    "field-twice-escaped",
    "n-twice",
    "ref-twice",
    "send-n-exponent",
    "send-n-fraction",
];

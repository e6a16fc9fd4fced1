//! What holds for every frame and every text. Deterministic: the same cases in every run.

use ackd_wire::limits::{ACK_IDS_MAX, BATCH_FRAMES_MAX, WATCH_IDS_MAX};
use ackd_wire::v1::json::{self, UnreadableFrame};
use ackd_wire::v1::{BadFrame, Body, ClientFrame, ServerFrame};
use ackd_wire::{MessageId, classic};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::strategy::{OwnBody, answer, body, client_frame, message, name, raw_json, send};
use crate::{describe_client, describe_server};

/// Runs `test` on the same 400 cases in every run.
pub(crate) fn check<S: Strategy>(
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{error}");
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// The one frame of a message.
pub(crate) fn only<T, E: std::fmt::Debug>(mut frames: impl Iterator<Item = Result<T, E>>) -> T {
    let frame = frames.next().expect("one frame").expect("a good one");
    assert!(frames.next().is_none(), "one frame only");
    frame
}

#[test]
fn client_frames_round_trip() {
    check(&client_frame(), |frame| {
        let text = written(|out| json::encode_client(out, &frame));
        let again = only(json::decode(&text));
        prop_assert_eq!(describe_client::describe(&again), describe_client::describe(&frame));
        Ok(())
    });
}

#[test]
fn sends_round_trip_and_no_byte_of_a_body_changes() {
    check(&(send(), body()), |(mut frame, body)| {
        frame.body = body.lend();
        let frame = ClientFrame::Send(frame);
        let text = written(|out| json::encode_client(out, &frame));
        let again = only(json::decode(&text));
        prop_assert_eq!(describe_client::describe(&again), describe_client::describe(&frame));
        let ClientFrame::Send(again) = again else { panic!("a send") };
        let lent = body.lend();
        prop_assert_eq!(again.body.bytes(), lent.bytes());
        Ok(())
    });
}

#[test]
fn messages_round_trip_and_their_length_is_known_before() {
    check(&(message(), body()), |(mut frame, body)| {
        frame.body = body.lend();
        let text = written(|out| json::encode_message(out, &frame));
        prop_assert_eq!(json::message_len(&frame), text.len());
        let again = only(json::decode_server(&text));
        prop_assert_eq!(again_message(&again), &frame);
        Ok(())
    });
}

fn again_message<'f, 'a>(frame: &'f ServerFrame<'a>) -> &'f ackd_wire::v1::MessageFrame<'a> {
    let ServerFrame::Message(frame) = frame else { panic!("a message") };
    frame
}

#[test]
fn answers_round_trip_and_their_length_is_known_before() {
    check(&answer(), |frame| {
        let text = written(|out| json::encode(out, &frame));
        prop_assert_eq!(json::encoded_len(&frame), text.len());
        if let ServerFrame::Accepted(accepted) = &frame {
            prop_assert_eq!(json::accepted_len(accepted), text.len());
        }
        let again = only(json::decode_server(&text));
        prop_assert_eq!(describe_server::describe(&again), describe_server::describe(&frame));
        Ok(())
    });
}

#[test]
fn batches_give_the_frames_that_they_were_made_of() {
    check(&vec(client_frame(), 1..8), |frames| {
        let texts: Vec<_> =
            frames.iter().map(|frame| written(|out| json::encode_client(out, frame))).collect();
        let batch = format!(" [ {} ] ", texts.join(" ,\n"));
        let again: Result<Vec<_>, BadFrame> = json::decode(&batch).collect();
        let again = again.expect("all are good");
        let describe = |frames: &[ClientFrame<'_>]| -> Vec<_> {
            frames.iter().map(describe_client::describe).collect()
        };
        prop_assert_eq!(describe(&again), describe(&frames));
        Ok(())
    });
}

#[test]
fn what_reaches_a_classic_client_is_json_with_a_sender() {
    check(&(body(), name(), proptest::option::of(name())), |(body, from, to)| {
        let data =
            written(|out| classic::send_message_data(out, &body.lend(), &from, to.as_deref()));
        let whole = format!(r#"{{"command":"sendMessage","data":{data}}}"#);
        let read = classic::decode(&whole);
        let is_object = matches!(&body, OwnBody::Json(text) if text.starts_with('{'));
        if is_object {
            let OwnBody::Json(text) = &body else { panic!("an object is JSON") };
            prop_assert!(data.starts_with(&text[..text.len() - 1]));
        } else {
            let Ok(classic::ClientFrame::SendMessage { from: read, .. }) = read else {
                panic!("{data} is no data")
            };
            prop_assert_eq!(read.as_deref(), Some(&*from));
        }
        Ok(())
    });
}

/// Reads a text in every way there is; only a panic is a failure, and that reading comes to an end.
fn read_anyhow(text: &str) -> Result<(), TestCaseError> {
    let frames = json::decode(text).count();
    prop_assert!(0 < frames && frames <= BATCH_FRAMES_MAX + 1);
    prop_assert!(0 < json::decode_server(text).count());
    for bad in json::decode(text).filter_map(Result::err) {
        prop_assert!(bad.n != Some(0));
    }
    let _frame = classic::decode(text);
    let _frame = classic::decode_server(text);
    let _command = classic::read_command_body(text);
    let mut out = Vec::new();
    classic::send_message_data(&mut out, &Body::Json(text), "ann", Some("bob"));
    Ok(())
}

#[test]
fn random_text_never_panics() {
    check(&any::<String>(), |text| read_anyhow(&text));
    check(
        &vec(
            prop::sample::select(vec![
                "[", "{", "}", "]", "\"op\":", "\"n\":", ",", "1", "\"", "\\", " ",
            ]),
            0..30,
        ),
        |parts| read_anyhow(&parts.concat()),
    );
    check(&raw_json(), |text| read_anyhow(&text));
}

#[test]
fn mutated_frames_never_panic() {
    let change = (any::<prop::sample::Index>(), 0..3_u8, any::<char>());
    check(&(send(), body(), vec(change, 1..6)), |(mut frame, body, changes)| {
        frame.body = body.lend();
        let text = written(|out| json::encode_client(out, &ClientFrame::Send(frame)));
        let mut characters: Vec<char> = text.chars().collect();
        for (index, kind, character) in changes {
            let at = index.index(characters.len());
            match kind {
                0 => characters[at] = character,
                1 => characters.insert(at, character),
                _ if 1 < characters.len() => drop(characters.remove(at)),
                _ => {}
            }
        }
        read_anyhow(&characters.into_iter().collect::<String>())
    });
}

#[test]
fn a_frame_cut_anywhere_is_one_bad_frame() {
    let text = r#"{"op":"send","ref":"r","n":5,"to":"bob","body":{"a":[1,"x\n"]},"receipt":true}"#;
    for end in 0..text.len() {
        let frames: Vec<_> = json::decode(&text[..end]).collect();
        assert_eq!(frames.len(), 1, "{end}");
        let bad = frames[0].as_ref().expect_err("cut off");
        assert_eq!(bad.n, (text.find(r#","to""#) <= Some(end)).then_some(5), "{end}");
    }
}

#[test]
fn lists_of_ids_have_a_limit() {
    let list = |id: &str, count: usize| vec![format!("\"{id}\""); count].join(",");
    let id = MessageId([7; 16]).to_string();
    for op in ["ack", "reject"] {
        let text = |count| format!(r#"{{"op":"{op}","ids":[{}]}}"#, list(&id, count));
        assert!(json::decode(&text(ACK_IDS_MAX)).all(|frame| frame.is_ok()));
        let bad: Vec<_> = json::decode(&text(ACK_IDS_MAX + 1)).filter_map(Result::err).collect();
        assert_eq!(bad[0].message, "`ids` may hold at most 1024 entries");
    }
    let text = |count| format!(r#"{{"op":"watch","ids":[{}]}}"#, list("ann", count));
    assert!(json::decode(&text(WATCH_IDS_MAX)).all(|frame| frame.is_ok()));
    assert!(json::decode(&text(WATCH_IDS_MAX + 1)).all(|frame| frame.is_err()));
}

#[test]
fn a_batch_has_a_limit_and_what_is_beyond_is_one_bad_frame() {
    let batch = |count: usize| format!("[{}]", vec![r#"{"op":"ping"}"#; count].join(","));
    assert_eq!(json::decode(&batch(BATCH_FRAMES_MAX)).flatten().count(), 4_096);
    let too_many = batch(BATCH_FRAMES_MAX + 5);
    let frames: Vec<_> = json::decode(&too_many).collect();
    assert_eq!(frames.len(), BATCH_FRAMES_MAX + 1);
    assert!(frames[BATCH_FRAMES_MAX].is_err());
    assert!(frames[..BATCH_FRAMES_MAX].iter().all(Result::is_ok));
}

#[test]
fn a_megabyte_of_brackets_is_read_without_recursion() {
    let text = format!(r#"{{"op":"send","n":1,"to":"bob","body":{}"#, "[".repeat(1 << 20));
    assert_eq!(json::decode(&text).find_map(Result::err).and_then(|bad| bad.n), Some(1));
    let text = "[".repeat(1 << 20);
    assert!(json::decode(&text).all(|frame| frame.is_err()));
    assert!(
        json::decode_server(&text).all(|frame| matches!(frame, Err(UnreadableFrame::Malformed(_))))
    );
}

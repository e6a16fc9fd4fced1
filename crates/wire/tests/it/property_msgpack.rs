//! What holds for every frame in MessagePack, every body in either encoding, and all bytes.

use ackd_wire::limits::{ACK_IDS_MAX, BATCH_FRAMES_MAX};
use ackd_wire::v1::{Body, ClientFrame, JsonBody, SendFrame, Target, json, msgpack};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::golden_msgpack::{in_json, in_msgpack};
use crate::property::{check, only};
use crate::strategy::{body, client_frame, message, raw_json, send};
use crate::strategy_msgpack::msgpack_value;
use crate::strategy_server::server_frame;
use crate::{describe_client, describe_server};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

/// A send of this body.
fn frame(body: Body<'_>) -> ClientFrame<'_> {
    ClientFrame::Send(SendFrame {
        r#ref: None,
        n: None,
        target: Target::All,
        body,
        ttl_ms: None,
        persist: None,
        receipt: false,
    })
}

#[test]
fn client_frames_round_trip_and_say_the_same_in_both_encodings() {
    check(&client_frame(), |frame| {
        let expected = describe_client::describe(&frame);
        let bytes = written(|out| msgpack::encode_client(out, &frame));
        prop_assert_eq!(&describe_client::describe(&only(msgpack::decode(&bytes))), &expected);
        let text = written(|out| json::encode_client(out, &frame));
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        prop_assert_eq!(&describe_client::describe(&only(json::decode(&text))), &expected);
        Ok(())
    });
}

#[test]
fn server_frames_round_trip_and_say_the_same_in_both_encodings() {
    check(&server_frame(), |frame| {
        let expected = describe_server::describe(&frame);
        let bytes = written(|out| msgpack::encode(out, &frame));
        prop_assert_eq!(msgpack::encoded_len(&frame), bytes.len());
        let again = only(msgpack::decode_server(&bytes));
        prop_assert_eq!(&describe_server::describe(&again), &expected);
        let text = written(|out| json::encode(out, &frame));
        prop_assert_eq!(json::encoded_len(&frame), text.len());
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let again = only(json::decode_server(&text));
        prop_assert_eq!(&describe_server::describe(&again), &expected);
        Ok(())
    });
}

#[test]
fn no_byte_of_a_body_changes_and_its_length_is_known_before() {
    check(&(send(), message(), msgpack_value()), |(mut send, mut message, value)| {
        send.body = Body::MessagePack(&value);
        let bytes = written(|out| msgpack::encode_client(out, &ClientFrame::Send(send)));
        let ClientFrame::Send(again) = only(msgpack::decode(&bytes)) else { panic!("a send") };
        prop_assert_eq!(again.body, Body::MessagePack(&value));
        message.body = Body::MessagePack(&value);
        prop_assert_eq!(in_msgpack(&message.body), value);
        Ok(())
    });
}

#[test]
fn bytes_reach_both_encodings() {
    check(&vec(any::<u8>(), 0..300), |bytes| {
        let body = || Body::Binary(bytes.as_slice().into());
        let packed = written(|out| msgpack::encode_client(out, &frame(body())));
        let ClientFrame::Send(again) = only(msgpack::decode(&packed)) else { panic!("a send") };
        prop_assert_eq!(&again.body, &body());
        let text = written(|out| json::encode_client(out, &frame(again.body)));
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let ClientFrame::Send(again) = only(json::decode(&text)) else { panic!("a send") };
        prop_assert_eq!(&again.body, &body());
        Ok(())
    });
}

#[test]
fn what_json_says_survives_messagepack() {
    check(&raw_json(), |text| {
        let there = in_msgpack(&Body::Json(&text));
        let back = in_json(&Body::MessagePack(&there));
        // What cannot be kept is not asked for: numbers beyond floats, and halves of surrogate pairs.
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(serde_json::from_str::<Value>(&back).expect("JSON"), value);
            prop_assert_eq!(in_msgpack(&Body::Json(&back)), there, "a second journey");
        }
        Ok(())
    });
}

#[test]
fn what_messagepack_says_is_json_to_every_reader() {
    check(&msgpack_value(), |value| {
        let text = in_json(&Body::MessagePack(&value));
        let read = serde_json::from_str::<Value>(&text);
        prop_assert!(read.is_ok(), "{text}");
        let back = in_msgpack(&Body::Json(&text));
        prop_assert_eq!(in_json(&Body::MessagePack(&back)), text);
        Ok(())
    });
}

#[test]
fn batches_give_the_frames_that_they_were_made_of() {
    check(&vec(client_frame(), 1..20), |frames| {
        let mut batch = match u8::try_from(frames.len()).expect("few") {
            few @ 0..16 => vec![0x90 | few],
            many => vec![0xdc, 0, many],
        };
        for frame in &frames {
            msgpack::encode_client(&mut batch, frame);
        }
        let again: Result<Vec<_>, _> = msgpack::decode(&batch).collect();
        let again = again.expect("all are good");
        let describe = |frames: &[ClientFrame<'_>]| -> Vec<_> {
            frames.iter().map(describe_client::describe).collect()
        };
        prop_assert_eq!(describe(&again), describe(&frames));
        Ok(())
    });
}

/// Reads bytes in every way there is; only a panic is a failure, and that reading comes to an end.
fn read_anyhow(bytes: &[u8]) -> Result<(), TestCaseError> {
    let frames = msgpack::decode(bytes).count();
    prop_assert!(0 < frames && frames <= BATCH_FRAMES_MAX + 1);
    prop_assert!(0 < msgpack::decode_server(bytes).count());
    for bad in msgpack::decode(bytes).filter_map(Result::err) {
        prop_assert!(bad.n != Some(0));
    }
    // A body that was never read as part of a frame.
    let (mut text, body) = (String::new(), Body::MessagePack(bytes));
    if let JsonBody::Value(text) = body.in_json(&mut text) {
        prop_assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
    let text = String::from_utf8_lossy(bytes);
    let packed = written(|out| msgpack::encode_client(out, &frame(Body::Json(&text))));
    prop_assert!(msgpack::decode(&packed).all(|frame| frame.is_ok()));
    Ok(())
}

#[test]
fn random_bytes_never_panic() {
    check(&vec(any::<u8>(), 0..200), |bytes| read_anyhow(&bytes));
    // Heads of containers, strings and numbers more often than by chance.
    let heads = prop::sample::select(
        &b"\x81\x92\xa2op\xc0\xc1\xc4\xc7\xcb\xcf\xd3\xd4\xd9\xdb\xdc\xdd\xde\xdf\0\x01"[..],
    );
    check(&vec(heads, 0..60), |bytes| read_anyhow(&bytes));
    check(&raw_json(), |text| read_anyhow(text.as_bytes()));
}

#[test]
fn mutated_frames_never_panic() {
    let change = (any::<prop::sample::Index>(), 0..3_u8, any::<u8>());
    check(&(send(), body(), vec(change, 1..6)), |(mut frame, body, changes)| {
        frame.body = body.lend();
        let mut bytes = written(|out| msgpack::encode_client(out, &ClientFrame::Send(frame)));
        for (index, kind, byte) in changes {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ if 1 < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        read_anyhow(&bytes)
    });
}

#[test]
fn a_frame_cut_anywhere_is_one_bad_frame() {
    check(&client_frame(), |frame| {
        let bytes = written(|out| msgpack::encode_client(out, &frame));
        for end in 0..bytes.len() {
            let frames: Vec<_> = msgpack::decode(&bytes[..end]).collect();
            prop_assert!(matches!(&frames[..], [Err(_)]), "{end} of {bytes:?}: {frames:?}");
        }
        Ok(())
    });
}

#[test]
fn lists_and_batches_have_limits() {
    let acks = |count: usize| {
        let ids = vec![ackd_wire::MessageId([7; 16]); count];
        written(|out| msgpack::encode_client(out, &ClientFrame::Reject { r#ref: None, ids }))
    };
    assert!(msgpack::decode(&acks(ACK_IDS_MAX)).all(|frame| frame.is_ok()));
    let bad = msgpack::decode(&acks(ACK_IDS_MAX + 1)).find_map(Result::err).expect("too many");
    assert_eq!(bad.message, "`ids` may hold at most 1024 entries");
    let ping = written(|out| msgpack::encode_client(out, &ClientFrame::Ping { r#ref: None }));
    let batch =
        |count: u16| [&[0xdc][..], &count.to_be_bytes(), &ping.repeat(count.into())].concat();
    assert_eq!(msgpack::decode(&batch(4_096)).flatten().count(), BATCH_FRAMES_MAX);
    let too_many = batch(4_101);
    let frames: Vec<_> = msgpack::decode(&too_many).collect();
    assert_eq!(frames.len(), BATCH_FRAMES_MAX + 1);
    assert!(frames[BATCH_FRAMES_MAX].is_err());
}

#[test]
fn a_megabyte_of_heads_is_read_without_recursion() {
    for head in [0x91, 0x81] {
        let mut bytes =
            written(|out| msgpack::encode_client(out, &ClientFrame::Ping { r#ref: None }));
        bytes[0] = 0x82;
        bytes.extend_from_slice(b"\xa1x");
        bytes.extend(std::iter::repeat_n(head, 1 << 20));
        assert!(msgpack::decode(&bytes).all(|frame| frame.is_err()));
        assert!(msgpack::decode(&vec![head; 1 << 20]).all(|frame| frame.is_err()));
    }
}

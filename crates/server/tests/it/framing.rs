//! WebSocket frames, right and wrong (RFC 6455).

use ackd_websocket::{Encoder, Opcode};
use serde_json::json;

use crate::support::{Client, Heard, server};

async fn check(wrong: impl AsyncFnOnce(&mut Client), code: u16) {
    let server = server().start().await;
    let mut client = server.client().await;
    let mut other = server.client().await;
    wrong(&mut client).await;
    assert_eq!(client.close_code().await, Some(code));
    other.round_trip().await;
}

#[tokio::test]
async fn binary_where_json_is_spoken_is_1003() {
    check(async |client| client.send_with(|e, out| e.binary(out, b"\x81")).await, 1003).await;
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_1007() {
    let frame = |e: Encoder, out: &mut Vec<u8>| {
        e.fragment(out, Opcode::Text, b"\"\xc3");
        e.last_fragment(out, b"\x28\"");
    };
    check(async |client| client.send_with(frame).await, 1007).await;
    // A whole frame of it, masked by zeros.
    check(async |client| client.send_bytes(b"\x81\x82\0\0\0\0\xff\xff").await, 1007).await;
}

#[tokio::test]
async fn what_breaks_the_protocol_is_1002() {
    let wrong: [&[u8]; 6] = [
        b"\x81\x02{}",               // not masked
        b"\xc1\x82\0\0\0\0{}",       // a reserved bit
        b"\x83\x82\0\0\0\0{}",       // a reserved opcode
        b"\x09\x80\0\0\0\0",         // a ping in fragments
        b"\x80\x82\0\0\0\0{}",       // nothing to continue
        b"\x88\x82\0\0\0\0\x03\xed", // close code 1005
    ];
    for bytes in wrong {
        check(async |client| client.send_bytes(bytes).await, 1002).await;
    }
}

#[tokio::test]
async fn a_message_over_sixteen_times_max_message_is_1009_from_its_header_on() {
    let server = server().set("max_message", "1KiB").start().await;
    let longest = " ".repeat(16 * 1024 - 13) + r#"{"op":"ping"}"#;
    let mut client = server.client().await;
    client.send_text(&longest).await;
    client.expect("pong").await;
    let mut header = vec![0x81, 0xfe];
    header.extend_from_slice(&(16 * 1024 + 1_u16).to_be_bytes());
    client.send_bytes(&header).await;
    client.send_bytes(&[0; 4]).await;
    assert_eq!(client.close_code().await, Some(1009));
    // Also where the parts are small.
    let mut client = server.client().await;
    client.send_with(|e, out| e.fragment(out, Opcode::Text, &[b' '; 16_000])).await;
    client.send_with(|e, out| e.last_fragment(out, &[b' '; 385])).await;
    assert_eq!(client.close_code().await, Some(1009));
}

#[tokio::test]
async fn a_message_in_fragments_is_one_and_pings_may_come_between() {
    let server = server().start().await;
    let mut client = server.client().await;
    client
        .send_with(|e, out| {
            e.fragment(out, Opcode::Text, br#"{"op":"pi"#);
            e.ping(out, b"between");
            e.fragment(out, Opcode::Continuation, b"");
            e.last_fragment(out, br#"ng","ref":"a"}"#);
            e.text(out, r#"{"op":"ping","ref":"b"}"#);
        })
        .await;
    assert_eq!(client.hear().await, Heard::Pong(b"between".to_vec()));
    assert_eq!(client.expect("pong").await["ref"], "a");
    assert_eq!(client.expect("pong").await["ref"], "b");
}

#[tokio::test]
async fn frames_that_come_byte_by_byte_are_heard_all_the_same() {
    let server = server().start().await;
    let mut client = server.client().await;
    let mut bytes = Vec::new();
    Encoder::client([9, 8, 7, 6]).text(&mut bytes, r#"{"op":"ping","ref":"slow"}"#);
    for byte in bytes {
        client.send_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.expect("pong").await["ref"], "slow");
}

#[tokio::test]
async fn messages_of_one_write_and_frames_of_one_batch_are_handled_in_order() {
    let server = server().start().await;
    let mut client = server.client().await;
    client
        .send_with(|e, out| {
            for batch in 0..40 {
                let frame = |k| json!({"op": "ping", "ref": format!("{}", batch * 50 + k)});
                let frames: Vec<_> = (0..50).map(frame).collect();
                e.text(out, &serde_json::to_string(&frames).expect("JSON"));
            }
        })
        .await;
    for expected in 0..2000 {
        assert_eq!(client.expect("pong").await["ref"], expected.to_string());
    }
}

#[tokio::test]
async fn what_was_said_before_a_fault_is_answered_before_the_close() {
    let server = server().start().await;
    let mut client = server.client().await;
    client
        .send_with(|e, out| {
            e.text(out, r#"{"op":"ping","ref":"last"}"#);
            out.extend_from_slice(b"\x81\x02{}");
        })
        .await;
    assert_eq!(client.expect("pong").await["ref"], "last");
    assert_eq!(client.close_code().await, Some(1002));
}

#[tokio::test]
async fn what_comes_behind_connect_in_one_write_waits_for_it() {
    let server = server().start().await;
    let mut client = server.upgraded().await;
    client
        .send_with(|e, out| {
            e.text(out, r#"[{"op":"connect"},{"op":"join","ref":"1","room":"lobby"}]"#);
            e.text(out, r#"{"op":"ping","ref":"2"}"#);
            e.fragment(out, Opcode::Text, br#"{"op":"ping""#);
            e.last_fragment(out, br#","ref":"3"}"#);
        })
        .await;
    client.expect("connected").await;
    let mut refs = Vec::new();
    for _ in 0..3 {
        let frame = client.receive().await;
        refs.push(frame["ref"].as_str().expect("a ref").to_owned());
    }
    refs.sort(); // a room's answer may come behind the pongs
    assert_eq!(refs, ["1", "2", "3"]);
}

#[tokio::test]
async fn what_comes_behind_a_classic_set_id_in_one_write_waits_for_it() {
    let server = server().start().await;
    let mut client = server.upgraded_at("/ws/lobby").await;
    client
        .send_with(|e, out| {
            e.text(out, r#"{"command":"setID","data":"ann"}"#);
            e.text(out, r#"{"command":"newID"}"#);
        })
        .await;
    let mut ids = Vec::new();
    while ids.len() < 2 {
        let frame = client.receive().await;
        if frame["body"]["command"] == "clientID" {
            ids.push(frame["clientID"].clone());
        }
    }
    assert_eq!(ids, ["ann", "ann"]);
}

#[tokio::test]
async fn a_large_message_passes_both_ways_unchanged() {
    let server = server().set("max_message", "1MiB").start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    let body = "ü".repeat(500_000);
    ann.send(json!({"op": "send", "ref": "1", "to": bob.id, "body": body})).await;
    ann.expect("accepted").await;
    assert_eq!(bob.expect("message").await["body"], body);
}

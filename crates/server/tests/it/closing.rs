//! How a connection ends.

use ackd_websocket::Encoder;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Heard, server};

#[tokio::test]
async fn a_close_is_echoed_and_the_connection_ends() {
    let server = server().start().await;
    for code in [1000, 1001, 3000, 4999] {
        let mut client = server.client().await;
        client.send_with(|e, out| e.close(out, code, "done")).await;
        assert_eq!(client.hear().await, Heard::Close(Some(code)));
        assert_eq!(client.hear().await, Heard::End);
    }
    let mut client = server.client().await;
    client.send_with(Encoder::close_silently).await;
    assert_eq!(client.hear().await, Heard::Close(Some(1000)));
    assert_eq!(client.hear().await, Heard::End);
}

#[tokio::test]
async fn what_was_said_before_the_close_is_done() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    ann.send_with(|e, out| {
        e.text(out, &json!({"op": "send", "to": bob.id, "body": "last words"}).to_string());
        e.close(out, 1000, "");
        e.text(out, &json!({"op": "send", "to": bob.id, "body": "too late"}).to_string());
    })
    .await;
    assert_eq!(bob.expect("message").await["body"], "last words");
    while ann.hear().await != Heard::End {}
    bob.round_trip().await;
}

#[tokio::test]
async fn the_close_code_reaches_a_client_that_is_still_sending() {
    let server = server().start().await;
    let mut client = server.client().await;
    // The fault, and so much behind it that it cannot all have been read when the server closes.
    client.send_bytes(b"\x81\x02{}").await;
    for _ in 0..64 {
        if client.stream.write_all(&[0; 16 * 1024]).await.is_err() {
            break;
        }
    }
    loop {
        match client.hear().await {
            Heard::Close(code) => break assert_eq!(code, Some(1002)),
            Heard::End => panic!("ended without a close frame"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_bad_first_frame_is_4400() {
    let server = server().start().await;
    let first = [
        (json!({"op": "ping"}), "not_connected"),
        (json!({"op": "connect", "id": "ann"}), "bad_frame"),
        (json!("connect"), "bad_frame"),
    ];
    for (frame, code) in first {
        let mut client = server.upgraded().await;
        client.send(frame).await;
        client.expect_error(code).await;
        assert_eq!(client.close_code().await, Some(4400));
    }
}

#[tokio::test]
async fn ten_bad_frames_in_a_row_are_4400_and_a_good_one_between_starts_anew() {
    let server = server().start().await;
    let mut client = server.client().await;
    for _ in 0..9 {
        client.send_text("{").await;
        client.expect_error("bad_frame").await;
    }
    client.round_trip().await;
    for _ in 0..10 {
        client.send(json!({"op": "dance"})).await;
        client.expect_error("bad_frame").await;
    }
    assert_eq!(client.close_code().await, Some(4400));
}

#[tokio::test]
async fn a_wrong_token_is_4401_and_what_policy_forbids_is_4403() {
    let server = server().set("auth.anonymous", false).start().await;
    server.client_named("ann").await.close().await;
    let mut thief = server.upgraded().await;
    thief.send(json!({"op": "connect", "id": "ann", "token": "B".repeat(42) + "A"})).await;
    thief.expect_error("unauthorized").await;
    assert_eq!(thief.close_code().await, Some(4401));
    let mut nobody = server.upgraded().await;
    nobody.send(json!({"op": "connect"})).await;
    nobody.expect_error("forbidden").await;
    assert_eq!(nobody.close_code().await, Some(4403));
}

#[tokio::test]
async fn a_connection_that_is_cut_leaves_its_mail_for_the_next() {
    let server = server().start().await;
    let (mut ann, bob) = (server.client().await, server.client().await);
    let credential = bob.credential();
    drop(bob); // no close frame
    ann.send(json!({"op": "send", "to": credential["id"], "body": 1})).await;
    ann.expect("accepted").await;
    let mut bob = server.upgraded().await;
    bob.connect(credential).await;
    assert_eq!(bob.expect("message").await["body"], 1);
}

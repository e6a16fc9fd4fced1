//! What an operator reads in the log: one line for each connect, disconnect, archive and hand-over; and what nobody
//! reads there.

use serde_json::json;
use tracing::Level;

use crate::support::{Client, Log, server};

async fn send_batch(sender: &mut Client, to: &str, count: usize) {
    let sends: Vec<_> =
        (0..count).map(|k| json!({"op": "send", "ref": "r", "to": to, "body": k})).collect();
    sender.send(json!(sends)).await;
    for _ in 0..count {
        sender.expect("accepted").await;
    }
}

#[tokio::test]
async fn who_comes_and_goes_is_one_line_each_with_the_number_of_connections() {
    let (log, _guard) = Log::capture(Level::INFO);
    let server = server().start().await;
    let mut ann = server.client_named("ann").await;
    let mut bob = server.upgraded().await;
    bob.connect(json!({"device": "phone"})).await;
    let id = bob.id.clone();
    bob.close().await;
    ann.round_trip().await;
    let connected = log.lines("connected");
    assert_eq!(connected.len(), 3, "{connected:?}");
    assert!(connected[0].starts_with(r#" INFO connected id="ann" remote=127.0.0.1:"#));
    assert!(connected[0].ends_with("connections=1"), "{}", connected[0]);
    assert!(connected[1].contains(&format!(r#"connected id="{id}" device="phone" remote="#)));
    assert!(connected[1].ends_with("connections=2"), "{}", connected[1]);
    assert_eq!(connected[2], format!(r#" INFO disconnected id="{id}" code=1000 connections=1"#));
}

#[tokio::test]
async fn what_is_archived_and_handed_over_is_one_line_a_batch() {
    let (log, _guard) = Log::capture(Level::INFO);
    let server = server().set("ack_timeout", "2s").start().await;
    let (mut ann, bob) = (server.client_named("ann").await, server.client_named("bob").await);
    let credential = bob.credential();
    bob.close().await;
    send_batch(&mut ann, "bob", 30).await;
    let away = r#" INFO archived from="ann" messages=30 why="its recipient is away""#;
    assert_eq!(log.lines("archived"), [away]);
    assert_eq!(log.lines("handed over"), [""; 0]);
    let mut bob = server.upgraded().await;
    bob.connect(credential).await;
    for _ in 0..30 {
        bob.expect("message").await;
    }
    assert_eq!(log.lines("handed over"), [r#" INFO handed over id="bob" messages=30"#]);
    for _ in 0..30 {
        assert_eq!(bob.expect("message").await["attempt"], 2, "no ack came in time");
    }
    let late = r#" INFO archived id="bob" messages=30 why="not acknowledged in time""#;
    assert_eq!(log.lines("archived"), [away, late]);
    assert_eq!(log.lines("handed over").len(), 2);
    bob.send(json!({"op": "ack", "seq": 30})).await;
    bob.round_trip().await;
    send_batch(&mut ann, "bob", 1).await;
    bob.expect("message").await;
    bob.close().await;
    ann.round_trip().await;
    let left = r#" INFO archived id="bob" messages=1 why="the connection has ended""#;
    assert_eq!(log.lines("archived"), [away, late, left]);
}

#[tokio::test]
async fn what_another_tab_still_has_is_not_archived() {
    let (log, _guard) = Log::capture(Level::INFO);
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    let mut tab = server.upgraded().await;
    tab.connect(bob.credential()).await;
    send_batch(&mut ann, &bob.id, 1).await;
    bob.expect("message").await;
    tab.expect("message").await;
    bob.close().await;
    tab.round_trip().await;
    assert_eq!(log.lines("archived"), [""; 0]);
    tab.close().await;
    ann.round_trip().await;
    assert_eq!(log.lines("archived").len(), 1);
}

#[tokio::test]
async fn bodies_and_tokens_are_in_no_line_of_any_level() {
    let (log, _guard) = Log::capture(Level::TRACE);
    let server = server().start().await;
    let token = "SecretSecretSecretSecretSecretSecretSecretA";
    let mut ann = server.upgraded().await;
    ann.connect(json!({"id": "ann", "token": token, "new": true, "outbox": "o"})).await;
    let mut bob = server.client().await;
    let issued = bob.token.clone();
    let body = "a-body-that-nobody-logs";
    let frames = json!([
        {"op": "send", "ref": "a-ref", "to": bob.id, "body": body},
        {"op": "send", "n": 1, "to": "nobody", "body": body},
        {"op": "send", "ref": "1", "to": bob.id, "body": body, "all": true},
        {"op": "rotate", "ref": "2", "token": "Rotated".repeat(6) + "A"},
        {"op": "dance", "body": body},
    ]);
    ann.send(frames).await;
    for _ in 0..5 {
        ann.receive().await;
    }
    bob.expect("message").await;
    ann.send_text(&format!(r#"{{"op":"send","body":"{body}""#)).await;
    ann.expect_error("bad_frame").await;
    let mut thief = server.upgraded().await;
    thief.send(json!({"op": "connect", "id": "ann", "token": issued})).await;
    thief.expect_error("unauthorized").await;
    let mut classic = server.upgraded_at("/ws/1").await;
    classic.receive().await;
    classic.send(json!({"command": "sendMessage", "data": {"to": "ann", "text": body}})).await;
    ann.expect("message").await;
    ann.close().await;
    tracing::trace!("the end");
    let text = log.text();
    assert!(text.contains("connected") && text.contains("the end"), "{text}");
    for secret in [token, &issued, "RotatedRotated", body] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

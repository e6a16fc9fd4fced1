//! The server's own life: drain, stop, kill, and what is left of it.

use serde_json::json;

use crate::support::{Client, Heard, Running, ask, server, soon, upgrade_request};

#[tokio::test]
async fn a_drain_says_goodbye_to_everyone_and_stores_what_waits() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    let mut waiting = server.upgraded().await;
    ann.send(json!({"op": "send", "to": bob.id, "body": "kept"})).await;
    ann.expect("accepted").await;
    bob.expect("message").await;
    let stopping = tokio::spawn(server.stop());
    for client in [&mut ann, &mut bob, &mut waiting] {
        let goaway = client.expect("goaway").await;
        assert_eq!(goaway["reason"], "draining");
        assert!(goaway["reconnect_after_ms"].as_u64().expect("a pause") < 60_000);
        assert_eq!(client.close_code().await, Some(1001));
    }
    let server = soon("the end", stopping).await.expect("no panic").start().await;
    let credential = bob.credential();
    let mut bob = server.upgraded().await;
    assert_eq!(bob.connect(credential).await["pending"], 1);
    let message = bob.expect("message").await;
    assert_eq!((&message["body"], &message["attempt"]), (&json!("kept"), &json!(2)));
}

#[tokio::test]
async fn while_it_drains_nobody_new_is_let_in() {
    let server = server().start().await;
    let (mut ann, mut deaf) = (server.client().await, server.upgraded().await);
    deaf.connect(json!({"window": 1024})).await;
    for _ in 0..200 {
        // More than any socket holds: the server waits for this client to read the close frame.
        ann.send(json!({"op": "send", "to": deaf.id, "body": "x".repeat(60_000)})).await;
        ann.expect("accepted").await;
    }
    let (mut early, mut late) = (server.dial().await, server.dial().await);
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    ann.expect("goaway").await;
    let answer = ask(&mut early, &upgrade_request("/v1/ws")).await.expect("an answer");
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true));
    let ready = "GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n";
    assert_eq!(ask(&mut late, ready).await.expect("an answer").status, 503);
    drop(deaf);
    soon("the end", stopping).await.expect("no panic");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_kill_says_nothing_and_loses_nothing_that_was_accepted() {
    let server = server().start().await;
    let (mut ann, bob) = (server.client().await, server.client().await);
    let credential = bob.credential();
    bob.close().await;
    for k in 0..100 {
        ann.send(json!({"op": "send", "to": credential["id"], "body": k})).await;
    }
    for _ in 0..100 {
        ann.expect("accepted").await;
    }
    let stopped = server.kill().await;
    assert_eq!(ann.hear().await, Heard::End);
    let server = stopped.start().await;
    let mut bob = server.upgraded().await;
    assert_eq!(bob.connect(credential).await["pending"], 100);
    for k in 0..100 {
        let message = bob.expect("message").await;
        assert_eq!(message["body"], k);
        bob.send(json!({"op": "ack", "seq": message["seq"]})).await;
    }
}

#[tokio::test]
async fn two_servers_cannot_share_a_store() {
    let server = server().start().await;
    let refused = server.start_another().await;
    assert!(refused.contains("in use by process"), "{refused}");
}

/// A member of room `r` that reads nothing, and who sends there.
async fn deaf_in_a_room(server: &Running) -> (Client, Client) {
    let (mut ann, mut deaf) = (server.client().await, server.upgraded().await);
    deaf.connect(json!({"window": 1024})).await;
    for client in [&mut ann, &mut deaf] {
        client.send(json!({"op": "join", "room": "r"})).await;
        client.expect("joined").await;
    }
    for k in 0..200 {
        // 12 MB, more than any socket holds: they lie in its window, before it, and in front of its socket.
        ann.send(json!({"op": "send", "room": "r", "body": [k, "x".repeat(60_000)]})).await;
        ann.expect("accepted").await;
    }
    (ann, deaf)
}

/// All that `deaf` has not acknowledged waits for it, in order.
async fn check_missed(server: &Running, credential: serde_json::Value) {
    let mut deaf = server.upgraded().await;
    let connected = deaf.connect(credential).await;
    assert_eq!(connected["pending"], 200, "{connected}");
    for k in 0..200 {
        let message = deaf.expect("message").await;
        assert_eq!((&message["body"][0], &message["room"]), (&json!(k), &json!("r")));
        deaf.send(json!({"op": "ack", "seq": message["seq"]})).await;
    }
}

#[tokio::test]
async fn live_messages_of_a_client_that_goes_without_reading_are_stored() {
    let server = server().start().await;
    let (_ann, deaf) = deaf_in_a_room(&server).await;
    let credential = deaf.credential();
    drop(deaf);
    let gone = async {
        while server.get("/metrics").await.body.contains("\nackd_connections 2\n") {
            tokio::task::yield_now().await;
        }
    };
    soon("it to be gone", gone).await;
    check_missed(&server, credential).await;
}

#[tokio::test]
async fn a_drain_stores_what_is_live_also_for_whoever_does_not_read() {
    let server = server().set("drain_timeout", "2s").set("mailbox_bytes", "64MiB").start().await;
    let (mut ann, deaf) = deaf_in_a_room(&server).await;
    let stopping = tokio::spawn(server.stop());
    ann.expect("goaway").await;
    let server = soon("the end", stopping).await.expect("no panic").start().await;
    check_missed(&server, deaf.credential()).await;
}

#[tokio::test]
async fn a_drain_without_any_time_stores_what_is_live_too() {
    let server = server().set("drain_timeout", "0s").start().await;
    let (_ann, deaf) = deaf_in_a_room(&server).await;
    let server = server.stop().await.start().await;
    check_missed(&server, deaf.credential()).await;
}

#[tokio::test]
async fn whoever_is_in_a_hurry_waits_for_nobody_and_loses_nothing() {
    let server = server().set("drain_timeout", "1h").start().await;
    let (_ann, deaf) = deaf_in_a_room(&server).await;
    let (hurry, hurried) = tokio::sync::oneshot::channel();
    let stopping = tokio::spawn(server.stop_hurried_by(hurried));
    hurry.send(()).expect("it waits");
    let server = soon("the end", stopping).await.expect("no panic").start().await;
    check_missed(&server, deaf.credential()).await;
}

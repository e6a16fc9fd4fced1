//! The server's own life: drain, stop, kill, and what is left of it.

use serde_json::json;

use crate::support::{Heard, ask, server, soon, upgrade_request};

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

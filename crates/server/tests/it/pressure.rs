//! Clients that read slowly or not at all, and clients that speak too fast.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, Heard, server};

async fn send_many(sender: &mut Client, to: &str, count: usize, body: &str) {
    for k in 0..count {
        sender.send(json!({"op": "send", "ref": k.to_string(), "to": to, "body": body})).await;
        sender.expect("accepted").await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_costs_the_others_nothing_and_loses_nothing() {
    let server = server().start().await;
    let (mut ann, mut bob, mut deaf) =
        (server.client().await, server.client().await, server.upgraded().await);
    deaf.connect(json!({"window": 1024})).await;
    let body = "x".repeat(60_000);
    send_many(&mut ann, &deaf.id.clone(), 200, &body).await; // 12 MB, more than any socket holds
    send_many(&mut ann, &bob.id.clone(), 10, "quick").await;
    for _ in 0..10 {
        assert_eq!(bob.expect("message").await["body"], "quick");
    }
    for _ in 0..200 {
        assert_eq!(deaf.expect("message").await["body"], body);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up() {
    let server = server().set("ping_interval", "100ms").start().await;
    let (mut ann, mut deaf) = (server.client().await, server.client().await);
    deaf.mute();
    send_many(&mut ann, &deaf.id.clone(), 64, &"x".repeat(60_000)).await;
    ann.send(json!({"op": "join", "room": "r"})).await;
    // What was written arrives, then the connection ends one way or the other.
    while deaf.hear().await != Heard::End {}
    let mut again = server.upgraded().await;
    let credential = deaf.credential();
    assert_eq!(again.connect(credential).await["pending"], 64, "nothing was lost");
}

#[tokio::test]
async fn a_client_that_asks_and_does_not_listen_is_not_heard_any_more() {
    let server = server().set("limits.frames_per_second", 1_000_000).start().await;
    let mut client = server.client().await;
    let batch = json!(vec![json!({"op": "ping", "ref": "r".repeat(64)}); 1000]).to_string();
    // Answers are as large as questions: once the sockets are full, the server stops reading.
    let mut unread = 0;
    loop {
        let send = client.send_text(&batch);
        if tokio::time::timeout(Duration::from_secs(2), send).await.is_err() {
            break;
        }
        unread += batch.len();
        assert!(unread < 256 << 20, "the server reads on although nobody takes its answers");
    }
    let mut other = server.client().await;
    other.round_trip().await;
}

#[tokio::test]
async fn more_frames_a_second_than_allowed_are_read_more_slowly_and_none_is_lost() {
    let server = server().set("limits.frames_per_second", 100).start().await;
    let mut client = server.client().await;
    #[expect(clippy::disallowed_methods, reason = "the rate is what is measured")]
    let start = Instant::now();
    for k in 0..250 {
        client.send(json!({"op": "ping", "ref": k.to_string()})).await;
    }
    for k in 0..250 {
        assert_eq!(client.expect("pong").await["ref"], k.to_string());
    }
    // 200 at once, 50 at 100 a second.
    assert!(Duration::from_millis(300) < start.elapsed(), "{:?}", start.elapsed());
}

#[tokio::test]
async fn acks_are_free() {
    let server = server().set("limits.frames_per_second", 1).start().await;
    let mut client = server.client().await;
    let acks = json!(vec![json!({"op": "ack", "ids": ["0".repeat(32)]}); 4000]);
    client.send(acks).await;
    client.round_trip().await;
}

#[tokio::test]
async fn pongs_and_repeats_of_accepted_sends_are_free() {
    let server = server().set("limits.frames_per_second", 2).start().await;
    let mut client = server.upgraded().await;
    client.connect(json!({"outbox": "o"})).await;
    client.send_with(|encoder, out| (0..4000).for_each(|_| encoder.pong(out, b"unasked"))).await;
    let send = json!({"op": "send", "n": 1, "to": client.id, "body": 1});
    client.send(send.clone()).await;
    client.expect("accepted").await;
    client.expect("message").await;
    for _ in 0..500 {
        client.send(send.clone()).await; // paid for, they would take more than four minutes
        assert_eq!(client.expect("accepted").await["dup"], true);
    }
    client.round_trip().await;
}

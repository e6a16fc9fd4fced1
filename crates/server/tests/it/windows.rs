//! The window: so many unacknowledged messages are in flight, never more; the rest waits in the store (promise 5).

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// `count` messages for bob, in one batch; their bodies are 1, 2, 3 …
async fn fill(server: &Running, to: &str, count: u64) {
    let mut ann = server.client().await;
    let sends = (1..=count).map(|k| json!({"op": "send", "ref": "r", "to": to, "body": k}));
    ann.send(json!(sends.collect::<Vec<_>>())).await;
    for _ in 0..count {
        ann.expect("accepted").await;
    }
    ann.close().await;
}

/// What is in flight before the answer to a ping that is sent now.
async fn in_flight(client: &mut Client) -> Vec<Value> {
    client.send(json!({"op": "ping", "ref": "end"})).await;
    let mut messages = Vec::new();
    loop {
        let frame = client.receive().await;
        if frame["op"] == "pong" {
            return messages;
        }
        assert_eq!(frame["op"], "message", "{frame}");
        messages.push(frame);
    }
}

/// Waits for `count` messages, and sees that no more come.
async fn expect_exactly(client: &mut Client, count: usize) -> Vec<Value> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(client.expect("message").await);
    }
    assert_eq!(in_flight(client).await, [Value::Null; 0], "more than the window");
    messages
}

#[tokio::test]
async fn it_is_never_exceeded_and_refilled_by_what_is_acknowledged() {
    let server = server().start().await;
    let bob = server.client_named("bob").await;
    let mut fields = bob.credential();
    bob.close().await;
    fill(&server, "bob", 25).await;
    fields["window"] = 10.into();
    let (mut bob, connected) = server.enter(fields).await;
    assert_eq!(connected["pending"], 25);
    let first = expect_exactly(&mut bob, 10).await;
    bob.send(json!({"op": "ack", "seq": first[3]["seq"]})).await;
    let next = expect_exactly(&mut bob, 4).await;
    bob.send(json!({"op": "ack", "ids": [first[9]["id"], next[0]["id"]]})).await;
    let more = expect_exactly(&mut bob, 2).await;
    bob.send(json!({"op": "ack", "seq": more[1]["seq"]})).await;
    let rest = expect_exactly(&mut bob, 9).await;
    let all: Vec<_> = [first, next, more, rest].concat();
    let bodies: Vec<_> = all.iter().map(|message| message["body"].as_u64()).collect();
    assert_eq!(bodies, (1..=25).map(Some).collect::<Vec<_>>(), "in order, each once");
    assert!(all.iter().all(|message| message["attempt"] == Value::Null));
}

#[tokio::test]
async fn it_holds_for_what_comes_while_the_client_is_there_too() {
    let server = server().start().await;
    let (mut bob, _) = server.enter(json!({"window": 3})).await;
    fill(&server, &bob.id.clone(), 8).await;
    let first = expect_exactly(&mut bob, 3).await;
    bob.send(json!({"op": "ack", "seq": first[2]["seq"]})).await;
    let next = expect_exactly(&mut bob, 3).await;
    bob.send(json!({"op": "ack", "seq": next[2]["seq"]})).await;
    let rest = expect_exactly(&mut bob, 2).await;
    assert_eq!(rest[1]["body"], 8);
}

#[tokio::test]
async fn it_is_64_where_the_client_does_not_say_and_at_least_1_and_at_most_1024() {
    let server = server().set("mailbox_sender_limit", 2000).start().await;
    for (asked, window) in [(json!(null), 64), (json!(0), 1), (json!(5000), 1024)] {
        let bob = server.client().await;
        let (id, mut fields) = (bob.id.clone(), bob.credential());
        bob.close().await;
        fill(&server, &id, 1100).await;
        fields["window"] = asked;
        let (mut bob, _) = server.enter(fields).await;
        let messages = expect_exactly(&mut bob, window).await;
        assert_eq!(messages[window - 1]["body"], window);
    }
}

#[tokio::test]
async fn a_client_that_lags_is_read_on_in_order_while_new_ones_come() {
    let server = server().start().await;
    let (mut bob, _) = server.enter(json!({"window": 16})).await;
    let id = bob.id.clone();
    fill(&server, &id, 300).await;
    let mut last = 0;
    for k in 1..=600_u64 {
        let message = bob.expect("message").await;
        assert_eq!(message["body"], (k - 1) % 300 + 1);
        let seq = message["seq"].as_u64().expect("a seq");
        assert!(last < seq, "strictly increasing");
        last = seq;
        bob.send(json!({"op": "ack", "seq": seq})).await;
        if k == 100 {
            fill(&server, &id, 300).await;
        }
    }
}

//! A message ends with its time (`ttl_ms`), and whoever had not read it is told where it stood (promise 6).

use serde_json::{Value, json};

use crate::support::server;

#[tokio::test]
async fn what_expired_while_its_recipient_was_away_is_lost_where_it_stood() {
    let server = server().start().await;
    let (mut ann, bob) = (server.client().await, server.client_named("bob").await);
    let credential = bob.credential();
    bob.close().await;
    ann.tell("bob", 1).await;
    for body in [2, 3] {
        ann.send(json!({"op": "send", "to": "bob", "body": body, "ttl_ms": 1})).await;
        ann.expect("accepted").await;
    }
    ann.tell("bob", 4).await;
    // Until their millisecond is over they come as messages.
    let (first, lost, mut bob) = loop {
        let (mut bob, _) = server.enter(credential.clone()).await;
        let first = bob.expect_body(1).await;
        let next = bob.receive().await;
        if next["op"] == "lost" && next["to"] == json!(first["seq"].as_u64().unwrap() + 2) {
            break (first, next, bob);
        }
        bob.close().await;
    };
    let seq = first["seq"].as_u64().unwrap();
    let expected =
        json!({"op": "lost", "from": seq + 1, "to": seq + 2, "count": 2, "reason": "expired"});
    assert_eq!(lost, expected);
    let fourth = bob.expect_body(4).await;
    bob.close().await;
    let (mut bob, connected) = server.enter(credential.clone()).await;
    assert_eq!(connected["pending"], 2, "what was lost does not count");
    bob.expect_body(1).await;
    assert_eq!(bob.receive().await, expected, "it is told until it is acknowledged");
    bob.ack_up_to(&lost_to(seq + 2)).await;
    bob.close().await;
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["acked"], seq + 2);
    let again = bob.expect_body(4).await;
    assert_eq!(again["seq"], fourth["seq"]);
}

fn lost_to(seq: u64) -> Value {
    json!({"seq": seq})
}

#[tokio::test]
async fn what_is_lost_takes_a_place_in_the_window_until_it_is_acknowledged_by_seq() {
    let server = server().start().await;
    let (mut ann, bob) = (server.client().await, server.client_named("bob").await);
    let credential = bob.credential();
    bob.close().await;
    ann.send(json!({"op": "send", "to": "bob", "body": 1, "ttl_ms": 1})).await;
    ann.expect("accepted").await;
    ann.tell("bob", 2).await;
    let mut narrow = credential.clone();
    narrow["window"] = json!(1);
    let (mut bob, lost) = loop {
        let (mut bob, _) = server.enter(narrow.clone()).await;
        let first = bob.receive().await;
        if first["op"] == "lost" {
            break (bob, first);
        }
        bob.close().await;
    };
    bob.round_trip().await;
    bob.send(json!({"op": "ack", "seq": lost["to"]})).await;
    bob.expect_body(2).await;
}

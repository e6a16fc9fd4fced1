//! An `ack` means: processed. By `seq` all up to it, by `ids` just these.

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// Ann, and bob with `count` messages in flight, whose bodies are 1, 2, 3 …
async fn in_flight(server: &Running, count: u64) -> (Client, Client, Vec<Value>) {
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    let mut messages = Vec::new();
    for k in 1..=count {
        ann.tell("bob", k).await;
        messages.push(bob.expect_body(k).await);
    }
    (ann, bob, messages)
}

/// What is left for bob when he comes back.
async fn left(server: &Running, bob: Client) -> (Client, Vec<u64>) {
    let credential = bob.credential();
    bob.close().await;
    let (mut bob, connected) = server.enter(credential).await;
    let mut bodies = Vec::new();
    for _ in 0..connected["pending"].as_u64().expect("a count") {
        bodies.push(bob.expect("message").await["body"].as_u64().expect("a number"));
    }
    bob.round_trip().await;
    (bob, bodies)
}

#[tokio::test]
async fn by_seq_everything_up_to_it_is_settled_and_stays_settled_over_a_restart() {
    let server = server().start().await;
    let (_ann, mut bob, messages) = in_flight(&server, 5).await;
    bob.ack_up_to(&messages[2]).await;
    let (bob, bodies) = left(&server, bob).await;
    assert_eq!(bodies, [4, 5]);
    let credential = bob.credential();
    let server = server.stop().await.start().await;
    let (bob, connected) = server.enter(credential).await;
    assert_eq!((&connected["acked"], &connected["pending"]), (&messages[2]["seq"], &json!(2)));
    assert_eq!(left(&server, bob).await.1, [4, 5]);
}

#[tokio::test]
async fn by_ids_just_these_are_settled() {
    let server = server().start().await;
    let (_ann, mut bob, messages) = in_flight(&server, 5).await;
    let ids = [&messages[1]["id"], &messages[3]["id"], &messages[3]["id"]];
    bob.send(json!({"op": "ack", "ids": ids})).await;
    let (mut bob, bodies) = left(&server, bob).await;
    assert_eq!(bodies, [1, 3, 5]);
    bob.send(json!({"op": "ack", "ids": [messages[0]["id"], messages[2]["id"]]})).await;
    let credential = bob.credential();
    bob.close().await;
    let (_bob, connected) = server.enter(credential).await;
    assert_eq!(connected["acked"], messages[3]["seq"], "all up to the first that is left");
    assert_eq!(connected["pending"], 1);
}

#[tokio::test]
async fn it_may_be_repeated_and_has_no_reply() {
    let server = server().start().await;
    let (mut ann, mut bob, messages) = in_flight(&server, 2).await;
    let acks = json!([
        {"op": "ack", "ref": "1", "seq": messages[1]["seq"]},
        {"op": "ack", "ref": "2", "seq": messages[1]["seq"]},
        {"op": "ack", "ref": "3", "seq": messages[0]["seq"]},
        {"op": "ack", "ref": "4", "ids": [messages[0]["id"]]},
        {"op": "ack", "ref": "5", "ids": ["0".repeat(32)]},
        {"op": "reject", "ref": "6", "ids": [messages[0]["id"]]},
    ]);
    bob.send(acks).await;
    bob.round_trip().await;
    ann.tell("bob", 3).await;
    bob.expect_body(3).await;
    assert_eq!(left(&server, bob).await.1, [3]);
}

#[tokio::test]
async fn a_seq_beyond_the_end_is_an_error_and_settles_nothing() {
    let server = server().start().await;
    let (_ann, mut bob, messages) = in_flight(&server, 2).await;
    let beyond = messages[1]["seq"].as_u64().expect("a seq") + 1;
    bob.send(json!({"op": "ack", "ref": "far", "seq": beyond})).await;
    let error = bob.expect_error("bad_ack").await;
    assert_eq!((&error["ref"], &error["temporary"]), (&json!("far"), &json!(false)));
    assert_eq!(left(&server, bob).await.1, [1, 2]);
}

#[tokio::test]
async fn an_ack_beyond_what_was_delivered_settles_what_waits_too() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let bob = server.client_named("bob").await;
    let mut fields = bob.credential();
    bob.close().await;
    for k in 1..=5 {
        ann.tell("bob", k).await;
    }
    fields["window"] = 1.into();
    let (mut bob, _) = server.enter(fields).await;
    let first = bob.expect_body(1).await;
    let fourth = first["seq"].as_u64().expect("a seq") + 3;
    bob.send(json!({"op": "ack", "seq": fourth})).await;
    bob.expect_body(5).await;
    assert_eq!(left(&server, bob).await.1, [5]);
}

#[tokio::test]
async fn only_what_was_delivered_on_this_connection_is_settled_by_its_id() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let bob = server.client_named("bob").await;
    let mut fields = bob.credential();
    bob.close().await;
    let ids = [ann.tell("bob", 1).await, ann.tell("bob", 2).await];
    fields["window"] = 1.into();
    let (mut bob, _) = server.enter(fields).await;
    bob.expect_body(1).await;
    bob.send(json!({"op": "ack", "ids": [ids[1]]})).await;
    assert_eq!(left(&server, bob).await.1, [1, 2]);
    let mut eve = server.client().await;
    eve.send(json!({"op": "ack", "ids": ids})).await;
    eve.round_trip().await;
}

#[tokio::test]
async fn an_ack_that_crosses_a_redelivery_settles_it() {
    let server = server().set("ack_timeout", "50ms").start().await;
    let (mut ann, mut bob, messages) = in_flight(&server, 1).await;
    bob.expect_body(1).await; // it came again: the ack of the first delivery crosses with this one
    bob.send(json!({"op": "ack", "ids": [messages[0]["id"]]})).await;
    ann.tell("bob", 2).await;
    let mut next = bob.expect("message").await;
    while next["body"] == 1 {
        next = bob.expect("message").await; // on its way before the ack was read
    }
    bob.ack_up_to(&next).await;
    assert_eq!(left(&server, bob).await.1, [0; 0]);
}

#[tokio::test]
async fn an_ack_of_a_room_that_is_none_of_ours_is_refused() {
    let server = server().start().await;
    let mut bob = server.client().await;
    bob.send(json!({"op": "ack", "ref": "r", "room": "team", "seq": 1})).await;
    assert_eq!(bob.expect_error("not_a_member").await["ref"], "r");
}

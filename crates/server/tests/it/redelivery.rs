//! At least once (promise 2): what is not acknowledged comes again, on the same connection after `ack_timeout`, on the next
//! one at once and before anything newer.

use serde_json::{Value, json};

use crate::support::{server, soon};

#[tokio::test]
async fn on_the_next_connection_it_comes_before_anything_newer_as_attempt_2() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    let ids = [ann.tell("bob", 1).await, ann.tell("bob", 2).await];
    let (first, second) = (bob.expect_body(1).await, bob.expect_body(2).await);
    assert_eq!((&first["id"], &first["attempt"]), (&json!(ids[0]), &Value::Null));
    assert!(first["seq"].as_u64() < second["seq"].as_u64());
    let credential = bob.credential();
    bob.close().await;
    ann.tell("bob", 3).await;
    let (mut bob, connected) = server.enter(credential.clone()).await;
    assert_eq!(connected["pending"], 3);
    for (old, body) in [(&first, 1), (&second, 2)] {
        let again = bob.expect_body(body).await;
        assert_eq!((&again["id"], &again["seq"]), (&old["id"], &old["seq"]), "the same message");
        assert_eq!(again["attempt"], 2);
    }
    let third = bob.expect_body(3).await;
    assert_eq!(third["attempt"], Value::Null, "it was never delivered before");
    bob.close().await;
    let (mut bob, _) = server.enter(credential).await;
    assert_eq!(bob.expect_body(1).await["attempt"], 3);
    assert_eq!(bob.expect_body(2).await["attempt"], 3);
    assert_eq!(bob.expect_body(3).await["attempt"], 2);
}

#[tokio::test]
async fn after_a_restart_attempts_start_at_2() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    let credential = bob.credential();
    ann.tell("bob", 1).await;
    let message = bob.expect_body(1).await;
    let server = server.kill().await.start().await;
    let (mut bob, _) = server.enter(credential).await;
    let again = bob.expect_body(1).await;
    assert_eq!((&again["seq"], &again["id"]), (&message["seq"], &message["id"]));
    assert_eq!(again["attempt"], 2);
}

#[tokio::test]
async fn on_the_same_connection_it_comes_again_after_ack_timeout_until_it_is_acknowledged() {
    let server = server().set("ack_timeout", "50ms").start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    ann.tell("bob", "a").await;
    let first = bob.expect_body("a").await;
    for attempt in 2..=4 {
        let again = bob.expect_body("a").await;
        assert_eq!((&again["seq"], &again["id"]), (&first["seq"], &first["id"]));
        assert_eq!(again["attempt"], attempt);
    }
    bob.ack_up_to(&first).await;
    ann.tell("bob", "b").await;
    let mut next = bob.expect("message").await;
    while next["body"] == "a" {
        next = bob.expect("message").await; // on its way before the ack was read
    }
    let again = bob.expect_body("b").await;
    assert_eq!((&again["attempt"], &again["seq"]), (&json!(2), &next["seq"]), "and no more of a");
}

#[tokio::test]
async fn what_comes_again_keeps_its_place_in_the_window() {
    let server = server().set("ack_timeout", "50ms").start().await;
    let mut ann = server.client().await;
    let (mut bob, _) = server.enter(json!({"window": 2})).await;
    for k in 1..=3 {
        ann.tell(&bob.id, k).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 6 {
        let message = bob.expect("message").await;
        assert!(message["body"] != 3, "no place for it: {seen:?}");
        seen.push(message["attempt"].clone());
    }
    bob.send(json!({"op": "ack", "seq": 2})).await;
    loop {
        let message = bob.expect("message").await;
        if message["body"] == 3 {
            break;
        }
    }
}

#[tokio::test]
async fn a_rejected_message_never_comes_again() {
    let server = server().set("ack_timeout", "400ms").start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    ann.tell("bob", "poison").await;
    ann.tell("bob", "good").await;
    let poison = bob.expect_body("poison").await;
    bob.expect_body("good").await;
    bob.send(json!({"op": "reject", "ids": [poison["id"]]})).await;
    let again = bob.expect_body("good").await;
    assert_eq!(again["attempt"], 2, "the pause of both was over");
    let credential = bob.credential();
    bob.close().await;
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 1);
    bob.expect_body("good").await;
}

#[tokio::test]
async fn after_max_attempts_it_is_dead() {
    let server = server()
        .set("ack_timeout", "50ms")
        .set("max_attempts", 2)
        .set("mailbox_limit", 1)
        .start()
        .await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    ann.tell("bob", "a").await;
    bob.expect_body("a").await;
    assert_eq!(bob.expect_body("a").await["attempt"], 2);
    // It has the only place in the mailbox until it is given up.
    soon("the end of the message", async {
        loop {
            ann.send(json!({"op": "send", "ref": "b", "to": "bob", "body": "b"})).await;
            let answer = ann.receive().await;
            if answer["op"] == "accepted" {
                break;
            }
            assert_eq!(answer["code"], "mailbox_full", "{answer}");
        }
    })
    .await;
    let message = bob.expect_body("b").await;
    bob.ack_up_to(&message).await;
    let credential = bob.credential();
    let server = server.stop().await.start().await;
    let (_bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
}

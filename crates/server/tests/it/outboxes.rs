//! Numbered sends: accepted once, whatever comes between (promises 3 and 4).

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// The identity `ann`, with an outbox.
async fn ann(server: &Running) -> (Client, Value) {
    let token = "B".repeat(42) + "A";
    server.enter(json!({"id": "ann", "token": token, "new": true, "outbox": "o"})).await
}

fn numbered(n: u64, to: &str) -> Value {
    json!({"op": "send", "n": n, "to": to, "body": n})
}

/// Sends this number to bob; the `accepted`.
async fn send(client: &mut Client, n: u64) -> Value {
    client.send(numbered(n, "bob")).await;
    let accepted = client.expect("accepted").await;
    assert_eq!(accepted["n"], n);
    accepted
}

/// The refusal of this number to bob.
async fn refused(client: &mut Client, n: u64, code: &str) -> Value {
    client.send(numbered(n, "bob")).await;
    let error = client.expect_error(code).await;
    assert_eq!(error["n"], n);
    error
}

#[tokio::test]
async fn a_repeat_is_accepted_once_over_reconnects_and_restarts() {
    let server = server().start().await;
    let mut bob = server.client_named("bob").await;
    let (mut client, connected) = ann(&server).await;
    assert_eq!(connected["sent"], 0);
    let first = send(&mut client, 1).await;
    assert_eq!(first["dup"], Value::Null);
    let again = send(&mut client, 1).await;
    assert_eq!((&again["dup"], &again["id"]), (&json!(true), &first["id"]));
    drop(client);
    let (mut client, connected) = ann(&server).await;
    assert_eq!(connected["sent"], 1);
    let again = send(&mut client, 1).await;
    assert_eq!((&again["dup"], &again["id"]), (&json!(true), &first["id"]));
    let server = server.kill().await.start().await;
    let (mut client, connected) = ann(&server).await;
    assert_eq!(connected["sent"], 1);
    let again = send(&mut client, 1).await;
    assert_eq!((&again["dup"], &again["id"]), (&json!(true), &first["id"]));
    send(&mut client, 2).await;
    let message = bob.expect_body(1).await;
    assert_eq!(message["id"], first["id"]);
    let credential = bob.credential();
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 2, "one of each number");
    assert_eq!(bob.expect_body(1).await["seq"], message["seq"]);
    bob.expect_body(2).await;
}

#[tokio::test]
async fn the_id_of_a_numbered_message_is_derived_and_the_others_are_uuids() {
    let server = server().start().await;
    let _bob = server.client_named("bob").await;
    let (mut client, _) = ann(&server).await;
    let derived = ackd_wire::MessageId::derive("ann", "o", 1).to_string();
    assert_eq!(send(&mut client, 1).await["id"], derived);
    let id = client.tell("bob", "without a number").await;
    assert_eq!((id.len(), id.as_bytes()[12]), (32, b'7'), "a UUID of version 7: {id}");
    assert_ne!(client.tell("bob", "without a number").await, id);
}

#[tokio::test]
async fn a_later_connection_takes_the_outbox_over() {
    let server = server().start().await;
    let _bob = server.client_named("bob").await;
    let (mut old, _) = ann(&server).await;
    send(&mut old, 1).await;
    let (mut new, connected) = ann(&server).await;
    assert_eq!(connected["sent"], 1);
    let error = refused(&mut old, 2, "outbox_taken").await;
    assert_eq!(error["temporary"], false);
    refused(&mut old, 1, "outbox_taken").await; // a repeat too
    old.tell("bob", "what has no number is not the outbox's").await;
    send(&mut new, 2).await;
    drop(old);
    new.round_trip().await;
    send(&mut new, 3).await; // the end of the older connection takes nothing away
}

#[tokio::test]
async fn outboxes_of_one_identity_number_each_for_itself() {
    let server = server().start().await;
    let mut bob = server.client_named("bob").await;
    let (mut one, _) = ann(&server).await;
    let token = "B".repeat(42) + "A";
    let (mut two, connected) =
        server.enter(json!({"id": "ann", "token": token, "outbox": "p"})).await;
    assert_eq!(connected["sent"], 0);
    let ids = [send(&mut one, 1).await["id"].clone(), send(&mut two, 1).await["id"].clone()];
    assert_ne!(ids[0], ids[1]);
    bob.expect_body(1).await;
    bob.expect_body(1).await;
}

#[tokio::test]
async fn a_number_without_an_outbox_is_bad() {
    let server = server().start().await;
    let bob = server.client_named("bob").await;
    let mut client = server.client().await;
    let error = refused(&mut client, 1, "bad_frame").await;
    assert!(error["message"].as_str().expect("a text").contains("outbox"));
    client.tell(&bob.id, 1).await;
}

#[tokio::test]
async fn a_refused_number_stays_refused_once_a_higher_one_is_in() {
    let server = server().set("mailbox_sender_limit", 1).start().await;
    let mut bob = server.client_named("bob").await;
    let (mut client, _) = ann(&server).await;
    send(&mut client, 1).await;
    let full = refused(&mut client, 2, "mailbox_full").await;
    assert_eq!(full["temporary"], true);
    let message = bob.expect_body(1).await;
    bob.ack_up_to(&message).await;
    send(&mut client, 3).await;
    refused(&mut client, 2, "refused").await;
    bob.expect_body(3).await;
    assert_eq!(send(&mut client, 1).await["dup"], true, "the number is looked up first");
}

#[tokio::test]
async fn a_refused_number_without_a_higher_one_is_decided_anew() {
    let server = server().start().await;
    let (mut client, _) = ann(&server).await;
    refused(&mut client, 1, "unknown_recipient").await;
    let mut bob = server.client_named("bob").await;
    assert_eq!(send(&mut client, 1).await["dup"], Value::Null);
    bob.expect_body(1).await;
}

#[tokio::test]
async fn the_number_is_looked_up_before_any_other_check() {
    let server = server().set("max_message", "1KiB").start().await;
    let _bob = server.client_named("bob").await;
    let (mut client, _) = ann(&server).await;
    send(&mut client, 1).await;
    let wrong = [
        json!({"op": "send", "n": 1, "to": "bob", "body": "x".repeat(2000)}),
        json!({"op": "send", "n": 1, "to": "nobody", "body": 1}),
        json!({"op": "send", "n": 1, "room": "not joined", "body": 1}),
        json!({"op": "send", "n": 1, "all": true, "body": 1}),
        json!({"op": "send", "n": 1, "to": "bob"}),
    ];
    for frame in wrong {
        client.send(frame.clone()).await;
        assert_eq!(client.expect("accepted").await["dup"], true, "{frame}");
    }
    for (n, code) in [(2, "too_large"), (3, "unknown_recipient"), (4, "bad_frame")] {
        let frame = match n {
            2 => json!({"op": "send", "n": n, "to": "bob", "body": "x".repeat(2000)}),
            3 => json!({"op": "send", "n": n, "to": "nobody", "body": 1}),
            _ => json!({"op": "send", "n": n, "to": "bob"}),
        };
        client.send(frame).await;
        assert_eq!(client.expect_error(code).await["n"], n);
    }
}

#[tokio::test]
async fn of_a_number_that_is_too_old_nobody_knows() {
    let server = server().set("mailbox_sender_limit", 2000).start().await;
    let _bob = server.client_named("bob").await;
    let (mut client, _) = ann(&server).await;
    // The last 1,024 are remembered; the first was never sent.
    client.send(json!((2..=1026).map(|n| numbered(n, "bob")).collect::<Vec<_>>())).await;
    for _ in 2..=1026 {
        client.expect("accepted").await;
    }
    let error = refused(&mut client, 1, "outcome_unknown").await;
    assert_eq!(error["temporary"], false);
    assert_eq!(send(&mut client, 3).await["dup"], true);
    send(&mut client, 1027).await;
}

#[tokio::test]
async fn of_a_live_number_that_was_passed_over_nobody_knows() {
    let server = server().start().await;
    let (mut client, _) = ann(&server).await;
    client.send(json!({"op": "join", "ref": "j", "room": "lobby"})).await;
    client.expect("joined").await;
    let live = |n| json!({"op": "send", "n": n, "room": "lobby", "body": 1, "persist": "never"});
    client.send(live(2)).await;
    client.expect("accepted").await;
    client.send(live(1)).await;
    assert_eq!(client.expect_error("outcome_unknown").await["n"], 1);
    client.send(live(2)).await;
    assert_eq!(client.expect("accepted").await["dup"], true);
}

#[tokio::test]
async fn what_the_store_cannot_take_at_once_is_repeated_in_order() {
    // A group is half a segment, here 128 KiB: of four such messages in one batch two fit.
    let server = server().set("journal_bytes", "1MiB").start().await;
    let mut bob = server.client_named("bob").await;
    let (mut client, _) = ann(&server).await;
    let large = |n: u64| {
        let body = format!("{n}{}", "x".repeat(60_000));
        json!({"op": "send", "n": n, "to": "bob", "body": body})
    };
    client.send(json!([large(1), large(2), large(3), large(4), numbered(5, "bob")])).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(client.receive().await);
    }
    answers.sort_by_key(|answer| answer["n"].as_u64());
    assert_eq!((&answers[0]["op"], &answers[1]["op"]), (&json!("accepted"), &json!("accepted")));
    assert_eq!(answers[2]["code"], "rate_limited", "{}", answers[2]);
    assert_eq!(answers[2]["temporary"], true);
    assert!(answers[2]["retry_after_ms"].as_u64().is_some_and(|pause| 0 < pause));
    for answer in &answers[3..] {
        let parts = (&answer["code"], &answer["expected"], &answer["temporary"]);
        assert_eq!(parts, (&json!("gap"), &json!(3), &json!(true)), "{answer}");
    }
    for frame in [large(3), large(4), numbered(5, "bob")] {
        client.send(frame).await;
        client.expect("accepted").await;
    }
    for n in 1..=4 {
        let message = bob.expect("message").await;
        let body = message["body"].as_str().expect("a text");
        assert!(body.starts_with(&n.to_string()) && body.len() == 60_001);
    }
    bob.expect_body(5).await;
}

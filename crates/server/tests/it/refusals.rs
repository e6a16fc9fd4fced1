//! A message that cannot be kept is refused, and the sender knows.

use serde_json::{Value, json};

use crate::support::{Client, server};

async fn refused(client: &mut Client, mut frame: Value, code: &str) -> Value {
    (frame["op"], frame["ref"]) = ("send".into(), "mine".into());
    client.send(frame).await;
    let error = client.expect_error(code).await;
    assert_eq!(error["ref"], "mine");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()));
    error
}

#[tokio::test]
async fn a_full_mailbox_refuses_until_something_is_settled() {
    let server = server().set("mailbox_limit", 3).start().await;
    let (mut ann, mut eve) = (server.client().await, server.client().await);
    let mut bob = server.client_named("bob").await;
    for k in 1..=3 {
        ann.tell("bob", k).await;
    }
    for sender in [&mut ann, &mut eve] {
        let error = refused(sender, json!({"to": "bob", "body": 4}), "mailbox_full").await;
        assert_eq!((&error["temporary"], &error["retry_after_ms"]), (&json!(true), &json!(5000)));
    }
    let first = bob.expect_body(1).await;
    bob.ack_up_to(&first).await;
    eve.tell("bob", 4).await;
    refused(&mut ann, json!({"to": "bob", "body": 5}), "mailbox_full").await;
}

#[tokio::test]
async fn bytes_are_counted_too() {
    let server = server().set("max_message", "1KiB").set("mailbox_bytes", "2KiB").start().await;
    let mut ann = server.client().await;
    let _bob = server.client_named("bob").await;
    ann.tell("bob", "x".repeat(900)).await;
    ann.tell("bob", "x".repeat(900)).await;
    refused(&mut ann, json!({"to": "bob", "body": "x".repeat(900)}), "mailbox_full").await;
    ann.tell("bob", "small").await;
}

#[tokio::test]
async fn one_sender_has_a_share_and_the_others_are_not_hurt() {
    let server = server().set("mailbox_sender_limit", 2).start().await;
    let (mut ann, mut eve) = (server.client().await, server.client().await);
    let mut bob = server.client_named("bob").await;
    ann.tell("bob", 1).await;
    ann.tell("bob", 2).await;
    let error = refused(&mut ann, json!({"to": "bob", "body": 3}), "mailbox_full").await;
    let text = error["message"].as_str().expect("a text");
    assert!(text.contains("this sender"), "mailbox_sender_limit: {text}");
    assert_eq!(error["temporary"], true);
    eve.tell("bob", 3).await;
    let first = bob.expect_body(1).await;
    bob.ack_up_to(&first).await;
    ann.tell("bob", 4).await;
}

#[tokio::test]
async fn max_message_counts_the_bytes_of_the_body_as_it_was_sent() {
    let server = server().set("max_message", "1KiB").start().await;
    let mut ann = server.client().await;
    let id = ann.id.clone();
    ann.tell(&id, "x".repeat(1022)).await; // and two quotes
    ann.expect("message").await;
    let error = refused(&mut ann, json!({"to": id, "body": "x".repeat(1023)}), "too_large").await;
    assert_eq!(error["temporary"], false);
    // White space around it does not count.
    let spaces = " ".repeat(2000);
    let text = format!(r#"{{"op":"send","ref":"r","to":"{id}","body":{spaces}7{spaces}}}"#);
    ann.send_text(&text).await;
    ann.expect("accepted").await;
    ann.expect_body(7).await;
}

#[tokio::test]
async fn mail_to_nobody_is_refused_or_waits_as_configured() {
    let strict = server().start().await;
    let mut ann = strict.client().await;
    let error = refused(&mut ann, json!({"to": "nobody", "body": 1}), "unknown_recipient").await;
    assert_eq!(error["temporary"], false);
    let open = server()
        .set("auth.unknown_recipients", "accept")
        .set("unclaimed_bytes", "1KiB")
        .start()
        .await;
    let mut ann = open.client().await;
    let id = ann.tell("later", 1).await;
    refused(&mut ann, json!({"to": "other", "body": "x".repeat(1024)}), "mailbox_full").await;
    let open = open.kill().await.start().await;
    let mut later = open.client_named("later").await;
    assert_eq!(later.expect_body(1).await["id"], id);
}

#[tokio::test]
async fn what_policy_forbids_is_forbidden() {
    let server = server().start().await;
    let mut ann = server.client().await;
    refused(&mut ann, json!({"all": true, "body": 1}), "forbidden").await;
    ann.send(json!({"op": "join", "room": "lobby"})).await;
    ann.expect("joined").await;
    let kept = json!({"room": "lobby", "body": 1, "persist": "accept"});
    assert_eq!(refused(&mut ann, kept, "forbidden").await["temporary"], false);
}

#[tokio::test]
async fn a_send_that_contradicts_itself_is_bad() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let bad = [
        json!({"body": 1}),
        json!({"to": "a", "room": "b", "body": 1}),
        json!({"to": "a", "all": true, "body": 1}),
        json!({"to": "a"}),
        json!({"to": "a", "body": 1, "body_base64": "AA=="}),
        json!({"to": "a", "body_base64": "not base64"}),
        json!({"to": "server", "body": 1}),
    ];
    for frame in bad {
        refused(&mut ann, frame, "bad_frame").await;
        ann.round_trip().await; // ten in a row would end the connection
    }
    for frame in [
        json!({"room": "b", "receipt": true, "body": 1}),
        json!({"to": "a", "body": 1, "persist": "maybe"}),
        json!({"to": "a", "body": 1, "ttl_ms": 0}),
        json!({"to": "a", "body": 1, "n": 0}),
    ] {
        refused(&mut ann, frame, "bad_frame").await;
    }
}

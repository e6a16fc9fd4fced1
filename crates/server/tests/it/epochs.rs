//! The epoch of a mailbox: what a client says it has processed counts only with the present one.

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// Bob with three messages that he has not acknowledged, and his `connect` with these fields more.
async fn come_back(server: &Running, more: Value) -> (Client, Value, Value) {
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    for k in 1..=3 {
        ann.tell(&bob.id, k).await;
        bob.expect_body(k).await;
    }
    let mut fields = bob.credential();
    bob.close().await;
    let (bob, before) = server.enter(fields.clone()).await;
    bob.close().await;
    for (name, value) in more.as_object().expect("fields") {
        fields[name] = if *value == "present" { before["epoch"].clone() } else { value.clone() };
    }
    let (bob, connected) = server.enter(fields).await;
    (bob, before, connected)
}

#[tokio::test]
async fn it_stays_over_reconnects_and_restarts() {
    let server = server().start().await;
    let (bob, connected) = server.enter(json!({})).await;
    let epoch = connected["epoch"].as_str().expect("a text").to_owned();
    assert_eq!(epoch.len(), 16);
    let server = server.kill().await.start().await;
    let (_bob, connected) = server.enter(bob.credential()).await;
    assert_eq!(connected["epoch"], epoch);
}

#[tokio::test]
async fn with_the_present_epoch_what_was_processed_is_settled() {
    let server = server().start().await;
    let (mut bob, before, connected) =
        come_back(&server, json!({"epoch": "present", "acked": 2})).await;
    assert_eq!(connected["epoch"], before["epoch"]);
    assert_eq!((&connected["acked"], &connected["pending"]), (&json!(2), &json!(1)));
    bob.expect_body(3).await;
    bob.round_trip().await;
}

#[tokio::test]
async fn without_it_or_with_another_it_is_not() {
    let server = server().start().await;
    let not_counting = [
        json!({"acked": 2}),
        json!({"epoch": "0123456789abcdef", "acked": 2}),
        json!({"epoch": "of another server", "acked": 2}),
        json!({"epoch": "present"}),
    ];
    for fields in not_counting {
        let (mut bob, before, connected) = come_back(&server, fields.clone()).await;
        assert_eq!(
            (&connected["acked"], &connected["pending"]),
            (&json!(0), &json!(3)),
            "{fields}"
        );
        assert_eq!(connected["epoch"], before["epoch"], "{fields}");
        bob.expect_body(1).await;
    }
}

#[tokio::test]
async fn who_has_processed_more_than_there_is_gets_a_new_epoch_and_nothing_is_settled() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let (mut bob, before, connected) =
        come_back(&server, json!({"epoch": "present", "acked": 4})).await;
    assert_ne!(connected["epoch"], before["epoch"]);
    assert_eq!(connected["pending"], 3);
    for k in 1..=3 {
        bob.expect_body(k).await;
    }
    ann.tell(&bob.id, "new").await;
    let seq = bob.expect_body("new").await["seq"].as_u64().expect("a seq");
    assert!(1 << 32 < seq, "a new epoch skips 2^32 numbers: {seq}");
}

//! `receipt: true`: the sender is told what became of a message, by mail of its own (promise 6).

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// Sends with a receipt wanted; the message's ID.
async fn ask(client: &mut Client, to: &str, mark: &str) -> String {
    client.send(json!({"op": "send", "ref": mark, "to": to, "body": mark, "receipt": true})).await;
    accepted(client).await
}

async fn accepted(client: &mut Client) -> String {
    client.expect("accepted").await["id"].as_str().expect("an ID").to_owned()
}

async fn expect(client: &mut Client, of: &str, state: &str) -> Value {
    let receipt = client.expect("receipt").await;
    assert_eq!((&receipt["of"], &receipt["state"]), (&json!(of), &json!(state)), "{receipt}");
    receipt
}

/// The same where receipts come again because nobody acknowledges them.
async fn expect_later(client: &mut Client, of: &str, state: &str) {
    loop {
        let receipt = client.expect("receipt").await;
        if (&receipt["of"], &receipt["state"]) == (&json!(of), &json!(state)) {
            return;
        }
    }
}

/// Ann and bob, who are here.
async fn pair(server: &Running) -> (Client, Client) {
    (server.client().await, server.client_named("bob").await)
}

#[tokio::test]
async fn an_ack_is_told_with_ref_and_n_of_the_send() {
    let server = server().start().await;
    let (_, mut bob) = pair(&server).await;
    let (mut ann, _) = server.enter(json!({"outbox": "o"})).await;
    let fields =
        json!({"op": "send", "ref": "c-17", "n": 42, "to": "bob", "body": 1, "receipt": true});
    ann.send(fields).await;
    let of = accepted(&mut ann).await;
    let message = bob.expect_body(1).await;
    bob.ack_up_to(&message).await;
    let mut receipt = expect(&mut ann, &of, "acked").await;
    assert!(message["at"].as_u64() <= receipt["at"].as_u64());
    for field in ["at", "id", "seq"] {
        assert!(receipt.as_object_mut().expect("a frame").remove(field).is_some());
    }
    let rest =
        json!({"op": "receipt", "of": of, "ref": "c-17", "n": 42, "to": "bob", "state": "acked"});
    assert_eq!(receipt, rest);
    // A repeat of the ack, and of the send, says nothing new.
    bob.ack_up_to(&message).await;
    ann.send(json!({"op": "send", "n": 42, "to": "bob", "body": 1, "receipt": true})).await;
    assert_eq!(ann.expect("accepted").await["dup"], true);
    ann.round_trip().await;
}

#[tokio::test]
async fn of_somebody_away_it_is_told_that_the_message_waits_and_later_only_what_became_of_it() {
    let server = server().start().await;
    let (mut ann, bob) = pair(&server).await;
    let (credential, away) = (ann.credential(), bob.credential());
    bob.close().await;
    let of = ask(&mut ann, "bob", "a").await;
    let waits = expect(&mut ann, &of, "archived").await;
    ann.close().await;
    let (mut bob, _) = server.enter(away).await;
    let message = bob.expect_body("a").await;
    bob.ack_up_to(&message).await;
    let (mut ann, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 1, "the older one was not read and is not needed any more");
    let acked = expect(&mut ann, &of, "acked").await;
    assert!(waits["seq"].as_u64() < acked["seq"].as_u64());
    assert_ne!(waits["id"], acked["id"]);
}

#[tokio::test]
async fn what_is_late_or_left_behind_is_told_to_wait() {
    let server = server().set("ack_timeout", "50ms").start().await;
    let (mut ann, mut bob) = pair(&server).await;
    let late = ask(&mut ann, "bob", "late").await;
    bob.expect_body("late").await;
    expect_later(&mut ann, &late, "archived").await;
    // It comes again, and again: that is told once.
    assert_eq!(bob.expect_body("late").await["attempt"], 2);
    let third = bob.expect_body("late").await;
    bob.ack_up_to(&third).await;
    expect_later(&mut ann, &late, "acked").await;
}

#[tokio::test]
async fn what_the_last_connection_had_is_told_to_wait() {
    let server = server().start().await;
    let (mut ann, mut bob) = pair(&server).await;
    let of = ask(&mut ann, "bob", "left").await;
    bob.expect_body("left").await;
    bob.close().await;
    expect(&mut ann, &of, "archived").await;
}

#[tokio::test]
async fn what_is_rejected_or_delivered_too_often_is_dead() {
    let server = server().set("ack_timeout", "50ms").set("max_attempts", 2).start().await;
    let (mut ann, mut bob) = pair(&server).await;
    let rejected = ask(&mut ann, "bob", "no").await;
    let message = bob.expect_body("no").await;
    bob.send(json!({"op": "reject", "ids": [message["id"]]})).await;
    expect_later(&mut ann, &rejected, "dead").await;
    let given_up = ask(&mut ann, "bob", "again").await;
    for _ in 0..2 {
        bob.expect_body("again").await;
    }
    expect_later(&mut ann, &given_up, "archived").await;
    expect_later(&mut ann, &given_up, "dead").await;
    // Bob rejected the first himself; that he was not given the other one any more he learns at the next connect.
    let credential = bob.credential();
    bob.close().await;
    let (mut bob, _) = server.enter(credential).await;
    let lost = bob.expect("lost").await;
    assert_eq!((&lost["count"], &lost["reason"]), (&json!(1), &json!("dead")));
}

#[tokio::test]
async fn what_expires_is_told() {
    let server = server().start().await;
    let (mut ann, bob) = pair(&server).await;
    let away = bob.credential();
    bob.close().await;
    ann.send(json!({"op": "send", "to": "bob", "body": 1, "ttl_ms": 1, "receipt": true})).await;
    let of = accepted(&mut ann).await;
    expect(&mut ann, &of, "archived").await;
    // Whoever reads the mailbox finds that it has ended; until then the store may not have looked.
    let (_bob, _) = server.enter(away).await;
    expect(&mut ann, &of, "expired").await;
}

#[tokio::test]
async fn receipts_wait_for_their_owner_and_survive_a_crash() {
    let server = server().start().await;
    let (mut ann, mut bob) = pair(&server).await;
    let credential = ann.credential();
    let of = [ask(&mut ann, "bob", "1").await, ask(&mut ann, "bob", "2").await];
    ann.close().await;
    for mark in ["1", "2"] {
        let message = bob.expect_body(mark).await;
        bob.ack_up_to(&message).await;
    }
    // Somebody else's send is stored behind the receipts.
    let mut eve = server.client().await;
    eve.tell("bob", 3).await;
    let server = server.kill().await.start().await;
    let mut narrow = credential.clone();
    narrow["window"] = 1.into();
    let (mut ann, connected) = server.enter(narrow).await;
    assert_eq!(connected["pending"], 2);
    let first = expect(&mut ann, &of[0], "acked").await;
    ann.round_trip().await; // the second has no place in the window
    ann.send(json!({"op": "ack", "ids": [first["id"]]})).await;
    expect(&mut ann, &of[1], "acked").await;
    ann.close().await;
    let (mut ann, connected) = server.enter(credential).await;
    assert_eq!((&connected["pending"], &connected["acked"]), (&json!(1), &first["seq"]));
    let again = expect(&mut ann, &of[1], "acked").await;
    ann.ack_up_to(&again).await;
}

#[tokio::test]
async fn the_first_of_several_devices_decides() {
    let server = server().start().await;
    let (mut ann, mut pc) = pair(&server).await;
    let mut phone = pc.credential();
    phone["device"] = "phone".into();
    let (mut phone, _) = server.enter(phone).await;
    let of = ask(&mut ann, "bob", "a").await;
    let message = phone.expect_body("a").await;
    phone.ack_up_to(&message).await;
    expect(&mut ann, &of, "acked").await;
    pc.expect_body("a").await;
    pc.send(json!({"op": "reject", "ids": [message["id"]]})).await;
    pc.round_trip().await;
    ann.round_trip().await;
}

#[tokio::test]
async fn in_messagepack_they_are_the_same() {
    let server = server().start().await;
    let (_, mut bob) = pair(&server).await;
    let mut ann = crate::msgpack::upgraded(&server).await;
    ann.connect(json!({})).await;
    let of = ask(&mut ann, "bob", "é").await;
    let message = bob.expect_body("é").await;
    bob.ack_up_to(&message).await;
    let receipt = expect(&mut ann, &of, "acked").await;
    assert_eq!((&receipt["ref"], &receipt["n"]), (&json!("é"), &Value::Null));
}

#[tokio::test]
async fn a_classic_client_is_shown_none_and_they_do_not_wait_for_it() {
    let server = server().start().await;
    let (mut ann, mut bob) = pair(&server).await;
    let credential = ann.credential();
    ask(&mut ann, "bob", "a").await;
    ann.close().await;
    let message = bob.expect_body("a").await;
    bob.ack_up_to(&message).await;
    let mut classic = server.upgraded_at("/ws/1").await;
    classic.receive().await;
    classic.send(json!({"command": "setID", "data": credential})).await;
    assert_eq!(classic.receive().await["body"]["command"], "clientID");
    bob.tell(credential["id"].as_str().expect("an ID"), json!({"text": "b"})).await;
    let heard = classic.receive().await;
    assert_eq!(heard["body"]["data"]["text"], "b", "the receipt stood before it");
    classic.send(json!({"command": "ack", "data": heard["id"]})).await;
    classic.send(json!({"command": "newID"})).await;
    classic.receive().await;
    classic.close().await;
    let (_, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
}

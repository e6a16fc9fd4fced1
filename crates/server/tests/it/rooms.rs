//! Live rooms and `all` in v1: delivered from memory, stored for each recipient who misses it (`persist`).

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

async fn join(client: &mut Client, room: &str) -> Value {
    client.send(json!({"op": "join", "ref": "j", "room": room})).await;
    let joined = client.expect("joined").await;
    assert_eq!((&joined["ref"], &joined["room"]), (&json!("j"), &json!(room)));
    joined["members"].clone()
}

/// Two members of the lobby.
async fn members(server: &Running) -> (Client, Client) {
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    join(&mut ann, "lobby").await;
    join(&mut bob, "lobby").await;
    (ann, bob)
}

async fn say(client: &mut Client, body: impl Into<Value>, persist: &str) -> Value {
    let frame =
        json!({"op": "send", "ref": "s", "room": "lobby", "body": body.into(), "persist": persist});
    client.send(frame).await;
    client.expect("accepted").await["id"].clone()
}

#[tokio::test]
async fn members_are_identities_and_leave_with_their_connection() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    assert_eq!(join(&mut ann, "lobby").await, 1);
    assert_eq!(join(&mut bob, "lobby").await, 2);
    let (mut tab, _) = server.enter(bob.credential()).await;
    assert_eq!(join(&mut tab, "lobby").await, 2, "the same identity");
    assert_eq!(join(&mut tab, "lobby").await, 2, "joined already");
    bob.close().await;
    assert_eq!(join(&mut ann, "lobby").await, 2);
    tab.send(json!({"op": "leave", "ref": "l", "room": "lobby"})).await;
    assert_eq!(tab.expect("left").await["ref"], "l");
    tab.send(json!({"op": "leave", "ref": "l", "room": "lobby"})).await;
    tab.expect("left").await; // by another it is answered too
    assert_eq!(join(&mut ann, "lobby").await, 1);
}

#[tokio::test]
async fn sending_needs_membership_and_the_sender_gets_no_copy() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let mut eve = server.client().await;
    eve.send(json!({"op": "send", "ref": "s", "room": "lobby", "body": 1})).await;
    assert_eq!(eve.expect_error("not_a_member").await["ref"], "s");
    let id = say(&mut ann, "hi", "miss").await;
    let message = bob.expect_body("hi").await;
    assert_eq!((&message["id"], &message["room"]), (&id, &json!("lobby")));
    assert_eq!((&message["live"], &message["seq"]), (&json!(true), &Value::Null));
    assert_eq!((&message["ack"], &message["to"]), (&Value::Null, &Value::Null));
    ann.round_trip().await;
    eve.round_trip().await;
}

#[tokio::test]
async fn a_signal_wants_no_ack_and_is_never_stored() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    say(&mut ann, "typing", "never").await;
    let signal = bob.expect_body("typing").await;
    assert_eq!((&signal["live"], &signal["ack"]), (&json!(true), &json!(false)));
    let credential = bob.credential();
    bob.close().await;
    ann.send(
        json!({"op": "send", "ref": "s", "to": credential["id"], "body": 1, "persist": "never"}),
    )
    .await;
    ann.expect("accepted").await;
    let (_bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_is_stored_and_comes_again_with_a_seq() {
    let server = server().set("ack_timeout", "100ms").start().await;
    let (mut ann, mut bob) = members(&server).await;
    let id = say(&mut ann, "hi", "miss").await;
    let live = bob.expect_body("hi").await;
    assert_eq!(live["live"], true);
    let stored = bob.expect_body("hi").await;
    assert_eq!(
        (&stored["id"], &stored["room"], &stored["live"]),
        (&id, &json!("lobby"), &Value::Null)
    );
    assert!(stored["seq"].is_u64() && 2 <= stored["attempt"].as_u64().expect("seen"), "{stored}");
    bob.ack_up_to(&stored).await;
    let (_bob, connected) = server.enter(bob.credential()).await;
    assert_eq!(connected["pending"], 0);
}

#[tokio::test]
async fn what_is_acknowledged_is_not_stored() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let id = say(&mut ann, "hi", "miss").await;
    bob.expect_body("hi").await;
    bob.send(json!({"op": "ack", "ids": [id]})).await;
    bob.round_trip().await;
    let credential = bob.credential();
    bob.close().await;
    let (_bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
}

#[tokio::test]
async fn who_goes_without_an_ack_or_has_no_place_gets_it_from_the_mailbox() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann, "lobby").await;
    let (mut bob, _) = server.enter(json!({"window": 2})).await;
    join(&mut bob, "lobby").await;
    let mut ids = Vec::new();
    for k in 1..=4 {
        ids.push(say(&mut ann, k, "miss").await);
    }
    bob.expect_body(1).await;
    bob.expect_body(2).await;
    let mut credential = bob.credential();
    bob.close().await;
    credential["window"] = 10.into();
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 4);
    let mut bodies = Vec::new();
    for _ in 1..=4 {
        let message = bob.expect("message").await;
        let body = message["body"].as_u64().expect("a number");
        assert_eq!((&message["id"], &message["live"]), (&ids[body as usize - 1], &Value::Null));
        bodies.push(body);
    }
    bodies.sort_unstable();
    assert_eq!(bodies, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_shutdown_stores_what_is_live() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let id = say(&mut ann, "hi", "miss").await;
    bob.expect_body("hi").await;
    let credential = bob.credential();
    let server = server.stop().await.start().await;
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 1);
    assert_eq!(bob.expect_body("hi").await["id"], id);
}

#[tokio::test]
async fn all_means_everyone_connected_but_the_sender() {
    let server = server().set("auth.allow_all", true).start().await;
    let (mut ann, mut bob, mut eve) =
        (server.client().await, server.client().await, server.client().await);
    ann.send(json!({"op": "send", "ref": "s", "all": true, "body": "all"})).await;
    let id = ann.expect("accepted").await["id"].clone();
    for client in [&mut bob, &mut eve] {
        let message = client.expect_body("all").await;
        assert_eq!((&message["all"], &message["id"]), (&json!(true), &id));
        client.send(json!({"op": "ack", "ids": [id]})).await;
        client.round_trip().await;
    }
    ann.round_trip().await;
    let (_late, connected) = server.enter(json!({})).await;
    assert_eq!(connected["pending"], 0);
}

//! Durable rooms in v1: a log with its own `seq`, of which each durable member gets what it misses.

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// Joins the team durably. The `joined`.
async fn join(client: &mut Client) -> Value {
    client.send(json!({"op": "join", "ref": "j", "room": "team", "durable": true})).await;
    let joined = client.expect("joined").await;
    assert_eq!((&joined["ref"], &joined["durable"]), (&json!("j"), &json!(true)), "{joined}");
    joined
}

/// Two durable members.
async fn members(server: &Running) -> (Client, Client) {
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    assert_eq!(join(&mut ann).await["members"], 1);
    assert_eq!(join(&mut bob).await["members"], 2);
    (ann, bob)
}

async fn say(client: &mut Client, body: impl Into<Value>) -> Value {
    client.send(json!({"op": "send", "ref": "s", "room": "team", "body": body.into()})).await;
    client.expect("accepted").await["id"].clone()
}

async fn ack(client: &mut Client, seq: u64) {
    client.send(json!({"op": "ack", "room": "team", "seq": seq})).await;
    client.round_trip().await;
}

#[tokio::test]
async fn a_message_carries_its_room_and_that_rooms_seq() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let id = say(&mut ann, "hi").await;
    let message = bob.expect_body("hi").await;
    assert_eq!((&message["id"], &message["room"]), (&id, &json!("team")));
    assert_eq!((&message["seq"], &message["durable"]), (&json!(1), &json!(true)));
    assert_eq!((&message["live"], &message["to"]), (&Value::Null, &Value::Null));
    ann.round_trip().await; // no copy of its own
    ack(&mut bob, 1).await;
    bob.send(json!({"op": "ack", "ref": "a", "room": "team", "seq": 2})).await;
    assert_eq!(bob.expect_error("bad_ack").await["ref"], "a");
    bob.send(json!({"op": "ack", "ref": "a", "room": "other", "seq": 1})).await;
    bob.expect_error("not_a_member").await;
}

#[tokio::test]
async fn who_is_away_gets_what_it_misses_on_the_next_connect() {
    let server = server().start().await;
    let (mut ann, bob) = members(&server).await;
    let credential = bob.credential();
    bob.close().await;
    let ids = [say(&mut ann, 1).await, say(&mut ann, 2).await, say(&mut ann, 3).await];
    let server = server.stop().await.start().await;
    let (mut bob, connected) = server.enter(credential.clone()).await;
    assert_eq!(connected["pending"], 0, "the mailbox has nothing");
    for (seq, id) in (1..).zip(&ids) {
        let message = bob.expect_body(seq).await;
        assert_eq!((&message["seq"], &message["id"]), (&json!(seq), id));
    }
    bob.send(json!({"op": "ack", "ids": [ids[0], ids[2]]})).await;
    bob.round_trip().await;
    bob.close().await;
    let (mut bob, _) = server.enter(credential).await;
    let again = bob.expect_body(2).await;
    assert_eq!((&again["id"], &again["attempt"]), (&ids[1], &json!(2)));
    bob.round_trip().await;
}

#[tokio::test]
async fn a_killed_server_loses_neither_membership_nor_messages() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    say(&mut ann, "one").await;
    bob.expect_body("one").await;
    let (epoch, credential) = (join(&mut bob).await["epoch"].clone(), bob.credential());
    let server = server.kill().await.start().await;
    let (mut bob, _) = server.enter(credential).await;
    let again = bob.expect_body("one").await;
    assert_eq!((&again["seq"], &again["attempt"]), (&json!(1), &json!(2)));
    let joined = join(&mut bob).await;
    assert_eq!((&joined["epoch"], &joined["acked"]), (&epoch, &json!(0)));
    assert_eq!((&joined["end"], &joined["members"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn the_log_is_the_rooms_history() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann).await;
    for k in 1..=3 {
        say(&mut ann, k).await;
    }
    let mut eve = server.client().await;
    eve.send(json!({"op": "join", "room": "team", "durable": true, "from": 2})).await;
    let joined = eve.expect("joined").await;
    assert_eq!((&joined["acked"], &joined["end"]), (&json!(1), &json!(3)));
    eve.expect_body(2).await;
    eve.expect_body(3).await;
    let mut dan = server.client().await;
    assert_eq!(join(&mut dan).await["acked"], 3, "at the end");
    dan.round_trip().await;
}

#[tokio::test]
async fn the_window_is_shared_with_the_mailbox() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann).await;
    let (mut bob, _) = server.enter(json!({"window": 2})).await;
    join(&mut bob).await;
    let id = bob.id.clone();
    ann.tell(&id, "mail").await;
    bob.expect_body("mail").await;
    for k in 1..=3 {
        say(&mut ann, k).await;
    }
    assert_eq!(bob.expect_body(1).await["seq"], 1);
    bob.round_trip().await; // no more
    bob.send(json!({"op": "ack", "seq": 1})).await;
    bob.expect_body(2).await;
    bob.round_trip().await;
    bob.send(json!({"op": "ack", "room": "team", "seq": 2})).await;
    bob.expect_body(3).await;
}

#[tokio::test]
async fn members_that_are_not_durable_read_the_log_while_they_are_here() {
    let server = server().start().await;
    let mut eve = server.client().await;
    eve.send(json!({"op": "join", "ref": "j", "room": "team"})).await;
    assert_eq!(eve.expect("joined").await["durable"], Value::Null);
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    assert_eq!(join(&mut ann).await["members"], 2);
    assert_eq!(join(&mut bob).await["members"], 3);
    say(&mut ann, "hi").await;
    for client in [&mut bob, &mut eve] {
        let message = client.expect_body("hi").await;
        assert_eq!((&message["seq"], &message["durable"]), (&json!(1), &json!(true)));
    }
    ack(&mut eve, 1).await;
    let credential = eve.credential();
    say(&mut ann, "more").await;
    eve.expect_body("more").await;
    eve.close().await;
    let (mut eve, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
    eve.round_trip().await;
    assert_eq!(join(&mut ann).await["members"], 2);
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_comes_again() {
    let server = server().set("ack_timeout", "100ms").start().await;
    let (mut ann, mut bob) = members(&server).await;
    let id = say(&mut ann, "hi").await;
    bob.expect_body("hi").await;
    let again = bob.expect_body("hi").await;
    assert_eq!((&again["id"], &again["seq"]), (&id, &json!(1)));
    assert!(again["attempt"].as_u64().is_some_and(|attempt| 2 <= attempt), "{again}");
}

#[tokio::test]
async fn who_lags_behind_the_oldest_kept_is_told() {
    let server = server().set("room_limit", 3).start().await;
    let (mut ann, bob) = members(&server).await;
    let credential = bob.credential();
    bob.close().await;
    for k in 1..=5 {
        say(&mut ann, k).await;
    }
    let (mut bob, _) = server.enter(credential.clone()).await;
    let lost = bob.expect("lost").await;
    assert_eq!((&lost["from"], &lost["to"], &lost["count"]), (&json!(1), &json!(2), &json!(2)));
    assert_eq!((&lost["reason"], &lost["room"]), (&json!("full"), &json!("team")));
    for k in 3..=5 {
        assert_eq!(bob.expect_body(k).await["seq"], k);
    }
    ack(&mut bob, 3).await;
    bob.close().await;
    let (mut bob, _) = server.enter(credential).await;
    bob.expect_body(4).await;
}

#[tokio::test]
async fn membership_is_the_identitys_on_all_its_connections_and_ends_with_leave() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let (mut tab, _) = server.enter(bob.credential()).await;
    say(&mut ann, "hi").await;
    bob.expect_body("hi").await;
    tab.expect_body("hi").await;
    tab.send(json!({"op": "send", "ref": "s", "room": "team", "body": "from bob"})).await;
    tab.expect("accepted").await;
    ann.expect_body("from bob").await;
    bob.send(json!({"op": "leave", "ref": "l", "room": "team"})).await;
    assert_eq!(bob.expect("left").await["ref"], "l");
    say(&mut ann, "later").await;
    bob.round_trip().await;
    tab.round_trip().await;
    tab.send(json!({"op": "send", "ref": "s", "room": "team", "body": 1})).await;
    tab.expect_error("not_a_member").await;
    assert_eq!(join(&mut ann).await["members"], 1);
    let credential = bob.credential();
    bob.close().await;
    tab.close().await;
    let (mut bob, _) = server.enter(credential).await;
    bob.round_trip().await;
}

#[tokio::test]
async fn numbered_sends_are_decided_like_others() {
    let server = server().start().await;
    let (ann, mut bob) = members(&server).await;
    let mut entry = ann.credential();
    entry["outbox"] = "o".into();
    let (mut ann, _) = server.enter(entry).await;
    for dup in [Value::Null, json!(true)] {
        ann.send(json!({"op": "send", "n": 1, "room": "team", "body": "once", "persist": "miss"}))
            .await;
        let accepted = ann.expect("accepted").await;
        assert_eq!((&accepted["n"], &accepted["dup"]), (&json!(1), &dup));
    }
    assert_eq!(bob.expect_body("once").await["durable"], true, "`miss` means `accept` there");
    bob.round_trip().await;
}

#[tokio::test]
async fn a_room_without_durable_members_takes_no_accept() {
    let server = server().start().await;
    let mut ann = server.client().await;
    ann.send(json!({"op": "join", "ref": "j", "room": "lobby"})).await;
    ann.expect("joined").await;
    ann.send(json!({"op": "send", "ref": "s", "room": "lobby", "body": 1, "persist": "accept"}))
        .await;
    assert_eq!(ann.expect_error("forbidden").await["ref"], "s");
}

#[tokio::test]
async fn a_slow_member_reads_on_when_it_acknowledges() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann).await;
    let (mut bob, _) = server.enter(json!({"window": 4})).await;
    join(&mut bob).await;
    for k in 1..=50 {
        say(&mut ann, k).await;
    }
    for k in 1..=50 {
        assert_eq!(bob.expect_body(k).await["seq"], k);
        bob.send(json!({"op": "ack", "room": "team", "seq": k})).await;
    }
    bob.round_trip().await;
    assert_eq!(join(&mut bob).await["acked"], 50);
}

#[tokio::test]
async fn a_classic_room_and_a_durable_one_of_one_name_are_one() {
    let server = server().start().await;
    let (mut ann, mut bob) = members(&server).await;
    let mut old = server.upgraded_at("/ws/team").await;
    assert_eq!(old.receive().await["body"]["command"], "newUser");
    say(&mut ann, json!({"text": "hi"})).await;
    bob.expect_body(json!({"text": "hi"})).await;
    let frame = old.receive().await;
    assert_eq!(frame["body"]["data"]["text"], "hi", "{frame}");
    old.send(json!({"command": "ack", "data": frame["id"]})).await;
    old.send(json!({"command": "sendMessage", "data": {"text": "from of old"}})).await;
    let message = bob.expect("message").await;
    assert_eq!((&message["seq"], &message["durable"]), (&json!(2), &json!(true)), "{message}");
    assert_eq!(message["body"]["text"], "from of old");
}

#[tokio::test]
async fn a_device_that_is_elsewhere_gets_it_too() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann).await;
    let (mut phone, _) = server.enter(json!({"device": "phone"})).await;
    let mut entry = phone.credential();
    entry["device"] = "pc".into();
    let (pc, _) = server.enter(entry.clone()).await;
    join(&mut phone).await;
    pc.close().await;
    say(&mut ann, "hi").await;
    phone.expect_body("hi").await;
    ack(&mut phone, 1).await;
    let (mut pc, _) = server.enter(entry).await;
    assert_eq!(pc.expect_body("hi").await["seq"], 1);
}

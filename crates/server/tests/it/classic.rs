//! The original server's protocol over real sockets: every row of section 7.

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

/// A classic client and the fresh ID that the server gave it.
async fn enter(running: &Running, room: &str) -> (Client, String) {
    let mut client = running.upgraded_at(&format!("/ws/{room}")).await;
    let came = client.receive().await;
    assert_eq!(command(&came), "newUser", "{came}");
    assert_eq!(
        (&came["id"], &came["type"], &came["body"]["data"]),
        (&json!(""), &json!(1), &Value::Null)
    );
    let id = came["clientID"].as_str().expect("the newcomer's ID").to_owned();
    (client, id)
}

fn command(frame: &Value) -> &str {
    frame["body"]["command"].as_str().expect("a command")
}

async fn say(client: &mut Client, command: &str, data: Value) {
    client.send(json!({"command": command, "data": data})).await;
}

/// The next frame, which must be this command; its data.
async fn hear(client: &mut Client, expected: &str) -> Value {
    let frame = client.receive().await;
    assert_eq!(command(&frame), expected, "{frame}");
    frame
}

/// Everything that was said to the client before this has been heard, and nothing of it is left.
async fn hears_nothing(client: &mut Client) {
    say(client, "newID", Value::Null).await;
    hear(client, "clientID").await;
}

async fn ack(client: &mut Client, frame: &Value) {
    say(client, "ack", frame["id"].clone()).await;
}

/// Takes a name; the token, where it is newly claimed.
async fn take(client: &mut Client, data: Value) -> Option<String> {
    say(client, "setID", data).await;
    let frame = hear(client, "clientID").await;
    assert_eq!(frame["clientID"], frame["body"]["data"], "{frame}");
    frame["token"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn who_comes_and_goes_is_told_to_the_room() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    let (bob, bob_id) = enter(&running, "1").await;
    let (_elsewhere, _) = enter(&running, "2").await;
    assert_eq!(hear(&mut ann, "newUser").await["clientID"], bob_id);
    bob.close().await;
    let gone = hear(&mut ann, "userDisconnected").await;
    assert_eq!((&gone["clientID"], &gone["body"]["data"]), (&json!(bob_id), &Value::Null));
    hears_nothing(&mut ann).await;
}

#[tokio::test]
async fn new_id_tells_the_present_id_and_the_fresh_ones_token() {
    let running = server().start().await;
    let (mut ann, id) = enter(&running, "1").await;
    say(&mut ann, "newID", Value::Null).await;
    let frame = hear(&mut ann, "clientID").await;
    assert_eq!((&frame["body"]["data"], &frame["clientID"]), (&json!(id), &json!(id)));
    assert_eq!(frame["token"].as_str().map(str::len), Some(43));
    let again = json!({"id": id, "token": frame["token"]});
    let running = running.kill().await.start().await;
    let (mut other, _) = enter(&running, "1").await;
    assert_eq!(take(&mut other, again).await, None, "it was stored before it was told");
}

#[tokio::test]
async fn a_message_to_somebody_reaches_only_them_and_rides_along_whole() {
    let running = server().start().await;
    let (mut ann, ann_id) = enter(&running, "1").await;
    let (mut bob, bob_id) = enter(&running, "1").await;
    hear(&mut ann, "newUser").await;
    let (mut eve, _) = enter(&running, "1").await;
    hear(&mut bob, "newUser").await;
    let data = json!({"to": bob_id, "from": ann_id, "text": "hi", "more": [1, {"a": null}]});
    say(&mut ann, "sendMessage", data.clone()).await;
    hear(&mut ann, "newUser").await;
    let frame = hear(&mut bob, "sendMessage").await;
    assert_eq!((&frame["body"]["data"], &frame["clientID"]), (&data, &json!(ann_id)));
    assert_eq!(frame["id"].as_str().map(str::len), Some(32));
    hears_nothing(&mut ann).await;
    hears_nothing(&mut eve).await;
}

#[tokio::test]
async fn a_message_to_the_room_and_other_commands_reach_everyone_else() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    let (mut bob, _) = enter(&running, "1").await;
    hear(&mut ann, "newUser").await;
    say(&mut ann, "sendMessage", json!({"text": "all"})).await;
    let frame = hear(&mut bob, "sendMessage").await;
    assert_ne!(frame["id"], "");
    say(&mut ann, "draw", json!([1, 2])).await;
    let frame = hear(&mut bob, "draw").await;
    assert_eq!((&frame["id"], &frame["body"]["data"]), (&json!(""), &json!([1, 2])));
    hears_nothing(&mut ann).await;
}

#[tokio::test]
async fn mail_to_nobody_reaches_the_room_and_waits_for_whoever_claims_the_name() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    let (mut bob, _) = enter(&running, "1").await;
    hear(&mut ann, "newUser").await;
    say(&mut ann, "sendMessage", json!({"to": "later", "text": "q"})).await;
    let (own, other) = (hear(&mut ann, "sendMessage").await, hear(&mut bob, "sendMessage").await);
    assert_eq!(own["id"], other["id"]);
    ack(&mut bob, &other).await; // a bystander's ack changes nothing
    assert!(take(&mut bob, json!("later")).await.is_some());
    let waited = hear(&mut bob, "sendMessage").await;
    assert_eq!((&waited["id"], &waited["body"]["data"]["text"]), (&own["id"], &json!("q")));
}

#[tokio::test]
async fn nobody_takes_a_held_id_without_its_token() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    let token = take(&mut ann, json!("ann")).await.expect("newly claimed");
    let (mut eve, eve_id) = enter(&running, "2").await;
    for data in [json!("ann"), json!({"id": "ann", "token": "A".repeat(43)})] {
        say(&mut eve, "setID", data).await;
        assert_eq!(hear(&mut eve, "error").await["body"]["data"]["code"], "unauthorized");
    }
    say(&mut eve, "newID", Value::Null).await;
    assert_eq!(hear(&mut eve, "clientID").await["clientID"], eve_id, "it keeps the old one");
    assert_eq!(take(&mut eve, json!({"id": "ann", "token": token})).await, None);
}

#[tokio::test]
async fn open_claims_let_old_clients_in_by_name() {
    let running = server().set("auth.open_claims", true).start().await;
    let (mut ann, _) = enter(&running, "1").await;
    take(&mut ann, json!("ann")).await;
    let (mut eve, _) = enter(&running, "2").await;
    assert_eq!(take(&mut eve, json!("ann")).await, None);
}

#[tokio::test]
async fn what_was_not_acknowledged_is_archived_and_what_was_is_not() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    let (mut bob, _) = enter(&running, "1").await;
    hear(&mut ann, "newUser").await;
    let token = take(&mut bob, json!("bob")).await.expect("newly claimed");
    say(&mut ann, "sendMessage", json!({"text": "one"})).await;
    say(&mut ann, "sendMessage", json!({"to": "bob", "text": "two"})).await;
    let mut frames = [hear(&mut bob, "sendMessage").await, hear(&mut bob, "sendMessage").await];
    frames.sort_by_key(|frame| frame["body"]["data"]["text"].as_str().map(str::to_owned));
    ack(&mut bob, &frames[1]).await;
    hears_nothing(&mut bob).await; // the ack is handled
    bob.close().await;
    hear(&mut ann, "userDisconnected").await;
    let (mut bob, _) = enter(&running, "1").await;
    take(&mut bob, json!({"id": "bob", "token": token})).await;
    let again = hear(&mut bob, "sendMessage").await;
    assert_eq!((&again["id"], &again["body"]["data"]["text"]), (&frames[0]["id"], &json!("one")));
    hears_nothing(&mut bob).await;
}

#[tokio::test]
async fn the_unreadable_is_answered_and_hurts_nobody() {
    let running = server().start().await;
    let (mut ann, _) = enter(&running, "1").await;
    for text in ["{nonsense", "[]", r#"{"data":1}"#, r#"{"command":"newUser"}"#] {
        ann.send_text(text).await;
        assert_eq!(hear(&mut ann, "error").await["body"]["data"]["code"], "bad_frame", "{text}");
    }
    hears_nothing(&mut ann).await;
}

#[tokio::test]
async fn room_numbers_count_up_over_a_kill() {
    let running = server().start().await;
    let first: u64 = running.get("/roomid").await.body.trim().parse().expect("an integer");
    let running = running.kill().await.start().await;
    let second: u64 = running.get("/roomid").await.body.trim().parse().expect("an integer");
    assert_eq!(second, first + 1);
}

#[tokio::test]
async fn both_dialects_share_rooms_and_mailboxes() {
    let running = server().start().await;
    let (mut ann, ann_id) = enter(&running, "1").await;
    let mut bob = running.client().await;
    bob.send(json!({"op": "join", "ref": "j", "room": "1"})).await;
    assert_eq!(bob.expect("joined").await["members"], 2);
    let body = json!("plain");
    bob.send(json!({"op": "send", "ref": "s", "to": ann_id, "body": body})).await;
    bob.expect("accepted").await;
    let frame = hear(&mut ann, "sendMessage").await;
    let wrapped = json!({"text": "plain", "from": bob.id, "to": ann_id});
    assert_eq!(frame["body"]["data"], wrapped, "and no newUser for a v1 member came before it");
    say(&mut ann, "wave", json!({"k": 1})).await;
    let wave = bob.expect("message").await;
    assert_eq!(wave["body"], json!({"command": "wave", "data": {"k": 1}}));
    assert_eq!((&wave["live"], &wave["ack"]), (&json!(true), &json!(false)));
}

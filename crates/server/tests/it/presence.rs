//! Presence over real sockets: who watches, what is told, and when. Order takes the place of waiting: what is told next
//! shows that nothing was told before.

use serde_json::{Value, json};

use crate::support::{Client, Running, server, subprotocol_request};

/// Watches, and who is here then.
async fn watch(client: &mut Client, mut fields: Value) -> Value {
    fields["op"] = "watch".into();
    fields["ref"] = "w".into();
    client.send(fields).await;
    let watching = client.expect("watching").await;
    assert_eq!(watching["ref"], "w");
    watching["present"].clone()
}

async fn unwatch(client: &mut Client, mut fields: Value) {
    fields["op"] = "unwatch".into();
    fields["ref"] = "u".into();
    client.send(fields).await;
    let watching = client.expect("watching").await;
    assert_eq!((&watching["ref"], &watching["present"]), (&json!("u"), &json!([])));
}

async fn join(client: &mut Client, room: &str) {
    client.send(json!({"op": "join", "ref": "j", "room": room})).await;
    client.expect("joined").await;
}

/// The next frame is this one's presence; the whole of it.
async fn hears(client: &mut Client, id: &str, online: bool) -> Value {
    let presence = client.expect("presence").await;
    assert_eq!((&presence["id"], &presence["online"]), (&json!(id), &json!(online)), "{presence}");
    presence
}

/// A connection of an identity that exists.
async fn back(server: &Running, credential: Value) -> Client {
    let mut client = server.upgraded().await;
    client.connect(credential).await;
    client
}

#[tokio::test]
async fn who_comes_and_goes_is_told_with_a_growing_gen() {
    let server = server().set("presence_grace", "0s").start().await;
    let mut ann = server.client_named("ann").await;
    let bob = server.client_named("bob").await;
    let again = bob.credential();
    assert_eq!(
        watch(&mut ann, json!({"ids": ["bob", "carol", "ann"]})).await,
        json!(["ann", "bob"])
    );
    bob.close().await;
    let gone = hears(&mut ann, "bob", false).await;
    assert_eq!(gone.get("room"), None);
    let bob = back(&server, again.clone()).await;
    let came = hears(&mut ann, "bob", true).await;
    let number = |frame: &Value, field: &str| frame[field].as_u64().expect("a number");
    assert!(number(&gone, "gen") < number(&came, "gen") && number(&came, "gen") < 1 << 53);
    assert!(number(&gone, "at") <= number(&came, "at"));
    // A second connection is no change, and the end of one of two neither.
    let tab = back(&server, again).await;
    tab.close().await;
    let _carol = server.client_named("carol").await;
    hears(&mut ann, "carol", true).await;
    bob.close().await;
    hears(&mut ann, "bob", false).await;
}

#[tokio::test]
async fn gen_grows_over_restarts() {
    let server = server().set("presence_grace", "0s").start().await;
    let mut ann = server.client_named("ann").await;
    let (ann_again, bob) = (ann.credential(), server.client_named("bob").await);
    let bob_again = bob.credential();
    watch(&mut ann, json!({"ids": ["bob"]})).await;
    bob.close().await;
    let mut newest = hears(&mut ann, "bob", false).await["gen"].as_u64().expect("a number");
    let mut running = Some(server);
    for is_killed in [true, false] {
        let server = running.take().expect("it runs");
        let stopped = if is_killed { server.kill().await } else { server.stop().await };
        let server = stopped.start().await;
        let mut ann = back(&server, ann_again.clone()).await;
        assert_eq!(watch(&mut ann, json!({"ids": ["bob"]})).await, json!([]));
        let _bob = back(&server, bob_again.clone()).await;
        let generation = hears(&mut ann, "bob", true).await["gen"].as_u64().expect("a number");
        assert!(newest < generation);
        newest = generation;
        running = Some(server);
    }
}

#[tokio::test]
async fn a_reconnect_within_the_grace_is_not_told() {
    let server = server().set("presence_grace", "1h").start().await;
    let mut ann = server.client().await;
    let bob = server.client_named("bob").await;
    let again = bob.credential();
    watch(&mut ann, json!({"ids": ["bob", "carol"]})).await;
    bob.close().await;
    let mut late = server.client().await;
    watch(&mut late, json!({"ids": ["bob"]})).await;
    let _bob = back(&server, again).await;
    let _carol = server.client_named("carol").await;
    hears(&mut ann, "carol", true).await;
}

#[tokio::test]
async fn whoever_stays_away_longer_than_the_grace_is_told_to_be_gone() {
    let server = server().set("presence_grace", "50ms").start().await;
    let (mut ann, bob) = (server.client().await, server.client_named("bob").await);
    watch(&mut ann, json!({"ids": ["bob"]})).await;
    bob.close().await;
    hears(&mut ann, "bob", false).await;
    assert_eq!(watch(&mut ann, json!({"ids": ["bob"]})).await, json!([]));
}

#[tokio::test]
async fn what_is_watched_no_more_is_told_no_more() {
    let server = server().start().await;
    let mut ann = server.client().await;
    watch(&mut ann, json!({"ids": ["bob", "carol"]})).await;
    unwatch(&mut ann, json!({"ids": ["bob", "nobody"]})).await;
    let _bob = server.client_named("bob").await;
    let _carol = server.client_named("carol").await;
    hears(&mut ann, "carol", true).await;
}

#[tokio::test]
async fn members_of_a_room_are_told_of_each_other() {
    let server = server().set("presence_grace", "0s").start().await;
    let (mut ann, mut bob) = (server.client_named("ann").await, server.client_named("bob").await);
    ann.send(json!({"op": "watch", "ref": "w", "room": "lobby"})).await;
    assert_eq!(ann.expect_error("not_a_member").await["ref"], "w");
    join(&mut ann, "lobby").await;
    assert_eq!(watch(&mut ann, json!({"room": "lobby"})).await, json!(["ann"]));
    join(&mut bob, "elsewhere").await;
    join(&mut bob, "lobby").await;
    assert_eq!(hears(&mut ann, "bob", true).await["room"], "lobby");
    bob.send(json!({"op": "leave", "ref": "l", "room": "lobby"})).await;
    bob.expect("left").await;
    assert_eq!(hears(&mut ann, "bob", false).await["room"], "lobby");
    join(&mut bob, "lobby").await;
    hears(&mut ann, "bob", true).await;
    bob.close().await;
    hears(&mut ann, "bob", false).await;
}

#[tokio::test]
async fn a_room_that_was_left_is_watched_no_more() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob").await);
    join(&mut ann, "lobby").await;
    join(&mut ann, "den").await;
    watch(&mut ann, json!({"room": "lobby"})).await;
    watch(&mut ann, json!({"room": "den"})).await;
    ann.send(json!({"op": "leave", "ref": "l", "room": "lobby"})).await;
    ann.expect("left").await;
    join(&mut bob, "lobby").await;
    join(&mut bob, "den").await;
    assert_eq!(hears(&mut ann, "bob", true).await["room"], "den");
}

#[tokio::test]
async fn classic_members_are_told_of_and_are_told_nothing() {
    let server = server().start().await;
    let mut ann = server.client().await;
    join(&mut ann, "lobby").await;
    watch(&mut ann, json!({"room": "lobby"})).await;
    let mut eve = server.upgraded_at("/ws/lobby").await;
    let fresh = eve.receive().await["clientID"].as_str().expect("an ID").to_owned();
    hears(&mut ann, &fresh, true).await;
    eve.send(json!({"command": "setID", "data": "eve"})).await;
    assert_eq!(eve.receive().await["clientID"], "eve");
    hears(&mut ann, &fresh, false).await;
    hears(&mut ann, "eve", true).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_gone_after_the_grace_like_one_that_was_closed() {
    let server = server().set("presence_grace", "20ms").start().await;
    let (mut ann, bob) = (server.client().await, server.client_named("bob").await);
    watch(&mut ann, json!({"ids": ["bob"]})).await;
    drop(bob);
    hears(&mut ann, "bob", false).await;
}

#[tokio::test]
async fn too_many_are_not_watched() {
    let server = server().start().await;
    let mut ann = server.client().await;
    for part in 0..4 {
        let ids: Vec<_> = (0..1024).map(|number| format!("m{part}-{number}")).collect();
        assert_eq!(watch(&mut ann, json!({"ids": ids})).await, json!([]));
    }
    ann.send(json!({"op": "watch", "ref": "w", "ids": ["one-more"]})).await;
    assert_eq!(ann.expect_error("forbidden").await["ref"], "w");
    unwatch(&mut ann, json!({"ids": ["m0-0"]})).await;
    watch(&mut ann, json!({"ids": ["one-more"]})).await;
}

#[tokio::test]
async fn messagepack_says_the_same() {
    let server = server().start().await;
    let (_, client) = server.try_upgrade(&subprotocol_request("ackd.v1.msgpack")).await;
    let mut ann = client.speaking_msgpack();
    ann.connect(json!({})).await;
    assert_eq!(watch(&mut ann, json!({"ids": ["bob"]})).await, json!([]));
    let _bob = server.client_named("bob").await;
    assert!(hears(&mut ann, "bob", true).await["gen"].is_u64());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_the_newest_state_only() {
    let server = server().set("presence_grace", "0s").start().await;
    let (mut ann, mut eye) = (server.client().await, server.client().await);
    let mut deaf = server.upgraded().await;
    deaf.connect(json!({"window": 1024})).await;
    watch(&mut deaf, json!({"ids": ["bob"]})).await;
    watch(&mut eye, json!({"ids": ["bob"]})).await;
    // 12 MB, more than any socket holds.
    let body = "x".repeat(60_000);
    for _ in 0..200 {
        ann.send(json!({"op": "send", "ref": "s", "to": deaf.id, "body": body})).await;
        ann.expect("accepted").await;
    }
    let first = server.client_named("bob").await;
    let again = first.credential();
    let mut bob = Some(first);
    let mut newest = Value::Null;
    for _ in 0..20 {
        let client = match bob.take() {
            Some(client) => client,
            None => back(&server, again.clone()).await,
        };
        hears(&mut eye, "bob", true).await;
        client.close().await;
        newest = hears(&mut eye, "bob", false).await;
    }
    let (mut messages, mut told) = (0, Vec::new());
    while messages < 200 || told.is_empty() {
        let frame = deaf.receive().await;
        match frame["op"].as_str() {
            Some("message") => messages += 1,
            Some("presence") => told.push(frame),
            _ => panic!("{frame}"),
        }
    }
    deaf.round_trip().await;
    assert_eq!(told, [newest]);
}

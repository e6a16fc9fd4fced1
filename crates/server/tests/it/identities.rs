//! Who may enter as whom (promise 7), and how an identity ends.

use serde_json::{Value, json};

use crate::support::{Client, Running, server, soon};

fn token(letter: &str) -> String {
    letter.repeat(42) + "A"
}

fn claim(id: &str, letter: &str) -> Value {
    json!({"id": id, "token": token(letter), "new": true})
}

async fn check_refused(server: &Running, fields: Value, code: &str, close: u16) {
    let (error, closed) = server.refused(fields.clone()).await;
    assert_eq!((&error["code"], closed), (&json!(code), Some(close)), "{fields}");
}

#[tokio::test]
async fn the_server_issues_an_id_and_tells_its_token_once() {
    let server = server().start().await;
    let (mut ann, connected) = server.enter(json!({})).await;
    let id = connected["id"].as_str().expect("an ID");
    assert!(id.len() == 32 && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    assert_eq!(
        (connected["token"].as_str().map(str::len), &connected["new"]),
        (Some(43), &json!(true))
    );
    ann.round_trip().await;
    let (_again, connected) = server.enter(ann.credential()).await;
    assert_eq!((&connected["id"], &connected["token"]), (&json!(id), &Value::Null));
    assert_eq!(connected["new"], Value::Null);
    let now_and_30_days = connected["expires"].as_u64().expect("a time");
    assert!(30 * 86_400_000 < now_and_30_days);
}

#[tokio::test]
async fn a_claim_may_be_repeated_and_a_held_id_needs_its_token() {
    let server = server().start().await;
    let (_ann, connected) = server.enter(claim("ann", "B")).await;
    assert_eq!((&connected["id"], &connected["new"]), (&json!("ann"), &json!(true)));
    let (_again, connected) = server.enter(claim("ann", "B")).await;
    assert_eq!((&connected["new"], &connected["token"]), (&Value::Null, &Value::Null));
    check_refused(&server, claim("ann", "C"), "unauthorized", 4401).await;
    let stolen = json!({"id": "ann", "token": token("C")});
    check_refused(&server, stolen, "unauthorized", 4401).await;
    let (issued, _) = server.enter(json!({})).await;
    check_refused(&server, claim(&issued.id, "C"), "unauthorized", 4401).await;
    let server = server.kill().await.start().await;
    check_refused(&server, claim("ann", "C"), "unauthorized", 4401).await;
    server.enter(json!({"id": "ann", "token": token("B")})).await;
}

#[tokio::test]
async fn an_id_that_nobody_holds_is_unknown() {
    let server = server().start().await;
    for id in ["nobody", &"0".repeat(32)] {
        let fields = json!({"id": id, "token": token("B"), "ref": "mine"});
        let (error, close) = server.refused(fields).await;
        assert_eq!((&error["code"], close), (&json!("unknown_identity"), Some(4401)));
        assert_eq!(error["ref"], "mine");
    }
}

#[tokio::test]
async fn what_is_switched_off_is_forbidden() {
    let server = server().set("auth.claims", false).start().await;
    check_refused(&server, claim("ann", "B"), "forbidden", 4403).await;
    check_refused(&server, json!({"jwt": "e30.e30.e30"}), "forbidden", 4403).await;
    let (ann, _) = server.enter(json!({})).await;
    server.enter(ann.credential()).await;
}

#[tokio::test]
async fn where_anonymous_is_off_claims_are_as_they_are() {
    let server = server().set("auth.anonymous", false).start().await;
    check_refused(&server, json!({}), "forbidden", 4403).await;
    server.enter(claim("ann", "B")).await;
}

#[tokio::test]
async fn a_connect_that_contradicts_itself_is_bad() {
    let server = server().start().await;
    let bad = [
        json!({"id": "ann"}),
        json!({"token": token("B")}),
        json!({"new": true}),
        json!({"jwt": "x", "id": "ann", "token": token("B")}),
        json!({"id": "server", "token": token("B"), "new": true}),
        json!({"id": "no such name", "token": token("B"), "new": true}),
        json!({"id": "ann", "token": "short", "new": true}),
        json!({"id": "ann", "token": "B".repeat(43), "new": true}), // spare bits that are not zero
        json!({"device": 7}),
        json!({"window": -1}),
        json!({"outbox": ""}),
    ];
    for fields in bad {
        check_refused(&server, fields, "bad_frame", 4400).await;
    }
}

#[tokio::test]
async fn a_second_connect_is_bad_and_changes_nothing() {
    let server = server().start().await;
    let mut ann = server.client().await;
    ann.send(json!({"op": "connect", "ref": "2"})).await;
    assert_eq!(ann.expect_error("bad_frame").await["ref"], "2");
    let id = ann.id.clone();
    ann.tell(&id, "to myself").await;
    assert_eq!(ann.expect_body("to myself").await["from"], id);
}

async fn rotate(client: &mut Client, letter: &str) {
    client.send(json!({"op": "rotate", "ref": "r", "token": token(letter)})).await;
    assert_eq!(client.expect("rotated").await["ref"], "r");
}

#[tokio::test]
async fn the_old_token_lives_until_the_new_one_is_used() {
    let server = server().start().await;
    let entry = |letter| json!({"id": "ann", "token": token(letter)});
    let (mut ann, _) = server.enter(claim("ann", "B")).await;
    rotate(&mut ann, "C").await;
    server.enter(entry("B")).await;
    let server = server.kill().await.start().await;
    server.enter(entry("B")).await;
    server.enter(entry("C")).await;
    check_refused(&server, entry("B"), "unauthorized", 4401).await;
    let server = server.kill().await.start().await;
    check_refused(&server, entry("B"), "unauthorized", 4401).await;
    let (mut ann, _) = server.enter(entry("C")).await;
    rotate(&mut ann, "D").await;
    rotate(&mut ann, "E").await;
    check_refused(&server, entry("D"), "unauthorized", 4401).await;
    server.enter(entry("C")).await;
    server.enter(entry("E")).await;
}

/// Until the identity has ended: mail to it is refused then.
async fn ended(ann: &mut Client, id: &str) {
    soon("the end of the identity", async {
        loop {
            ann.send(json!({"op": "send", "ref": "there?", "to": id, "body": "waits"})).await;
            let answer = ann.receive().await;
            if answer["code"] == "unknown_recipient" {
                break;
            }
            assert!(answer["op"] == "accepted" || answer["code"] == "mailbox_full", "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_identity_ends_after_its_time_with_all_that_waits() {
    let server = server().set("identity_ttl", "300ms").start().await;
    let mut ann = server.client().await;
    let (issued, _) = server.enter(json!({})).await;
    let (claimed, _) = server.enter(claim("bob", "B")).await;
    for client in [issued, claimed] {
        let (id, credential) = (client.id.clone(), client.credential());
        client.close().await;
        ann.tell(&id, "waits").await;
        ended(&mut ann, &id).await;
        check_refused(&server, credential, "unknown_identity", 4401).await;
    }
    // Of a claimed name ID and hash stay: its holder gets it again, empty.
    check_refused(&server, claim("bob", "C"), "unauthorized", 4401).await;
    let (_bob, connected) = server.enter(claim("bob", "B")).await;
    assert_eq!((&connected["new"], &connected["pending"]), (&json!(true), &json!(0)));
    ann.round_trip().await; // who is here does not end
}

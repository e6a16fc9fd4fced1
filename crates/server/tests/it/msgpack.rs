//! MessagePack over real sockets: how it is agreed on, and bodies between clients of every kind.

use serde_json::{Value, json};

use crate::support::{Client, Heard, Running, pack, server, subprotocol_request};

/// A client that speaks MessagePack; not connected yet.
pub(crate) async fn upgraded(server: &Running) -> Client {
    let request = subprotocol_request("ackd.v1.msgpack");
    let (answer, client) = server.try_upgrade(&request).await;
    assert_eq!(answer.header("sec-websocket-protocol"), Some("ackd.v1.msgpack"));
    client.speaking_msgpack()
}

async fn client(server: &Running) -> Client {
    let mut client = upgraded(server).await;
    client.connect(json!({})).await;
    client
}

/// A classic client, and its ID.
async fn classic(server: &Running) -> (Client, String) {
    let mut client = server.upgraded_at("/ws/lobby").await;
    let id = client.receive().await["clientID"].as_str().expect("an ID").to_owned();
    (client, id)
}

/// What a body sent by `from` becomes for each of the others; it is acknowledged.
async fn pass(from: &mut Client, to: &mut Client, body: Value) -> Value {
    from.send(json!({"op": "send", "ref": "s", "to": to.id, "body": body})).await;
    from.expect("accepted").await;
    let message = to.expect("message").await;
    to.send(json!({"op": "ack", "seq": message["seq"]})).await;
    message
}

#[tokio::test]
async fn a_session_in_messagepack_is_like_one_in_json() {
    let server = server().start().await;
    let mut ann = upgraded(&server).await;
    let connected = ann.connect(json!({"outbox": "o", "ref": "r"})).await;
    assert_eq!((&connected["new"], &connected["ref"]), (&json!(true), &json!("r")));
    assert_eq!(connected["token"].as_str().map(str::len), Some(43));
    let bob = server.client().await;
    for (n, dup) in [(1, Value::Null), (2, Value::Null), (1, json!(true))] {
        ann.send(json!({"op": "send", "n": n, "to": bob.id, "body": n})).await;
        let accepted = ann.expect("accepted").await;
        assert_eq!((&accepted["n"], &accepted["dup"]), (&json!(n), &dup));
    }
    ann.send(json!({"op": "send", "ref": "s", "to": "nobody", "body": 1})).await;
    let error = ann.expect_error("unknown_recipient").await;
    assert_eq!((&error["ref"], &error["temporary"]), (&json!("s"), &json!(false)));
    ann.send(json!({"op": "join", "ref": "j", "room": "lobby"})).await;
    assert_eq!(ann.expect("joined").await["members"], 1);
    ann.round_trip().await;
    ann.close().await;
}

#[tokio::test]
async fn batches_go_in_and_what_is_bad_in_them_spoils_no_other() {
    let server = server().start().await;
    let mut ann = client(&server).await;
    let ping = |r#ref: &str| pack(&json!({"op": "ping", "ref": r#ref}));
    let parts = [vec![0x94], ping("1"), b"\x81\xa1x\xd4\0\0".to_vec(), b"\x01".to_vec(), ping("2")];
    ann.send_with(|encoder, out| encoder.binary(out, &parts.concat())).await;
    assert_eq!(ann.expect("pong").await["ref"], "1");
    let error = ann.expect_error("bad_frame").await;
    assert_eq!(error["message"], "extension types are none of this protocol");
    assert_eq!(ann.expect_error("bad_frame").await["message"], "a frame is a map");
    assert_eq!(ann.expect("pong").await["ref"], "2");
}

#[tokio::test]
async fn a_message_in_fragments_is_one() {
    let server = server().start().await;
    let mut ann = client(&server).await;
    let frame = pack(&json!({"op": "ping", "ref": "fragments"}));
    let (first, last) = frame.split_at(7);
    ann.send_with(|encoder, out| {
        encoder.fragment(out, ackd_websocket::Opcode::Binary, first);
        encoder.last_fragment(out, last);
    })
    .await;
    assert_eq!(ann.expect("pong").await["ref"], "fragments");
}

#[tokio::test]
async fn text_where_messagepack_is_spoken_is_1003() {
    let server = server().start().await;
    let mut ann = client(&server).await;
    ann.send_text(r#"{"op":"ping"}"#).await;
    assert_eq!(ann.close_code().await, Some(1003));
}

#[tokio::test]
async fn the_tenth_unreadable_message_in_a_row_ends_the_connection() {
    let server = server().start().await;
    let mut ann = client(&server).await;
    for _ in 0..10 {
        ann.send_with(|encoder, out| encoder.binary(out, b"\xc1")).await;
    }
    for _ in 0..10 {
        let error = ann.expect_error("bad_frame").await;
        assert_eq!(error["message"], "not MessagePack: the byte 0xc1 begins no value");
    }
    assert_eq!(ann.close_code().await, Some(4400));
}

#[tokio::test]
async fn a_body_passes_between_messagepack_clients_byte_for_byte_over_a_restart() {
    let server = server().start().await;
    let mut ann = client(&server).await;
    let bob = client(&server).await;
    let again = bob.credential();
    bob.close().await;
    // An array of two with a long head, NaN, and a key that is a number.
    let body = b"\xdd\0\0\0\x02\xcb\x7f\xf8\0\0\0\0\0\x01\x81\x01\xd9\x01x";
    let mut frame = pack(&json!({"op": "send", "ref": "s", "to": again["id"], "body": "BODY"}));
    let hole = pack(&json!("BODY"));
    let at = frame.windows(hole.len()).position(|part| part == hole).expect("it is there");
    frame.splice(at..at + hole.len(), *body);
    ann.send_with(|encoder, out| encoder.binary(out, &frame)).await;
    ann.expect("accepted").await;
    let server = server.kill().await.start().await;
    let mut bob = upgraded(&server).await;
    bob.send(json!({"op": "connect", "id": again["id"], "token": again["token"]})).await;
    let Heard::Binary(_connected) = bob.hear().await else { panic!("no `connected`") };
    let Heard::Binary(message) = bob.hear().await else { panic!("no `message`") };
    assert!(message.windows(body.len()).any(|part| part == body), "{message:?}");
}

#[tokio::test]
async fn a_body_reaches_each_kind_of_client_in_its_own_encoding() {
    let server = server().start().await;
    let (mut ann, mut bob) = (client(&server).await, server.client().await);
    let bodies = [
        json!({"text": "ü😀\n", "list": [0, -1, 128, 1.5, 1.0, null, true], "deep": {"a": []}}),
        json!([u64::MAX, i64::MIN]),
        json!("plain"),
        json!(null),
    ];
    for body in bodies {
        let message = pass(&mut ann, &mut bob, body.clone()).await;
        assert_eq!((&message["body"], &message["from"]), (&body, &json!(ann.id)));
        assert_eq!(pass(&mut bob, &mut ann, body.clone()).await["body"], body);
    }
}

#[tokio::test]
async fn bytes_are_base64_in_json_and_bytes_in_messagepack() {
    let server = server().start().await;
    let (mut ann, mut bob) = (client(&server).await, server.client().await);
    let bytes = json!({"$bytes": [0, 255]});
    let message = pass(&mut ann, &mut bob, bytes.clone()).await;
    assert_eq!((&message["body_base64"], message.get("body")), (&json!("AP8="), None));
    let inside = pass(&mut ann, &mut bob, json!([bytes])).await;
    assert_eq!(inside["body"], json!(["AP8="]));
    let send = json!({"op": "send", "ref": "s", "to": ann.id, "body_base64": "AP8="});
    bob.send(send).await;
    bob.expect("accepted").await;
    let message = ann.expect("message").await;
    assert_eq!((&message["body"], message.get("body_base64")), (&bytes, None));
}

#[tokio::test]
async fn a_classic_client_gets_json_and_is_understood() {
    let server = server().start().await;
    let (mut eve, eve_id) = classic(&server).await;
    let mut ann = client(&server).await;
    ann.send(json!({"op": "join", "ref": "j", "room": "lobby"})).await;
    assert_eq!(ann.expect("joined").await["members"], 2);
    let said = [
        (json!({"text": "hi"}), json!({"text": "hi", "from": ann.id, "to": eve_id})),
        (json!([1]), json!({"text": [1], "from": ann.id, "to": eve_id})),
        (json!({"$bytes": [0, 255]}), json!({"body_base64": "AP8=", "from": ann.id, "to": eve_id})),
    ];
    for (body, data) in said {
        ann.send(json!({"op": "send", "ref": "s", "to": eve_id, "body": body})).await;
        ann.expect("accepted").await;
        let frame = eve.receive().await;
        assert_eq!(frame["body"], json!({"command": "sendMessage", "data": data}));
    }
    // A signal to the room in the form of a classic command is one to classic clients.
    let body = json!({"command": "typing", "data": [1]});
    let signal =
        json!({"op": "send", "ref": "s", "room": "lobby", "persist": "never", "body": body});
    ann.send(signal).await;
    ann.expect("accepted").await;
    assert_eq!(eve.receive().await["body"], body);
    eve.send(json!({"command": "sendMessage", "data": {"to": ann.id, "text": "back"}})).await;
    let message = ann.expect("message").await;
    assert_eq!(message["body"], json!({"to": ann.id, "text": "back"}));
}

#[tokio::test]
async fn max_message_counts_the_body_as_it_is_sent() {
    let server = server().set("max_message", "1KiB").start().await;
    let (mut ann, mut bob) = (client(&server).await, server.client().await);
    // Five bytes are the head: text in this client's long format.
    for (length, code) in [(1019, None), (1020, Some("too_large"))] {
        ann.send(json!({"op": "send", "ref": "s", "to": bob.id, "body": "\0".repeat(length)}))
            .await;
        match code {
            None => assert_eq!(ann.expect("accepted").await["ref"], "s"),
            Some(code) => drop(ann.expect_error(code).await),
        }
    }
    // It may be longer in JSON: here 6 bytes for each.
    assert_eq!(bob.expect("message").await["body"], "\0".repeat(1019));
    // Of bytes they themselves count.
    for (length, code) in [(1024, None), (1025, Some("too_large"))] {
        let body = json!({"$bytes": vec![7; length]});
        ann.send(json!({"op": "send", "ref": "s", "to": bob.id, "body": body})).await;
        match code {
            None => assert_eq!(ann.expect("accepted").await["ref"], "s"),
            Some(code) => drop(ann.expect_error(code).await),
        }
    }
}

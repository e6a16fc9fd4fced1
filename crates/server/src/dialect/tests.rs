//! The dialects, each against the other's messages: what a client says as a command, an event as what a client reads.

use ackd_engine::{Encoding, Message};
use ackd_websocket::{Decoded, Decoder, Item, Limits, Role};
use ackd_wire::{ClientId, CloseCode, MessageId, Ref, Room, Token, v1};
use serde_json::{Value, json};

use super::{Dialect, Format, Greeting};
use crate::session::{Command, Credential, Destination, Event, Kind, Which};

const JSON: Dialect = Dialect::V1(Format::Json);
const MESSAGE_PACK: Dialect = Dialect::V1(Format::MessagePack);

fn classic() -> Dialect {
    Dialect::Classic(Room::parse("lobby").unwrap())
}

/// Each command in a few words.
fn commands(dialect: &Dialect, text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let stopped = dialect.decode(text.as_bytes(), 0, &mut |command| {
        commands.push(words(&command));
        true
    });
    assert_eq!(stopped, None);
    commands
}

fn words(command: &Command<'_>) -> String {
    match command {
        Command::Send(send) => {
            let to = match &send.to {
                Destination::Id(id) => format!("to {id}"),
                Destination::Room(room) => format!("to room {room}"),
                Destination::All => "to all".to_owned(),
                Destination::IdOrRoom(id, room) => format!("to {id} or room {room}"),
            };
            let body = String::from_utf8_lossy(&send.body);
            format!("send {to} {:?}: {body}", send.persist)
        }
        Command::Adopt(Credential::Name(id)) => format!("adopt {id}"),
        Command::Adopt(Credential::Claim(id, _)) => format!("claim {id}"),
        Command::Ack { which: Which::Ids(ids), .. } => format!("ack {}", ids.len()),
        Command::Identify => "identify".to_owned(),
        Command::Ping { r#ref } => format!("ping {}", r#ref.as_ref().unwrap().as_str()),
        Command::Bad(_) => "bad".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The texts of the frames that an event becomes.
fn frames(dialect: &Dialect, event: &Event) -> Vec<Value> {
    let greeting = Greeting { ack_timeout_ms: 1, ping_interval_ms: 2, max_message: 3 };
    let own = ClientId::parse("me").unwrap();
    let mut out = Vec::new();
    dialect.encode(event, Some(&own), &greeting, &mut out);
    let mut decoder = Decoder::new(Role::Client, Limits { message_bytes_max: 1 << 20 });
    let (mut start, mut frames) = (0, Vec::new());
    while start < out.len() {
        let decoded = decoder.decode(&mut out[start..]).unwrap();
        let Decoded::Item { consumed, item: Item::Text(text) } = decoded else {
            panic!("not a whole text: {decoded:?}")
        };
        frames.push(serde_json::from_str(text).unwrap());
        start += consumed;
    }
    frames
}

fn message(room: Option<&str>, body: &str, kind: Kind) -> Event {
    let body = (Encoding::Json, body.as_bytes());
    let mut message = Message::live(MessageId([0xab; 16]), 7, "ann", room, body).unwrap();
    if room.is_none() {
        message = message.addressed(ackd_engine::Address::Direct);
        message.seq = 42;
    }
    Event::Message { message, attempt: 1, kind }
}

#[test]
fn a_batch_that_was_stopped_goes_on_behind_what_was_given() {
    let batch = r#"[{"op":"ping","ref":"1"},{"op":"ping","ref":"2"},{"op":"ping","ref":"3"}]"#;
    let (mut given, mut skip) = (Vec::new(), 0);
    loop {
        let stopped = JSON.decode(batch.as_bytes(), skip, &mut |command| {
            given.push(words(&command));
            false
        });
        let Some(next) = stopped else { break };
        skip = next;
    }
    assert_eq!(given, ["ping 1", "ping 2", "ping 3"], "each once");
    let classic = classic();
    let new_id = r#"{"command":"newID"}"#;
    assert_eq!(classic.decode(new_id.as_bytes(), 0, &mut |_| false), Some(1));
    assert_eq!(classic.decode(new_id.as_bytes(), 1, &mut |_| unreachable!("it was given")), None);
}

#[test]
fn a_durable_join_says_where_it_begins() {
    for (fields, durable) in [
        ("", "None"),
        (r#","durable":true"#, "Some(None)"),
        (r#","durable":true,"from":3"#, "Some(Some(3))"),
    ] {
        let text = format!(r#"{{"op":"join","room":"team"{fields}}}"#);
        let expected = format!("Join {{ ref: None, room: Room(team), durable: {durable} }}");
        assert_eq!(commands(&JSON, &text), [expected]);
    }
}

#[test]
fn classic_commands_are_what_the_contract_says() {
    let id = "ab".repeat(16);
    let token = "A".repeat(43);
    let table = [
        (json!({"command": "newID"}), "identify".to_owned()),
        (json!({"command": "setID", "data": "ann"}), "adopt ann".to_owned()),
        (
            json!({"command": "setID", "data": {"id": "ann", "token": token}}),
            "claim ann".to_owned(),
        ),
        (json!({"command": "ack", "data": id}), "ack 1".to_owned()),
        (json!({"command": "ack", "data": ""}), "ack 0".to_owned()),
        (
            json!({"command": "sendMessage", "data": {"to": "bob", "text": "hi"}}),
            r#"send to bob or room lobby None: {"text":"hi","to":"bob"}"#.to_owned(),
        ),
        (
            json!({"command": "sendMessage", "data": {"to": "", "text": "hi"}}),
            r#"send to room lobby Some(Miss): {"text":"hi","to":""}"#.to_owned(),
        ),
        (
            json!({"command": "typing", "data": 1}),
            r#"send to room lobby Some(Never): {"command":"typing","data":1}"#.to_owned(),
        ),
        (json!({"command": "userDisconnected", "data": null}), "bad".to_owned()),
        (json!({"command": "clientID", "data": "eve"}), "bad".to_owned()),
        (json!([]), "bad".to_owned()),
    ];
    for (frame, expected) in table {
        assert_eq!(commands(&classic(), &frame.to_string()), [expected]);
    }
}

#[test]
fn a_message_reaches_each_dialect_in_its_own_form() {
    let stored = message(None, r#"{"text":"hi"}"#, Kind::Stored);
    let id = "ab".repeat(16);
    let v1 = json!({"op": "message", "seq": 42, "id": id, "from": "ann", "to": "me",
                    "body": {"text": "hi"}, "at": 7});
    assert_eq!(frames(&JSON, &stored), [v1]);
    let data = json!({"text": "hi", "from": "ann", "to": "me"});
    let body = json!({"command": "sendMessage", "data": data});
    let expected = json!({"id": id, "type": 1, "body": body, "clientID": "ann"});
    assert_eq!(frames(&classic(), &stored), [expected]);
    let plain = message(Some("lobby"), "5", Kind::Live);
    assert_eq!(frames(&classic(), &plain)[0]["body"]["data"], json!({"text": 5, "from": "ann"}));
    assert_eq!(frames(&JSON, &plain)[0]["live"], true);
}

#[test]
fn a_classic_command_comes_back_as_one_but_never_in_the_servers_name() {
    let signal = |body: &str| {
        let event = message(Some("lobby"), body, Kind::Signal);
        frames(&classic(), &event)[0]["body"].clone()
    };
    let typing = signal(r#"{"command":"typing","data":[1]}"#);
    assert_eq!(typing, json!({"command": "typing", "data": [1]}));
    for name in ["error", "clientID", "newUser", "userDisconnected"] {
        let forged = signal(&format!(r#"{{"command":"{name}","data":1}}"#));
        assert_eq!(forged["command"], "sendMessage", "{name}");
    }
}

#[test]
fn each_dialect_is_told_only_what_it_knows() {
    let id = || ClientId::parse("ann").unwrap();
    let token = Some(Token::new([7; 32]));
    let roommate = Event::Roommate { id: id(), came: true };
    let identity = Event::Identity { id: id(), token };
    for event in [&roommate, &identity] {
        assert_eq!(frames(&JSON, event), [] as [Value; 0]);
        assert_eq!(frames(&classic(), event).len(), 1);
    }
    assert!(frames(&classic(), &identity)[0]["token"].is_string());
    let goaway = Event::Goaway { reconnect_after_ms: 5, reason: "draining" };
    assert_eq!(frames(&JSON, &goaway)[0]["reconnect_after_ms"], 5);
    let pong = Event::Pong { r#ref: None };
    for event in [&goaway, &pong, &Event::Close(CloseCode::Done)] {
        assert_eq!(frames(&classic(), event), [] as [Value; 0]);
    }
}

#[test]
fn the_same_command_comes_of_both_encodings() {
    let id = MessageId([0xab; 16]);
    let mut bytes = vec![0x92];
    let ping = v1::ClientFrame::Ping { r#ref: Some(Ref::parse("1").unwrap()) };
    let ack = v1::AckFrame { r#ref: None, which: v1::Which::Ids(vec![id]) };
    v1::msgpack::encode_client(&mut bytes, &ping);
    v1::msgpack::encode_client(&mut bytes, &v1::ClientFrame::Ack(ack));
    let mut given = Vec::new();
    MESSAGE_PACK.decode(&bytes, 0, &mut |command| {
        given.push(words(&command));
        true
    });
    let text = format!(r#"[{{"op":"ping","ref":"1"}},{{"op":"ack","ids":["{id}"]}}]"#);
    assert_eq!(given, commands(&JSON, &text));
    assert_eq!(given, ["ping 1", "ack 1"]);
}

#[test]
fn connecting_to_a_classic_room_enters_it() {
    let room = Room::parse("lobby").unwrap();
    let opening = Dialect::Classic(room.clone()).opening();
    assert!(matches!(&opening[..], [Command::Connect(_), Command::Join { room: joined, .. }]
        if *joined == room));
    assert!(JSON.opening().is_empty());
}

//! The dialect of the original server.

use std::borrow::Cow;

use ackd_engine::{Address, Encoding, Message};
use ackd_wire::classic::{self as wire, ClientFrame, ServerFrame};
use ackd_wire::{ClientId, Name, Room, v1};

use super::{text, text_header};
use crate::session::{
    BadCommand, Command, Connect, Credential, Destination, Event, Kind, Persist, Send, Which,
};

/// Whoever connects has a fresh ID and is in the room of the address.
pub(super) fn opening(room: &Room) -> Vec<Command<'static>> {
    let connect = Connect {
        r#ref: None,
        credential: Credential::Fresh,
        device: Name::default(),
        outbox: None,
        acked: None,
        window: None,
    };
    vec![
        Command::Connect(connect),
        Command::Join { r#ref: None, room: room.clone(), durable: None },
    ]
}

pub(super) fn decode<'a>(text: &'a str, room: &Room) -> Command<'a> {
    match wire::decode(text) {
        Ok(ClientFrame::NewId) => Command::Identify,
        Ok(ClientFrame::SetId { id, token: Some(token) }) => {
            Command::Adopt(Credential::Claim(id, token))
        }
        Ok(ClientFrame::SetId { id, token: None }) => Command::Adopt(Credential::Name(id)),
        Ok(ClientFrame::SendMessage { to, data, .. }) => {
            let body = Cow::Borrowed(data.as_bytes());
            match to.filter(|to| !to.is_empty()) {
                Some(to) => send(Destination::IdOrRoom(to, room.clone()), body, None),
                None => send(Destination::Room(room.clone()), body, Some(Persist::Miss)),
            }
        }
        Ok(ClientFrame::Ack { id }) => {
            Command::Ack { r#ref: None, which: Which::Ids(id.into_iter().collect()) }
        }
        Ok(ClientFrame::Other { command, .. }) if SERVER_COMMANDS.contains(&&*command) => {
            bad("this command is the server's own".into())
        }
        Ok(ClientFrame::Other { command, data }) => {
            let body = wire::command_body(&command, data).into_bytes().into();
            send(Destination::Room(room.clone()), body, Some(Persist::Never))
        }
        Err(message) => bad(message),
    }
}

fn bad(message: Cow<'static, str>) -> Command<'static> {
    Command::Bad(BadCommand { r#ref: None, n: None, message })
}

fn send<'a>(to: Destination<'a>, body: Cow<'a, [u8]>, persist: Option<Persist>) -> Command<'a> {
    let (r#ref, n, encoding, ttl_ms, receipt) = (None, None, Encoding::Json, None, false);
    Command::Send(Send { r#ref, n, to, encoding, body, ttl_ms, persist, receipt })
}

pub(super) fn encode(event: &Event, own: Option<&ClientId>, out: &mut Vec<u8>) {
    let (mut json, body);
    let frame = if let Event::Message { message, kind, .. } = event {
        (json, body) = (String::new(), super::body(message));
        message_frame(message, body.in_json(&mut json), *kind, own)
    } else if let Some(frame) = frame(event) {
        frame
    } else {
        return;
    };
    text_header(out, wire::encoded_len(&frame));
    wire::encode(out, &frame);
}

fn frame(event: &Event) -> Option<ServerFrame<'_>> {
    Some(match event {
        Event::Identity { id, token } => {
            ServerFrame::ClientId { id: id.as_str().into(), token: token.clone() }
        }
        Event::Error(error) => {
            ServerFrame::Error { code: error.code, message: error.message.as_ref().into() }
        }
        Event::Roommate { id, came: true } => ServerFrame::NewUser { id: id.as_str().into() },
        Event::Roommate { id, came: false } => {
            ServerFrame::UserDisconnected { id: id.as_str().into() }
        }
        _ => return None,
    })
}

fn message_frame<'e>(
    message: &'e Message,
    body: v1::JsonBody<'e>,
    kind: Kind,
    own: Option<&'e ClientId>,
) -> ServerFrame<'e> {
    let from: Cow<'e, str> = text(message.from()).into();
    if let (v1::JsonBody::Value(body), Kind::Signal, Address::Room) = (body, kind, message.address)
        && let Some((command, data)) = signal(body)
    {
        return ServerFrame::Command { id: None, from, command, data: Some(data) };
    }
    let to = match message.address {
        Address::Direct => own.map(|own| own.as_str().into()),
        Address::Room | Address::All | Address::Receipt => None,
    };
    ServerFrame::Message { id: Some(message.id), from, to, body: body.into() }
}

/// Another classic client's own command: live, to the room, in the form that v1 clients see it in.
fn signal(body: &str) -> Option<(Cow<'_, str>, &str)> {
    let (command, data) = wire::read_command_body(body)?;
    let foreign = !SERVER_COMMANDS.contains(&&*command) && command != wire::SEND_MESSAGE;
    foreign.then_some((command, data))
}

/// What only the server says.
const SERVER_COMMANDS: [&str; 4] = ["clientID", "newUser", "userDisconnected", "error"];

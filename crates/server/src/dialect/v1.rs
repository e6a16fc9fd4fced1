//! The v1 dialect, in JSON or MessagePack. A body passes as it came; where its recipient speaks the other encoding, the
//! writer of the frame translates it.

use std::borrow::Cow;

use ackd_engine::{Address, Encoding, Lost, Message};
use ackd_websocket::{Opcode, server_header};
use ackd_wire::v1::{self as wire, json, msgpack};
use ackd_wire::{ClientId, Ref, Room};

use super::{Format, Greeting, body, text, text_header};
use crate::session::{
    BadCommand, Command, Connect, Credential, Destination, Event, Kind, Persist, PresenceChange,
    Send, Watched, Welcome, Which,
};

pub(super) fn decode<'a>(
    format: Format,
    message: &'a [u8],
    skip: usize,
    f: &mut dyn FnMut(Command<'a>) -> bool,
) -> Option<usize> {
    match format {
        Format::Json => give(json::decode(text(message)), skip, f),
        Format::MessagePack => give(msgpack::decode(message), skip, f),
    }
}

fn give<'a>(
    frames: impl Iterator<Item = Result<wire::ClientFrame<'a>, wire::BadFrame>>,
    skip: usize,
    f: &mut dyn FnMut(Command<'a>) -> bool,
) -> Option<usize> {
    for (index, frame) in frames.enumerate().skip(skip) {
        let command = match frame {
            Ok(frame) => command(frame),
            Err(bad) => {
                Command::Bad(BadCommand { r#ref: bad.r#ref, n: bad.n, message: bad.message })
            }
        };
        if !f(command) {
            return Some(index + 1);
        }
    }
    None
}

fn command(frame: wire::ClientFrame<'_>) -> Command<'_> {
    match frame {
        wire::ClientFrame::Connect(frame) => Command::Connect(connect(*frame)),
        wire::ClientFrame::Send(frame) => Command::Send(send(frame)),
        wire::ClientFrame::Ack(frame) => {
            let which = match frame.which {
                wire::Which::UpTo(seq) => Which::UpTo(seq),
                wire::Which::RoomUpTo { room, seq } => Which::RoomUpTo(room, seq),
                wire::Which::Ids(ids) => Which::Ids(ids),
            };
            Command::Ack { r#ref: frame.r#ref, which }
        }
        wire::ClientFrame::Reject { ids, .. } => Command::Reject { ids },
        wire::ClientFrame::Ping { r#ref } => Command::Ping { r#ref },
        wire::ClientFrame::Rotate { r#ref, token } => Command::Rotate { r#ref, token },
        wire::ClientFrame::Join(frame) => {
            let durable = frame.durable.then_some(frame.from);
            Command::Join { r#ref: frame.r#ref, room: frame.room, durable }
        }
        wire::ClientFrame::Leave { r#ref, room } => Command::Leave { r#ref, room },
        wire::ClientFrame::Watch { r#ref, watched } => {
            Command::Watch { r#ref, watched: self::watched(watched) }
        }
        wire::ClientFrame::Unwatch { r#ref, watched } => {
            Command::Unwatch { r#ref, watched: self::watched(watched) }
        }
    }
}

fn watched(watched: wire::Watched) -> Watched {
    match watched {
        wire::Watched::Ids(ids) => Watched::Ids(ids),
        wire::Watched::Room(room) => Watched::Room(room),
    }
}

fn connect(frame: wire::ConnectFrame<'_>) -> Connect {
    let credential = match frame.credential {
        wire::Credential::New => Credential::Issue,
        wire::Credential::Resume { id, token } => Credential::Token(id, token),
        wire::Credential::Claim { id, token } => Credential::Claim(id, token),
        wire::Credential::Jwt(_) => Credential::Unsupported,
    };
    let acked = frame.epoch.zip(frame.acked).map(|(epoch, acked)| (Box::from(&*epoch), acked));
    let (device, outbox, window) = (frame.device, frame.outbox, frame.window);
    Connect { r#ref: frame.r#ref, credential, device, outbox, acked, window }
}

fn send(frame: wire::SendFrame<'_>) -> Send<'_> {
    let to = match frame.target {
        wire::Target::To(id) => Destination::Id(id.into_text()),
        wire::Target::Room(room) => Destination::Room(room.to_name()),
        wire::Target::All => Destination::All,
    };
    let (encoding, body) = match frame.body {
        wire::Body::Json(text) => (Encoding::Json, Cow::Borrowed(text.as_bytes())),
        wire::Body::MessagePack(value) => (Encoding::MessagePack, Cow::Borrowed(value)),
        wire::Body::Binary(bytes) => (Encoding::Binary, bytes),
    };
    let persist = frame.persist.map(|persist| match persist {
        wire::Persist::Accept => Persist::Accept,
        wire::Persist::Miss => Persist::Miss,
        wire::Persist::Never => Persist::Never,
    });
    let (ttl_ms, receipt) = (frame.ttl_ms, frame.receipt);
    Send { r#ref: frame.r#ref, n: frame.n, to, encoding, body, ttl_ms, persist, receipt }
}

pub(super) fn encode(
    format: Format,
    event: &Event,
    (own, greeting): (Option<&ClientId>, &Greeting),
    out: &mut Vec<u8>,
) {
    let Some(frame) = frame(event, own, greeting) else { return };
    match format {
        Format::Json => {
            text_header(out, json::encoded_len(&frame));
            json::encode(out, &frame);
        }
        Format::MessagePack => {
            server_header(out, Opcode::Binary, msgpack::encoded_len(&frame));
            msgpack::encode(out, &frame);
        }
    }
}

fn frame<'e>(
    event: &'e Event,
    own: Option<&'e ClientId>,
    greeting: &Greeting,
) -> Option<wire::ServerFrame<'e>> {
    Some(match event {
        Event::Connected(welcome) => connected(welcome, greeting),
        Event::Accepted { r#ref, n, id, dup } => {
            let (r#ref, n, id, dup) = (mark(r#ref.as_ref()), *n, *id, *dup);
            wire::ServerFrame::Accepted(wire::AcceptedFrame { r#ref, n, id, dup })
        }
        Event::Message { message, attempt, kind } => {
            wire::ServerFrame::Message(message_frame(message, (*attempt, *kind), own))
        }
        Event::Lost(ended) => lost(*ended, None),
        Event::LostInRoom { room, lost: ended } => lost(*ended, Some(room)),
        Event::Receipt(message) => return receipt(message),
        Event::Pong { r#ref } => wire::ServerFrame::Pong { r#ref: mark(r#ref.as_ref()) },
        Event::Rotated { r#ref } => wire::ServerFrame::Rotated { r#ref: mark(r#ref.as_ref()) },
        Event::Joined { r#ref, room, members, durable } => {
            let (r#ref, room, members) = (mark(r#ref.as_ref()), room.as_str().into(), *members);
            let durable = durable.map(|(epoch, acked, end)| {
                let epoch = epoch.to_string().into();
                wire::DurableRoom { epoch, acked, end }
            });
            wire::ServerFrame::Joined(wire::JoinedFrame { r#ref, room, members, durable })
        }
        Event::Left { r#ref, room, .. } => {
            wire::ServerFrame::Left { r#ref: mark(r#ref.as_ref()), room: room.as_str().into() }
        }
        Event::Watching { r#ref, present } => wire::ServerFrame::Watching {
            r#ref: mark(r#ref.as_ref()),
            present: present.iter().map(|id| id.as_str().into()).collect(),
        },
        Event::Presence(change) => presence(change),
        Event::Error(error) => wire::ServerFrame::Error(wire::ErrorFrame {
            r#ref: mark(error.r#ref.as_ref()),
            n: error.n,
            code: error.code,
            retry_after_ms: error.retry_after_ms,
            expected: error.expected,
            message: error.message.as_ref().into(),
        }),
        Event::Goaway { reconnect_after_ms, reason } => {
            let (reconnect_after_ms, reason) = (*reconnect_after_ms, (*reason).into());
            wire::ServerFrame::Goaway(wire::GoawayFrame { reconnect_after_ms, reason })
        }
        Event::Identity { .. } | Event::Roommate { .. } | Event::Close(_) => return None,
    })
}

fn message_frame<'e>(
    message: &'e Message,
    (attempt, kind): (u16, Kind),
    own: Option<&'e ClientId>,
) -> wire::MessageFrame<'e> {
    let place = match kind {
        Kind::Stored => wire::Place::Mailbox(message.seq),
        Kind::Room => wire::Place::Room(message.seq),
        Kind::Live => wire::Place::Live,
        Kind::Signal => wire::Place::Signal,
    };
    let target = match message.address {
        // A receipt is an event of its own.
        Address::Direct | Address::Receipt => {
            wire::Target::To(own.map_or("", ClientId::as_str).into())
        }
        Address::Room => wire::Target::Room(text(message.room()).into()),
        Address::All => wire::Target::All,
    };
    let (from, attempt) = (text(message.from()).into(), u32::from(attempt));
    let (id, at, body) = (message.id, message.at, body(message));
    wire::MessageFrame { place, id, from, target, body, at, attempt }
}

fn lost(Lost { from, to, reason }: Lost, room: Option<&Room>) -> wire::ServerFrame<'_> {
    let room = room.map(|room| room.as_str().into());
    wire::ServerFrame::Lost(wire::LostFrame { from, to, count: to - from + 1, reason, room })
}

fn connected<'e>(welcome: &'e Welcome, greeting: &Greeting) -> wire::ServerFrame<'e> {
    wire::ServerFrame::Connected(Box::new(wire::ConnectedFrame {
        r#ref: mark(welcome.r#ref.as_ref()),
        id: welcome.id.as_str().into(),
        token: welcome.token.clone(),
        new: welcome.new,
        epoch: welcome.epoch.to_string().into(),
        acked: welcome.acked,
        pending: welcome.pending,
        sent: welcome.sent,
        expires: welcome.expires,
        server: concat!("ackd/", env!("CARGO_PKG_VERSION")).into(),
        ack_timeout_ms: greeting.ack_timeout_ms,
        max_message: greeting.max_message,
        ping_interval_ms: greeting.ping_interval_ms,
    }))
}

fn receipt(message: &Message) -> Option<wire::ServerFrame<'_>> {
    let receipt = message.as_receipt()?;
    Some(wire::ServerFrame::Receipt(wire::ReceiptFrame {
        seq: message.seq,
        id: message.id,
        of: receipt.of,
        r#ref: receipt.mark.map(Cow::Borrowed),
        n: receipt.n,
        to: receipt.to.into(),
        state: receipt.state,
        at: message.at,
    }))
}

fn presence(change: &PresenceChange) -> wire::ServerFrame<'_> {
    let PresenceChange { id, online, generation, at, room } = change;
    wire::ServerFrame::Presence(wire::PresenceFrame {
        id: id.as_str().into(),
        online: *online,
        generation: *generation,
        at: *at,
        room: room.as_ref().map(|room| room.as_str().into()),
    })
}

fn mark(r#ref: Option<&Ref>) -> Option<Cow<'_, str>> {
    r#ref.map(|mark| mark.as_str().into())
}

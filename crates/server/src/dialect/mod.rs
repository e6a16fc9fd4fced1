//! Station 2: frames to commands, events to frames. No delivery rule lives here; another dialect is another file.

mod classic;
mod v1;

use ackd_engine::{Encoding, Message};
use ackd_websocket::{Opcode, server_header};
use ackd_wire::{ClientId, Millis, Room, v1 as wire};

use crate::session::{Command, DialectKind, Event};

/// Which frames a connection speaks, and what it needs for them.
#[derive(Debug)]
pub enum Dialect {
    /// Sections 1 to 6 of the contract.
    V1(Format),
    /// Section 7, in this room.
    Classic(Room),
}

/// How the frames of v1 are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text frames.
    Json,
    /// Binary frames.
    MessagePack,
}

/// What `connected` says of the server.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// After how long an unacknowledged message comes again.
    pub ack_timeout_ms: Millis,
    /// How often the server pings.
    pub ping_interval_ms: Millis,
    /// Most bytes of a body.
    pub max_message: u64,
}

impl Dialect {
    /// The kind, for the session.
    pub fn kind(&self) -> DialectKind {
        match self {
            Self::V1(_) => DialectKind::V1,
            Self::Classic(_) => DialectKind::Classic,
        }
    }

    /// What the client is taken to have said by connecting.
    pub fn opening(&self) -> Vec<Command<'static>> {
        match self {
            Self::V1(_) => Vec::new(),
            Self::Classic(room) => classic::opening(room),
        }
    }

    /// In which WebSocket messages its frames come and go, `Text` (checked to be UTF-8) or `Binary`.
    pub fn opcode(&self) -> Opcode {
        match self {
            Self::V1(Format::MessagePack) => Opcode::Binary,
            Self::V1(Format::Json) | Self::Classic(_) => Opcode::Text,
        }
    }

    /// Gives the commands of one message to `f`, in order, behind the first `skip`, until `f` says no. How many were
    /// given then (all of them: `None`).
    pub fn decode<'a>(
        &self,
        message: &'a [u8],
        skip: usize,
        f: &mut dyn FnMut(Command<'a>) -> bool,
    ) -> Option<usize> {
        match self {
            Self::V1(format) => v1::decode(*format, message, skip, f),
            Self::Classic(_) if skip != 0 => None,
            Self::Classic(room) => (!f(classic::decode(text(message), room))).then_some(1),
        }
    }

    /// Appends an event as WebSocket frames; what this dialect's clients do not know is left out.
    pub fn encode(
        &self,
        event: &Event,
        own: Option<&ClientId>,
        greeting: &Greeting,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::V1(format) => v1::encode(*format, event, (own, greeting), out),
            Self::Classic(_) => classic::encode(event, own, out),
        }
    }
}

/// The header of a text frame whose payload follows.
fn text_header(out: &mut Vec<u8>, bytes: usize) {
    server_header(out, Opcode::Text, bytes);
}

/// What an event's message carries, as it is stored.
fn body(message: &Message) -> wire::Body<'_> {
    match message.encoding {
        Encoding::Json => wire::Body::Json(text(message.body())),
        Encoding::MessagePack => wire::Body::MessagePack(message.body()),
        Encoding::Binary => wire::Body::Binary(message.body().into()),
    }
}

/// Messages that are text, stored names and stored JSON are UTF-8: they were checked when they came in.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! Station 2: frames to commands, events to frames. No delivery rule lives here; another dialect is another file.

mod classic;
mod v1;

use ackd_websocket::{Opcode, server_header};
use ackd_wire::{ClientId, Millis, Room};

use crate::session::{Command, DialectKind, Event};

/// Which frames a connection speaks, and what it needs for them.
#[derive(Debug)]
pub(crate) enum Dialect {
    /// Sections 1 to 6 of the contract.
    V1,
    /// Section 7, in this room.
    Classic(Room),
}

/// What `connected` says of the server.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    pub(crate) ack_timeout_ms: Millis,
    pub(crate) ping_interval_ms: Millis,
    pub(crate) max_message: u64,
}

impl Dialect {
    pub(crate) fn kind(&self) -> DialectKind {
        match self {
            Self::V1 => DialectKind::V1,
            Self::Classic(_) => DialectKind::Classic,
        }
    }

    /// What the client is taken to have said by connecting.
    pub(crate) fn opening(&self) -> Vec<Command<'static>> {
        match self {
            Self::V1 => Vec::new(),
            Self::Classic(room) => classic::opening(room),
        }
    }

    /// Gives the commands of one text to `f`, in order, behind the first `skip`, until `f` says no. How many were given
    /// then (all of them: `None`).
    pub(crate) fn decode<'a>(
        &self,
        text: &'a str,
        skip: usize,
        f: &mut dyn FnMut(Command<'a>) -> bool,
    ) -> Option<usize> {
        match self {
            Self::V1 => v1::decode(text, skip, f),
            Self::Classic(_) if skip != 0 => None,
            Self::Classic(room) => (!f(classic::decode(text, room))).then_some(1),
        }
    }

    /// Appends an event as WebSocket frames; what this dialect's clients do not know is left out.
    pub(crate) fn encode(
        &self,
        event: &Event,
        own: Option<&ClientId>,
        greeting: &Greeting,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::V1 => v1::encode(event, own, greeting, out),
            Self::Classic(_) => classic::encode(event, own, out),
        }
    }
}

/// The header of a text frame whose payload follows.
fn text_header(out: &mut Vec<u8>, bytes: usize) {
    server_header(out, Opcode::Text, bytes);
}

/// Stored names and bodies are UTF-8: they were checked when they came in.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! What both sides say, as types. A frame that has become one of these is readable and free of contradictions;
//! whether it is allowed is for the session to say.

mod client;
mod server;

use std::borrow::Cow;

pub use client::{
    AckFrame, ClientFrame, ConnectFrame, Credential, JoinFrame, SendFrame, Watched, Which,
};
pub use server::{
    AcceptedFrame, ConnectedFrame, DurableRoom, EndReason, ErrorFrame, GoawayFrame, JoinedFrame,
    LostFrame, MessageFrame, Place, PresenceFrame, ReceiptFrame, ReceiptState, ServerFrame,
};

use crate::{Ref, msgpack};

/// What a message carries; never interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// One JSON value as its sender wrote it, byte for byte.
    Json(&'a str),
    /// One MessagePack value as its sender wrote it, byte for byte; one that is bytes is [`Body::Binary`].
    MessagePack(&'a [u8]),
    /// Bytes: `body_base64` in JSON, the format for bytes in MessagePack.
    Binary(Cow<'a, [u8]>),
}

impl Body<'_> {
    /// The body as a JSON client gets it: a MessagePack value becomes JSON, for which `text` has the room.
    pub fn in_json<'s>(&'s self, text: &'s mut String) -> JsonBody<'s> {
        match self {
            Self::Json(text) => JsonBody::Value(text),
            Self::Binary(bytes) => JsonBody::Binary(bytes),
            Self::MessagePack(value) => {
                *text = msgpack::to_json(value);
                JsonBody::Value(text)
            }
        }
    }

    /// What counts against `max_message`: the bytes of the value as it is encoded, or the bytes themselves.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(text) => text.len(),
            Self::MessagePack(value) => value.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there are no bytes (an encoded value has at least one).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes: of the encoded value, or themselves.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Json(text) => text.as_bytes(),
            Self::MessagePack(value) => value,
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A body as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonBody<'a> {
    /// `body`: one JSON value.
    Value(&'a str),
    /// `body_base64`: bytes.
    Binary(&'a [u8]),
}

impl<'a> From<JsonBody<'a>> for Body<'a> {
    fn from(body: JsonBody<'a>) -> Self {
        match body {
            JsonBody::Value(text) => Self::Json(text),
            JsonBody::Binary(bytes) => Self::Binary(Cow::Borrowed(bytes)),
        }
    }
}

/// To whom a message goes, or went: `N` is the kind of text that names an identity, `R` one that names a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<N, R> {
    /// One identity.
    To(N),
    /// The members of a room, but the sender.
    Room(R),
    /// Every identity connected at that moment.
    All,
}

/// When a message is stored (`persist`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Persist {
    /// Before it is accepted.
    Accept,
    /// For each recipient who missed it.
    Miss,
    /// Never.
    Never,
}

impl Persist {
    /// As it is written in frames.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Miss => "miss",
            Self::Never => "never",
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accept, Self::Miss, Self::Never].into_iter().find(|persist| persist.as_str() == text)
    }
}

/// A frame that could not be read: to be answered with an `error`, code `bad_frame`, and counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadFrame {
    /// Its `ref`, where that could be read.
    pub r#ref: Option<Ref>,
    /// Its `n`, where that could be read: the refusal is final for this number.
    pub n: Option<u64>,
    /// What is wrong, in words for the client's developer. Holds nothing of what the client sent.
    pub message: Cow<'static, str>,
}

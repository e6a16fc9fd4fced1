//! What the server says to the application, with everything of the wire taken off.

use ackd_wire::v1::{
    EndReason, JsonBody, LostFrame, MessageFrame, Place, ReceiptFrame, ReceiptState, Target,
};
use ackd_wire::{MessageId, Millis, Seq};

/// Something came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message; acknowledge it when it is processed.
    Message(Message),
    /// What became of a message that asked for receipts; acknowledge it like a message.
    Receipt(Receipt),
    /// Messages that ended before they were read; acknowledge it when it is noted.
    Lost(Lost),
    /// The connection is there again.
    Connected,
    /// The connection is gone for now; the client comes back by itself.
    Disconnected {
        /// Why, in words.
        reason: String,
    },
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same on every delivery.
    pub id: MessageId,
    /// The sender's ID, or `server`.
    pub from: String,
    /// To whom it was addressed.
    pub to: Target<String, String>,
    /// What it carries.
    pub body: Content,
    /// When the server accepted it, in Unix milliseconds.
    pub at: Millis,
    /// Deliveries with this one: above 1 another process of this identity may have seen it.
    pub attempt: u32,
    /// Its place in the mailbox, where it has one.
    pub seq: Option<Seq>,
    /// Whether an ack is wanted; not for signals (`persist: never`).
    pub wants_ack: bool,
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A JSON text as its sender wrote it.
    Json(Box<str>),
    /// Bytes.
    Binary(Box<[u8]>),
}

/// What became of a message to an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The receipt's own ID.
    pub id: MessageId,
    /// The message it reports on.
    pub of: MessageId,
    /// The recipient's ID.
    pub to: String,
    /// What became of it.
    pub state: ReceiptState,
    /// Since when, in Unix milliseconds.
    pub at: Millis,
}

/// Messages that ended unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// First `seq` of the range.
    pub from: Seq,
    /// Last `seq` of the range.
    pub to: Seq,
    /// How many messages.
    pub count: u64,
    /// Why they ended.
    pub reason: EndReason,
}

/// What an ack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckKey {
    Id(MessageId),
    LostTo(Seq),
}

impl Event {
    /// What an ack of it means; `None` where none is wanted.
    pub(crate) fn ack_key(&self) -> Option<AckKey> {
        match self {
            Self::Message(message) => message.wants_ack.then_some(AckKey::Id(message.id)),
            Self::Receipt(receipt) => Some(AckKey::Id(receipt.id)),
            Self::Lost(lost) => Some(AckKey::LostTo(lost.to)),
            Self::Connected | Self::Disconnected { .. } => None,
        }
    }
}

impl Content {
    /// The text, where the body is a JSON string.
    pub fn text(&self) -> Option<String> {
        self.json().ok()
    }

    /// The body as a value of the application; bytes are no JSON.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(match self {
            Self::Json(text) => text,
            Self::Binary(_) => "",
        })
    }
}

impl From<MessageFrame<'_>> for Message {
    fn from(frame: MessageFrame<'_>) -> Self {
        let mut json = String::new();
        let body = match frame.body.in_json(&mut json) {
            JsonBody::Value(text) => Content::Json(text.into()),
            JsonBody::Binary(bytes) => Content::Binary(bytes.into()),
        };
        Self {
            id: frame.id,
            from: frame.from.into_owned(),
            to: match frame.target {
                Target::To(id) => Target::To(id.into_owned()),
                Target::Room(room) => Target::Room(room.into_owned()),
                Target::All => Target::All,
            },
            body,
            at: frame.at,
            attempt: frame.attempt,
            seq: match frame.place {
                Place::Mailbox(seq) | Place::Room(seq) => Some(seq),
                Place::Live | Place::Signal => None,
            },
            wants_ack: frame.place != Place::Signal,
        }
    }
}

impl From<ReceiptFrame<'_>> for Receipt {
    fn from(frame: ReceiptFrame<'_>) -> Self {
        Self {
            id: frame.id,
            of: frame.of,
            to: frame.to.into_owned(),
            state: frame.state,
            at: frame.at,
        }
    }
}

impl From<LostFrame<'_>> for Lost {
    fn from(frame: LostFrame<'_>) -> Self {
        Self { from: frame.from, to: frame.to, count: frame.count, reason: frame.reason }
    }
}

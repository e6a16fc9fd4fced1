//! What the server says to the application, with everything of the wire taken off.

use ackd_wire::v1::{
    EndReason, JsonBody, LostFrame, MessageFrame, Place, ReceiptFrame, ReceiptState, Target,
};
use ackd_wire::{MessageId, Millis, Seq};

use crate::error::SendError;
use crate::outgoing::Outgoing;

/// Something came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message; acknowledge it when it is processed.
    Message(Message),
    /// What became of a message that asked for receipts; acknowledge it like a message.
    Receipt(Receipt),
    /// Messages that ended before they were read; acknowledge it when it is noted.
    Lost(Lost),
    /// A send that an earlier process had left unanswered was refused; nobody else is told.
    Unsent(Unsent),
    /// The connection is there again.
    Connected {
        /// Whether the identity is new: a claimed name whose time was over, and that is this client's again. What waited
        /// for it is gone.
        new: bool,
    },
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

/// A send that was refused with nobody waiting for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// What was to be sent.
    pub outgoing: Outgoing,
    /// Why it was refused.
    pub error: SendError,
}

/// What an ack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckKey {
    Id(MessageId),
    Lost { from: Seq, to: Seq },
}

impl Event {
    /// What an ack of it means; `None` where none is wanted.
    pub(crate) fn ack_key(&self) -> Option<AckKey> {
        match self {
            Self::Message(message) => message.wants_ack.then_some(AckKey::Id(message.id)),
            Self::Receipt(receipt) => Some(AckKey::Id(receipt.id)),
            Self::Lost(lost) => Some(AckKey::Lost { from: lost.from, to: lost.to }),
            Self::Unsent(_) | Self::Connected { .. } | Self::Disconnected { .. } => None,
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message, or a signal.
    pub(crate) fn message(wants_ack: bool) -> Event {
        Event::Message(Message {
            id: MessageId([1; 16]),
            from: "ann".to_owned(),
            to: Target::To("bob".to_owned()),
            body: Content::Json("\"hi\"".into()),
            at: 5,
            attempt: 1,
            seq: None,
            wants_ack,
        })
    }

    #[test]
    fn signals_and_news_of_the_connection_want_no_ack() {
        assert_eq!(message(true).ack_key(), Some(AckKey::Id(MessageId([1; 16]))));
        assert_eq!(message(false).ack_key(), None);
        assert_eq!(Event::Connected { new: true }.ack_key(), None);
    }

    #[test]
    fn a_text_is_read_from_a_json_string_only() {
        let body = |text: &str| Content::Json(text.into());
        assert_eq!(body("\"h\\u00e9\"").text().as_deref(), Some("hé"));
        assert_eq!(body("{}").text(), None);
        assert_eq!(Content::Binary([1].into()).text(), None);
        assert_eq!(body("[1,2]").json::<Vec<u8>>().expect("numbers"), [1, 2]);
    }
}

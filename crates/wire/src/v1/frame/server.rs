//! What a server says. Names are texts here, since a server writes them from where they are stored; they hold only
//! the characters of names ([`crate::ClientId`], [`crate::Room`]) and are written without escaping.

use std::borrow::Cow;

use super::{Body, Target};
use crate::{ErrorCode, MessageId, Millis, Seq, Token};

/// One frame of a server.
#[derive(Debug, Clone)]
pub enum ServerFrame<'a> {
    /// `connected`: the client is in. Boxed: it comes once.
    Connected(Box<ConnectedFrame<'a>>),
    /// `accepted`: a send is promised.
    Accepted(AcceptedFrame<'a>),
    /// `error`: a frame is refused.
    Error(ErrorFrame<'a>),
    /// `message`: a delivery.
    Message(MessageFrame<'a>),
    /// `lost`: messages that ended unread stood here.
    Lost(LostFrame<'a>),
    /// `receipt`: what became of a message to an identity.
    Receipt(ReceiptFrame<'a>),
    /// `joined`: answers `join`.
    Joined(JoinedFrame<'a>),
    /// `left`: answers `leave`.
    Left {
        /// Of the `leave`.
        r#ref: Option<Cow<'a, str>>,
        /// Which room.
        room: Cow<'a, str>,
    },
    /// `watching`: answers `watch` and `unwatch`.
    Watching {
        /// Of the `watch`.
        r#ref: Option<Cow<'a, str>>,
        /// Who of the watched is online; empty for an `unwatch`.
        present: Vec<Cow<'a, str>>,
    },
    /// `presence`: one of the watched came or went.
    Presence(PresenceFrame<'a>),
    /// `rotated`: the new secret is stored.
    Rotated {
        /// Of the `rotate`.
        r#ref: Option<Cow<'a, str>>,
    },
    /// `pong`: answers `ping`.
    Pong {
        /// Of the `ping`.
        r#ref: Option<Cow<'a, str>>,
    },
    /// `goaway`: the server is leaving; close 1001 follows.
    Goaway(GoawayFrame<'a>),
}

/// `connected`.
#[derive(Debug, Clone)]
pub struct ConnectedFrame<'a> {
    /// Of the `connect`.
    pub r#ref: Option<Cow<'a, str>>,
    /// The identity's ID.
    pub id: Cow<'a, str>,
    /// Its secret, where the server made it: this once.
    pub token: Option<Token>,
    /// Whether the identity is new; written only where it is.
    pub new: bool,
    /// Incarnation of the mailbox.
    pub epoch: Cow<'a, str>,
    /// All up to here is settled for this device.
    pub acked: Seq,
    /// How many messages and receipts wait after it.
    pub pending: u64,
    /// Highest number accepted from the outbox; 0: none known.
    pub sent: u64,
    /// When the identity ends if this connection ended now.
    pub expires: Millis,
    /// Name and version of the server's software.
    pub server: Cow<'a, str>,
    /// After how long an unacknowledged message comes again.
    pub ack_timeout_ms: Millis,
    /// Most bytes of a body.
    pub max_message: u64,
    /// How often the server pings.
    pub ping_interval_ms: Millis,
}

/// `accepted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedFrame<'a> {
    /// Of the `send`.
    pub r#ref: Option<Cow<'a, str>>,
    /// Of the `send`.
    pub n: Option<u64>,
    /// The message's ID.
    pub id: MessageId,
    /// Whether this was a repeat; written only where it was.
    pub dup: bool,
}

/// `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFrame<'a> {
    /// Of the refused frame.
    pub r#ref: Option<Cow<'a, str>>,
    /// Of the refused `send`.
    pub n: Option<u64>,
    /// Why. `temporary` is written as the code says.
    pub code: ErrorCode,
    /// When to try again.
    pub retry_after_ms: Option<Millis>,
    /// With `gap`: the number to repeat first.
    pub expected: Option<u64>,
    /// The reason in words, for the client's developer.
    pub message: Cow<'a, str>,
}

/// `message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFrame<'a> {
    /// Where it stands, which decides how it is acknowledged.
    pub place: Place,
    /// The same on every delivery and for every recipient.
    pub id: MessageId,
    /// The sender's ID, or `server`.
    pub from: Cow<'a, str>,
    /// To whom it was addressed.
    pub target: Target<Cow<'a, str>, Cow<'a, str>>,
    /// What it carries.
    pub body: Body<'a>,
    /// When the server accepted it.
    pub at: Millis,
    /// Deliveries to this device with this one, from 1; written where it is above 1.
    pub attempt: u32,
}

/// Where a delivered message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the mailbox: `seq`.
    Mailbox(Seq),
    /// In the durable room that the message is addressed to: `seq` and `"durable":true`.
    Room(Seq),
    /// In memory, to be acknowledged by its ID: `"live":true`.
    Live,
    /// Nowhere, no ack is wanted: `"live":true,"ack":false`.
    Signal,
}

/// `lost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFrame<'a> {
    /// First `seq` of the range.
    pub from: Seq,
    /// Last `seq` of the range: an ack of it or beyond settles this frame.
    pub to: Seq,
    /// How many messages ended in it.
    pub count: u64,
    /// Why they ended.
    pub reason: EndReason,
    /// The durable room whose log it is; `None`: the mailbox.
    pub room: Option<Cow<'a, str>>,
}

/// Why messages ended unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Their TTL ran out, or the identity's.
    Expired,
    /// An operator deleted them.
    Purged,
    /// `max_attempts`, or a reject.
    Dead,
    /// The log was full.
    Full,
}

impl EndReason {
    /// As it is written in frames.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Purged => "purged",
            Self::Dead => "dead",
            Self::Full => "full",
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Expired, Self::Purged, Self::Dead, Self::Full]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }
}

/// `receipt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptFrame<'a> {
    /// The receipt's own place in the sender's mailbox.
    pub seq: Seq,
    /// The receipt's own ID.
    pub id: MessageId,
    /// The message it reports on.
    pub of: MessageId,
    /// Of the `send`.
    pub r#ref: Option<Cow<'a, str>>,
    /// Of the `send`.
    pub n: Option<u64>,
    /// The recipient's ID.
    pub to: Cow<'a, str>,
    /// What became of the message.
    pub state: ReceiptState,
    /// Since when.
    pub at: Millis,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// It waits; not final.
    Archived,
    /// Its recipient has processed it.
    Acked,
    /// Its TTL ran out.
    Expired,
    /// It was rejected, or `max_attempts` was reached.
    Dead,
    /// An operator deleted it.
    Purged,
}

impl ReceiptState {
    /// As it is written in frames.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Acked => "acked",
            Self::Expired => "expired",
            Self::Dead => "dead",
            Self::Purged => "purged",
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Archived, Self::Acked, Self::Expired, Self::Dead, Self::Purged]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether no other state follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Archived)
    }
}

/// `joined`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedFrame<'a> {
    /// Of the `join`.
    pub r#ref: Option<Cow<'a, str>>,
    /// Which room.
    pub room: Cow<'a, str>,
    /// Identities in it: joined now, or durable.
    pub members: u64,
    /// Where a durable member stands.
    pub durable: Option<DurableRoom<'a>>,
}

/// A durable room's log, as its member finds it: `"durable":true` and these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurableRoom<'a> {
    /// Incarnation of the log.
    pub epoch: Cow<'a, str>,
    /// All up to here is settled for this device.
    pub acked: Seq,
    /// The log's end.
    pub end: Seq,
}

/// `presence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceFrame<'a> {
    /// Who.
    pub id: Cow<'a, str>,
    /// Whether the identity has any connection.
    pub online: bool,
    /// Grows with every change: the higher one is the newer one.
    pub generation: u64,
    /// Since when.
    pub at: Millis,
    /// The room for whose sake it is told.
    pub room: Option<Cow<'a, str>>,
}

/// `goaway`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoawayFrame<'a> {
    /// How long to wait before reconnecting; jittered by the server.
    pub reconnect_after_ms: Millis,
    /// Why, in a word.
    pub reason: Cow<'a, str>,
}

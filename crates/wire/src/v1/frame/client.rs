//! What a client says.

use std::borrow::Cow;

use super::{Body, Persist, Target};
use crate::limits::{WINDOW_DEFAULT, WINDOW_MAX, WINDOW_MIN};
use crate::{ClientId, Lent, MessageId, Millis, Name, Ref, Room, Seq, Token};

/// One frame of a client.
#[derive(Debug, Clone)]
pub enum ClientFrame<'a> {
    /// `connect`: enter an identity. Boxed: it comes once.
    Connect(Box<ConnectFrame<'a>>),
    /// `send`: pass a message on.
    Send(SendFrame<'a>),
    /// `ack`: messages are processed.
    Ack(AckFrame),
    /// `reject`: messages can never be processed.
    Reject {
        /// Echoed in an error.
        r#ref: Option<Ref>,
        /// Which: 1 to [`crate::limits::ACK_IDS_MAX`].
        ids: Vec<MessageId>,
    },
    /// `ping`: is anybody there?
    Ping {
        /// Echoed.
        r#ref: Option<Ref>,
    },
    /// `rotate`: a new secret.
    Rotate {
        /// Echoed.
        r#ref: Option<Ref>,
        /// The new secret.
        token: Token,
    },
    /// `join`: become a member of a room.
    Join(JoinFrame),
    /// `leave`: stop being one.
    Leave {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Which room.
        room: Room,
    },
    /// `watch`: be told who comes and goes.
    Watch {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Whose presence.
        watched: Watched,
    },
    /// `unwatch`: no longer.
    Unwatch {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Whose presence.
        watched: Watched,
    },
}

impl ClientFrame<'_> {
    /// The frame's `ref`, for answers to it.
    pub fn r#ref(&self) -> Option<&Ref> {
        match self {
            Self::Connect(frame) => frame.r#ref.as_ref(),
            Self::Send(frame) => frame.r#ref.as_ref(),
            Self::Ack(frame) => frame.r#ref.as_ref(),
            Self::Join(frame) => frame.r#ref.as_ref(),
            Self::Reject { r#ref, .. }
            | Self::Ping { r#ref }
            | Self::Rotate { r#ref, .. }
            | Self::Leave { r#ref, .. }
            | Self::Watch { r#ref, .. }
            | Self::Unwatch { r#ref, .. } => r#ref.as_ref(),
        }
    }
}

/// `connect`.
#[derive(Debug, Clone)]
pub struct ConnectFrame<'a> {
    /// Echoed.
    pub r#ref: Option<Ref>,
    /// What entitles the client.
    pub credential: Credential<'a>,
    /// Incarnation of the mailbox that the client remembers, as it was told: [`crate::Epoch::parse`] says whether
    /// it can be one of this server's.
    pub epoch: Option<Cow<'a, str>>,
    /// What the client has processed; counts only with the present epoch.
    pub acked: Option<Seq>,
    /// The device that reads; empty where none is named.
    pub device: Name,
    /// The outbox of its numbered sends.
    pub outbox: Option<Name>,
    /// Messages in flight that the client asks for, as it was written; see [`ConnectFrame::window`].
    pub window: Option<u64>,
    /// Name and version of the client's software.
    pub client: Option<Cow<'a, str>>,
}

impl ConnectFrame<'_> {
    /// The window in force: what was asked for, clamped, or the default.
    pub fn window(&self) -> u16 {
        self.window.map_or(WINDOW_DEFAULT, |asked| {
            u16::try_from(asked).unwrap_or(WINDOW_MAX).clamp(WINDOW_MIN, WINDOW_MAX)
        })
    }
}

/// What entitles a client to an identity.
#[derive(Debug, Clone)]
pub enum Credential<'a> {
    /// Nothing: a new identity, please.
    New,
    /// The secret of an identity that exists.
    Resume {
        /// The identity's ID.
        id: ClientId,
        /// Its secret.
        token: Token,
    },
    /// A name of the client's choice, with a secret of its own making.
    Claim {
        /// The name.
        id: ClientId,
        /// The secret.
        token: Token,
    },
    /// A JSON Web Token of the application, not looked into.
    Jwt(Cow<'a, str>),
}

/// `send`.
#[derive(Debug, Clone)]
pub struct SendFrame<'a> {
    /// Echoed.
    pub r#ref: Option<Ref>,
    /// Number in the outbox, from 1.
    pub n: Option<u64>,
    /// To whom.
    pub target: Target<Lent<'a, ClientId>, Lent<'a, Room>>,
    /// What; its length is not yet checked against `max_message`.
    pub body: Body<'a>,
    /// Life asked for, at least 1.
    pub ttl_ms: Option<Millis>,
    /// How it is kept, where the client says so.
    pub persist: Option<Persist>,
    /// Whether a receipt is wanted; only with [`Target::To`].
    pub receipt: bool,
}

/// `ack`.
#[derive(Debug, Clone)]
pub struct AckFrame {
    /// Echoed in an error.
    pub r#ref: Option<Ref>,
    /// Which messages.
    pub which: Which,
}

/// Which messages an `ack` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of the mailbox up to this one.
    UpTo(Seq),
    /// All of a durable room up to this one.
    RoomUpTo {
        /// The room.
        room: Room,
        /// The last of them.
        seq: Seq,
    },
    /// Just these, of those delivered on this connection: 1 to [`crate::limits::ACK_IDS_MAX`].
    Ids(Vec<MessageId>),
}

/// `join`.
#[derive(Debug, Clone)]
pub struct JoinFrame {
    /// Echoed.
    pub r#ref: Option<Ref>,
    /// Which room.
    pub room: Room,
    /// Whether to stay a member when away.
    pub durable: bool,
    /// Where a new durable member starts to read; only with `durable`.
    pub from: Option<Seq>,
}

/// Whose presence a `watch` or `unwatch` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Of these identities: 1 to [`crate::limits::WATCH_IDS_MAX`].
    Ids(Vec<ClientId>),
    /// Of a room's members.
    Room(Room),
}

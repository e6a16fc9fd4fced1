//! What a client asks of its session, whatever the dialect it speaks. Texts are borrowed from the read buffer.

use std::borrow::Cow;

use ackd_engine::Encoding;
use ackd_wire::{ClientId, MessageId, Millis, Name, Ref, Room, Seq, Token};

/// One thing a client asks. A dialect makes these from frames; it decides nothing.
#[derive(Debug)]
pub enum Command<'a> {
    /// Enter an identity. The first command of a connection, given once.
    Connect(Connect),
    /// Pass a message on.
    Send(Send<'a>),
    /// Messages are processed.
    Ack {
        /// Echoed in an error.
        r#ref: Option<Ref>,
        /// Which.
        which: Which,
    },
    /// Messages can never be processed.
    Reject {
        /// Which, of those delivered on this connection.
        ids: Vec<MessageId>,
    },
    /// Is anybody there?
    Ping {
        /// Echoed.
        r#ref: Option<Ref>,
    },
    /// A new secret.
    Rotate {
        /// Echoed.
        r#ref: Option<Ref>,
        /// The new secret.
        token: Token,
    },
    /// Become a member of a room.
    Join {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Which room.
        room: Room,
        /// A durable one, that begins with this message, or at the end.
        durable: Option<Option<Seq>>,
    },
    /// Stop being one.
    Leave {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Which room.
        room: Room,
    },
    /// Be told who comes and goes.
    Watch {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Whose presence.
        watched: Watched,
    },
    /// No longer.
    Unwatch {
        /// Echoed.
        r#ref: Option<Ref>,
        /// Whose presence.
        watched: Watched,
    },
    /// The classic dialect's `newID`: tell me my ID (and keep it from now on).
    Identify,
    /// The classic dialect's `setID`: enter another identity on this connection.
    Adopt(Credential),
    /// A frame that could not be read, or that asks for what this build does not have.
    Bad(BadCommand),
}

impl Command<'_> {
    /// The marks that an answer to it echoes: `ref` and `n`.
    pub(super) fn into_marks(self) -> (Option<Ref>, Option<u64>) {
        match self {
            Self::Connect(connect) => (connect.r#ref, None),
            Self::Send(send) => (send.r#ref, send.n),
            Self::Bad(bad) => (bad.r#ref, bad.n),
            Self::Ack { r#ref, .. }
            | Self::Ping { r#ref }
            | Self::Rotate { r#ref, .. }
            | Self::Join { r#ref, .. }
            | Self::Leave { r#ref, .. }
            | Self::Watch { r#ref, .. }
            | Self::Unwatch { r#ref, .. } => (r#ref, None),
            Self::Reject { .. } | Self::Identify | Self::Adopt(_) => (None, None),
        }
    }
}

/// How and as what to connect.
#[derive(Debug)]
pub struct Connect {
    /// Echoed in every answer to it.
    pub r#ref: Option<Ref>,
    /// What entitles the client.
    pub credential: Credential,
    /// The device that reads.
    pub device: Name,
    /// The outbox of its numbered sends.
    pub outbox: Option<Name>,
    /// Epoch (as text: it may not be one of ours) and position that the client remembers.
    pub acked: Option<(Box<str>, Seq)>,
    /// Most unacknowledged messages in flight, asked for.
    pub window: Option<u64>,
}

/// What entitles a client to an identity.
#[derive(Debug)]
pub enum Credential {
    /// Nothing: a new identity, please.
    Issue,
    /// A fresh identity that is stored only once it is needed (classic).
    Fresh,
    /// The secret of an identity.
    Token(ClientId, Token),
    /// A name with a secret of the client's own.
    Claim(ClientId, Token),
    /// A bare name that nobody holds (classic `setID`).
    Name(ClientId),
    /// A bare name, held or not: what a session makes of `Name` where `open_claims` is on. No dialect makes it.
    Open(ClientId),
    /// A kind this build cannot check (JWT).
    Unsupported,
}

/// A message to pass on.
#[derive(Debug)]
pub struct Send<'a> {
    /// Echoed.
    pub r#ref: Option<Ref>,
    /// Number in the outbox.
    pub n: Option<u64>,
    /// To whom.
    pub to: Destination<'a>,
    /// In which encoding the body is.
    pub encoding: Encoding,
    /// The body; never interpreted.
    pub body: Cow<'a, [u8]>,
    /// Life asked for.
    pub ttl_ms: Option<Millis>,
    /// How it is kept, where the client says so.
    pub persist: Option<Persist>,
    /// Whether a receipt is wanted.
    pub receipt: bool,
}

/// To whom a message goes.
#[derive(Debug)]
pub enum Destination<'a> {
    /// One identity.
    Id(Cow<'a, str>),
    /// The members of a room, but the sender.
    Room(Room),
    /// Everyone connected.
    All,
    /// The classic `sendMessage` with a `to`: to that identity alone if anybody holds the ID, else to everyone in the
    /// room, the sender included, and (where claims are on) kept for whoever claims the ID.
    IdOrRoom(Cow<'a, str>, Room),
}

/// When a message is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persist {
    /// Before it is accepted.
    Accept,
    /// For each recipient who missed it.
    Miss,
    /// Never.
    Never,
}

/// Which messages an ack means.
#[derive(Debug)]
pub enum Which {
    /// All of the mailbox up to this one.
    UpTo(Seq),
    /// All of a durable room up to this one.
    RoomUpTo(Room, Seq),
    /// Just these, of those delivered on this connection.
    Ids(Vec<MessageId>),
}

/// Whose presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// These identities'.
    Ids(Vec<ClientId>),
    /// That of a room's members.
    Room(Room),
}

/// Something unreadable.
#[derive(Debug)]
pub struct BadCommand {
    /// Echoed, where it could be read.
    pub r#ref: Option<Ref>,
    /// The send's number, where it could be read.
    pub n: Option<u64>,
    /// What is wrong with it.
    pub message: Cow<'static, str>,
}

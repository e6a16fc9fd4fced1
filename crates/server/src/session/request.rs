//! What a session asks of the router, in the order it asks.

use std::borrow::Cow;

use ackd_engine::{self as engine, Encoding, IdentityKey, LogKey, OutboxKey, Refusal, Unknown};
use ackd_wire::{ClientId, MessageId, Millis, Ref, Room, Seq};

use super::{Connect, Persist, Watched};

/// One request. Slots are the session's own numbers for those that are answered.
#[derive(Debug)]
pub enum Request<'a> {
    /// Enter an identity.
    Connect {
        /// The session's number for it.
        slot: u32,
        /// As what.
        connect: Box<Connect>,
    },
    /// Store a message.
    Append {
        /// The session's number for it.
        slot: u32,
        /// Which.
        append: Append<'a>,
    },
    /// Any other verb of the engine.
    Engine {
        /// The session's number for it, or [`engine::Tag::QUIET`].
        slot: u32,
        /// Which verb.
        command: engine::Command<'a>,
    },
    /// Decide a numbered send that is delivered from memory.
    Pass {
        /// The session's number for it.
        slot: u32,
        /// Who sends.
        sender: IdentityKey,
        /// Outbox and number.
        number: (OutboxKey, u64),
        /// The room's name, or empty.
        scope: Box<str>,
        /// What the session has already found against it.
        refusal: Option<Refusal>,
    },
    /// Enter a room; answered by the number of members.
    Join {
        /// The session's number for it.
        slot: u32,
        /// Which.
        room: Room,
    },
    /// Become a durable member of a room.
    JoinRoom {
        /// The session's number for it.
        slot: u32,
        /// Who.
        identity: IdentityKey,
        /// Which of its devices asks.
        device: u16,
        /// Which room.
        room: Room,
        /// A new member begins with this message, or at the end.
        from: Option<Seq>,
    },
    /// Be one no more.
    LeaveRoom {
        /// The session's number for it.
        slot: u32,
        /// Who.
        identity: IdentityKey,
        /// Which room.
        room: Room,
    },
    /// Leave it.
    Leave {
        /// The session's number for it.
        slot: u32,
        /// Which.
        room: Room,
    },
    /// Be told who comes and goes; answered by who is here.
    Watch {
        /// The session's number for it.
        slot: u32,
        /// Whose presence.
        watched: Watched,
    },
    /// No longer.
    Unwatch {
        /// The session's number for it.
        slot: u32,
        /// Whose presence.
        watched: Watched,
    },
    /// Something has changed in what the session watches: what?
    Look,
    /// Deliver from memory.
    Publish(Publish<'a>),
    /// Live messages are settled.
    LiveAck {
        /// The mailbox of the identity they were delivered to.
        log: LogKey,
        /// Which.
        ids: Vec<MessageId>,
    },
    /// Live messages were not acknowledged in time or found no place: store them unless another connection of the
    /// identity has settled them.
    LiveMissed {
        /// The mailbox of the identity they were delivered to.
        log: LogKey,
        /// Which.
        ids: Vec<MessageId>,
    },
}

/// A message to store, with the texts it needs.
#[derive(Debug)]
pub struct Append<'a> {
    /// Who sends.
    pub sender: IdentityKey,
    /// Outbox and number.
    pub number: Option<(OutboxKey, u64)>,
    /// The recipient's ID.
    pub to: Cow<'a, str>,
    /// The room instead, and whether the message is delivered from memory where that has no durable members.
    pub room: Option<(Room, bool)>,
    /// In which encoding the body is.
    pub encoding: Encoding,
    /// The body.
    pub body: Cow<'a, [u8]>,
    /// Life asked for.
    pub ttl_ms: Option<Millis>,
    /// Whether a receipt is wanted.
    pub receipt: bool,
    /// `ref` of the send, for its receipts.
    pub mark: Option<Ref>,
    /// What the session has already found against it.
    pub refusal: Option<Refusal>,
    /// What to do for a name that nobody holds.
    pub unknown: Unknown,
}

/// A message that is delivered from memory.
#[derive(Debug)]
pub struct Publish<'a> {
    /// The message's ID.
    pub id: MessageId,
    /// The sender's ID.
    pub from: ClientId,
    /// To whom.
    pub audience: Audience,
    /// In which encoding the body is.
    pub encoding: Encoding,
    /// The body.
    pub body: Cow<'a, [u8]>,
    /// [`Persist::Miss`] or [`Persist::Never`].
    pub persist: Persist,
}

/// Who gets a published message.
#[derive(Debug)]
pub enum Audience {
    /// The members of a room, but the sender.
    Room(Room),
    /// The members of a room, the sender too.
    RoomAndSender(Room),
    /// Everyone connected, but the sender.
    All,
    /// One identity; where it is away, stored at once (`Miss`) or dropped (`Never`).
    Id(Box<str>),
}

//! What a session asks of the router, in the order it asks.

use ackd_engine::{self as engine, Body};
use ackd_wire::{ClientId, MessageId, Room};

use super::Persist;

/// One request. Slots are the session's own numbers for those that are answered.
#[derive(Debug)]
pub enum Request<'a> {
    /// A verb of the engine.
    Engine(u32, engine::Command<'a>),
    /// Enter a room; answered by the number of members.
    Join {
        /// The session's number for it.
        slot: u32,
        /// Which.
        room: Room,
        /// As whom.
        id: ClientId,
        /// Whether classic members are told (and this member is one).
        classic: bool,
    },
    /// Leave it.
    Leave {
        /// The session's number for it.
        slot: u32,
        /// Which.
        room: Room,
    },
    /// The session has another ID from now on; its rooms keep it.
    Rename {
        /// The new ID.
        id: ClientId,
    },
    /// Deliver from memory.
    Publish(Publish<'a>),
    /// Live messages are settled.
    LiveAck {
        /// Which.
        ids: Vec<MessageId>,
    },
    /// Live messages were not acknowledged in time or found no place: store them unless another connection of the
    /// identity has settled them.
    LiveMissed {
        /// Which.
        ids: Vec<MessageId>,
    },
}

/// A message that is delivered from memory.
#[derive(Debug)]
pub struct Publish<'a> {
    /// The message's ID.
    pub id: MessageId,
    /// The sender's ID.
    pub from: &'a ClientId,
    /// To whom.
    pub audience: Audience,
    /// What.
    pub body: Body<'a>,
    /// `Miss` or `Never`.
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
    /// One identity; stored at once if it is away and `persist` is `Miss`.
    Id(ClientId),
}

//! Durable rooms: a log of its own for each, and a position for each device of each durable member.

use ackd_wire::{Epoch, Room, Seq};

use super::{Delivery, IdentityKey, LogKey, Lost};

/// A reader of a room's log: one device of one identity. Where that is no durable member, the engine keeps nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberKey {
    /// The room's log.
    pub room: LogKey,
    /// Who reads; what it sent itself is left out.
    pub identity: IdentityKey,
    /// Which of its devices: as in [`super::ReaderKey::index`] of its mailbox.
    pub device: u16,
}

/// An identity becomes a durable member of a room, with all its devices.
#[derive(Debug, Clone, Copy)]
pub struct JoinRoom<'a> {
    /// Who.
    pub identity: IdentityKey,
    /// The device that asks, whose position is answered.
    pub device: u16,
    /// Which room.
    pub room: &'a Room,
    /// A new member begins with this message, or with the oldest that is kept; `None`: at the end.
    pub from: Option<Seq>,
}

/// The next part of a room's log.
#[derive(Debug, Clone, Copy)]
pub struct ReadRoom {
    /// For whom: what it has settled or sent itself is left out.
    pub member: MemberKey,
    /// Begins behind this `seq`.
    pub after: Seq,
    /// At most so many messages.
    pub messages: u16,
    /// Stops after the message that reaches so many bytes.
    pub bytes: u32,
}

/// What a member has settled. Both parts may be empty.
#[derive(Debug)]
pub struct SettleRoom {
    /// Who.
    pub member: MemberKey,
    /// Everything up to here.
    pub up_to: Option<Seq>,
    /// Just these, those beyond `up_to` included.
    pub seqs: Vec<Seq>,
}

/// Where one device of a durable member stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPlace {
    /// The room's name.
    pub room: Room,
    /// Its log.
    pub log: LogKey,
    /// Its incarnation.
    pub epoch: Epoch,
    /// All up to here is settled for this device.
    pub acked: Seq,
    /// Its end: later messages are told by [`super::Notice::Stored`].
    pub end: Seq,
    /// Identities that are durable members.
    pub members: u64,
}

/// Part of a room's log.
#[derive(Debug)]
pub struct RoomPage {
    /// Unsettled messages, ascending by `seq`.
    pub messages: Vec<Delivery>,
    /// What stood between them and has ended unread, ascending. Each counts as one message of the page.
    pub lost: Vec<Lost>,
    /// All of the log up to here has been looked at.
    pub read_to: Seq,
    /// The log's end when it was read.
    pub end: Seq,
}

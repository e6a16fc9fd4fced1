//! What the journal's records hold: one file a kind, each with its bytes, its encoding and its decoding. The ordinals and
//! layouts are persisted; `docs/storage-format.md` describes them.

mod archived;
mod codec;
mod counter;
mod dead;
mod ended;
mod header;
mod identity;
mod lost;
mod member;
mod message;
mod outbox;
mod position;
mod room;
mod seen;
mod stored_room;

pub(super) use archived::ArchivedRecord;
pub(super) use codec::{Damaged, put_part, two_parts};
pub(super) use counter::CounterRecord;
pub(super) use dead::DeadRecord;
pub(super) use ended::EndedRecord;
pub(super) use header::{HeaderRecord, ReaderRecord};
pub(super) use identity::IdentityRecord;
pub(super) use lost::LostRecord;
pub(super) use member::{LeftRecord, MemberRecord};
pub(super) use message::MessageRecord;
pub(super) use outbox::OutboxRecord;
pub(super) use position::PositionRecord;
pub(super) use room::RoomRecord;
pub(super) use seen::SeenRecord;
pub(super) use stored_room::{BlockRecord, StoredRoom};

/// Kinds of records. Persisted: keep stable. 0 is the journal's own.
pub(super) mod kind {
    pub(in crate::embedded) const IDENTITY: u8 = 1;
    pub(in crate::embedded) const HEADER: u8 = 2;
    pub(in crate::embedded) const MESSAGE: u8 = 3;
    pub(in crate::embedded) const POSITION: u8 = 4;
    pub(in crate::embedded) const OUTBOX: u8 = 5;
    pub(in crate::embedded) const SEEN: u8 = 6;
    pub(in crate::embedded) const ENDED: u8 = 7;
    pub(in crate::embedded) const DEAD: u8 = 8;
    pub(in crate::embedded) const COUNTER: u8 = 9;
    pub(in crate::embedded) const LOST: u8 = 10;
    pub(in crate::embedded) const ROOM: u8 = 16;
    pub(in crate::embedded) const MEMBER: u8 = 17;
    pub(in crate::embedded) const LEFT: u8 = 18;
}

#[cfg(test)]
mod tests;

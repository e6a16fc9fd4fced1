//! Reading rooms back: what the archive has of them, and the journal's records onto it. Of a device of a member the newest
//! record says all, so the last one read counts.

use rustc_hash::FxHashMap;

use super::{RoomLog, Rooms, Seat};
use crate::api::Limits;
use crate::embedded::log::Entry;
use crate::embedded::records::{
    BlockRecord, Damaged, LeftRecord, MemberRecord, RoomRecord, StoredRoom, two_parts,
};

impl Rooms {
    /// Takes over a room's record.
    pub(in crate::embedded) fn replay_room(&mut self, record: &RoomRecord) {
        let number = record.number;
        if !self.logs.contains_key(&number) {
            self.insert(RoomLog::new(number, record.name.clone(), record.epoch));
        }
        self.change(number, |room| room.replay(record));
    }

    /// A room as the archive has it. Its number.
    pub(in crate::embedded) fn archived_room(&mut self, value: &[u8]) -> Result<u64, Damaged> {
        let [record, stored] = two_parts(value)?;
        let (record, stored) = (RoomRecord::decode(record)?, StoredRoom::decode(stored)?);
        let number = record.number;
        self.replay_room(&record);
        if let Some(room) = self.logs.get_mut(&number) {
            room.stored = stored;
            room.end = room.end.max(stored.to);
        }
        Ok(number)
    }

    /// A block of a room that is known already.
    pub(in crate::embedded) fn archived_block(
        &mut self,
        number: u64,
        start: u64,
        value: &[u8],
    ) -> Result<(), Damaged> {
        let record = BlockRecord::decode(value)?;
        if let Some(room) = self.logs.get_mut(&number) {
            room.restore(start, record);
        }
        Ok(())
    }

    pub(in crate::embedded) fn archived_member(&mut self, value: &[u8]) -> Result<(), Damaged> {
        self.replay_member(MemberRecord::decode(value)?);
        Ok(())
    }

    pub(in crate::embedded) fn replay_seat(&mut self, record: &[u8]) -> Result<(), Damaged> {
        self.archived_member(record)
    }

    pub(in crate::embedded) fn replay_left(
        &mut self,
        record: &[u8],
        mut gone: impl FnMut(Seat),
    ) -> Result<(), Damaged> {
        let LeftRecord { identity, room } = LeftRecord::decode(record)?;
        self.unseat_quietly(identity, Some(room), &mut gone);
        Ok(())
    }

    /// An identity has ended.
    pub(in crate::embedded) fn replay_end(&mut self, identity: u64, mut gone: impl FnMut(Seat)) {
        self.unseat_quietly(identity, None, &mut gone);
    }

    /// Members are counted when everything is read.
    fn unseat_quietly(&mut self, identity: u64, room: Option<u64>, gone: &mut dyn FnMut(Seat)) {
        let seats = self.seats(identity).filter(|seat| room.is_none_or(|room| seat.room == room));
        for seat in seats.collect::<Vec<_>>() {
            self.members.remove(&seat);
            self.beyond.remove(&seat);
            gone(seat);
        }
    }

    /// A room has ended; whether it was one.
    pub(in crate::embedded) fn replay_room_end(&mut self, number: u64) -> bool {
        let was = self.logs.contains_key(&number);
        self.take_out(number);
        was
    }

    /// A message of a room; not one, if no room has this number.
    pub(in crate::embedded) fn replay_message(&mut self, number: u64, entry: Entry) -> bool {
        let (sender, seq) = (entry.sender, entry.message.seq);
        let is_room = self.change(number, |room| room.insert(entry)).is_some();
        if is_room {
            self.pass_own(number, sender, seq);
        }
        is_room
    }

    /// Everything is read: members of rooms or identities that are gone are none, limits hold again.
    pub(in crate::embedded) fn finish(
        &mut self,
        limits: &Limits,
        is_there: impl Fn(u64) -> bool,
    ) -> Vec<Seat> {
        let logs = &self.logs;
        let mut gone: Vec<Seat> = self.members.keys().copied().collect();
        gone.retain(|seat| !is_there(seat.identity) || !logs.contains_key(&seat.room));
        for seat in &gone {
            self.members.remove(seat);
            self.beyond.remove(seat);
        }
        let mut counts = FxHashMap::<u64, (u64, u64)>::default();
        for seat in self.members.keys() {
            let (members, last) = counts.entry(seat.room).or_default();
            // Seats of one identity in one room lie together.
            *members += u64::from(*members == 0 || *last != seat.identity);
            *last = seat.identity;
        }
        let (messages, bytes) = (u64::from(limits.room_messages), limits.room_bytes);
        for number in self.numbers() {
            let members = counts.get(&number).map_or(0, |count| count.0);
            self.change(number, |room| {
                room.members = members;
                room.fit_blocks();
                room.restart = room.end;
                room.trim(messages, bytes)
            });
        }
        gone
    }
}

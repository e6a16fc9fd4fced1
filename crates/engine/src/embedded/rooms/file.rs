//! Rooms in the archive: what is moved there, what is filed of them before a segment of the journal is freed, and taking
//! out what has ended.

use std::ops::ControlFlow;

use super::Seat;
use crate::archive::ArchiveBatch;
use crate::disk::Disk;
use crate::embedded::archive::Halt;
use crate::embedded::log::Moved;
use crate::embedded::records::{StoredRoom, put_part};
use crate::embedded::state::State;
use crate::embedded::{Embedded, keys};

/// The room's record and its blocks as they will be when these messages are in the archive too.
pub(in crate::embedded) fn put_moved(
    state: &State,
    number: u64,
    moved: &[Moved],
    batch: &mut ArchiveBatch,
) {
    let Some(room) = state.rooms.get(number) else { return };
    for block in room.blocks_with(moved) {
        let mut value = Vec::with_capacity(32);
        block.record().encode(&mut value);
        batch.put(&keys::placed(keys::BLOCK, number, block.start), &value);
    }
    put_stored(state, number, room.stored_with(moved), batch);
}

/// The room's record as it is.
pub(in crate::embedded) fn put_room(state: &State, number: u64, batch: &mut ArchiveBatch) {
    if let Some(room) = state.rooms.get(number) {
        put_stored(state, number, room.stored, batch);
    }
}

fn put_stored(state: &State, number: u64, stored: StoredRoom, batch: &mut ArchiveBatch) {
    let Some(room) = state.rooms.get(number) else { return };
    let mut value = Vec::with_capacity(128);
    put_part(&mut value, |into| room.record().encode(into));
    put_part(&mut value, |into| stored.encode(into));
    batch.put(&keys::numbered(keys::ROOM, number), &value);
}

/// Where a device stands; one that is no member's is taken out.
pub(in crate::embedded) fn put_seat(state: &State, seat: Seat, batch: &mut ArchiveBatch) {
    let key = keys::member((seat.identity, seat.room, seat.device));
    match state.rooms.member_record(seat) {
        Some(record) => {
            let mut value = Vec::with_capacity(32);
            record.encode(&mut value);
            batch.put(&key, &value);
        }
        None => batch.remove(&key),
    }
}

impl<D: Disk + Clone> Embedded<D> {
    /// Takes out of the archive what has ended in rooms. Whoever calls it has the archiver.
    pub(in crate::embedded) fn reclaim_rooms(&self) -> Result<(), Halt> {
        loop {
            let next = {
                let rooms = &mut self.shared.lock().state.rooms;
                let Some(number) = rooms.owing.first().copied() else { return Ok(()) };
                let garbage = rooms.get(number).and_then(super::RoomLog::garbage);
                if garbage.is_none() {
                    rooms.owing.remove(&number);
                }
                garbage.map(|garbage| (number, garbage))
            };
            let Some((number, (low, before))) = next else { continue };
            self.reclaim_room(number, low, before)?;
        }
    }

    /// A bounded part of the messages `low..before`.
    fn reclaim_room(&self, number: u64, low: u64, before: u64) -> Result<(), Halt> {
        let mut batch = ArchiveBatch::new();
        let mut reached = before;
        let from = keys::placed(keys::MESSAGE, number, low);
        let to = keys::placed(keys::MESSAGE, number, before);
        let scanned = self.archive.scan(&from, &to, &mut |key, _| {
            batch.remove(key);
            if batch.len() < MESSAGES {
                return ControlFlow::Continue(());
            }
            reached = keys::seq_of(key).map_or(before, |seq| seq + 1);
            ControlFlow::Break(())
        });
        scanned.map_err(|error| self.archive_failed(error))?;
        self.remove_blocks(number, reached, &mut batch)?;
        {
            let state = &self.shared.lock().state;
            let stored = state.rooms.get(number).map(|room| room.stored).unwrap_or_default();
            put_stored(state, number, StoredRoom { low: reached, ..stored }, &mut batch);
        }
        self.write_archive(&mut batch)?;
        let rooms = &mut self.shared.lock().state.rooms;
        rooms.change(number, |room| room.stored.low = reached);
        Ok(())
    }

    /// Takes out the blocks that end before this message.
    fn remove_blocks(
        &self,
        number: u64,
        before: u64,
        batch: &mut ArchiveBatch,
    ) -> Result<(), Halt> {
        use crate::embedded::records::BlockRecord;
        let from = keys::placed(keys::BLOCK, number, 0);
        let to = keys::placed(keys::BLOCK, number, before);
        let scanned = self.archive.scan(&from, &to, &mut |key, value| {
            if BlockRecord::decode(value).is_ok_and(|block| before <= block.last) {
                return ControlFlow::Break(());
            }
            batch.remove(key);
            ControlFlow::Continue(())
        });
        scanned.map_err(|error| self.archive_failed(error))
    }

    /// A room has ended: its messages, its blocks and itself.
    pub(in crate::embedded) fn remove_room(
        &self,
        number: u64,
        batch: &mut ArchiveBatch,
    ) -> Result<(), Halt> {
        self.remove_messages(number, batch)?;
        self.remove_blocks(number, u64::MAX, batch)?;
        batch.remove(&keys::numbered(keys::ROOM, number));
        Ok(())
    }
}

/// Messages of one room taken out in one go.
const MESSAGES: usize = 16 * 1024;

//! Freeing the oldest segment of the journal: whatever it alone knows goes to the archive first. The order is: archive
//! written, archive synced, checkpoint written and synced in the journal, segment freed.

use std::ops::ControlFlow;

use ackd_wire::Seq;
use rustc_hash::FxHashSet;

use super::archive::{Halt, put_log};
use super::group::Placed;
use super::records::{
    DeadRecord, IdentityRecord, LostRecord, MessageRecord, OutboxRecord, PositionRecord,
};
use super::records::{HeaderRecord, MemberRecord, RoomRecord, SeenRecord, kind, put_part};
use super::rooms::{Seat, put_room, put_seat};
use super::state::{Identity, Removal, State};
use super::{Embedded, keys};
use crate::archive::ArchiveBatch;
use crate::disk::Disk;
use crate::journal::{Journal, Place, Serial};

impl<D: Disk + Clone> Embedded<D> {
    /// Frees the oldest segments while the journal is larger than it should be.
    pub(super) fn checkpoint(&self) -> Result<(), Halt> {
        loop {
            let (bytes, segments) = {
                let journal = self.journal.lock();
                (journal.bytes(), journal.segments())
            };
            if segments < 2 || bytes <= self.settings.journal_bytes {
                return Ok(());
            }
            if !self.free_oldest()? {
                return Ok(());
            }
        }
    }

    /// Frees all segments but the newest: after a while of idleness, so that the next start is quick.
    pub(super) fn checkpoint_all(&self) -> Result<(), Halt> {
        while 1 < self.journal.lock().segments() && self.free_oldest()? {}
        Ok(())
    }

    /// False: a backup needs it.
    fn free_oldest(&self) -> Result<bool, Halt> {
        let mut archiver = self.archiver.lock();
        let serial = self.journal.lock().oldest();
        if !self.may_free(serial) {
            return Ok(false);
        }
        while archiver.place.serial <= serial {
            if !self.move_on(&mut archiver)? {
                // The last of its groups is on its way.
                self.make_durable()?;
            }
        }
        self.file_records(serial)?;
        self.remove_ended()?;
        self.file_store(serial)?;
        self.archive.sync().map_err(|error| self.archive_failed(error))?;
        {
            let mut shared = self.shared.lock();
            if !self.admits(&mut shared.group, CHECKPOINT_BYTES) {
                return Err(Halt::Full);
            }
            Journal::<D>::checkpoint(&mut shared.group.batch, serial);
        }
        self.make_durable()?;
        self.journal.lock().recycle_oldest();
        Ok(true)
    }

    /// Puts into the archive what this segment has the newest record of.
    fn file_records(&self, serial: Serial) -> Result<(), Halt> {
        let reader = self.journal.lock().reader(serial);
        let Some(reader) = reader else { return Ok(()) };
        let (mut filed, mut batch) = (FxHashSet::default(), ArchiveBatch::new());
        let mut halt = None;
        reader.read(Place::start(serial), u64::MAX, &mut |_, records| {
            let records: Vec<_> = records.collect();
            for records in records.chunks(LOCKED_RECORDS) {
                let state = &mut self.shared.lock().state;
                for (kind, record) in records {
                    file_needed(state, serial, (*kind, record), &mut filed, &mut batch);
                }
            }
            if BATCH_BYTES < batch.bytes() {
                halt = self.write_archive(&mut batch).err();
            }
            if halt.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        match halt {
            Some(halt) => Err(halt),
            None => self.write_archive(&mut batch),
        }
    }

    /// Takes out of the archive what has ended. Its end is durable in the journal before.
    pub(super) fn remove_ended(&self) -> Result<(), Halt> {
        self.read_owed()?;
        let removals = std::mem::take(&mut self.shared.lock().state.removals);
        if removals.is_empty() {
            return Ok(());
        }
        let removed = self.remove_all(&removals);
        if removed.is_err() {
            self.shared.lock().state.removals.extend(removals);
        }
        removed
    }

    fn remove_all(&self, removals: &[Removal]) -> Result<(), Halt> {
        let mut batch = ArchiveBatch::new();
        for removal in removals {
            match *removal {
                Removal::Identity(number) => {
                    self.remove_messages(number, &mut batch)?;
                    batch.remove(&keys::numbered(keys::LOG, number));
                    batch.remove(&keys::numbered(keys::IDENTITY, number));
                }
                Removal::Outbox(number) => batch.remove(&keys::numbered(keys::OUTBOX, number)),
                Removal::Dead(log, seq) => batch.remove(&keys::placed(keys::DEAD, log, seq)),
                Removal::Room(number) => self.remove_room(number, &mut batch)?,
                Removal::Seat(seat) => put_seat(&self.shared.lock().state, seat, &mut batch),
            }
            if BATCH_BYTES < batch.bytes() {
                self.write_archive(&mut batch)?;
            }
        }
        self.write_archive(&mut batch)
    }

    pub(super) fn remove_messages(&self, log: u64, batch: &mut ArchiveBatch) -> Result<(), Halt> {
        let end = keys::placed(keys::MESSAGE, log, Seq::MAX);
        let mut start = keys::placed(keys::MESSAGE, log, 0);
        loop {
            let mut last = None;
            let scanned = self.archive.scan(&start, &end, &mut |key, _| {
                batch.remove(key);
                last = keys::seq_of(key);
                if batch.bytes() < BATCH_BYTES {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            scanned.map_err(|error| self.archive_failed(error))?;
            if batch.bytes() < BATCH_BYTES {
                return Ok(());
            }
            self.write_archive(batch)?;
            start = keys::placed(keys::MESSAGE, log, last.map_or(Seq::MAX, |last| last + 1));
        }
    }

    /// The counters, since the records that go may be the only ones that tell which numbers were given; and where the
    /// journal will begin.
    fn file_store(&self, freed: Serial) -> Result<(), Halt> {
        let (mut batch, mut counters) = (ArchiveBatch::new(), Vec::new());
        self.shared.lock().state.counters.encode(&mut counters);
        batch.put(keys::COUNTERS, &counters);
        super::load::put_store(freed + 1, &mut batch);
        self.write_archive(&mut batch)
    }
}

/// Puts what this record is the newest of into the archive, unless it was before.
fn file_needed(
    state: &mut State,
    serial: Serial,
    (kind, record): (u8, &[u8]),
    filed: &mut FxHashSet<Placed>,
    batch: &mut ArchiveBatch,
) {
    for placed in needed(state, serial, kind, record).into_iter().flatten() {
        if filed.insert(placed) {
            file(state, placed, record, batch);
        }
    }
}

/// Puts the present state of what a record says into the archive, or the record itself where that is all there is.
fn file(state: &mut State, placed: Placed, record: &[u8], batch: &mut ArchiveBatch) {
    match placed {
        Placed::Identity(number) | Placed::Seen(number) => {
            let Some(identity) = state.identities.get_mut(&number) else { return };
            put_identity(identity, batch);
        }
        Placed::Header(number) | Placed::Position(number, _) => put_log(state, number, &[], batch),
        Placed::Outbox(number) => {
            let Some(outbox) = state.outboxes.get_mut(&number) else { return };
            outbox.archived = true;
            let mut value = Vec::new();
            outbox.record().encode(&mut value);
            batch.put(&keys::numbered(keys::OUTBOX, number), &value);
        }
        Placed::Dead(log, seq) => batch.put(&keys::placed(keys::DEAD, log, seq), record),
        Placed::Room(number) => put_room(state, number, batch),
        Placed::Seat(seat) => put_seat(state, seat, batch),
        Placed::Seats(identity, room) => {
            let seats = state.rooms.seats(identity).filter(|seat| seat.room == room);
            seats.for_each(|seat| put_seat(state, seat, batch));
        }
        // They are written with every checkpoint.
        Placed::Counter => {}
    }
}

/// An identity and when it was last here.
pub(super) fn put_identity(identity: &mut Identity, batch: &mut ArchiveBatch) {
    identity.archived = true;
    let mut value = Vec::with_capacity(128);
    put_part(&mut value, |into| identity.record().encode(into));
    put_part(&mut value, |into| identity.seen().encode(into));
    batch.put(&keys::numbered(keys::IDENTITY, identity.number), &value);
}

/// What this record, in this segment, is the newest of, if it still matters.
fn needed(state: &State, serial: Serial, kind: u8, record: &[u8]) -> [Option<Placed>; 3] {
    if kind == kind::MESSAGE {
        message(state, serial, record)
    } else {
        [newest(state, serial, kind, record), None, None]
    }
}

fn newest(state: &State, serial: Serial, kind: u8, record: &[u8]) -> Option<Placed> {
    let identity = |number: u64| state.identities.get(&number);
    match kind {
        kind::IDENTITY => {
            let number = IdentityRecord::decode(record).ok()?.number;
            (identity(number)?.segment == serial).then_some(Placed::Identity(number))
        }
        kind::SEEN => {
            let number = SeenRecord::decode(record).ok()?.number;
            (identity(number)?.seen_segment == serial).then_some(Placed::Identity(number))
        }
        kind::HEADER => {
            let number = HeaderRecord::decode(record).ok()?.number;
            let log = &identity(number)?.mailbox;
            let newest = log.segment == serial || log.readers.iter().any(|r| r.segment == serial);
            newest.then_some(Placed::Header(number))
        }
        kind::POSITION => {
            let PositionRecord { number, index, .. } = PositionRecord::decode(record).ok()?;
            let reader = identity(number)?.mailbox.readers.get(usize::from(index))?;
            (reader.segment == serial).then_some(Placed::Header(number))
        }
        kind::LOST => {
            let number = LostRecord::decode(record).ok()?.number;
            // The header says it until all readers have passed it.
            identity(number)?.mailbox.has_lost().then_some(Placed::Header(number))
        }
        kind::OUTBOX => {
            let number = OutboxRecord::decode(record).ok()?.number;
            (state.outboxes.get(&number)?.segment == serial).then_some(Placed::Outbox(number))
        }
        kind::DEAD => {
            let MessageRecord { log, seq, .. } = DeadRecord::decode(record).ok()?.message;
            let mut dead = state.dead.iter();
            let letter = dead.find(|dead| dead.log == log && dead.entry.message.seq == seq)?;
            (letter.segment == serial).then_some(Placed::Dead(log, seq))
        }
        kind::ROOM => {
            let number = RoomRecord::decode(record).ok()?.number;
            state.rooms.get(number).map(|_| Placed::Room(number))
        }
        kind::MEMBER => {
            let MemberRecord { identity, room, device, .. } = MemberRecord::decode(record).ok()?;
            let seat = Seat { identity, room, device };
            state.rooms.member(seat).map(|_| Placed::Seat(seat))
        }
        _ => None,
    }
}

/// A message may be what its outbox knows a number by, and what its log knows its end by.
fn message(state: &State, serial: Serial, record: &[u8]) -> [Option<Placed>; 3] {
    let Ok(MessageRecord { log, outbox, sender, .. }) = MessageRecord::decode(record) else {
        return [None, None, None];
    };
    let known = state.outboxes.get(&outbox).filter(|known| known.segment <= serial);
    let identity = state.identities.get(&log);
    let newest = identity.filter(|identity| identity.mailbox.message_segment == serial);
    let known = known.map(|_| Placed::Outbox(outbox));
    if state.rooms.get(log).is_some() {
        // Its sender has passed it.
        return [known, Some(Placed::Room(log)), Some(Placed::Seats(sender, log))];
    }
    [known, newest.map(|_| Placed::Header(log)), None]
}

/// Records looked at while the lock is held.
const LOCKED_RECORDS: usize = 512;
/// So many bytes are written to the archive at once.
const BATCH_BYTES: usize = 1024 * 1024;
/// What a checkpoint costs in the journal.
const CHECKPOINT_BYTES: u64 = 64;

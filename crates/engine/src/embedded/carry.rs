//! Cleaning the journal: what is still needed of its oldest segment is copied to its head, then the segment is free. (With
//! the archive, the copies will go there instead: only the target changes.)

use super::group::Placed;
use super::log::Entry;
use super::records::{DeadRecord, IdentityRecord, MessageRecord, OutboxRecord, PositionRecord};
use super::records::{HeaderRecord, SeenRecord, kind};
use super::state::State;
use super::{Embedded, Shared};
use crate::disk::Disk;
use crate::journal::{Journal, Serial};

impl<D: Disk + Clone> Embedded<D> {
    /// Frees the oldest segments while the journal is too large and mostly garbage.
    pub(super) fn carry(&self) {
        while self.is_worth_cleaning() {
            if !self.carry_oldest() {
                return;
            }
        }
    }

    fn is_worth_cleaning(&self) -> bool {
        let (bytes, segments) = {
            let journal = self.journal.lock();
            (journal.bytes(), journal.segments())
        };
        let (messages, live) = self.waiting();
        let live = live + messages * RECORD_BYTES;
        1 < segments && self.settings.journal_bytes < bytes && live < bytes / 2
    }

    fn carry_oldest(&self) -> bool {
        let mut records = Vec::new();
        let serial = {
            let journal = self.journal.lock();
            let mut keep = |kind, record: &[u8]| records.push((kind, record.to_vec()));
            if journal.read_oldest(&mut keep).is_err() {
                return false;
            }
            journal.oldest()
        };
        for chunk in records.chunks(CHUNK) {
            if !chunk.iter().all(|(kind, record)| self.carry_record(serial, *kind, record)) {
                return false;
            }
            self.commit_with(true);
        }
        self.free_oldest(serial)
    }

    /// Copies one record if it is needed. False if the disk has no room for it.
    fn carry_record(&self, serial: Serial, kind: u8, record: &[u8]) -> bool {
        let bytes = record.len() as u64 * 2 + HEADER_BYTES;
        for _ in 0..2 {
            let mut shared = self.shared.lock();
            if self.admits(&mut shared.group, bytes) {
                copy(&mut shared, serial, kind, record);
                return true;
            }
            drop(shared);
            self.commit_with(true);
        }
        false
    }

    fn free_oldest(&self, serial: Serial) -> bool {
        self.commit_with(true);
        {
            let mut shared = self.shared.lock();
            if shared.group.poisoned {
                return false;
            }
            Journal::<D>::checkpoint(&mut shared.group.batch, serial);
        }
        self.commit_with(true);
        let poisoned = self.is_poisoned();
        let mut journal = self.journal.lock();
        if !poisoned {
            journal.recycle_oldest();
        }
        !poisoned
    }
}

/// Copies a record to the forming group if it is the newest of something that still matters.
fn copy(shared: &mut Shared, serial: Serial, kind: u8, record: &[u8]) {
    let Shared { state, group, .. } = shared;
    let Some(placed) = needed(state, serial, kind, record) else { return };
    match placed {
        Placed::Identity(number) => {
            let Some(identity) = state.identities.get(&number) else { return };
            let record = identity.record();
            group.record(kind::IDENTITY, Some(placed), |into| record.encode(into));
        }
        Placed::Header(number) | Placed::Position(number, _) => {
            let Some(identity) = state.identities.get(&number) else { return };
            let record = identity.mailbox.header(number);
            group.record(kind::HEADER, Some(Placed::Header(number)), |into| record.encode(into));
        }
        Placed::Outbox(number) => {
            let Some(outbox) = state.outboxes.get(&number) else { return };
            let record = outbox.record();
            group.record(kind::OUTBOX, Some(placed), |into| record.encode(into));
        }
        Placed::Counter => {
            let counters = state.counters;
            group.record(kind::COUNTER, Some(placed), |into| counters.encode(into));
        }
        Placed::Message(..) | Placed::Seen(_) | Placed::Dead(..) => {
            group.record(kind, Some(placed), |into| into.extend_from_slice(record));
        }
    }
}

/// Whether this record, in this segment, is the newest of something that still matters.
fn needed(state: &State, serial: Serial, kind: u8, record: &[u8]) -> Option<Placed> {
    let identity = |number: u64| state.identities.get(&number);
    match kind {
        kind::IDENTITY => {
            let number = IdentityRecord::decode(record).ok()?.number;
            (identity(number)?.segment == serial).then_some(Placed::Identity(number))
        }
        kind::SEEN => {
            let number = SeenRecord::decode(record).ok()?.number;
            (identity(number)?.seen_segment == serial).then_some(Placed::Seen(number))
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
            (reader.segment == serial).then_some(Placed::Position(number, index))
        }
        kind::MESSAGE => message(state, serial, record),
        kind::OUTBOX => {
            let number = OutboxRecord::decode(record).ok()?.number;
            (state.outboxes.get(&number)?.segment == serial).then_some(Placed::Outbox(number))
        }
        kind::DEAD => {
            let MessageRecord { log, seq, .. } = DeadRecord::decode(record).ok()?.message;
            let mut dead = state.dead.iter();
            let letter = dead.find(|dead| dead.log == log && dead.entry.message.seq == seq)?;
            (letter.entry.segment == serial).then_some(Placed::Dead(log, seq))
        }
        kind::COUNTER => (state.counter_segment == serial).then_some(Placed::Counter),
        _ => None,
    }
}

/// A message that waits is copied; one that is settled may still be what its outbox knows a number by, and what its log
/// knows its end by: then the outbox's and the log's own records are due.
fn message(state: &State, serial: Serial, record: &[u8]) -> Option<Placed> {
    let MessageRecord { log, seq, outbox, .. } = MessageRecord::decode(record).ok()?;
    let mailbox = state.identities.get(&log).map(|identity| &identity.mailbox);
    let entry: Option<&Entry> = mailbox.and_then(|mailbox| mailbox.get(seq));
    if entry.is_some_and(|entry| entry.segment == serial) {
        return Some(Placed::Message(log, seq));
    }
    match state.outboxes.get(&outbox) {
        Some(known) if known.segment <= serial => Some(Placed::Outbox(outbox)),
        _ if mailbox.is_some_and(|mailbox| mailbox.segment <= serial) => Some(Placed::Header(log)),
        _ => None,
    }
}

/// Records copied before the lock is given to others.
const CHUNK: usize = 256;
/// What a message costs in the journal beside its text, about.
const RECORD_BYTES: u64 = 64;
/// What a header or an outbox may take more than the record that it replaces.
const HEADER_BYTES: u64 = 24 * 1024;

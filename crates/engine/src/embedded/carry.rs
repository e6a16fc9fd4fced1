//! Cleaning the journal: what is still needed of its oldest segment is copied to its head, then the segment is free. (With
//! the archive, the copies will go there instead: only the target changes.)

use rustc_hash::FxHashSet;

use super::group::Placed;
use super::log::Entry;
use super::outbox::Outbox;
use super::records::{DeadRecord, IdentityRecord, MessageRecord, OutboxRecord, PositionRecord};
use super::records::{HeaderRecord, SeenRecord, kind};
use super::recover::waiting;
use super::state::State;
use super::{Embedded, Shared};
use crate::disk::Disk;
use crate::journal::{Journal, Serial};

impl<D: Disk + Clone> Embedded<D> {
    /// Frees the oldest segments while the journal is too large and mostly garbage, no more in one go than there are:
    /// each is looked at once.
    pub(super) fn carry(&self) {
        let segments = self.journal.lock().segments();
        for _ in 0..segments {
            if !self.is_worth_cleaning() || !self.carry_oldest() {
                return;
            }
        }
    }

    fn is_worth_cleaning(&self) -> bool {
        let (bytes, segments) = {
            let journal = self.journal.lock();
            (journal.bytes(), journal.segments())
        };
        1 < segments && self.settings.journal_bytes < bytes && self.needed_bytes() < bytes / 2
    }

    /// What the copies of everything would take, about.
    fn needed_bytes(&self) -> u64 {
        let state = &self.shared.lock().state;
        let (messages, bytes) = waiting(state);
        bytes
            + messages * MESSAGE_BYTES
            + state.identities.len() as u64 * IDENTITY_BYTES
            + state.outboxes.len() as u64 * OUTBOX_BYTES
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
            let mut copied = Copied::default();
            for (kind, record) in chunk {
                if !self.carry_record(&mut copied, serial, *kind, record) {
                    return false;
                }
            }
            self.commit_with(true);
        }
        self.free_oldest(serial)
    }

    /// Copies one record if it is needed. False if the disk has no room for it.
    fn carry_record(&self, copied: &mut Copied, serial: Serial, kind: u8, record: &[u8]) -> bool {
        for _ in 0..2 {
            let mut shared = self.shared.lock();
            let Some(placed) = needed(&shared.state, serial, kind, record) else { return true };
            if copied.contains(&placed) {
                return true;
            }
            let bytes = copy_bytes(&shared.state, placed, record);
            if self.admits(&mut shared.group, bytes) {
                copy(&mut shared, placed, kind, record);
                copied.insert(placed);
                return true;
            }
            drop(shared);
            self.commit_with(true);
        }
        false
    }

    fn free_oldest(&self, serial: Serial) -> bool {
        {
            let mut shared = self.shared.lock();
            if !self.admits(&mut shared.group, CHECKPOINT_BYTES) {
                return false;
            }
            // The numbers that were given are known from the records that go now, perhaps from them alone.
            let Shared { state, group, .. } = &mut *shared;
            let counters = state.counters;
            group.record(kind::COUNTER, Some(Placed::Counter), |into| counters.encode(into));
        }
        // The copies are durable before what they are copies of is free, whatever is promised otherwise.
        if !self.commit_durably() {
            return false;
        }
        {
            let mut shared = self.shared.lock();
            if !self.admits(&mut shared.group, CHECKPOINT_BYTES) {
                return false;
            }
            Journal::<D>::checkpoint(&mut shared.group.batch, serial);
        }
        if !self.commit_durably() {
            return false;
        }
        self.journal.lock().recycle_oldest();
        true
    }

    fn commit_durably(&self) -> bool {
        self.commit_with(true);
        !self.is_poisoned() && self.journal.lock().sync().is_ok()
    }
}

/// What was copied to the forming group: several records of a segment may ask for the same copy.
type Copied = FxHashSet<Placed>;

/// The most that a copy takes.
fn copy_bytes(state: &State, placed: Placed, record: &[u8]) -> u64 {
    match placed {
        Placed::Header(number) | Placed::Position(number, _) => {
            let identity = state.identities.get(&number);
            identity.map_or(0, |identity| identity.mailbox.header_bytes())
        }
        Placed::Outbox(number) => state.outboxes.get(&number).map_or(0, Outbox::record_bytes),
        Placed::Identity(_) => IDENTITY_BYTES,
        _ => record.len() as u64 + CHECKPOINT_BYTES,
    }
}

/// Copies what a record says, or the present state of what it says, to the forming group.
fn copy(shared: &mut Shared, placed: Placed, kind: u8, record: &[u8]) {
    let Shared { state, group, .. } = shared;
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
        Placed::Seen(number) => {
            let Some(identity) = state.identities.get(&number) else { return };
            let seen = identity.seen();
            group.record(kind::SEEN, Some(placed), |into| seen.encode(into));
        }
        Placed::Message(..) | Placed::Dead(..) => {
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
            // The header lists all readers: one copy does for them and for itself.
            (reader.segment == serial).then_some(Placed::Header(number))
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

/// Records looked at before their copies are committed.
const CHUNK: usize = 256;
/// What a message costs in the journal beside its text, about.
const MESSAGE_BYTES: u64 = 64;
/// What an identity with its log's header costs.
const IDENTITY_BYTES: u64 = 384;
/// What an outbox costs.
const OUTBOX_BYTES: u64 = 128;
/// What a checkpoint, or the counters, cost.
const CHECKPOINT_BYTES: u64 = 64;

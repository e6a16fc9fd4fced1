//! Moving what waits from memory to the archive: in the order of the journal, whose records are read again for it. One
//! thread at a time does it; commits go on meanwhile.
//!
//! What the archive gets is the state as it was decided, so everything decided is made durable in the journal before the
//! archive is written: after a crash it never knows more than the journal did.

use std::ops::{ControlFlow, Range};

use super::log::{Log, Moved};
use super::records::{ArchivedRecord, MessageRecord, kind, put_part};
use super::rooms::put_moved;
use super::state::State;
use super::{Embedded, keys};
use crate::archive::{ArchiveBatch, ArchiveError};
use crate::disk::Disk;
use crate::journal::{JournalError, Place};

/// How far the archive has taken over.
#[derive(Debug)]
pub(super) struct Archiver {
    /// Messages behind this place of the journal are in memory, if they wait; none before it is.
    pub(super) place: Place,
}

/// Why the archive could not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// There is no space now: a later try may succeed.
    #[error("there is no space")]
    Full,
    /// The journal takes nothing more, or cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Archive(ArchiveError),
}

/// Messages that were found waiting, in the order of the journal.
#[derive(Debug, Default)]
struct Found {
    messages: Vec<FoundMessage>,
    /// Their records, one behind the other.
    records: Vec<u8>,
}

#[derive(Debug, Clone)]
struct FoundMessage {
    log: u64,
    moved: Moved,
    record: Range<usize>,
}

impl<D: Disk + Clone> Embedded<D> {
    /// Moves messages until no more are in memory than there should be.
    pub(super) fn relieve(&self) -> Result<(), Halt> {
        let mut archiver = self.archiver.lock();
        while self.settings.index_bytes / 2 < self.shared.lock().state.index_bytes() {
            if !self.move_on(&mut archiver)? {
                break;
            }
        }
        Ok(())
    }

    /// Moves what waits of the next part of the journal. False: there is nothing more of it.
    pub(super) fn move_on(&self, archiver: &mut Archiver) -> Result<bool, Halt> {
        let before = archiver.place;
        let mut place = before;
        let found = self.find(&mut place)?;
        self.move_found(found)?;
        archiver.place = place;
        self.relieved.notify_all();
        Ok(place != before)
    }

    /// Reads on from `place` and collects what waits, up to a bound.
    fn find(&self, place: &mut Place) -> Result<Found, Halt> {
        let until = self.shared.lock().completed_batch;
        let (reader, newest) = {
            let journal = self.journal.lock();
            (journal.reader(place.serial), journal.newest())
        };
        let mut found = Found::default();
        let Some(reader) = reader else { return Ok(found) };
        reader.read(*place, until, &mut |behind, records| {
            let messages: Vec<_> = records.filter(|(kind, _)| *kind == kind::MESSAGE).collect();
            for messages in messages.chunks(LOCKED_RECORDS) {
                found.collect(&self.shared.lock().state, messages);
            }
            *place = behind;
            if found.records.len() < FOUND_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        if reader.last() <= place.batch.max(reader.first() - 1) && place.serial < newest {
            *place = Place::start(place.serial + 1);
        }
        Ok(found)
    }

    fn move_found(&self, mut found: Found) -> Result<(), Halt> {
        // Stable: each log's messages stay in the order of their numbers.
        found.messages.sort_by_key(|message| message.log);
        for part in found.messages.chunks(PART_MESSAGES) {
            self.move_part(part, &found.records)?;
        }
        Ok(())
    }

    /// Moves some messages, each log's ascending.
    fn move_part(&self, part: &[FoundMessage], records: &[u8]) -> Result<(), Halt> {
        let logs: Vec<(u64, Vec<Moved>)> = part
            .chunk_by(|one, next| one.log == next.log)
            .map(|run| (run[0].log, run.iter().map(|message| message.moved).collect()))
            .collect();
        let mut batch = ArchiveBatch::new();
        for logs in logs.chunks(LOCKED_RECORDS) {
            let state = &mut self.shared.lock().state;
            for (log, moved) in logs {
                put_log(state, *log, moved, &mut batch);
            }
        }
        for FoundMessage { log, moved, record } in part {
            let key = keys::placed(keys::MESSAGE, *log, moved.seq);
            batch.put(&key, &records[record.clone()]);
        }
        self.write_archive(&mut batch)?;
        for logs in logs.chunks(LOCKED_RECORDS) {
            let state = &mut self.shared.lock().state;
            for (log, moved) in logs {
                state.change_log(*log, |log| log.moved(moved));
                state.rooms.moved(*log, moved);
            }
        }
        Ok(())
    }

    /// Writes to the archive, after everything that was decided until now is durable in the journal.
    pub(super) fn write_archive(&self, batch: &mut ArchiveBatch) -> Result<(), Halt> {
        if batch.is_empty() {
            return Ok(());
        }
        self.make_durable()?;
        self.archive.write(batch).map_err(|error| self.archive_failed(error))
    }

    /// Everything that was decided until now is durable when it returns.
    pub(super) fn make_durable(&self) -> Result<(), Halt> {
        let (mut taken, until) = {
            let mut shared = self.shared.lock();
            shared.archiver_waits = true;
            shared.state.receipts.progress()
        };
        self.relieved.notify_all();
        let reported = loop {
            self.commit_with(true);
            let now_taken = self.shared.lock().state.receipts.progress().0;
            if until <= now_taken || now_taken == taken {
                break until <= now_taken;
            }
            taken = now_taken;
        };
        self.shared.lock().archiver_waits = false;
        if self.is_poisoned() {
            return Err(JournalError::Poisoned.into());
        }
        if !reported {
            return Err(Halt::Full); // what is settled and not reported is not durable
        }
        let mut journal = self.journal.lock();
        if journal.is_unsynced() {
            journal.sync()?;
        }
        Ok(())
    }

    /// After anything but a full disk nothing more can be promised: what the journal has given up may be lost.
    pub(super) fn archive_failed(&self, error: ArchiveError) -> Halt {
        if let ArchiveError::Full(_) = error {
            return Halt::Full;
        }
        tracing::error!(%error, "the archive has failed: no more is stored until a restart");
        self.shared.lock().group.poisoned = true;
        Halt::Archive(error)
    }
}

impl Found {
    fn collect(&mut self, state: &State, messages: &[(u8, &[u8])]) {
        for (_, record) in messages {
            let Ok(message) = MessageRecord::decode(record) else { continue };
            if !state.is_in_memory(message.log, message.seq) {
                continue;
            }
            let identity = state.identities.get(&message.log);
            let entry = identity.and_then(|identity| identity.mailbox.get(message.seq));
            let told = entry.map_or(0, |entry| entry.told);
            let start = self.records.len();
            if told == message.told {
                self.records.extend_from_slice(record);
            } else {
                MessageRecord { told, ..message.clone() }.encode(&mut self.records);
            }
            let record = start..self.records.len();
            let bytes = message.text_bytes() as u64;
            let MessageRecord { log, seq, sender, receipt: wanted, .. } = message;
            let moved = Moved { seq, sender, bytes, wanted, told: told != 0 };
            self.messages.push(FoundMessage { log, moved, record });
        }
    }
}

/// The log's record as it will be when these messages are in the archive too.
pub(super) fn put_log(state: &mut State, number: u64, moved: &[Moved], batch: &mut ArchiveBatch) {
    let Some(identity) = state.identities.get_mut(&number) else {
        return put_moved(state, number, moved, batch);
    };
    identity.archived = true;
    let log = &identity.mailbox;
    put_header(number, log, &log.archived_with(moved), batch);
}

/// A log's header, and what of it is in the archive.
pub(super) fn put_header(
    number: u64,
    log: &Log,
    archived: &ArchivedRecord,
    batch: &mut ArchiveBatch,
) {
    let mut value = Vec::with_capacity(128);
    put_part(&mut value, |into| log.header(number).encode(into));
    put_part(&mut value, |into| archived.encode(into));
    batch.put(&keys::numbered(keys::LOG, number), &value);
}

/// Records looked at, or encoded, while the lock is held.
const LOCKED_RECORDS: usize = 512;
/// So many bytes of records are collected before they are moved.
const FOUND_BYTES: usize = 8 * 1024 * 1024;
/// Messages that are written to the archive at once.
const PART_MESSAGES: usize = 32 * 1024;

//! Writing and syncing, and what becomes of them when the disk is full, the library's threads have died, or stand still.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;

use super::mark::Mark;
use super::place::POLL;
use super::{ArchiveBatch, ArchiveError, Shared, State};

/// What only one thread at a time has: who writes or syncs.
#[derive(Debug)]
pub(super) struct Writer {
    /// The number of the last batch.
    number: u64,
    mark: Mark,
    /// The disk was seen full since the library was last seen well: so that is what its threads died of.
    was_full: bool,
}

impl Writer {
    pub(super) fn new(number: u64, mark: Mark) -> Self {
        Self { number, mark, was_full: false }
    }
}

impl Shared {
    pub(super) fn write(&self, batch: &mut ArchiveBatch) -> Result<(), ArchiveError> {
        if batch.is_empty() {
            return Ok(());
        }
        batch.settle();
        let mut writer = self.writer.lock();
        let reserve = self.place.options.reserve_bytes;
        let needed = if batch.only_removes() { reserve / 4 } else { reserve };
        self.check_space(&mut writer, needed + batch.bytes() as u64)?;
        self.make_ready(&mut writer)?;
        self.commit(&mut writer, batch)?;
        self.removed.fetch_add(batch.removals() as u64, Ordering::Relaxed);
        batch.clear();
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), ArchiveError> {
        let mut writer = self.writer.lock();
        self.make_well(&mut writer)?;
        if writer.number == writer.mark.number() {
            return Ok(());
        }
        let number = writer.number;
        let synced = self.tables()?.sync().map_err(ArchiveError::from);
        // After a failed sync nobody knows what is on the disk, whatever a later one says.
        synced.and_then(|()| Ok(writer.mark.set(number)?)).map_err(|error| self.fail(error))
    }

    /// Writes a batch without changes, and begins a memtable.
    pub(super) fn turn(&self) -> Result<(), ArchiveError> {
        let mut writer = self.writer.lock();
        self.make_ready(&mut writer)?;
        self.commit(&mut writer, &ArchiveBatch::new())?;
        let flushed = self.tables()?.flush();
        flushed.map_err(|error| self.fail(error.into()))
    }

    fn commit(&self, writer: &mut Writer, batch: &ArchiveBatch) -> Result<(), ArchiveError> {
        let number = writer.number + 1;
        let committed = self.tables()?.commit(batch, number);
        if let Err(error) = committed {
            self.resolve(writer, number, error.into())?;
        }
        writer.number = number;
        Ok(())
    }

    fn check_space(&self, writer: &mut Writer, needed: u64) -> Result<(), ArchiveError> {
        if self.place.free_bytes()? < needed {
            writer.was_full = true;
            return Err(ArchiveError::Full(io::ErrorKind::StorageFull.into()));
        }
        Ok(())
    }

    /// Makes sure that a commit will not block, or says why it would.
    fn make_ready(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        self.make_well(writer)?;
        if self.wait_until_ready(writer)? {
            return Ok(());
        }
        if self.compaction.is_locked() {
            // It does get on, with the large work that it was given.
            return Err(ArchiveError::Stalled);
        }
        tracing::error!("the archive's background work stands still: it is opened anew");
        self.reopen(writer)?;
        if self.wait_until_ready(writer)? { Ok(()) } else { Err(ArchiveError::Stalled) }
    }

    fn wait_until_ready(&self, writer: &mut Writer) -> Result<bool, ArchiveError> {
        for _ in 0..self.place.options.stall_polls {
            let ready = self.tables()?.make_ready();
            if ready.map_err(|error| self.fail(error.into()))? {
                return Ok(true);
            }
            thread::sleep(POLL);
            self.make_well(writer)?;
        }
        Ok(false)
    }

    /// Opens the tables anew if the library's threads have died of a full disk, and there is space again. What they
    /// died of is not told: if the disk was not seen full, it is taken for broken.
    fn make_well(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        let sick = match self.tables()?.check() {
            Ok(()) => {
                writer.was_full = false;
                return Ok(());
            }
            Err(error) => error,
        };
        let free = self.place.free_bytes()?;
        if free < self.place.options.reserve_bytes / 4 {
            writer.was_full = true;
            return Err(ArchiveError::Full(io::ErrorKind::StorageFull.into()));
        }
        if !writer.was_full && self.place.options.reserve_bytes <= free {
            tracing::error!(error = %sick, "a thread of the archive has failed");
            return Err(self.fail(ArchiveError::Io(io::Error::other("a background thread failed"))));
        }
        tracing::warn!("the archive's disk was full: it is opened anew");
        self.reopen(writer)
    }

    /// After a commit that failed: its batch may be in the journal or not. Opened anew, the archive shows it.
    fn resolve(
        &self,
        writer: &mut Writer,
        number: u64,
        error: ArchiveError,
    ) -> Result<(), ArchiveError> {
        if !matches!(error, ArchiveError::Full(_)) {
            return Err(self.fail(error));
        }
        self.reopen(writer)?;
        if writer.number == number { Ok(()) } else { Err(error) }
    }

    pub(super) fn reopen(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        let mut state = self.state.write();
        *state = State::Failed;
        let opened = self.place.wait_until_closed().and_then(|()| {
            let tables = self.place.open_tables(writer.mark.number())?;
            Ok((tables.number()?, tables))
        });
        // It stays closed if this fails. Then the batch may be there after a restart, so this is not `Full`.
        let (number, tables) = opened.map_err(without_hope)?;
        if number < writer.number {
            let (had, has) = (writer.number, number);
            let what = format!("batch {had} was written, and the last one there is {has}");
            return Err(super::damaged(&what));
        }
        (writer.number, writer.was_full) = (number, false);
        *state = State::Open(tables);
        Ok(())
    }

    /// Believes nothing more.
    pub(super) fn fail(&self, error: ArchiveError) -> ArchiveError {
        *self.state.write() = State::Failed;
        without_hope(error)
    }
}

fn without_hope(error: ArchiveError) -> ArchiveError {
    match error {
        ArchiveError::Full(error) => ArchiveError::Io(error),
        other => other,
    }
}

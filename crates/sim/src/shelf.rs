//! The archive as one life of the server has it: it waits at the same gate as the disk, and counts what is done with it, so
//! that a run can show that messages were moved, read and taken out again.

use std::io;
use std::sync::Arc;

use ackd_engine::{
    Archive, ArchiveBatch, ArchiveError, ArchiveSnapshot, ArchiveUsage, Each, SimArchive,
};
use parking_lot::Mutex;

use crate::flight::{Gate, Station};

/// A simulated archive behind a gate.
#[derive(Debug)]
pub(crate) struct GatedArchive {
    archive: SimArchive,
    gate: Arc<Gate>,
    counts: Arc<Mutex<ArchiveCounts>>,
}

/// What was done with an archive, in all lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// Messages that were moved there from memory.
    pub moved: u64,
    /// Messages that were read there for somebody.
    pub read: u64,
    /// Messages that were taken out, since all had settled them.
    pub reclaimed: u64,
    /// Syncs, each before a segment of the journal is freed.
    pub checkpoints: u64,
    /// Operations that found no space.
    pub full: u64,
    /// Operations that failed, or did not happen because the power went.
    pub failed: u64,
}

impl ArchiveCounts {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            moved: self.moved + other.moved,
            read: self.read + other.read,
            reclaimed: self.reclaimed + other.reclaimed,
            checkpoints: self.checkpoints + other.checkpoints,
            full: self.full + other.full,
            failed: self.failed + other.failed,
        }
    }
}

impl GatedArchive {
    /// The archive for a new life.
    pub(crate) fn new(
        archive: &SimArchive,
        gate: Arc<Gate>,
        counts: &Arc<Mutex<ArchiveCounts>>,
    ) -> Self {
        Self { archive: archive.clone(), gate, counts: counts.clone() }
    }

    /// One operation that changes something: in its turn, and counted.
    fn operate(
        &self,
        operation: impl FnOnce() -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let gone = |_: io::Error| ArchiveError::Poisoned;
        self.gate.pass(Station::Archive).map_err(gone)?;
        let done = operation();
        let mut counts = self.counts.lock();
        match &done {
            Err(ArchiveError::Full(_)) => counts.full += 1,
            Err(ArchiveError::Io(_)) => counts.failed += 1,
            _ => {}
        }
        done
    }

    /// A message was read; housekeeping reads them too, to know what it takes out.
    fn count_read(&self, key: &[u8]) {
        if is_message(key) && !self.gate.is_housekeeping() {
            self.counts.lock().read += 1;
        }
    }
}

impl Archive for GatedArchive {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError> {
        let value = self.archive.get(key)?;
        if value.is_some() {
            self.count_read(key);
        }
        Ok(value)
    }

    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError> {
        self.archive.scan(start, end, &mut |key, value| {
            self.count_read(key);
            each(key, value)
        })
    }

    fn write(&self, batch: &mut ArchiveBatch) -> Result<(), ArchiveError> {
        let messages = batch.iter().filter(|(key, _)| is_message(key));
        let (moved, reclaimed): (Vec<_>, Vec<_>) =
            messages.map(|(_, value)| value.is_some()).partition(|is_there| *is_there);
        self.operate(|| self.archive.write(batch))?;
        let mut counts = self.counts.lock();
        counts.moved += moved.len() as u64;
        counts.reclaimed += reclaimed.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<(), ArchiveError> {
        self.operate(|| self.archive.sync())?;
        self.counts.lock().checkpoints += 1;
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn ArchiveSnapshot>, ArchiveError> {
        self.archive.snapshot()
    }

    fn compact(&self) -> Result<(), ArchiveError> {
        self.archive.compact()
    }

    fn usage(&self) -> ArchiveUsage {
        self.archive.usage()
    }
}

/// Whether a key is a message's: `docs/storage-format.md` lists the letters.
fn is_message(key: &[u8]) -> bool {
    key.first() == Some(&b'm')
}

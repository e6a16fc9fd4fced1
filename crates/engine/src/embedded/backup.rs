//! A consistent copy of the store while it works. The archive is looked at first, then everything decided is synced in the
//! journal: together they are what a crash at that moment might have left, since no segment is freed meanwhile.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Embedded;
use super::archive::Halt;
use crate::archive::{ArchiveError, ArchiveSnapshot};
use crate::backup::{BackupSummary, BackupWriter, Entries};
use crate::disk::Disk;
use crate::journal::{JournalError, Serial};

/// Why there is no backup. What was written of it is none.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another is being made: wait for it.
    #[error("another backup is being made")]
    Running,
    /// The journal has grown by as much as it may have while its oldest segments were kept for the backup, or the disk
    /// has become full: try again where it is written faster, or when less is sent.
    #[error(
        "the backup took too long: the journal has grown as far as it may, or the disk is full; try again when less is sent, or write it to a faster place"
    )]
    Overtaken,
    /// The store takes no writes, or cannot be read: it needs a restart, or help.
    #[error("the store has failed: {0}")]
    Store(String),
    /// What reads the archive failed. After it was opened anew (a full disk) a new try may succeed.
    #[error("the archive could not be read: {0}")]
    Archive(#[from] ArchiveError),
    /// The backup could not be written.
    #[error("the backup could not be written: {0}")]
    Write(#[from] io::Error),
}

impl From<JournalError> for BackupError {
    fn from(error: JournalError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<Halt> for BackupError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Archive(error) => Self::Archive(error),
            Halt::Full | Halt::Journal(_) => Self::Store(halt.to_string()),
        }
    }
}

impl<D: Disk + Clone> Embedded<D> {
    /// Writes a backup of everything that was decided until it is called; commits go on meanwhile. Waits for `into`, so
    /// it is for a thread that may.
    pub fn backup(&self, into: &mut dyn Write) -> Result<BackupSummary, BackupError> {
        let (hold, snapshot) = {
            let _archiver = self.archiver.lock();
            let hold = Hold::take(self, self.journal.lock().oldest())?;
            (hold, self.archive.snapshot()?)
        };
        self.make_durable()?;
        let readers = self.journal.lock().sync_and_read()?;
        let mut writer = BackupWriter::begin(into)?;
        for reader in readers {
            writer.segment(reader.serial(), reader.file_bytes()?)?;
            let copied = reader.copy(&mut |part| {
                // Looked at after the bytes were read: they are the segment's, not those of its next use.
                hold.check()?;
                Ok::<_, BackupError>(writer.part(part)?)
            });
            // What is not as it should be may be the segment's next use.
            hold.check()?;
            copied?;
            hold.advance(reader.serial() + 1)?;
        }
        drop(hold);
        copy_archive(&*snapshot, &mut writer)?;
        Ok(writer.finish()?)
    }

    /// Whether this segment may be freed now. A backup that would let the journal grow beyond all bounds has to begin anew.
    pub(super) fn may_free(&self, serial: Serial) -> bool {
        let held = self.held.load(Ordering::SeqCst);
        if serial < held {
            return true;
        }
        let grown = 2 * self.settings.journal_bytes < self.journal.lock().bytes();
        if !grown && !self.is_disk_full() {
            return false;
        }
        // If the backup has just gone on instead, this is asked again.
        self.held.compare_exchange(held, OVERTAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// Page by page, so that the archive is not kept waiting by whoever reads the backup.
fn copy_archive(
    snapshot: &dyn ArchiveSnapshot,
    writer: &mut BackupWriter<'_>,
) -> Result<(), BackupError> {
    let (mut entries, mut start) = (Entries::default(), Vec::new());
    loop {
        entries.clear();
        let from = std::mem::take(&mut start);
        snapshot.scan(&from, END, &mut |key, value| {
            entries.put(key, value);
            start.clear();
            start.extend_from_slice(key);
            if entries.bytes() < PAGE_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        writer.entries(&entries)?;
        if entries.bytes() < PAGE_BYTES {
            return Ok(());
        }
        start.push(0); // the key behind it
    }
}

/// Keeps the journal's segments from being freed, until it is dropped.
struct Hold<'e, D: Disk + Clone> {
    engine: &'e Embedded<D>,
}

impl<'e, D: Disk + Clone> Hold<'e, D> {
    fn take(engine: &'e Embedded<D>, oldest: Serial) -> Result<Self, BackupError> {
        match engine.held.compare_exchange(NOTHING, oldest, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Self { engine }),
            Err(_) => Err(BackupError::Running),
        }
    }

    /// Whether it still holds.
    fn check(&self) -> Result<(), BackupError> {
        if self.engine.held.load(Ordering::SeqCst) == OVERTAKEN {
            return Err(BackupError::Overtaken);
        }
        Ok(())
    }

    /// Only segments from this one on are needed any more.
    fn advance(&self, serial: Serial) -> Result<(), BackupError> {
        let moved = |held| if held == OVERTAKEN { None } else { Some(serial) };
        let moved = self.engine.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        moved.map(drop).map_err(|_| BackupError::Overtaken)
    }
}

impl<D: Disk + Clone> Drop for Hold<'_, D> {
    fn drop(&mut self) {
        self.engine.held.store(NOTHING, Ordering::SeqCst);
        self.engine.shared.lock().house_due = true;
        self.engine.house.notify_one();
    }
}

/// No segment is held: all are older than this one.
const NOTHING: Serial = Serial::MAX;
/// None is held any more, although a backup still runs.
const OVERTAKEN: Serial = Serial::MAX - 1;
/// Nothing is held, at the start.
pub(super) fn nothing_held() -> AtomicU64 {
    AtomicU64::new(NOTHING)
}
/// A key behind all others: each begins with a letter.
const END: &[u8] = &[0xff];
/// So much of the archive is read at a time.
const PAGE_BYTES: usize = 1024 * 1024;

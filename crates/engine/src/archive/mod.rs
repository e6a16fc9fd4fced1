//! An ordered key-value store for what outlives the journal's segments, behind a trait: a library keeps it on the disk,
//! a model in memory fails on purpose. Synchronous; called from threads that may block, never by the committer.

mod batch;
#[cfg(test)]
mod conformance;
mod fjall;
mod sim;

use std::fmt;
use std::io;
use std::ops::ControlFlow;

pub use batch::ArchiveBatch;
pub use fjall::{FjallArchive, FjallOptions};
pub use sim::SimArchive;

/// Keys of 1 to [`ARCHIVE_KEY_BYTES_MAX`] bytes with their values, in the order of the keys' bytes.
pub trait Archive: Send + Sync + fmt::Debug + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError>;

    /// Entries of `start..end` (end exclusive) in ascending order, until `each` breaks. Sees all writes that returned
    /// before it was called, and of each later write all or nothing. `each` may read the archive, and not write to it.
    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError>;

    /// Writes all of it or, after a crash, nothing of it; batches survive in the order in which they were written, so
    /// what survives is a prefix of them. Durable after the next `sync`. Of several changes to one key the last
    /// counts. Drains the batch when it succeeds, and only then. May wait for work in the background.
    fn write(&self, batch: &mut ArchiveBatch) -> Result<(), ArchiveError>;

    /// Everything written is durable when it returns.
    fn sync(&self) -> Result<(), ArchiveError>;

    /// A consistent view of this moment, for a backup, that later writes do not change. What it sees takes space as
    /// long as it lives.
    fn snapshot(&self) -> Result<Box<dyn ArchiveSnapshot>, ArchiveError>;

    /// Gives the space of removed entries back to the disk, if that is worth the work. Takes seconds when there is
    /// much: call it now and then from a thread that has the time. Reads and writes go on meanwhile.
    fn compact(&self) -> Result<(), ArchiveError>;

    /// What it takes on the disk and in memory.
    fn usage(&self) -> ArchiveUsage;
}

/// A view of an archive at one moment.
pub trait ArchiveSnapshot: Send + fmt::Debug {
    /// As [`Archive::scan`], of that moment.
    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError>;
}

/// Takes key and value of one entry, and says whether to go on.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Why the archive did not do something.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The disk is full, or nearly. Nothing of the batch was written, and what was written before is still there,
    /// though not durable before a `sync` succeeds. A later try may succeed, when there is space: the archive opens
    /// itself anew if it has to. Try as often as once a second.
    #[error("no space for the archive: {0}")]
    Full(#[source] io::Error),
    /// The disk failed. If it was a write or a sync, whether it took effect is not known, and nothing more is: every
    /// later call fails with [`ArchiveError::Poisoned`]. Store nothing until the archive has been opened anew.
    #[error("the archive's disk failed: {0}")]
    Io(#[source] io::Error),
    /// Work in the background stands still, and did so again after the archive was opened anew, or is busy with more
    /// than there was time for. Nothing of the batch was written; a later try may succeed.
    #[error("the archive's background work does not get on")]
    Stalled,
    /// What was read is not what was written. Stop, and restore a backup.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// An earlier call failed, or the archive is closed. Only opening it anew helps.
    #[error("the archive has failed before and must be opened anew")]
    Poisoned,
}

/// What an archive takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchiveUsage {
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes of its caches and of what is not in a table yet.
    pub memory_bytes: u64,
}

/// Bytes that a key may have at most.
pub const ARCHIVE_KEY_BYTES_MAX: usize = 1 << 10;

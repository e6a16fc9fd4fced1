//! What the server asks of its store beside the engine's work: how it is, and what it holds.

use std::fmt;
use std::io::Write;

use ackd_engine::{BackupError, BackupSummary, Disk, Embedded, Stats};

/// A store that is looked at.
pub(crate) trait StoreView: Send + Sync + fmt::Debug {
    /// How it is. Waits for no disk.
    fn health(&self) -> Health;

    /// What it holds and has done. May wait for a write that is under way: not for an async task.
    fn stats(&self) -> Stats;

    /// Writes a backup of what it holds now. Waits for the disk and for `into`: not for an async task.
    fn backup(&self, into: &mut dyn Write) -> Result<BackupSummary, BackupError>;
}

/// Whether a store takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It does.
    Good,
    /// Not until space is made.
    DiskFull,
    /// Not until the server is started anew: a write or a sync has failed.
    Failed,
}

impl<D: Disk + Clone> StoreView for Embedded<D> {
    fn health(&self) -> Health {
        if self.is_poisoned() {
            Health::Failed
        } else if self.is_disk_full() {
            Health::DiskFull
        } else {
            Health::Good
        }
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn backup(&self, into: &mut dyn Write) -> Result<BackupSummary, BackupError> {
        self.backup(into)
    }
}

//! What is done to a store that no server has open: the commands of an operator, one file each.

mod backup;
mod repair;
mod restore;

use std::io;
use std::path::PathBuf;

use ackd_engine::{BackupError, LockError, OpenError, RestoreError};

pub use ackd_engine::BackupSummary;
pub use backup::backup;
pub use repair::{Repaired, repair};
pub use restore::{restore, verify};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A server has the store open, or the directory cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store cannot be opened.
    #[error("cannot open the store: {0}")]
    Open(#[from] OpenError),
    /// The backup was not made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The backup cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// There is something in the directory that is to become a store: another one has to be named.
    #[error("{} is not empty ({entry} is there); name a new directory", .directory.display())]
    NotEmpty {
        /// Which directory.
        directory: PathBuf,
        /// One of the things in it.
        entry: String,
    },
    /// The directory could not be read or written.
    #[error("cannot write {}: {source}", .directory.display())]
    Io {
        /// Which directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
}

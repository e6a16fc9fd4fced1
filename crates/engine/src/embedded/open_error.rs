//! Why a store cannot be opened. Whatever it is, nothing was changed.

use crate::archive::ArchiveError;
use crate::journal;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal cannot be: its own text says what to do.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The archive cannot be opened or read: keep a copy of the directory, and start with a backup or a new one.
    #[error(
        "{0}. Nothing was changed; keep a copy of the data directory, and start with a backup or a new one"
    )]
    Archive(ArchiveError),
    /// The archive is of another version of ackd: use one that reads that version.
    #[error("the archive has format version {found}, this build reads version {known}")]
    ArchiveVersion {
        /// Its version.
        found: u32,
        /// The one that this build reads.
        known: u32,
    },
    /// The archive or the journal was replaced or removed, and what was moved between them would be missing: put it back.
    #[error(
        "the archive and the journal do not belong together. Nothing was changed; put back the one that is missing, or start with a backup or a new data directory"
    )]
    Strangers,
}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> Self {
        Self::Journal(journal::OpenError::Io(error))
    }
}

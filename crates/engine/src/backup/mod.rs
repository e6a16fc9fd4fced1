//! A backup as one stream of bytes: the journal's segments up to a moment, the archive as it was just before, and an end
//! that proves that nothing is missing. It knows neither file nor network: whoever reads or writes the stream does.
//!
//! ```text
//! 0    magic "ackdbkup"
//! 8    format version   u32 le
//! 12   blocks, one behind the other:
//!        kind           u8
//!        payload bytes  u32 le
//!        payload
//!        checksum       u32 le   CRC32C of the block's number (from 0, u64 le), kind, payload bytes and payload
//! ```
//!
//! Blocks, by kind: 1 a segment begins (serial, bytes of its file; u64 le each), 2 the next bytes of that segment, 3
//! entries of the archive (key bytes u16 le, value bytes u32 le, key, value; ascending), 4 the end (segments, entries, bytes
//! of all before this block; u64 le each). The end is the last byte of the stream.

mod read;
mod restore;
mod write;

use std::io;

pub use restore::{restore, verify};
pub(crate) use write::{BackupWriter, Entries};

/// What a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupSummary {
    /// Segments of the journal.
    pub segments: u64,
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of the whole backup.
    pub bytes: u64,
}

/// Why a backup cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It could not be read.
    #[error("cannot read the backup: {0}")]
    Read(#[source] io::Error),
    /// It ends before its end: it was cut off.
    #[error("the backup is not complete: it ends at byte {0}")]
    Truncated(u64),
    /// It is damaged, or something else.
    #[error("the backup is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where the block begins that is not as it was written.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is of another version of ackd: use one that reads that version.
    #[error("the backup has format version {0}, this build reads version {VERSION}")]
    Version(u32),
    /// The store could not be written.
    #[error("cannot write the store: {0}")]
    Write(#[source] io::Error),
    /// Its archive could not be.
    #[error("cannot write the store: {0}")]
    Archive(#[from] crate::archive::ArchiveError),
}

const MAGIC: &[u8; 8] = b"ackdbkup";
/// The version of backups that this build writes and reads.
const VERSION: u32 = 1;
/// Of a block, before its payload.
const HEADER_BYTES: usize = 5;
/// A payload is not larger: the largest value of the archive is a message, which is smaller.
const PAYLOAD_MAX: usize = 64 * 1024 * 1024;

/// Kinds of blocks. Persisted: keep stable.
mod kind {
    pub(super) const SEGMENT: u8 = 1;
    pub(super) const PART: u8 = 2;
    pub(super) const ENTRIES: u8 = 3;
    pub(super) const END: u8 = 4;
}

fn checksum(number: u64, header: &[u8], payload: &[u8]) -> u32 {
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), header);
    crc32c::crc32c_append(checksum, payload)
}

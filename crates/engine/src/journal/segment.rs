//! One segment: a file of fixed size with a header block, then batches.
//!
//! ```text
//! 0    magic "ackdjrnl"
//! 8    format version        u32 le
//! 12   zero                  u32
//! 16   serial                u64 le
//! 24   salt                  u64 le   secret; new each time a segment is taken into use
//! 32   first batch           u64 le   number of the first batch written here
//! 40   batch before it       u64 le   the last valid batch of the segment before
//! 48   oldest segment        u64 le   serial of the oldest one in use when this one was taken into use
//! 56   zero                  u32
//! 60   checksum              u32 le   CRC32C of bytes 0..60
//! 2048 the same 64 bytes again
//! 4096 batches
//! ```

use std::io;
use std::sync::Arc;

use super::Serial;
use super::batch::{HEADER_BYTES, Salt, is_batch_magic, u32_at, u64_at};
use crate::disk::DiskFile;

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) salt: Salt,
    pub(super) first_batch: u64,
    pub(super) batch_before: u64,
    pub(super) oldest: Serial,
}

/// A segment's file and header. Clones share the file, so that one thread reads what another has written.
#[derive(Debug)]
pub(super) struct Segment<F> {
    pub(super) name: String,
    pub(super) file: Arc<F>,
    pub(super) header: SegmentHeader,
}

impl<F> Clone for Segment<F> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), file: Arc::clone(&self.file), header: self.header }
    }
}

/// What a segment's file begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A segment in use, or one that was.
    Valid(SegmentHeader),
    /// A spare, or one whose taking into use was cut short.
    Blank,
    /// A segment of another version of this format.
    Version(u32),
    /// Something else, or a segment that has lost its header.
    Damaged(&'static str),
}

impl SegmentHeader {
    /// Writes both copies at once. They lie in different sectors, so that damage to one is survived.
    pub(super) fn write(self, file: &impl DiskFile) -> io::Result<()> {
        let mut block = vec![0; SEGMENT_HEADER_BYTES as usize];
        let copy = self.encode();
        block[..COPY_BYTES].copy_from_slice(&copy);
        block[SECOND_COPY..SECOND_COPY + COPY_BYTES].copy_from_slice(&copy);
        file.write_at(&block, 0)
    }

    fn encode(self) -> [u8; COPY_BYTES] {
        let mut copy = [0; COPY_BYTES];
        copy[..8].copy_from_slice(MAGIC);
        copy[8..12].copy_from_slice(&VERSION.to_le_bytes());
        copy[16..24].copy_from_slice(&self.salt.serial.to_le_bytes());
        copy[24..32].copy_from_slice(&self.salt.secret.to_le_bytes());
        copy[32..40].copy_from_slice(&self.first_batch.to_le_bytes());
        copy[40..48].copy_from_slice(&self.batch_before.to_le_bytes());
        copy[48..56].copy_from_slice(&self.oldest.to_le_bytes());
        let checksum = crc32c::crc32c(&copy[..60]);
        copy[60..].copy_from_slice(&checksum.to_le_bytes());
        copy
    }

    pub(super) fn read(file: &impl DiskFile) -> io::Result<Start> {
        let mut block = vec![0; SEGMENT_HEADER_BYTES as usize + HEADER_BYTES];
        file.read_at(&mut block, 0)?;
        let (header, batches) = block.split_at(SEGMENT_HEADER_BYTES as usize);
        let copies = Self::parse(header).or_else(|| Self::parse(&header[SECOND_COPY..]));
        Ok(copies.unwrap_or_else(|| {
            if is_batch_magic(batches) {
                // Batches are written only after the header is durable, and a spare that was a segment keeps its own.
                Start::Damaged("its header is damaged")
            } else if header.starts_with(MAGIC) || header[..8] == [0; 8] {
                Start::Blank
            } else {
                Start::Damaged("it is not a segment of ackd")
            }
        }))
    }

    fn parse(copy: &[u8]) -> Option<Start> {
        let copy = copy.get(..COPY_BYTES)?;
        if &copy[..8] != MAGIC || u32_at(copy, 60)? != crc32c::crc32c(&copy[..60]) {
            return None;
        }
        let version = u32_at(copy, 8)?;
        if version != VERSION {
            return Some(Start::Version(version));
        }
        Some(Start::Valid(Self {
            salt: Salt { serial: u64_at(copy, 16)?, secret: u64_at(copy, 24)? },
            first_batch: u64_at(copy, 32)?,
            batch_before: u64_at(copy, 40)?,
            oldest: u64_at(copy, 48)?,
        }))
    }
}

const MAGIC: &[u8; 8] = b"ackdjrnl";
/// The version of the segments that this build writes and reads.
pub(super) const VERSION: u32 = 1;
/// Where batches begin.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 4096;
const SECOND_COPY: usize = 2048;
const COPY_BYTES: usize = 64;

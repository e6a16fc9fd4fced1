//! One segment: a file of fixed size with a header block, then batches.
//!
//! ```text
//! 0   magic "ackdjrnl"
//! 8   format version        u32 le
//! 12  zero                  u32
//! 16  serial                u64 le
//! 24  first batch           u64 le   number of the first batch written here
//! 32  batch before it       u64 le   the last valid batch of the segment before
//! 40  oldest segment        u64 le   serial of the oldest one in use when this one was taken into use
//! 48  checksum              u32 le   CRC32C over bytes 0..48
//! 4096 batches
//! ```

use std::io;

use super::Serial;
use super::batch::{ALIGNMENT, BatchHeader, HEADER_BYTES, u32_at, u64_at};
use crate::disk::DiskFile;

/// What a segment's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) serial: Serial,
    pub(super) first_batch: u64,
    pub(super) batch_before: u64,
    pub(super) oldest: Serial,
}

/// A segment's file and header.
#[derive(Debug)]
pub(super) struct Segment<F> {
    pub(super) name: String,
    pub(super) file: F,
    pub(super) header: SegmentHeader,
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
}

impl SegmentHeader {
    pub(super) fn write(self, file: &impl DiskFile) -> io::Result<()> {
        let mut block = [0; 64];
        block[..8].copy_from_slice(MAGIC);
        block[8..12].copy_from_slice(&VERSION.to_le_bytes());
        block[16..24].copy_from_slice(&self.serial.to_le_bytes());
        block[24..32].copy_from_slice(&self.first_batch.to_le_bytes());
        block[32..40].copy_from_slice(&self.batch_before.to_le_bytes());
        block[40..48].copy_from_slice(&self.oldest.to_le_bytes());
        let checksum = crc32c::crc32c(&block[..48]);
        block[48..52].copy_from_slice(&checksum.to_le_bytes());
        file.write_at(&block, 0)
    }

    pub(super) fn read(file: &impl DiskFile) -> io::Result<Start> {
        let mut block = [0; 64];
        file.read_at(&mut block, 0)?;
        Ok(Self::parse(&block).unwrap_or(Start::Blank))
    }

    fn parse(block: &[u8]) -> Option<Start> {
        if &block[..8] != MAGIC || u32_at(block, 48)? != crc32c::crc32c(&block[..48]) {
            return None;
        }
        let version = u32_at(block, 8)?;
        if version != VERSION {
            return Some(Start::Version(version));
        }
        Some(Start::Valid(Self {
            serial: u64_at(block, 16)?,
            first_batch: u64_at(block, 24)?,
            batch_before: u64_at(block, 32)?,
            oldest: u64_at(block, 40)?,
        }))
    }
}

/// The valid batches of a segment, in order, until the first that is not.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) bytes: Vec<u8>,
    /// Where the next batch begins: everything before it is valid.
    pub(super) offset: usize,
    pub(super) last: u64,
    pub(super) closed: bool,
    serial: Serial,
}

impl<F: DiskFile> Segment<F> {
    /// Reads the whole segment, to be scanned.
    pub(super) fn scan(&self, segment_bytes: u64) -> io::Result<Scan> {
        let mut bytes = vec![0; segment_bytes as usize];
        let length = self.file.read_at(&mut bytes, 0)?;
        bytes.truncate(length);
        let SegmentHeader { serial, first_batch, .. } = self.header;
        let last = first_batch.wrapping_sub(1);
        Ok(Scan { bytes, offset: SEGMENT_HEADER_BYTES as usize, last, closed: false, serial })
    }
}

impl Scan {
    /// The payload of the next batch.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let from = self.bytes.get(self.offset..)?;
        let header = BatchHeader::read(from, self.serial)?;
        if header.number != self.last.wrapping_add(1) {
            return None;
        }
        let payload = header.payload(from, self.serial)?;
        self.offset += header.batch_bytes();
        self.last = header.number;
        self.closed = header.closed;
        Some(payload)
    }

    /// Whether something behind the end proves that the batch that should stand there was durable: then it was not a
    /// torn write that ended the journal, but damage. Says where that proof stands.
    pub(super) fn find_proof_of_damage(&self) -> Option<usize> {
        let missing = self.last.wrapping_add(1);
        let mut offset = self.offset;
        while offset + HEADER_BYTES <= self.bytes.len() {
            let from = &self.bytes[offset..];
            if let Some(header) = BatchHeader::read(from, self.serial)
                && missing < header.number
                && missing <= header.synced
                && header.payload(from, self.serial).is_some()
            {
                return Some(offset);
            }
            offset += ALIGNMENT;
        }
        None
    }
}

const MAGIC: &[u8; 8] = b"ackdjrnl";
/// The version of the segments that this build writes and reads.
pub(super) const VERSION: u32 = 1;
/// Where batches begin.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 4096;

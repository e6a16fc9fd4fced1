//! Reading the stream: block by block, each checked, and at the end that nothing is missing.

use std::io::{ErrorKind, Read};

use super::{
    BackupSummary, HEADER_BYTES, MAGIC, PAYLOAD_MAX, RestoreError, VERSION, checksum, kind,
};

/// Reads one backup.
pub(super) struct BackupReader<'r> {
    from: &'r mut dyn Read,
    /// The block that was read last, with its checksum.
    block: Vec<u8>,
    number: u64,
    /// Bytes read.
    offset: u64,
    seen: BackupSummary,
}

/// What a block says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'r> {
    Segment {
        file_bytes: u64,
    },
    Bytes(&'r [u8]),
    /// As [`entries`] takes them apart.
    Entries(&'r [u8]),
    End(BackupSummary),
}

impl<'r> BackupReader<'r> {
    pub(super) fn begin(from: &'r mut dyn Read) -> Result<Self, RestoreError> {
        let seen = BackupSummary::default();
        let mut reader = Self { from, block: Vec::new(), number: 0, offset: 0, seen };
        reader.fill(MAGIC.len() + 4)?;
        let (magic, version) = reader.block.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(RestoreError::Damaged { offset: 0, what: "it is not a backup of ackd" });
        }
        match version.try_into().map(u32::from_le_bytes) {
            Ok(VERSION) => Ok(reader),
            Ok(version) => Err(RestoreError::Version(version)),
            Err(_) => Err(RestoreError::Truncated(reader.offset)),
        }
    }

    /// The next block. Behind the end there is none.
    pub(super) fn next(&mut self) -> Result<Part<'_>, RestoreError> {
        let start = self.offset;
        let damaged = |what| RestoreError::Damaged { offset: start, what };
        self.block.clear();
        self.fill(HEADER_BYTES)?;
        let bytes = u32_at(&self.block, 1) as usize;
        if PAYLOAD_MAX < bytes {
            return Err(damaged("a block is too large"));
        }
        self.fill(bytes + 4)?;
        let (block, found) = self.block.split_at(HEADER_BYTES + bytes);
        let (header, payload) = block.split_at(HEADER_BYTES);
        if u32_at(found, 0) != checksum(self.number, header, payload) {
            return Err(damaged("a checksum is wrong"));
        }
        self.number += 1;
        match header[0] {
            kind::SEGMENT if bytes == 16 => {
                self.seen.segments += 1;
                Ok(Part::Segment { file_bytes: u64_at(payload, 8) })
            }
            kind::PART => Ok(Part::Bytes(payload)),
            kind::ENTRIES => {
                self.seen.entries += entries(payload).count() as u64;
                Ok(Part::Entries(payload))
            }
            kind::END if bytes == 24 => {
                let BackupSummary { segments, entries, .. } = self.seen;
                let numbers = [0, 8, 16].map(|at| u64_at(payload, at));
                if numbers != [segments, entries, start] {
                    return Err(damaged("not all that was written is there"));
                }
                end(&mut *self.from, self.offset)?;
                Ok(Part::End(BackupSummary { segments, entries, bytes: self.offset }))
            }
            _ => Err(damaged("a block is of a kind of a later version")),
        }
    }

    /// So many more bytes of the block.
    fn fill(&mut self, bytes: usize) -> Result<(), RestoreError> {
        // What a length claims is believed no further than there are bytes.
        let read = self.from.take(bytes as u64).read_to_end(&mut self.block);
        let read = read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => RestoreError::Truncated(self.offset),
            _ => RestoreError::Read(error),
        })?;
        self.offset += read as u64;
        if read == bytes { Ok(()) } else { Err(RestoreError::Truncated(self.offset)) }
    }
}

fn end(from: &mut dyn Read, offset: u64) -> Result<(), RestoreError> {
    let mut more = Vec::new();
    from.take(1).read_to_end(&mut more).map_err(RestoreError::Read)?;
    let what = "there is more behind its end";
    if more.is_empty() { Ok(()) } else { Err(RestoreError::Damaged { offset, what }) }
}

/// Keys and values of a block's payload.
pub(super) fn entries(mut payload: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (key_bytes, rest) = payload.split_first_chunk()?;
        let (value_bytes, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u16::from_le_bytes(*key_bytes).into())?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_bytes) as usize)?;
        payload = rest;
        Some((key, value))
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    u32::from_le_bytes(bytes.expect("as many bytes were read"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    u64::from_le_bytes(bytes.expect("as many bytes were read"))
}

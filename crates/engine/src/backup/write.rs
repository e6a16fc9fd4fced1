//! Writing the stream.

use std::io::{self, Write};

use super::{BackupSummary, HEADER_BYTES, MAGIC, VERSION, checksum, kind};

/// Writes one backup.
pub(crate) struct BackupWriter<'w> {
    into: &'w mut dyn Write,
    /// The block that is being made.
    block: Vec<u8>,
    /// Blocks written.
    number: u64,
    summary: BackupSummary,
}

impl<'w> BackupWriter<'w> {
    pub(crate) fn begin(into: &'w mut dyn Write) -> io::Result<Self> {
        into.write_all(MAGIC)?;
        into.write_all(&VERSION.to_le_bytes())?;
        let bytes = (MAGIC.len() + 4) as u64;
        let summary = BackupSummary { bytes, ..BackupSummary::default() };
        Ok(Self { into, block: Vec::new(), number: 0, summary })
    }

    /// A segment begins.
    pub(crate) fn segment(&mut self, serial: u64, file_bytes: u64) -> io::Result<()> {
        self.summary.segments += 1;
        self.numbers(kind::SEGMENT, &[serial, file_bytes])
    }

    /// Its next bytes.
    pub(crate) fn part(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open(kind::PART).extend_from_slice(bytes);
        self.close()
    }

    /// Entries of the archive, the next ones in order.
    pub(crate) fn entries(&mut self, entries: &Entries) -> io::Result<()> {
        if entries.count == 0 {
            return Ok(());
        }
        self.summary.entries += entries.count;
        self.open(kind::ENTRIES).extend_from_slice(&entries.payload);
        self.close()
    }

    /// Everything is written.
    pub(crate) fn finish(mut self) -> io::Result<BackupSummary> {
        let BackupSummary { segments, entries, bytes } = self.summary;
        self.numbers(kind::END, &[segments, entries, bytes])?;
        self.into.flush()?;
        Ok(self.summary)
    }

    fn numbers(&mut self, kind: u8, numbers: &[u64]) -> io::Result<()> {
        let block = self.open(kind);
        for number in numbers {
            block.extend_from_slice(&number.to_le_bytes());
        }
        self.close()
    }

    fn open(&mut self, kind: u8) -> &mut Vec<u8> {
        self.block.clear();
        self.block.extend_from_slice(&[kind, 0, 0, 0, 0]);
        &mut self.block
    }

    fn close(&mut self) -> io::Result<()> {
        let bytes = (self.block.len() - HEADER_BYTES) as u32;
        self.block[1..HEADER_BYTES].copy_from_slice(&bytes.to_le_bytes());
        let (header, payload) = self.block.split_at(HEADER_BYTES);
        let checksum = checksum(self.number, header, payload);
        self.block.extend_from_slice(&checksum.to_le_bytes());
        self.into.write_all(&self.block)?;
        self.number += 1;
        self.summary.bytes += self.block.len() as u64;
        Ok(())
    }
}

/// Entries of the archive that are written together.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    payload: Vec<u8>,
    count: u64,
}

impl Entries {
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.payload.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.payload.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.payload.extend_from_slice(key);
        self.payload.extend_from_slice(value);
        self.count += 1;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.payload.len()
    }

    pub(crate) fn clear(&mut self) {
        self.payload.clear();
        self.count = 0;
    }
}

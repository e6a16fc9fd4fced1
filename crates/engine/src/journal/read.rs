//! Reading segments again while the journal is in use: for the archive, which takes over what is still needed of them.

use std::io;
use std::ops::ControlFlow;

use super::Serial;
use super::batch::records;
use super::scan::{PlacedBatch, Scan, Window};
use super::segment::{SEGMENT_HEADER_BYTES, Segment};
use super::write::JournalError;
use crate::disk::DiskFile;

/// A segment whose batches are read; it must not be freed meanwhile.
#[derive(Debug)]
pub(crate) struct SegmentReader<F> {
    segment: Segment<F>,
    /// Number of the last batch that was written to it when this reader was made.
    last: u64,
}

/// A place behind a batch of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In which segment.
    pub(crate) serial: Serial,
    /// The next batch begins here; 0: the first of the segment.
    pub(crate) offset: u64,
    /// Number of the batch before it.
    pub(crate) batch: u64,
}

/// What is called for each batch: the place behind it, and its records as kind and payload.
pub(crate) type EachBatch<'a> =
    dyn FnMut(Place, &mut dyn Iterator<Item = (u8, &[u8])>) -> ControlFlow<()> + 'a;

impl Place {
    /// The start of a segment.
    pub(crate) fn start(serial: Serial) -> Self {
        Self { serial, offset: 0, batch: 0 }
    }
}

impl<F: DiskFile> SegmentReader<F> {
    pub(super) fn new(segment: Segment<F>, last: u64) -> Self {
        Self { segment, last }
    }

    /// Number of the first batch of the segment, whether there is one or not.
    pub(crate) fn first(&self) -> u64 {
        self.segment.header.first_batch
    }

    /// Number of the last batch that was written when this reader was made; less than the first: there was none.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Reads the batches behind `from`, up to the one with the number `until`, or until `each` breaks. An error means
    /// that not all of them were there.
    pub(crate) fn read(
        &self,
        from: Place,
        until: u64,
        each: &mut EachBatch<'_>,
    ) -> Result<(), JournalError> {
        let serial = self.segment.header.salt.serial;
        let last = self.last.min(until);
        let mut window = Window::default();
        let mut scan = Scan::new(&self.segment, &mut window);
        if from.serial == serial && SEGMENT_HEADER_BYTES < from.offset {
            scan.seek(from.offset, from.batch);
        }
        while scan.last < last {
            let offset = scan.offset;
            let Some(PlacedBatch { payload, end, number }) = scan.next_placed()? else {
                return Err(JournalError::Damaged { file: self.segment.name.clone(), offset });
            };
            let place = Place { serial, offset: end, batch: number };
            if each(place, &mut records(payload).flatten()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Serial of the segment.
    pub(crate) fn serial(&self) -> Serial {
        self.segment.header.salt.serial
    }

    /// Bytes of its file.
    pub(crate) fn file_bytes(&self) -> io::Result<u64> {
        self.segment.file.len()
    }

    /// Its bytes up to the end of its last batch, part by part, each batch checked before.
    pub(crate) fn copy<E: From<JournalError>>(
        &self,
        part: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut window = Window::default();
        let mut scan = Scan::new(&self.segment, &mut window);
        let (mut copied, mut buf) = (0, vec![0; PART_BYTES]);
        loop {
            while scan.last < self.last && scan.offset < copied + PART_BYTES as u64 {
                let offset = scan.offset;
                if scan.next_placed().map_err(JournalError::Io)?.is_none() {
                    let file = self.segment.name.clone();
                    return Err(JournalError::Damaged { file, offset }.into());
                }
            }
            while copied < scan.offset {
                let bytes = (scan.offset - copied).min(PART_BYTES as u64) as usize;
                let read = self.segment.file.read_at(&mut buf[..bytes], copied);
                part(&buf[..read.map_err(JournalError::Io)?])?;
                copied += bytes as u64;
            }
            if self.last <= scan.last {
                return Ok(());
            }
        }
    }
}

/// So much is copied at a time.
const PART_BYTES: usize = 1024 * 1024;

//! Reading a segment: its valid batches in order, through a window of a few MiB that is used again for each segment.

use std::collections::VecDeque;
use std::io;

use super::batch::{ALIGNMENT, BatchHeader, HEADER_BYTES, is_batch_magic, stir};
use super::segment::{SEGMENT_HEADER_BYTES, Segment};
use crate::disk::DiskFile;

/// The valid batches of a segment, until the first that is not.
#[derive(Debug)]
pub(super) struct Scan<'s, F> {
    segment: &'s Segment<F>,
    window: &'s mut Window,
    /// Where the next batch begins: everything before it is valid.
    pub(super) offset: u64,
    /// Number of the last valid batch.
    pub(super) last: u64,
    pub(super) closed: bool,
    /// As [`stir`] makes it of the batches.
    pub(super) secret: u64,
    /// Number and offset of each batch that no later one names as synced.
    unsynced: VecDeque<(u64, u64)>,
}

/// A batch that was read.
#[derive(Debug)]
pub(super) struct PlacedBatch<'s> {
    pub(super) payload: &'s [u8],
    /// Where the next one begins.
    pub(super) end: u64,
    pub(super) number: u64,
}

/// Bytes of one file at a time.
#[derive(Debug, Default)]
pub(super) struct Window {
    buf: Vec<u8>,
    /// Where in the file they are.
    start: u64,
    /// How many are valid.
    length: usize,
}

impl<'s, F: DiskFile> Scan<'s, F> {
    pub(super) fn new(segment: &'s Segment<F>, window: &'s mut Window) -> Self {
        window.length = 0;
        let last = segment.header.first_batch.wrapping_sub(1);
        let unsynced = VecDeque::new();
        let (offset, closed, secret) = (SEGMENT_HEADER_BYTES, false, 0);
        Self { segment, window, offset, last, closed, secret, unsynced }
    }

    /// Goes on behind a batch that was read before.
    pub(super) fn seek(&mut self, offset: u64, last: u64) {
        (self.offset, self.last) = (offset, last);
    }

    /// The payload of the next batch.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.next_placed()?.map(|batch| batch.payload))
    }

    /// The next batch, and where it ends.
    pub(super) fn next_placed(&mut self) -> io::Result<Option<PlacedBatch<'_>>> {
        let Segment { file, header: segment, .. } = self.segment;
        let from = self.window.view(&**file, self.offset, HEADER_BYTES)?;
        let header = BatchHeader::read(from, segment.salt);
        let Some(header) = header.filter(|header| header.number == self.last.wrapping_add(1))
        else {
            return Ok(None);
        };
        let from = self.window.view(&**file, self.offset, header.batch_bytes())?;
        let Some(payload) = header.payload(from, segment.salt) else { return Ok(None) };
        while self.unsynced.front().is_some_and(|(number, _)| *number <= header.synced) {
            self.unsynced.pop_front();
        }
        self.unsynced.push_back((header.number, self.offset));
        self.offset += header.batch_bytes() as u64;
        (self.last, self.closed) = (header.number, header.closed);
        self.secret = stir(self.secret, from);
        Ok(Some(PlacedBatch { payload, end: self.offset, number: self.last }))
    }

    /// Where the first batch begins that no later one names as synced.
    pub(super) fn first_unsynced(&self) -> u64 {
        self.unsynced.front().map_or(self.offset, |(_, offset)| *offset)
    }

    /// Goes on at the next whole batch, whatever lies before it. False: there is none.
    pub(super) fn skip(&mut self) -> io::Result<bool> {
        let Segment { file, header: segment, .. } = self.segment;
        let mut offset = self.offset;
        while let Some(found) = self.window.find_magic(&**file, offset)? {
            let from = self.window.view(&**file, found, HEADER_BYTES)?;
            let header = BatchHeader::read(from, segment.salt);
            if let Some(header) = header.filter(|header| self.last < header.number) {
                let from = self.window.view(&**file, found, header.batch_bytes())?;
                if header.payload(from, segment.salt).is_some() {
                    self.seek(found, header.number - 1);
                    return Ok(true);
                }
            }
            offset = found + ALIGNMENT as u64;
        }
        Ok(false)
    }

    /// Whether something behind the end proves that the batch that should stand there was durable: then it was not a
    /// torn write that ended the journal, but damage.
    pub(super) fn proves_damage(&mut self) -> io::Result<bool> {
        let Segment { file, header: segment, .. } = self.segment;
        let missing = self.last.wrapping_add(1);
        let mut offset = self.offset;
        while let Some(found) = self.window.find_magic(&**file, offset)? {
            let from = self.window.view(&**file, found, HEADER_BYTES)?;
            let header = BatchHeader::read(from, segment.salt);
            if let Some(header) = header
                && missing < header.number
                && missing <= header.synced
            {
                let from = self.window.view(&**file, found, header.batch_bytes())?;
                if header.payload(from, segment.salt).is_some() {
                    return Ok(true);
                }
            }
            offset = found + ALIGNMENT as u64;
        }
        Ok(false)
    }
}

impl Window {
    /// So many bytes from `offset` on; fewer at the end of the file.
    fn view(&mut self, file: &impl DiskFile, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        let rest = self.rest(file, offset, bytes)?;
        Ok(&rest[..rest.len().min(bytes)])
    }

    /// All that the window holds from `offset` on, at least so many bytes; fewer at the end of the file.
    fn rest(&mut self, file: &impl DiskFile, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        let end = self.start + self.length as u64;
        if offset < self.start || end < offset.saturating_add(bytes as u64) {
            self.fill(file, offset, bytes)?;
        }
        Ok(&self.buf[(offset - self.start) as usize..self.length])
    }

    fn fill(&mut self, file: &impl DiskFile, offset: u64, bytes: usize) -> io::Result<()> {
        // A torn header may claim any length: no more memory than the file has bytes.
        let rest = file.len()?.saturating_sub(offset);
        let wanted = rest.min(bytes.max(WINDOW_BYTES) as u64) as usize;
        if self.buf.len() < wanted {
            self.buf.resize(wanted, 0);
        }
        (self.start, self.length) = (offset, 0);
        self.length = file.read_at(&mut self.buf[..wanted], offset)?;
        Ok(())
    }

    /// The first aligned place from `offset` on where a batch may begin.
    fn find_magic(&mut self, file: &impl DiskFile, mut offset: u64) -> io::Result<Option<u64>> {
        loop {
            let rest = self.rest(file, offset, HEADER_BYTES)?;
            if rest.len() < HEADER_BYTES {
                return Ok(None);
            }
            let places = rest.chunks_exact(ALIGNMENT);
            let skipped = places.len();
            let found = places.into_iter().position(is_batch_magic);
            offset += (found.unwrap_or(skipped) * ALIGNMENT) as u64;
            if found.is_some() {
                return Ok(Some(offset));
            }
        }
    }
}

/// Large enough that reading is limited by the disk, small enough for the processor's caches.
const WINDOW_BYTES: usize = 1024 * 1024;

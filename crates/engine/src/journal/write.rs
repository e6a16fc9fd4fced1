//! Writing: batches go behind one another, a full segment is followed by a spare, the oldest becomes a spare again.

use std::io;
use std::sync::Arc;

use super::Serial;
use super::batch::{Batch, Salt, mix, stir};
use super::open::{CHECKPOINT, End, Found, Segments};
use super::read::SegmentReader;
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader};
use super::spare::{SpareMaker, Spares};
use crate::disk::{Disk, DiskFile};

/// How a journal is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Bytes of each segment, a multiple of 4 KiB; those that are there keep theirs.
    pub(crate) segment_bytes: u64,
}

/// An open journal. One thread at a time writes.
#[derive(Debug)]
pub(crate) struct Journal<D: Disk> {
    options: Options,
    disk: D,
    segments: Segments<D::File>,
    spares: Spares<D::File>,
    /// Where the next batch goes in the newest segment.
    offset: u64,
    last_batch: u64,
    synced_batch: u64,
    /// What the next salt comes from: all that was written so far, which nobody outside knows.
    secret: u64,
    poisoned: bool,
    /// Whether it ended with a close mark when it was opened; `None`: it was made.
    closed: Option<bool>,
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// A write or a sync failed now; nothing is believed from here on.
    #[error("the journal could not be written: {0}")]
    Io(#[from] io::Error),
    /// One failed before: only opening the store anew tells what is durable.
    #[error("an earlier write to the journal failed")]
    Poisoned,
    /// There was no spare and none could be made, so nothing was written: a later try may succeed.
    #[error("no space for the next segment: {0}")]
    NoSpare(io::Error),
    /// The batch is larger than a segment; nothing was written.
    #[error("a batch of {0} bytes is larger than a segment")]
    TooLarge(u64),
    /// What was read back is not what was written; the segment must not be freed.
    #[error("{file} is damaged at byte {offset}")]
    Damaged {
        /// Which file.
        file: String,
        /// Where the whole part of it ends.
        offset: u64,
    },
}

/// Where a batch was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// The segment.
    pub(crate) serial: Serial,
    /// The batch's number.
    pub(crate) batch: u64,
}

/// What surely fits. A plain value, so that admission can be decided without the journal's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Bytes left in the newest segment.
    pub(crate) remaining: u64,
    /// Bytes that an empty segment takes.
    pub(crate) segment: u64,
}

impl<D: Disk> Journal<D> {
    /// Goes on behind what was replayed.
    pub(super) fn resume(disk: D, options: Options, found: Found<D::File>) -> io::Result<Self> {
        let Found { segments, oldest, end, spares, rest, secret } = found;
        let batch = end.as_ref().map_or(0, |end| end.batch);
        let mut journal = Self {
            options,
            disk,
            spares,
            offset: options.segment_bytes,
            last_batch: batch,
            synced_batch: batch,
            secret,
            poisoned: false,
            closed: end.as_ref().map(|end| end.closed),
            segments,
        };
        if let Some(end) = &end {
            journal.write_again(end)?;
        }
        rest.iter().try_for_each(|name| journal.disk.remove(name))?;
        while journal.segments.len() > 1 && journal.oldest() < oldest {
            journal.free_oldest()?;
        }
        journal.disk.sync_dir()?;
        match end {
            Some(end) => journal.go_on(&end)?,
            None => journal.roll_into_spare()?,
        }
        Ok(journal)
    }

    /// What was read may be in the page cache only, and marked as clean there if a sync failed: the same bytes once
    /// more, and a sync of our own.
    fn write_again(&mut self, end: &End) -> io::Result<()> {
        let file = &self.newest_segment().file;
        let mut portion = vec![0; PORTION_BYTES.min(end.offset - end.unsynced) as usize];
        for offset in (end.unsynced..end.offset).step_by(portion.len().max(1)) {
            let bytes = (end.offset - offset).min(PORTION_BYTES) as usize;
            let read = file.read_at(&mut portion[..bytes], offset)?;
            file.write_at(&portion[..read], offset)?;
        }
        file.sync_data()
    }

    /// Where writing goes on: never behind a torn end, since what is lost there now may come after what is written.
    fn go_on(&mut self, end: &End) -> io::Result<()> {
        let size_fits = self.newest_segment().file.len()? == self.options.segment_bytes;
        let mut mark = Batch::new();
        if size_fits && end.closed && end.offset + mark.sealed_bytes() <= self.options.segment_bytes
        {
            self.offset = end.offset;
            // Durable before another batch is written, so that only ever these bytes are written behind a close.
            self.write(&mut mark, false)?;
            return self.sync_newest();
        }
        if size_fits && end.offset == SEGMENT_HEADER_BYTES {
            let serial = self.newest();
            if let Some(Segment { name, file, .. }) = self.segments.remove(&serial) {
                return self.take_into_use(serial, name, file);
            }
        }
        self.roll_into_spare()
    }

    /// Whether there was no journal.
    pub(crate) fn is_new(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether the journal was closed before it was opened now.
    pub(crate) fn was_closed(&self) -> bool {
        self.closed == Some(true)
    }

    /// What surely fits.
    pub(crate) fn capacity(&self) -> Capacity {
        Capacity {
            remaining: self.options.segment_bytes - self.offset,
            segment: self.options.segment_bytes - SEGMENT_HEADER_BYTES,
        }
    }

    /// Seals a batch and writes it, in the next spare segment if it does not fit in this one. Says where it is.
    pub(crate) fn append(
        &mut self,
        batch: &mut Batch,
        closed: bool,
    ) -> Result<Written, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let (bytes, capacity) = (batch.sealed_bytes(), self.capacity());
        if capacity.segment < bytes {
            return Err(JournalError::TooLarge(bytes));
        }
        if capacity.remaining < bytes {
            self.ensure_spare().map_err(JournalError::NoSpare)?;
            self.healthy(Self::roll_into_spare)?;
        }
        self.healthy(|journal| journal.write(batch, closed))?;
        Ok(Written { serial: self.newest(), batch: self.last_batch })
    }

    fn write(&mut self, batch: &mut Batch, closed: bool) -> io::Result<()> {
        let number = self.last_batch + 1;
        let Segment { file, header, .. } = self.newest_segment();
        batch.seal(header.salt, number, self.synced_batch, closed);
        file.write_at(batch.bytes(), self.offset)?;
        self.offset += batch.bytes().len() as u64;
        self.last_batch = number;
        self.secret = stir(self.secret, batch.bytes());
        Ok(())
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.healthy(Self::sync_newest)
    }

    fn sync_newest(&mut self) -> io::Result<()> {
        self.newest_segment().file.sync_data()?;
        self.synced_batch = self.last_batch;
        Ok(())
    }

    /// Number of the last batch.
    pub(crate) fn last_batch(&self) -> u64 {
        self.last_batch
    }

    /// Whether something was appended since the last sync.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.synced_batch != self.last_batch
    }

    /// Serial of the oldest segment in use.
    pub(crate) fn oldest(&self) -> Serial {
        self.segments.keys().next().copied().unwrap_or(0)
    }

    /// Serial of the newest segment.
    pub(crate) fn newest(&self) -> Serial {
        self.segments.keys().next_back().copied().unwrap_or(0)
    }

    fn newest_segment(&self) -> &Segment<D::File> {
        self.segments.values().next_back().expect("an open journal has a segment")
    }

    /// Bytes of the segments in use, as if all had today's size.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.len() as u64 * self.options.segment_bytes
    }

    /// Segments in use.
    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// A segment in use, to be read while others are written.
    pub(crate) fn reader(&self, serial: Serial) -> Option<SegmentReader<D::File>> {
        let segment = self.segments.get(&serial)?.clone();
        let next = self.segments.get(&(serial + 1));
        let last = next.map_or(self.last_batch, |next| next.header.batch_before);
        Some(SegmentReader::new(segment, last))
    }

    /// Everything that was appended, durable: its segments, the oldest first.
    pub(crate) fn sync_and_read(&mut self) -> Result<Vec<SegmentReader<D::File>>, JournalError> {
        if self.is_unsynced() {
            self.sync()?;
        }
        Ok(self.segments.keys().filter_map(|serial| self.reader(*serial)).collect())
    }

    /// The record that frees the segment `freed`, to be appended and synced before [`Journal::recycle_oldest`].
    pub(crate) fn checkpoint(batch: &mut Batch, freed: Serial) {
        let oldest = freed + 1;
        batch.record(CHECKPOINT, |into| into.extend_from_slice(&oldest.to_le_bytes()));
    }

    /// Frees the oldest segment, after its checkpoint is durable.
    pub(crate) fn recycle_oldest(&mut self) {
        if self.segments.len() > 1 && !self.poisoned {
            // What could not be removed now is found at the next opening.
            let _freed = self.free_oldest();
        }
    }

    fn free_oldest(&mut self) -> io::Result<()> {
        let Some((_, Segment { name, file, .. })) = self.segments.pop_first() else {
            return Ok(());
        };
        if file.len()? != self.options.segment_bytes {
            return self.disk.remove(&name);
        }
        self.spares.put(name, file);
        Ok(())
    }

    /// Makes spares without the journal's lock.
    pub(crate) fn spare_maker(&self) -> SpareMaker<D>
    where
        D: Clone,
    {
        let (disk, spares) = (self.disk.clone(), self.spares.clone());
        SpareMaker { disk, segment_bytes: self.options.segment_bytes, spares }
    }

    fn ensure_spare(&self) -> io::Result<()> {
        if !self.spares.is_empty() {
            return Ok(());
        }
        let (name, file) = self.spares.make(&self.disk, self.options.segment_bytes, false)?;
        self.spares.put(name, file);
        Ok(())
    }

    /// Takes a spare into use as the newest segment.
    fn roll_into_spare(&mut self) -> io::Result<()> {
        self.ensure_spare()?;
        if self.is_unsynced() {
            // The next segment's header says that this one is whole.
            self.sync_newest()?;
        }
        let (name, file) = self.spares.take().ok_or(io::ErrorKind::StorageFull)?;
        self.take_into_use(self.newest() + 1, name, file)
    }

    /// The header is durable before a batch is written behind it.
    fn take_into_use(
        &mut self,
        serial: Serial,
        name: String,
        file: Arc<D::File>,
    ) -> io::Result<()> {
        self.secret = mix(self.secret);
        let salt = Salt { serial, secret: self.secret };
        let oldest = self.segments.keys().next().copied().unwrap_or(serial);
        let (first_batch, batch_before) = (self.last_batch + 1, self.last_batch);
        let header = SegmentHeader { salt, first_batch, batch_before, oldest };
        header.write(&*file)?;
        file.sync_data()?;
        self.segments.insert(serial, Segment { name, file, header });
        self.offset = SEGMENT_HEADER_BYTES;
        Ok(())
    }

    fn healthy<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> Result<T, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let result = f(self);
        self.poisoned = result.is_err();
        Ok(result?)
    }
}

/// At most so much is written again at a time.
const PORTION_BYTES: u64 = 1024 * 1024;

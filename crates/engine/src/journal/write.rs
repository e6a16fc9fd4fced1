//! Writing: batches go behind one another, a full segment is followed by a spare, the oldest becomes a spare again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Serial;
use super::batch::{Batch, records};
use super::open::{CHECKPOINT, End, Segments};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader};
use crate::disk::{Disk, DiskFile};

/// How a journal is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Bytes of each segment.
    pub(crate) segment_bytes: u64,
}

/// An open journal. One thread at a time writes.
#[derive(Debug)]
pub(crate) struct Journal<D: Disk> {
    options: Options,
    disk: D,
    segments: Segments<D::File>,
    /// Where the next batch goes in the newest segment.
    offset: u64,
    last_batch: u64,
    synced_batch: u64,
    spares: Arc<Mutex<Vec<Spare<D::File>>>>,
    last_slot: Arc<AtomicU64>,
    poisoned: bool,
    /// Whether it ended with a close mark when it was opened; `None`: it was made.
    closed: Option<bool>,
}

type Spare<F> = (String, F);

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// A write or a sync failed now; nothing is believed from here on.
    #[error("the journal could not be written: {0}")]
    Io(#[from] io::Error),
    /// One failed before: only opening the store anew tells what is durable.
    #[error("an earlier write failed")]
    Poisoned,
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
    pub(super) fn new(
        disk: D,
        options: Options,
        last_slot: u64,
        recycled: Vec<Segment<D::File>>,
        blank: Vec<Spare<D::File>>,
    ) -> Self {
        let recycled = recycled.into_iter().map(|segment| (segment.name, segment.file));
        let spares = recycled.chain(blank).collect();
        Self {
            options,
            disk,
            segments: Segments::new(),
            offset: 0,
            last_batch: 0,
            synced_batch: 0,
            spares: Arc::new(Mutex::new(spares)),
            last_slot: Arc::new(AtomicU64::new(last_slot)),
            poisoned: false,
            closed: None,
        }
    }

    /// Goes on behind what was replayed.
    pub(super) fn resume(
        &mut self,
        segments: Segments<D::File>,
        end: Option<End>,
        oldest: Serial,
    ) -> io::Result<()> {
        self.segments = segments;
        self.closed = end.as_ref().map(|end| end.closed);
        while self.segments.len() > 1 && self.oldest() < oldest {
            self.recycle_first();
        }
        for segment in self.segments.values() {
            // What was read may still be in the page cache alone, if the process died and not the machine.
            segment.file.sync_data()?;
        }
        match end {
            Some(end) if end.closed => {
                (self.last_batch, self.synced_batch) = (end.batch, end.batch);
                self.offset = end.offset;
                Ok(())
            }
            Some(end) => {
                (self.last_batch, self.synced_batch) = (end.batch, end.batch);
                self.roll()
            }
            None => self.roll(),
        }
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

    /// Seals a batch and writes it, in the next spare segment if it does not fit in this one. Says which segment has it.
    pub(crate) fn append(
        &mut self,
        batch: &mut Batch,
        closed: bool,
    ) -> Result<Serial, JournalError> {
        self.healthy(|journal| {
            let bytes = batch.sealed_bytes();
            if journal.options.segment_bytes < journal.offset + bytes {
                journal.roll()?;
            }
            let number = journal.last_batch + 1;
            let serial = journal.newest();
            batch.seal(serial, number, journal.synced_batch, closed);
            let (_, segment) = journal.segments.last_key_value().expect("resume made one");
            segment.file.write_at(batch.bytes(), journal.offset)?;
            journal.offset += bytes;
            journal.last_batch = number;
            Ok(serial)
        })
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.healthy(|journal| {
            let (_, segment) = journal.segments.last_key_value().expect("resume made one");
            segment.file.sync_data()?;
            journal.synced_batch = journal.last_batch;
            Ok(())
        })
    }

    /// Whether something was appended since the last sync.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.synced_batch != self.last_batch
    }

    /// Serial of the oldest segment in use.
    pub(crate) fn oldest(&self) -> Serial {
        self.segments.keys().next().copied().unwrap_or(0)
    }

    fn newest(&self) -> Serial {
        self.segments.keys().next_back().copied().unwrap_or(0)
    }

    /// Bytes of the segments in use.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.len() as u64 * self.options.segment_bytes
    }

    /// Segments in use.
    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The records of the oldest segment, for whoever carries them on.
    pub(crate) fn read_oldest(&self, f: &mut dyn FnMut(u8, &[u8])) -> Result<(), JournalError> {
        let Some((_, segment)) = self.segments.first_key_value() else { return Ok(()) };
        let mut scan = segment.scan(self.options.segment_bytes)?;
        while let Some(payload) = scan.next() {
            records(payload).for_each(|(kind, record)| f(kind, record));
        }
        Ok(())
    }

    /// The record that frees the oldest segment, to be appended and synced before [`Journal::recycle_oldest`].
    pub(crate) fn checkpoint(batch: &mut Batch, freed: Serial) {
        let oldest = freed + 1;
        batch.record(CHECKPOINT, |into| into.extend_from_slice(&oldest.to_le_bytes()));
    }

    /// Frees the oldest segment, after its checkpoint is durable.
    pub(crate) fn recycle_oldest(&mut self) {
        if self.segments.len() > 1 && !self.poisoned {
            self.recycle_first();
        }
    }

    fn recycle_first(&mut self) {
        if let Some((_, segment)) = self.segments.pop_first() {
            self.spares.lock().push((segment.name, segment.file));
        }
    }

    /// Makes spares without the journal's lock.
    pub(crate) fn spare_maker(&self) -> SpareMaker<D>
    where
        D: Clone,
    {
        SpareMaker {
            disk: self.disk.clone(),
            segment_bytes: self.options.segment_bytes,
            spares: self.spares.clone(),
            last_slot: self.last_slot.clone(),
        }
    }

    /// Takes a spare into use as the newest segment.
    fn roll(&mut self) -> io::Result<()> {
        if self.last_batch != self.synced_batch
            && let Some((_, segment)) = self.segments.last_key_value()
        {
            // The next segment's header says that this one is whole.
            segment.file.sync_data()?;
            self.synced_batch = self.last_batch;
        }
        let spare = self.spares.lock().pop();
        let (name, file) = match spare {
            Some(spare) => spare,
            None => make_spare(&self.disk, &self.last_slot, self.options.segment_bytes, false)?,
        };
        let serial = self.newest() + 1;
        let oldest = if self.segments.is_empty() { serial } else { self.oldest() };
        let (first_batch, batch_before) = (self.last_batch + 1, self.last_batch);
        let header = SegmentHeader { serial, first_batch, batch_before, oldest };
        header.write(&file)?;
        file.sync_data()?;
        self.segments.insert(serial, Segment { name, file, header });
        self.offset = SEGMENT_HEADER_BYTES;
        Ok(())
    }

    fn healthy<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let result = f(self);
        self.poisoned = result.is_err();
        result
    }
}

/// Makes spare segments ahead of need.
#[derive(Debug)]
pub(crate) struct SpareMaker<D: Disk> {
    disk: D,
    segment_bytes: u64,
    spares: Arc<Mutex<Vec<Spare<D::File>>>>,
    last_slot: Arc<AtomicU64>,
}

impl<D: Disk> SpareMaker<D> {
    /// Spares that are ready.
    pub(crate) fn ready(&self) -> usize {
        self.spares.lock().len()
    }

    /// Makes one more. With `written`, its blocks are written once ahead of use, since the first write to a block
    /// costs its sync more than the next (measured: docs/performance.md); without, they are only reserved.
    pub(crate) fn make(&self, written: bool) -> io::Result<()> {
        let spare = make_spare(&self.disk, &self.last_slot, self.segment_bytes, written)?;
        self.spares.lock().insert(0, spare);
        Ok(())
    }
}

fn make_spare<D: Disk>(
    disk: &D,
    last_slot: &AtomicU64,
    segment_bytes: u64,
    written: bool,
) -> io::Result<Spare<D::File>> {
    let slot = last_slot.fetch_add(1, Ordering::Relaxed) + 1;
    let name = format!("segment-{slot:010}.ackd");
    let file = disk.create(&name)?;
    let filled = fill(&file, segment_bytes, written).and_then(|()| disk.sync_dir());
    if let Err(error) = filled {
        // Half a spare is worth nothing, and the disk may be full: whether this succeeds changes nothing.
        let _gone = disk.remove(&name);
        return Err(error);
    }
    Ok((name, file))
}

fn fill(file: &impl DiskFile, segment_bytes: u64, written: bool) -> io::Result<()> {
    file.allocate(segment_bytes)?;
    if written {
        let zeros = vec![0; ZEROS_BYTES.min(segment_bytes as usize)];
        for offset in (0..segment_bytes).step_by(zeros.len()) {
            let bytes = zeros.len().min((segment_bytes - offset) as usize);
            file.write_at(&zeros[..bytes], offset)?;
        }
    }
    file.sync_data()
}

/// Zeros are written in portions, so that the commits of others get their turn at the disk.
const ZEROS_BYTES: usize = 1024 * 1024;

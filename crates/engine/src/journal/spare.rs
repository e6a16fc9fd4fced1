//! Spare segments: made ahead of need and without the journal's lock, or left over when a segment is freed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};

/// Makes spare segments ahead of need.
#[derive(Debug)]
pub(crate) struct SpareMaker<D: Disk> {
    pub(super) disk: D,
    pub(super) segment_bytes: u64,
    pub(super) spares: Spares<D::File>,
}

/// The spares that are ready. Clones share them.
#[derive(Debug)]
pub(super) struct Spares<F> {
    ready: Arc<Mutex<Vec<Spare<F>>>>,
    last_slot: Arc<AtomicU64>,
}

/// Name and file.
pub(super) type Spare<F> = (String, Arc<F>);

impl<D: Disk> SpareMaker<D> {
    /// Spares that are ready.
    pub(crate) fn ready(&self) -> usize {
        self.spares.ready.lock().len()
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.ready() as u64 * self.segment_bytes
    }

    /// Removes spares until no more than `kept` are ready, at least one. What cannot be removed now is tried later.
    pub(crate) fn trim(&self, kept: usize) {
        while let Some((name, file)) = self.spares.take_beyond(kept.max(SPARES_MIN)) {
            if self.disk.remove(&name).is_err() {
                return self.spares.put(name, file);
            }
        }
    }

    /// Makes one more. With `written`, its blocks are written once ahead of use, since the first write to a block
    /// makes its sync slower (docs/performance.md); without, they are only reserved, which is quicker. An error (a full
    /// disk) changes nothing.
    pub(crate) fn make(&self, written: bool) -> io::Result<()> {
        let (name, file) = self.spares.make(&self.disk, self.segment_bytes, written)?;
        self.spares.put(name, file);
        Ok(())
    }
}

impl<F: DiskFile> Spares<F> {
    pub(super) fn new(last_slot: u64) -> Self {
        Self { ready: Arc::default(), last_slot: Arc::new(AtomicU64::new(last_slot)) }
    }

    pub(super) fn put(&self, name: String, file: Arc<F>) {
        self.ready.lock().push((name, file));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.lock().is_empty()
    }

    pub(super) fn take(&self) -> Option<Spare<F>> {
        self.ready.lock().pop()
    }

    /// One of them, if there are more than `kept`.
    fn take_beyond(&self, kept: usize) -> Option<Spare<F>> {
        let mut ready = self.ready.lock();
        if kept < ready.len() { ready.pop() } else { None }
    }

    /// A new one, durable with its name.
    pub(super) fn make<D: Disk<File = F>>(
        &self,
        disk: &D,
        segment_bytes: u64,
        written: bool,
    ) -> io::Result<Spare<F>> {
        let slot = self.last_slot.fetch_add(1, Ordering::Relaxed) + 1;
        let name = name_of(slot);
        let file = disk.create(&name)?;
        let filled = fill(&file, segment_bytes, written).and_then(|()| disk.sync_dir());
        if let Err(error) = filled {
            // Half a spare is worth nothing, and the disk may be full. If this fails too, the next opening removes it.
            let _gone = disk.remove(&name);
            return Err(error);
        }
        Ok((name, Arc::new(file)))
    }
}

impl<F> Clone for Spares<F> {
    fn clone(&self) -> Self {
        Self { ready: Arc::clone(&self.ready), last_slot: Arc::clone(&self.last_slot) }
    }
}

fn fill(file: &impl DiskFile, segment_bytes: u64, written: bool) -> io::Result<()> {
    let reserved = match file.allocate(segment_bytes) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => false,
        result => result.map(|()| true)?,
    };
    if written || !reserved {
        let zeros = vec![0; ZEROS_BYTES.min(segment_bytes) as usize];
        for offset in (0..segment_bytes).step_by(zeros.len()) {
            let bytes = (segment_bytes - offset).min(ZEROS_BYTES) as usize;
            file.write_at(&zeros[..bytes], offset)?;
            file.sync_data()?;
        }
    }
    file.sync_data()
}

/// A file for a segment in a journal that is not in use: the `slot`th, of this size, its name not yet durable.
pub(crate) fn make_segment<D: Disk>(disk: &D, slot: u64, bytes: u64) -> io::Result<D::File> {
    let file = disk.create(&name_of(slot))?;
    fill(&file, bytes, false)?;
    Ok(file)
}

pub(super) fn name_of(slot: u64) -> String {
    format!("{PREFIX}{slot:010}{SUFFIX}")
}

/// The slot in a segment's file name.
pub(super) fn slot_of(name: &str) -> Option<u64> {
    let slot = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let digits = slot.len() >= SLOT_DIGITS && slot.bytes().all(|byte| byte.is_ascii_digit());
    if digits { slot.parse().ok() } else { None }
}

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".ackd";
const SLOT_DIGITS: usize = 10;
/// What was let in may depend on one.
const SPARES_MIN: usize = 1;
/// Zeros are written and synced in portions, so that commits get their turn at the disk in between.
const ZEROS_BYTES: u64 = 1024 * 1024;

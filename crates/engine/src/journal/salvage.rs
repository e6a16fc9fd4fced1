//! Copying what is whole of a damaged journal to a new one: segment by segment, each with its serial, its batches numbered
//! anew without holes.

use std::io;
use std::sync::Arc;

use super::Serial;
use super::batch::{Batch, Salt, mix, records, u64_at};
use super::open::{CHECKPOINT, OpenError, Segments};
use super::scan::{PlacedBatch, Scan, Window};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader, Start};
use super::spare::{make_segment, slot_of};
use crate::disk::{Disk, DiskFile};

/// A part of the journal that is not in the repaired one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Which file, or which segment, where its file is missing.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes were passed over.
    pub bytes: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Writes to `target`, which is empty, what is whole in `source`, which is only read. The archive has all that was before
/// the segment `archived`. What was dropped.
pub(crate) fn salvage<S: Disk, T: Disk>(
    source: &S,
    target: &T,
    archived: Serial,
) -> Result<Vec<Dropped>, OpenError> {
    let (segments, mut dropped) = find(source)?;
    let oldest = oldest(&segments, archived)?;
    let newest = segments.keys().next_back().map_or(oldest, |newest| oldest.max(*newest));
    let file_bytes = segments.values().map(|segment| segment.file.len());
    let file_bytes = file_bytes.collect::<io::Result<Vec<_>>>()?.into_iter().max();
    let file_bytes = file_bytes.unwrap_or(BYTES_MIN);
    let first = segments.get(&oldest).map_or(1, |segment| segment.header.first_batch);
    let mut copy = Copy { target, oldest, file_bytes, slot: 0, last: first - 1, secret: newest };
    for serial in oldest..=newest {
        if let Some(segment) = segments.get(&serial) {
            copy.segment(segment, segments.get(&(serial + 1)), &mut dropped)?;
        } else {
            let file = format!("the segment with serial {serial}");
            dropped.push(Dropped { file, offset: 0, bytes: 0, what: "it is missing" });
            copy.begin(serial, None)?;
        }
    }
    target.sync_dir()?;
    Ok(dropped)
}

/// The segments that have a header, and files that have none.
fn find<D: Disk>(disk: &D) -> Result<(Segments<D::File>, Vec<Dropped>), OpenError> {
    let (mut segments, mut dropped) = (Segments::new(), Vec::new());
    for name in disk.list()? {
        if slot_of(&name).is_none() {
            continue;
        }
        let file = Arc::new(disk.open(&name)?);
        let bytes = file.len()?;
        let mut lose = |file, what| dropped.push(Dropped { file, offset: 0, bytes, what });
        match SegmentHeader::read(&*file)? {
            Start::Valid(header) if segments.contains_key(&header.salt.serial) => {
                lose(name, "another file has the same serial");
            }
            Start::Valid(header) => {
                segments.insert(header.salt.serial, Segment { name, file, header });
            }
            Start::Blank => {}
            Start::Version(found) => return Err(OpenError::Version { file: name, found }),
            Start::Damaged(what) => lose(name, what),
        }
    }
    Ok((segments, dropped))
}

/// Where the journal begins, by all that says so: older segments are in the archive, and may be there only in part.
fn oldest<F: DiskFile>(segments: &Segments<F>, archived: Serial) -> Result<Serial, OpenError> {
    let newest = segments.values().next_back();
    let mut oldest = newest.map_or(archived, |newest| newest.header.oldest.max(archived));
    for segment in segments.range(oldest..).map(|(_, segment)| segment) {
        let mut note = |payload: &[u8]| {
            for (kind, record) in records(payload).flatten() {
                if kind == CHECKPOINT {
                    oldest = oldest.max(u64_at(record, 0).unwrap_or(0));
                }
            }
            Ok(())
        };
        whole(segment, None, &mut note, &mut |_, _| {})?;
    }
    Ok(oldest)
}

/// Each whole batch of a segment, up to where it rightly ends, and what was passed over between them.
fn whole<F: DiskFile>(
    segment: &Segment<F>,
    next: Option<&Segment<F>>,
    batch: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    lost: &mut dyn FnMut(u64, u64),
) -> io::Result<()> {
    let mut window = Window::default();
    let mut scan = Scan::new(segment, &mut window);
    loop {
        let offset = scan.offset;
        if let Some(PlacedBatch { payload, end, .. }) = scan.next_placed()? {
            if records(payload).all(|record| record.is_some()) {
                batch(payload)?;
            } else {
                lost(offset, end - offset);
            }
            continue;
        }
        let is_end = match next {
            Some(next) => next.header.batch_before == scan.last,
            None => !scan.proves_damage()?,
        };
        if is_end {
            return Ok(());
        }
        if !scan.skip()? {
            lost(offset, segment.file.len()?.saturating_sub(offset));
            return Ok(());
        }
        lost(offset, scan.offset - offset);
    }
}

struct Copy<'t, T: Disk> {
    target: &'t T,
    oldest: Serial,
    /// Of a segment of which no file is left.
    file_bytes: u64,
    slot: u64,
    /// Number of the last batch that was written.
    last: u64,
    secret: u64,
}

impl<T: Disk> Copy<'_, T> {
    fn segment<F: DiskFile>(
        &mut self,
        segment: &Segment<F>,
        next: Option<&Segment<F>>,
        dropped: &mut Vec<Dropped>,
    ) -> io::Result<()> {
        let salt = segment.header.salt;
        self.file_bytes = segment.file.len()?;
        let file = self.begin(salt.serial, Some(salt))?;
        let mut offset = SEGMENT_HEADER_BYTES;
        let mut write = |payload: &[u8]| {
            let mut batch = Batch::of(payload);
            self.last += 1;
            batch.seal(salt, self.last, self.last - 1, false);
            file.write_at(batch.bytes(), offset)?;
            offset += batch.bytes().len() as u64;
            Ok(())
        };
        let mut lost = |offset, bytes| {
            let what = "batches that were synced are not whole";
            dropped.push(Dropped { file: segment.name.clone(), offset, bytes, what });
        };
        whole(segment, next, &mut write, &mut lost)?;
        file.sync_data()
    }

    /// A segment without batches, durable.
    fn begin(&mut self, serial: Serial, salt: Option<Salt>) -> io::Result<T::File> {
        self.slot += 1;
        self.secret = mix(self.secret ^ salt.map_or(serial, |salt| salt.secret));
        let salt = salt.unwrap_or(Salt { serial, secret: self.secret });
        let (first_batch, batch_before) = (self.last + 1, self.last);
        let header = SegmentHeader { salt, first_batch, batch_before, oldest: self.oldest };
        let file = make_segment(self.target, self.slot, self.file_bytes)?;
        header.write(&file)?;
        file.sync_data()?;
        Ok(file)
    }
}

/// A segment's size where none is left that says it.
const BYTES_MIN: u64 = 64 * 1024;

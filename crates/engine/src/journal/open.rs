//! Opening a journal: which segments are in use, what they hold, and whether the end is an end or damage.

use std::collections::BTreeMap;
use std::io;

use super::Serial;
use super::batch::records;
use super::segment::{Segment, SegmentHeader, Start, VERSION};
use super::write::{Journal, Options};
use crate::disk::Disk;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed; nothing was changed.
    #[error("cannot read the journal: {0}")]
    Io(#[from] io::Error),
    /// Synced data is damaged. Nothing was changed: a copy of what is whole can be made with `ackd repair`.
    #[error("{file} is damaged at byte {offset}: {what}. `ackd repair` copies what is whole")]
    Corrupt {
        /// Which file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The files are of another version of ackd.
    #[error("{file} has format version {found}, this build reads version {VERSION}")]
    Version {
        /// Which file.
        file: String,
        /// Its version.
        found: u32,
    },
}

/// What is called for each record: its segment, kind and payload. An error text means that the record is damaged.
pub(crate) type Replay<'a> = dyn FnMut(Serial, u8, &[u8]) -> Result<(), &'static str> + 'a;

impl<D: Disk> Journal<D> {
    /// Opens the journal on this disk, or makes one, and replays every record in order. Writing goes on in a new
    /// segment, never behind a torn end; after a clean close it goes on where it ended.
    pub(crate) fn open(
        disk: D,
        options: Options,
        replay: &mut Replay<'_>,
    ) -> Result<Self, OpenError> {
        let found = find(&disk)?;
        let (segments, spares) = in_use(found.segments);
        let mut journal = Self::new(disk, options, found.last_slot, spares, found.blank);
        let mut oldest = segments.values().next_back().map_or(1, |newest| newest.header.oldest);
        let mut end = None;
        let mut headers = segments.values().map(|segment| segment.header).skip(1);
        for segment in segments.values() {
            let next = headers.next();
            end = Some(replay_segment(segment, next, options, &mut oldest, replay)?);
        }
        if let Some(first) = segments.values().next()
            && oldest < first.header.serial
        {
            return Err(corrupt(&first.name, 0, "the segments before it are missing"));
        }
        journal.resume(segments, end, oldest)?;
        Ok(journal)
    }
}

/// Where the newest segment ends.
pub(super) struct End {
    pub(super) batch: u64,
    pub(super) offset: u64,
    pub(super) closed: bool,
}

struct Found<F> {
    segments: BTreeMap<Serial, Segment<F>>,
    blank: Vec<(String, F)>,
    last_slot: u64,
}

fn find<D: Disk>(disk: &D) -> Result<Found<D::File>, OpenError> {
    let mut found = Found { segments: BTreeMap::new(), blank: Vec::new(), last_slot: 0 };
    for name in disk.list()? {
        let slot = name.strip_prefix("segment-").and_then(|rest| rest.strip_suffix(".ackd"));
        let Some(slot) = slot.and_then(|slot| slot.parse().ok()) else { continue };
        found.last_slot = found.last_slot.max(slot);
        let file = disk.open(&name)?;
        match SegmentHeader::read(&file)? {
            Start::Valid(header) => {
                found.segments.insert(header.serial, Segment { name, file, header });
            }
            Start::Blank => found.blank.push((name, file)),
            Start::Version(version) => {
                return Err(OpenError::Version { file: name, found: version });
            }
        }
    }
    Ok(found)
}

/// Segments by serial.
pub(super) type Segments<F> = BTreeMap<Serial, Segment<F>>;

/// The unbroken run of serials up to the newest; what is older was recycled.
fn in_use<F>(mut found: Segments<F>) -> (Segments<F>, Vec<Segment<F>>) {
    let mut first = found.keys().next_back().copied().unwrap_or(0);
    while first.checked_sub(1).is_some_and(|before| found.contains_key(&before)) {
        first -= 1;
    }
    let used = found.split_off(&first);
    (used, found.into_values().collect())
}

fn replay_segment<F: crate::disk::DiskFile>(
    segment: &Segment<F>,
    next: Option<SegmentHeader>,
    options: Options,
    oldest: &mut Serial,
    replay: &mut Replay<'_>,
) -> Result<End, OpenError> {
    let serial = segment.header.serial;
    let mut scan = segment.scan(options.segment_bytes)?;
    loop {
        let offset = scan.offset as u64;
        let Some(payload) = scan.next() else { break };
        for (kind, record) in records(payload) {
            if kind == CHECKPOINT {
                let checkpoint = super::batch::u64_at(record, 0);
                *oldest = checkpoint.unwrap_or(0).max(*oldest);
                continue;
            }
            replay(serial, kind, record).map_err(|what| corrupt(&segment.name, offset, what))?;
        }
    }
    let offset = scan.offset as u64;
    match next {
        Some(next) if next.batch_before != scan.last => {
            Err(corrupt(&segment.name, offset, "batches that were written are missing"))
        }
        None if scan.find_proof_of_damage().is_some() => {
            Err(corrupt(&segment.name, offset, "a batch that was synced is not whole"))
        }
        _ => Ok(End { batch: scan.last, offset, closed: scan.closed }),
    }
}

fn corrupt(file: &str, offset: u64, what: &'static str) -> OpenError {
    OpenError::Corrupt { file: file.into(), offset, what }
}

/// The journal's own record: the serial of the oldest segment in use, u64 le. Persisted: keep stable.
pub(super) const CHECKPOINT: u8 = 0;

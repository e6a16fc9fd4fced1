//! Opening a journal: which segments are in use, what they hold, and whether the end is an end or damage. Changes nothing
//! on the disk before everything is read and found whole.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::Serial;
use super::batch::{mix, records, u64_at};
use super::scan::{Scan, Window};
use super::segment::{Segment, SegmentHeader, Start, VERSION};
use super::spare::{Spares, slot_of};
use super::write::{Journal, Options};
use crate::disk::{Disk, DiskFile};

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed; nothing was changed but perhaps a segment taken into use.
    #[error("cannot open the journal: {0}")]
    Io(#[from] io::Error),
    /// Synced data is damaged. Nothing was changed: keep a copy of the directory, and start with a backup, or with what is
    /// whole of this store.
    #[error(
        "{file} is damaged at byte {offset}: {what}. Nothing was changed; start with a backup (`ackd restore`), or let `ackd repair` copy what is whole"
    )]
    Corrupt {
        /// Which file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A record is whole, and yet cannot be read: it is of a later version, and that one reads it. Nothing was changed.
    #[error(
        "{file} cannot be read at byte {offset}: {what}. Nothing was changed; use the version of ackd that wrote it, or start with a backup"
    )]
    Unreadable {
        /// Which file.
        file: String,
        /// Where its batch begins.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The files are of another version of ackd: use one that reads that version.
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

/// Segments by serial.
pub(super) type Segments<F> = BTreeMap<Serial, Segment<F>>;

/// What opening a journal found on the disk.
#[derive(Debug)]
pub(super) struct Found<F> {
    /// In use, the newest last.
    pub(super) segments: Segments<F>,
    /// The oldest that is needed, by the last checkpoint.
    pub(super) oldest: Serial,
    /// Where the newest ends; `None`: there is none.
    pub(super) end: Option<End>,
    pub(super) spares: Spares<F>,
    /// Of no use: to be removed.
    pub(super) rest: Vec<String>,
    /// What the next salt comes from: every batch and salt that was read.
    pub(super) secret: u64,
}

/// Where the newest segment ends.
#[derive(Debug)]
pub(super) struct End {
    /// Number of the last batch of all.
    pub(super) batch: u64,
    pub(super) offset: u64,
    pub(super) closed: bool,
    /// From here on no later batch says that it is synced.
    pub(super) unsynced: u64,
}

impl<D: Disk> Journal<D> {
    /// Opens the journal on this disk, or makes one, and replays every record in order. Writing goes on in a new
    /// segment, never behind a torn end; after a clean close it goes on where it ended.
    pub(crate) fn open(
        disk: D,
        options: Options,
        replay: &mut Replay<'_>,
    ) -> Result<Self, OpenError> {
        let found = read(&disk, options, replay)?;
        Ok(Self::resume(disk, options, found)?)
    }

    /// Reads a journal as [`Journal::open`] does, and changes nothing: the serials of its oldest and its newest segment.
    pub(crate) fn check(
        disk: &D,
        options: Options,
        replay: &mut Replay<'_>,
    ) -> Result<(Serial, Serial), OpenError> {
        let segments = read(disk, options, replay)?.segments;
        let serials = || segments.keys().copied();
        Ok((serials().next().unwrap_or(1), serials().next_back().unwrap_or(1)))
    }
}

fn read<D: Disk>(
    disk: &D,
    options: Options,
    replay: &mut Replay<'_>,
) -> Result<Found<D::File>, OpenError> {
    let mut found = find(disk, options)?;
    let mut window = Window::default();
    let mut headers = found.segments.values().map(|segment| segment.header).skip(1);
    for segment in found.segments.values() {
        let scan = Scan::new(segment, &mut window);
        let mut reading = Reading { scan, segment, oldest: &mut found.oldest };
        reading.replay(replay)?;
        let salt = segment.header.salt.secret;
        found.secret = mix(found.secret ^ salt ^ reading.scan.secret.rotate_left(32));
        found.end = Some(reading.end(headers.next())?);
    }
    drop(headers);
    if let Some((first, segment)) = found.segments.first_key_value()
        && found.oldest < *first
    {
        return Err(corrupt(&segment.name, 0, "the segment before it is missing"));
    }
    Ok(found)
}

/// One segment while it is replayed.
struct Reading<'s, F> {
    scan: Scan<'s, F>,
    segment: &'s Segment<F>,
    oldest: &'s mut Serial,
}

impl<F: DiskFile> Reading<'_, F> {
    fn replay(&mut self, replay: &mut Replay<'_>) -> Result<(), OpenError> {
        let (name, serial) = (&self.segment.name, self.segment.header.salt.serial);
        loop {
            let offset = self.scan.offset;
            let Some(payload) = self.scan.next()? else { return Ok(()) };
            for record in records(payload) {
                let done = match record {
                    None => return Err(corrupt(name, offset, "a record is longer than its batch")),
                    Some((CHECKPOINT, record)) => u64_at(record, 0)
                        .map(|oldest| *self.oldest = oldest.max(*self.oldest))
                        .ok_or("a checkpoint is too short"),
                    Some((kind, record)) => replay(serial, kind, record),
                };
                let file = || name.clone();
                done.map_err(|what| OpenError::Unreadable { file: file(), offset, what })?;
            }
        }
    }

    /// Whether the end is rightly there.
    fn end(mut self, next: Option<SegmentHeader>) -> Result<End, OpenError> {
        let Scan { offset, last, closed, .. } = self.scan;
        let damage = match next {
            Some(next) if next.batch_before != last => {
                Some("batches that were written are missing")
            }
            None if self.scan.proves_damage()? => Some("a batch that was synced is not whole"),
            _ => None,
        };
        match damage {
            Some(what) => Err(corrupt(&self.segment.name, offset, what)),
            None => Ok(End { batch: last, offset, closed, unsynced: self.scan.first_unsynced() }),
        }
    }
}

fn find<D: Disk>(disk: &D, options: Options) -> Result<Found<D::File>, OpenError> {
    let mut segments = Segments::new();
    let mut blank = Vec::new();
    let mut last_slot = 0;
    for name in disk.list()? {
        let Some(slot) = slot_of(&name) else { continue };
        last_slot = slot.max(last_slot);
        let file = Arc::new(disk.open(&name)?);
        match SegmentHeader::read(&*file)? {
            Start::Valid(header) => {
                let segment = Segment { name: name.clone(), file, header };
                if segments.insert(header.salt.serial, segment).is_some() {
                    return Err(corrupt(&name, 0, "another file has the same serial"));
                }
            }
            Start::Blank => blank.push((name, file)),
            Start::Version(found) => return Err(OpenError::Version { file: name, found }),
            Start::Damaged(what) => return Err(corrupt(&name, 0, what)),
        }
    }
    let (segments, freed, oldest) = in_use(segments);
    blank.extend(freed.into_values().map(|segment| (segment.name, segment.file)));
    let (spares, end, rest, secret) = (Spares::new(last_slot), None, Vec::new(), 0);
    let mut found = Found { segments, oldest, end, spares, rest, secret };
    for (name, file) in blank {
        if file.len()? == options.segment_bytes {
            found.spares.put(name, file);
        } else {
            found.rest.push(name);
        }
    }
    Ok(found)
}

/// The unbroken run of serials up to the newest, as far back as that one says; the others were freed. Then the serial
/// that it says.
fn in_use<F>(mut found: Segments<F>) -> (Segments<F>, Segments<F>, Serial) {
    let Some((newest, segment)) = found.last_key_value() else {
        return (found, Segments::new(), 1);
    };
    let (mut first, oldest) = (*newest, segment.header.oldest);
    while oldest < first && found.contains_key(&(first - 1)) {
        first -= 1;
    }
    let used = found.split_off(&first);
    (used, found, oldest)
}

fn corrupt(file: &str, offset: u64, what: &'static str) -> OpenError {
    OpenError::Corrupt { file: file.into(), offset, what }
}

/// The journal's own record: the serial of the oldest segment in use, u64 le. Persisted: keep stable.
pub(super) const CHECKPOINT: u8 = 0;

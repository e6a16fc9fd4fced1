//! Mending a store whose journal is damaged: what is whole of it is copied, and the next start fills the holes and renews
//! every epoch.

use super::Settings;
use super::load;
use super::open_error::OpenError;
use super::recover::Replay;
use super::renewal::Renewal;
use super::state::State;
use crate::api::Entropy;
use crate::archive::Archive;
use crate::disk::Disk;
use crate::journal::{self, Dropped, Journal, Options, Serial};
use ackd_wire::Millis;

/// Copies what is whole of a damaged journal to `target`, which is empty, durably, with the order that the next start
/// renews every epoch. What was dropped; nothing: the journal is whole, and `target` was not touched. An error is what
/// cannot be mended so.
pub fn repair<S: Disk, T: Disk>(
    settings: &Settings,
    (source, target): (&S, &T),
    archive: &dyn Archive,
    now: Millis,
) -> Result<Vec<Dropped>, OpenError> {
    match look(settings, source, archive, now) {
        Ok(()) => return Ok(Vec::new()),
        Err(OpenError::Journal(journal::OpenError::Corrupt { .. })) => {}
        Err(error) => return Err(error),
    }
    let archived = load::store(archive)?.oldest;
    let dropped = journal::salvage(source, target, archived)?;
    // Before it is called a store, it is read as one.
    look(settings, target, archive, now)?;
    Renewal::order(target)?;
    Ok(dropped)
}

/// Reads a store as opening it does, and changes nothing.
fn look<D: Disk>(
    settings: &Settings,
    disk: &D,
    archive: &dyn Archive,
    now: Millis,
) -> Result<(), OpenError> {
    let mut state = State::new(settings.limits.clone(), Box::new(Unused));
    let mut replay = Replay::new(&mut state, now);
    let loaded = load::load(archive, &mut replay)?;
    let options = Options { segment_bytes: settings.segment_bytes };
    let mut record = |serial: Serial, kind, record: &[u8]| replay.record(serial, kind, record);
    let (oldest, newest) = Journal::check(disk, options, &mut record)?;
    if loaded.oldest < oldest || newest < loaded.oldest {
        return Err(OpenError::Strangers);
    }
    Ok(())
}

/// Reading draws no number that stays.
#[derive(Debug)]
struct Unused;

impl Entropy for Unused {
    fn fill(&mut self, buf: &mut [u8]) {
        buf.fill(0);
    }
}

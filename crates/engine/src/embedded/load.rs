//! Reading the archive back into memory when a store is opened: everything but the messages. The journal is replayed
//! onto it.

use std::ops::ControlFlow;

use super::keys;
use super::open_error::OpenError;
use super::records::Damaged;
use super::recover::Replay;
use crate::archive::{Archive, ArchiveBatch, ArchiveError};
use crate::journal::Serial;

/// What the archive says of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loaded {
    /// The oldest segment that the journal may begin with is this one or an older one; 1: nothing was ever archived.
    pub(super) oldest: Serial,
}

/// The record of the store itself: version u32 le, then the segment that the journal will begin with, u64 le.
pub(super) fn put_store(oldest: Serial, batch: &mut ArchiveBatch) {
    let mut value = VERSION.to_le_bytes().to_vec();
    value.extend_from_slice(&oldest.to_le_bytes());
    batch.put(keys::STORE, &value);
}

/// Takes over everything but the messages.
pub(super) fn load(archive: &dyn Archive, replay: &mut Replay<'_>) -> Result<Loaded, OpenError> {
    let loaded = store(archive)?;
    if let Some(counters) = archive.get(keys::COUNTERS).map_err(OpenError::Archive)? {
        replay.counters(0, &counters).map_err(damaged)?;
    }
    let rooms = [keys::ROOM, keys::BLOCK, keys::MEMBER];
    for kind in [keys::IDENTITY, keys::LOG, keys::OUTBOX, keys::DEAD].into_iter().chain(rooms) {
        scan(archive, kind, &mut |key, value| {
            let number = keys::number_of(key).ok_or("a key is too short")?;
            match kind {
                keys::IDENTITY => replay.archived_identity(value),
                keys::LOG => replay.archived_log(number, value),
                keys::OUTBOX => replay.archived_outbox(value),
                keys::ROOM | keys::BLOCK | keys::MEMBER => replay.archived_of_room(key, value),
                _ => replay.archived_dead(value),
            }
        })?;
    }
    Ok(loaded)
}

pub(super) fn store(archive: &dyn Archive) -> Result<Loaded, OpenError> {
    let Some(value) = archive.get(keys::STORE).map_err(OpenError::Archive)? else {
        return Ok(Loaded { oldest: 1 });
    };
    let parts = value.split_first_chunk::<4>().and_then(|(version, rest)| {
        Some((u32::from_le_bytes(*version), u64::from_le_bytes(*rest.first_chunk()?)))
    });
    match parts {
        Some((VERSION, oldest)) => Ok(Loaded { oldest }),
        Some((found, _)) => Err(OpenError::ArchiveVersion { found, known: VERSION }),
        None => Err(damaged("its first record is too short")),
    }
}

fn scan(archive: &dyn Archive, kind: u8, each: &mut Take<'_>) -> Result<(), OpenError> {
    let mut found = Ok(());
    let scanned = archive.scan(&[kind], &[kind + 1], &mut |key, value| {
        found = each(key, value);
        if found.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    scanned.map_err(OpenError::Archive)?;
    found.map_err(damaged)
}

/// Takes over one entry.
type Take<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), Damaged> + 'a;

fn damaged(what: Damaged) -> OpenError {
    OpenError::Archive(ArchiveError::Damaged(what.into()))
}

/// The version of keys and values that this build writes and reads.
const VERSION: u32 = 1;

//! The archive of a server: a log-structured tree of the library fjall, used so that its weak points do not show (see
//! ADR 0007). This file has the handle and what reads; `write.rs` what changes it.

mod compact;
mod cut;
mod mark;
mod options;
mod place;
mod tables;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub use self::options::FjallOptions;
use self::place::Place;
use self::tables::{Tables, damaged};
use self::write::Writer;
use super::{Archive, ArchiveBatch, ArchiveError, ArchiveSnapshot, ArchiveUsage, Each};

/// An archive in a directory. Clones are handles of the same archive; it is closed with the last of them and the last
/// of its snapshots.
#[derive(Clone)]
pub struct FjallArchive {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    /// Locks are taken in this order: `writer`, `compaction`, `state`.
    writer: Mutex<Writer>,
    /// Held by who compacts.
    compaction: Mutex<()>,
    state: RwLock<State>,
    /// Keys removed since the last compaction that this process has seen.
    removed: AtomicU64,
}

enum State {
    Open(Tables),
    /// Nothing that was written is believed any more.
    Failed,
}

impl FjallArchive {
    /// Opens the archive in `dir`, making it if need be; the caller sees to it that nobody else does. What a crash cut
    /// off is dropped, whole batches of the end; if anything is missing that a `sync` had made durable, the archive is
    /// `Damaged` and is not changed further.
    pub fn open(dir: &Path, options: FjallOptions) -> Result<Self, ArchiveError> {
        let place = Place::new(dir, options);
        let (mark, tables) = place.open()?;
        let writer = Mutex::new(Writer::new(tables.number().map_err(ArchiveError::from)?, mark));
        let state = RwLock::new(State::Open(tables));
        let shared = Shared {
            place,
            writer,
            compaction: Mutex::default(),
            state,
            removed: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Shared {
    /// The tables, which stay open as long as this is held.
    fn tables(&self) -> Result<Opened<'_>, ArchiveError> {
        // Recursive, so that who scans can read besides although somebody waits to reopen.
        RwLockReadGuard::try_map(self.state.read_recursive(), |state| match state {
            State::Open(tables) => Some(tables),
            State::Failed => None,
        })
        .map_err(|_| ArchiveError::Poisoned)
    }
}

type Opened<'a> = parking_lot::MappedRwLockReadGuard<'a, Tables>;

impl Archive for FjallArchive {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(self.shared.tables()?.get(key)?)
    }

    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError> {
        let tables = self.shared.tables()?;
        Ok(tables.scan(&tables.snapshot(), start, end, each)?)
    }

    fn write(&self, batch: &mut ArchiveBatch) -> Result<(), ArchiveError> {
        self.shared.write(batch)
    }

    fn sync(&self) -> Result<(), ArchiveError> {
        self.shared.sync()
    }

    fn snapshot(&self) -> Result<Box<dyn ArchiveSnapshot>, ArchiveError> {
        let tables = self.shared.tables()?;
        let (snapshot, life) = (tables.snapshot(), tables.life());
        Ok(Box::new(FjallSnapshot { shared: Arc::clone(&self.shared), snapshot, life }))
    }

    fn compact(&self) -> Result<(), ArchiveError> {
        self.shared.compact()
    }

    fn usage(&self) -> ArchiveUsage {
        let memory_bytes = self.shared.tables().map_or(0, |tables| tables.memory_bytes());
        ArchiveUsage { disk_bytes: self.shared.place.disk_bytes(), memory_bytes }
    }
}

/// It holds no tables itself, or they could not be reopened while a backup runs.
struct FjallSnapshot {
    shared: Arc<Shared>,
    snapshot: fjall::Snapshot,
    life: u64,
}

impl ArchiveSnapshot for FjallSnapshot {
    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError> {
        let tables = self.shared.tables()?;
        if tables.life() != self.life {
            return Err(ArchiveError::Poisoned);
        }
        Ok(tables.scan(&self.snapshot, start, end, each)?)
    }
}

impl fmt::Debug for FjallArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallArchive").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

impl fmt::Debug for FjallSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallSnapshot").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

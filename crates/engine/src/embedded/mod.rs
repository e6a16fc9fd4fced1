//! The embedded engine: everything is journaled, what is new is in memory, what waits longer is in the archive. Commands are decided in memory at once; what they
//! promise leaves when the group of records they belong to is durable, and only then are messages visible to readers.

mod append;
mod archive;
mod audit;
mod backup;
mod checkpoint;
mod commit;
mod connect;
mod disconnect;
mod expire;
mod group;
mod housekeeping;
mod keys;
mod load;
mod log;
mod open_error;
mod outbox;
mod page;
mod purge;
mod ranges;
mod read;
mod receipts;
mod reclaim;
mod records;
mod recover;
mod renewal;
mod repair;
mod rooms;
mod settle;
mod state;
mod stats;
mod submit;
mod sweep;
mod threads;
mod trailing;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ackd_wire::Millis;
use parking_lot::{Condvar, Mutex};

use crate::api::{Entropy, Limits, Observer, Sink};
use crate::archive::Archive;
use crate::disk::Disk;
use crate::journal::{Journal, Options, Place, SpareMaker};
use archive::Archiver;
use group::Group;
use housekeeping::Idle;
use page::Pages;
use state::State;

pub use backup::BackupError;
pub use open_error::OpenError;
pub(crate) use renewal::Renewal;
pub use repair::repair;
pub use stats::Stats;
pub use threads::{Now, Threads};

/// Durable mailboxes on one machine's disk.
#[derive(Debug)]
pub struct Embedded<D: Disk> {
    settings: Settings,
    shared: Mutex<Shared>,
    /// A commit (or the flush of acks) has ended, or work for the committer has come.
    changed: Condvar,
    /// The upkeep thread has something to do, or is to stop.
    upkeep: Condvar,
    journal: Mutex<Journal<D>>,
    spares: SpareMaker<D>,
    sink: Arc<dyn Sink>,
    observer: Option<Arc<dyn Observer>>,
    archive: Arc<dyn Archive>,
    /// Whoever changes the archive holds this first, before any other lock.
    archiver: Mutex<Archiver>,
    /// The housekeeper has something to do, or is to stop.
    house: Condvar,
    /// There is more room in memory, or the archiver waits for a commit.
    relieved: Condvar,
    pages: Mutex<Pages>,
    pages_due: Condvar,
    /// When something was stored last, as the housekeeper has seen it.
    idle: Mutex<Idle>,
    /// A backup needs the segments of the journal from this serial on.
    held: AtomicU64,
}

/// How an embedded engine works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the store may hold.
    pub limits: Limits,
    /// Against what stored data is safe.
    pub durability: Durability,
    /// Bytes of a journal segment: a multiple of 4 KiB.
    pub segment_bytes: u64,
    /// When the journal is larger than this, its oldest segments are freed.
    pub journal_bytes: u64,
    /// Messages that wait may take so much memory; more are moved to the archive.
    pub index_bytes: u64,
    /// Who commits.
    pub mode: Mode,
}

/// Against what stored data is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: every commit is synced.
    Fsync,
    /// The end of the process only: the system writes when it likes.
    Os,
}

/// Who commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Whoever submits, if no commit is running; under load the thread of [`Threads`].
    Inline,
    /// Only [`Embedded::commit`] and [`Embedded::tick`]: for simulations.
    Manual,
}

/// What opening a store found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Identities held.
    pub identities: usize,
    /// Messages that wait.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Segments of the journal.
    pub segments: usize,
    /// Whether the store was closed before.
    pub clean: bool,
}

/// What all threads share.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, all under one lock")]
struct Shared {
    state: State,
    group: Group,
    /// A thread has taken a group and has not finished with it.
    committing: bool,
    /// The committer is to go on: more has come while a commit ran.
    handed_over: bool,
    closing: bool,
    /// The committer runs.
    committer: bool,
    /// A spare is wanted, or a segment was begun: the journal may be too large.
    upkeep_due: bool,
    /// The archiver waits for a commit: the committer must not wait for the archiver.
    archiver_waits: bool,
    /// The housekeeper has something to do.
    house_due: bool,
    /// It waits without end.
    house_sleeps: bool,
    /// Number of the last batch of the journal whose messages are in memory.
    completed_batch: u64,
}

impl<D: Disk + Clone> Embedded<D> {
    /// Opens the store on this disk and in this archive, or makes one. Answers will go to `sink`.
    pub fn open(
        settings: Settings,
        (disk, archive): (D, Arc<dyn Archive>),
        entropy: Box<dyn Entropy>,
        sink: Arc<dyn Sink>,
        now: Millis,
    ) -> Result<(Self, Recovered), OpenError> {
        assert!(settings.segment_bytes >= SEGMENT_BYTES_MIN, "a segment holds a large batch");
        let mut state = State::new(settings.limits.clone(), entropy);
        let options = Options { segment_bytes: settings.segment_bytes };
        let mut replay = recover::Replay::new(&mut state, now);
        let loaded = load::load(&*archive, &mut replay)?;
        let (is_rolled_back, marked) = (Renewal::is_ordered(&disk)?, disk.clone());
        let journal = Journal::open(disk, options, &mut |serial, kind, record| {
            replay.record(serial, kind, record)
        })?;
        if is_rolled_back {
            replay.close_holes();
        }
        replay.finish();
        if loaded.oldest < journal.oldest() || journal.newest() < loaded.oldest {
            return Err(OpenError::Strangers);
        }
        let recovered = recover::summary(&state, &journal);
        let unclean =
            settings.durability == Durability::Os && !journal.is_new() && !recovered.clean;
        let group = Group::new(journal.capacity());
        let shared = Mutex::new(Shared::new(state, group, journal.last_batch()));
        let archiver = Mutex::new(Archiver { place: Place::start(journal.oldest()) });
        let engine = Self {
            settings,
            shared,
            changed: Condvar::new(),
            upkeep: Condvar::new(),
            spares: journal.spare_maker(),
            journal: Mutex::new(journal),
            sink,
            observer: None,
            archive,
            archiver,
            house: Condvar::new(),
            relieved: Condvar::new(),
            pages: Mutex::default(),
            pages_due: Condvar::new(),
            idle: Mutex::default(),
            held: backup::nothing_held(),
        };
        if is_rolled_back {
            engine.renew_as_ordered(&marked)?;
        } else if unclean {
            engine.renew_epochs();
        }
        engine.tell_rooms();
        {
            let state = &mut engine.shared.lock().state;
            state.tell_time(now);
            state.owe_recovered(now);
        }
        Ok((engine, recovered))
    }

    /// The same engine, watched.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Messages that wait, and their bytes.
    pub fn waiting(&self) -> (u64, u64) {
        recover::waiting(&self.shared.lock().state)
    }

    /// Whether the store takes no more writes until it is opened anew: a write or a sync has failed.
    pub fn is_poisoned(&self) -> bool {
        self.shared.lock().group.poisoned
    }

    /// Whether there was no space for the next segment of the journal when it was last tried.
    pub fn is_disk_full(&self) -> bool {
        self.shared.lock().group.disk_full
    }
}

impl Shared {
    fn new(state: State, group: Group, completed_batch: u64) -> Self {
        Self {
            state,
            group,
            committing: false,
            handed_over: false,
            closing: false,
            committer: false,
            upkeep_due: true,
            archiver_waits: false,
            house_due: true,
            house_sleeps: false,
            completed_batch,
        }
    }
}

/// The largest record (a message of 16 MiB would need more: `max_message` is bounded by a quarter of a segment).
const SEGMENT_BYTES_MIN: u64 = 32 * 1024;

#[cfg(test)]
mod tests;

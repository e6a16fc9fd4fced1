//! An archive in memory that fails on purpose. It shares power, faults and the counting of operations with a
//! [`SimDisk`], so that one history of both can be cut at every step. The same plan and seed give the same entries.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::{Archive, ArchiveBatch, ArchiveError, ArchiveSnapshot, ArchiveUsage, Each};
use crate::disk::{CrashPlan, SimDisk};

/// A simulated archive. Clones are handles of the same archive.
#[derive(Debug, Clone)]
pub struct SimArchive {
    disk: SimDisk,
    state: Arc<Mutex<State>>,
    /// Handles from before a crash are dead.
    life: u64,
}

#[derive(Debug, Default)]
struct State {
    /// As readers see it.
    now: Arc<Entries>,
    /// As it is on the platter: without `unsynced`.
    synced: Arc<Entries>,
    unsynced: Vec<ArchiveBatch>,
    life: u64,
    poisoned: bool,
    bytes_max: Option<u64>,
}

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

impl SimArchive {
    /// An empty archive with the power and the faults of a disk: writes and syncs count among its operations, and fail
    /// when its [`FaultPlan`](crate::FaultPlan) says so. After an error (EIO) everything fails until
    /// [`SimArchive::crash`]. For a limit of its bytes there is [`SimArchive::limit`].
    pub fn new(disk: &SimDisk) -> Self {
        Self { disk: disk.clone(), state: Arc::default(), life: 0 }
    }

    /// Bytes that keys and values may have in all; a write beyond it finds the disk full.
    pub fn limit(&self, bytes_max: Option<u64>) {
        self.state.lock().bytes_max = bytes_max;
    }

    /// Decides what survives of the batches that were not synced: none, all, or as many of the first as the seed says.
    /// Returns the handle of the archive as it is opened after that; those from before are dead. It does not turn on
    /// the power: [`SimDisk::crash`] does.
    #[must_use]
    pub fn crash(&self, plan: CrashPlan) -> Self {
        let mut state = self.state.lock();
        let state = &mut *state;
        let batches = state.unsynced.len();
        let survivors = match plan {
            CrashPlan::Lose => 0,
            CrashPlan::Keep => batches,
            CrashPlan::Random(seed) => scramble(seed) as usize % (batches + 1),
        };
        state.unsynced.truncate(survivors);
        state.sync();
        state.now = Arc::clone(&state.synced);
        (state.poisoned, state.bytes_max) = (false, None);
        state.life += 1;
        Self { life: state.life, ..self.clone() }
    }

    /// Returns the handle of the archive as a new process opens it, the power having stayed on; those from before are
    /// dead. After an error it is uncertain what of the batches that were not synced is left: `plan` decides.
    #[must_use]
    pub fn reopen(&self, plan: CrashPlan) -> Self {
        {
            let mut state = self.state.lock();
            if !state.poisoned {
                state.life += 1;
                return Self { life: state.life, ..self.clone() };
            }
        }
        self.crash(plan)
    }

    /// Keys and values as they are.
    fn view(&self) -> Result<Arc<Entries>, ArchiveError> {
        let state = self.state.lock();
        self.check(&state)?;
        Ok(Arc::clone(&state.now))
    }

    fn check(&self, state: &State) -> Result<(), ArchiveError> {
        if state.life != self.life || state.poisoned || self.disk.is_off() {
            return Err(ArchiveError::Poisoned);
        }
        Ok(())
    }

    /// Counts an operation, and lets it fail if that is planned.
    fn operate(&self, state: &mut State) -> Result<(), ArchiveError> {
        self.check(state)?;
        match self.disk.operate() {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                Err(ArchiveError::Full(error))
            }
            Err(error) => {
                state.poisoned = true;
                Err(ArchiveError::Io(error))
            }
            Ok(()) => Ok(()),
        }
    }
}

impl State {
    fn sync(&mut self) {
        for batch in self.unsynced.drain(..) {
            apply(&batch, Arc::make_mut(&mut self.synced));
        }
    }
}

fn apply(batch: &ArchiveBatch, entries: &mut Entries) {
    for (key, value) in batch.iter() {
        match value {
            Some(value) => entries.insert(key.into(), value.into()),
            None => entries.remove(key),
        };
    }
}

fn bytes(entries: &Entries) -> u64 {
    entries.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

fn visit(entries: &Entries, start: &[u8], end: &[u8], each: &mut Each<'_>) {
    if end <= start {
        return;
    }
    for (key, value) in entries.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end))) {
        if each(key, value).is_break() {
            return;
        }
    }
}

/// The last step of splitmix64 (Steele, Lea, Flood 2014).
fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

impl Archive for SimArchive {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(self.view()?.get(key).cloned())
    }

    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError> {
        visit(&*self.view()?, start, end, each);
        Ok(())
    }

    fn write(&self, batch: &mut ArchiveBatch) -> Result<(), ArchiveError> {
        let mut state = self.state.lock();
        self.operate(&mut state)?;
        if let Some(max) = state.bytes_max
            && max < bytes(&state.now) + batch.bytes() as u64
        {
            return Err(ArchiveError::Full(Errno::NOSPC.into()));
        }
        apply(batch, Arc::make_mut(&mut state.now));
        state.unsynced.push(std::mem::take(batch));
        Ok(())
    }

    fn sync(&self) -> Result<(), ArchiveError> {
        let mut state = self.state.lock();
        self.operate(&mut state)?;
        state.sync();
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn ArchiveSnapshot>, ArchiveError> {
        Ok(Box::new(SimSnapshot(self.view()?)))
    }

    fn compact(&self) -> Result<(), ArchiveError> {
        self.view().map(|_| ())
    }

    fn usage(&self) -> ArchiveUsage {
        let state = self.state.lock();
        ArchiveUsage { disk_bytes: bytes(&state.now), memory_bytes: 0 }
    }
}

#[derive(Debug)]
struct SimSnapshot(Arc<Entries>);

impl ArchiveSnapshot for SimSnapshot {
    fn scan(&self, start: &[u8], end: &[u8], each: &mut Each<'_>) -> Result<(), ArchiveError> {
        visit(&self.0, start, end, each);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{Rig, conformance};
    use super::*;
    use crate::disk::FaultPlan;

    struct SimRig(SimArchive);

    impl Rig for SimRig {
        type Archive = SimArchive;

        fn new() -> Self {
            Self(SimArchive::new(&SimDisk::default()))
        }

        fn open(&mut self) -> SimArchive {
            self.0 = self.0.crash(CrashPlan::Keep);
            self.0.clone()
        }
    }

    conformance!(SimRig);

    fn put(archive: &SimArchive, key: &[u8]) -> Result<(), ArchiveError> {
        let mut batch = ArchiveBatch::new();
        batch.put(key, key);
        archive.write(&mut batch)
    }

    fn keys(archive: &SimArchive) -> Vec<u8> {
        let mut keys = Vec::new();
        let mut each = |key: &[u8], _: &[u8]| {
            keys.extend_from_slice(key);
            std::ops::ControlFlow::Continue(())
        };
        archive.scan(b"", b"\xff", &mut each).unwrap();
        keys
    }

    #[test]
    fn a_crash_keeps_a_prefix_of_what_was_not_synced() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let archive = SimArchive::new(&SimDisk::default());
            put(&archive, b"a").unwrap();
            archive.sync().unwrap();
            put(&archive, b"b").unwrap();
            put(&archive, b"c").unwrap();
            seen.insert(keys(&archive.crash(CrashPlan::Random(seed))));
        }
        assert_eq!(Vec::from_iter(seen), [&b"a"[..], b"ab", b"abc"]);
    }

    #[test]
    fn a_crash_loses_or_keeps_all_if_that_is_asked() {
        let archive = SimArchive::new(&SimDisk::default());
        put(&archive, b"a").unwrap();
        let archive = archive.crash(CrashPlan::Keep);
        put(&archive, b"b").unwrap();
        assert_eq!(keys(&archive.crash(CrashPlan::Lose)), b"a");
    }

    #[test]
    fn power_is_cut_at_any_operation_of_disk_and_archive() {
        let disk = SimDisk::default();
        let archive = SimArchive::new(&disk);
        disk.plan(FaultPlan { power_cut_at: Some(3), ..FaultPlan::default() });
        put(&archive, b"a").unwrap();
        archive.sync().unwrap();
        assert!(matches!(put(&archive, b"b"), Err(ArchiveError::Io(_))));
        assert!(disk.is_off());
        assert!(matches!(archive.get(b"a"), Err(ArchiveError::Poisoned)));
        disk.crash(CrashPlan::Keep);
        let opened = archive.crash(CrashPlan::Keep);
        assert_eq!(keys(&opened), b"a");
        assert!(matches!(put(&archive, b"c"), Err(ArchiveError::Poisoned)), "a dead handle");
    }

    #[test]
    fn an_error_poisons_it_until_it_is_opened_anew() {
        let disk = SimDisk::default();
        let archive = SimArchive::new(&disk);
        put(&archive, b"a").unwrap();
        disk.plan(FaultPlan { error_at: Some(1), ..FaultPlan::default() });
        assert!(matches!(archive.sync(), Err(ArchiveError::Io(_))));
        assert!(matches!(archive.sync(), Err(ArchiveError::Poisoned)));
        assert!(matches!(archive.get(b"a"), Err(ArchiveError::Poisoned)));
        let archive = archive.crash(CrashPlan::Lose);
        assert_eq!(archive.get(b"a").unwrap(), None);
        put(&archive, b"b").unwrap();
    }

    #[test]
    fn a_full_archive_writes_nothing_of_a_batch_and_takes_it_later() {
        let archive = SimArchive::new(&SimDisk::default());
        archive.limit(Some(2));
        put(&archive, b"a").unwrap();
        let mut batch = ArchiveBatch::new();
        batch.put(b"b", b"b");
        assert!(matches!(archive.write(&mut batch), Err(ArchiveError::Full(_))));
        assert_eq!((batch.len(), &keys(&archive)[..]), (1, &b"a"[..]));
        archive.limit(None);
        archive.write(&mut batch).unwrap();
        assert_eq!((batch.len(), &keys(&archive)[..]), (0, &b"ab"[..]));
    }
}

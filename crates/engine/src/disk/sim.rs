//! A disk in memory that fails on purpose: it cuts the power at any operation, loses, tears or keeps what was not synced,
//! fills up, and returns errors. The same plan and seed give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::{Disk, DiskFile};

/// A simulated disk. Clones are handles of the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// A file of a [`SimDisk`].
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    inode: u64,
    /// Handles from before a crash are dead.
    life: u64,
}

/// What fails, and when. Operations (every call of the traits but those that only read) are counted from 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultPlan {
    /// The power goes at this operation, before it has any effect; nothing works until [`SimDisk::crash`].
    pub power_cut_at: Option<u64>,
    /// This operation fails (EIO) without effect. A sync that fails loses what it should have made durable, and the
    /// next one succeeds nevertheless, as on Linux.
    pub error_at: Option<u64>,
    /// This operation fails for lack of space (ENOSPC), without effect.
    pub full_at: Option<u64>,
    /// Bytes that the files may have in all; beyond it: ENOSPC.
    pub capacity: Option<u64>,
}

/// What becomes of what was not synced when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPlan {
    /// All is lost.
    Lose,
    /// All is kept, as when only the process dies.
    Keep,
    /// Each write, file and removal is lost, kept or torn, as the seed decides: so they may be reordered.
    Random(u64),
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    /// Directory entries as they are now, and as they were synced.
    entries: BTreeMap<String, u64>,
    synced_entries: BTreeMap<String, u64>,
    last_inode: u64,
    life: u64,
    operations: u64,
    off: bool,
    faults: FaultPlan,
}

#[derive(Debug, Default)]
struct Inode {
    /// As readers see it.
    now: Vec<u8>,
    /// As it is on the platter: without `unsynced`.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Allocate { bytes: u64 },
}

impl SimDisk {
    /// Sets what fails from now on; operations are counted from 1 again.
    pub fn plan(&self, faults: FaultPlan) {
        let mut state = self.state.lock();
        (state.faults, state.operations) = (faults, 0);
    }

    /// Operations since the plan was set.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state.lock().off
    }

    /// Cuts the power (if it is not off yet), decides what survives, and turns it on again without faults. Files that
    /// were open are not any more.
    pub fn crash(&self, plan: CrashPlan) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let mut random = match plan {
            CrashPlan::Random(seed) => seed,
            CrashPlan::Lose | CrashPlan::Keep => 0,
        };
        for inode in state.inodes.values_mut() {
            inode.crash(plan, &mut random);
        }
        state.crash_entries(plan, &mut random);
        state.life += 1;
        state.off = false;
        (state.faults, state.operations) = (FaultPlan::default(), 0);
    }

    /// Changes one byte of a file, durably, as a failing disk would.
    pub fn corrupt(&self, name: &str, offset: usize) {
        let mut state = self.state.lock();
        let Some(inode) = state.entries.get(name).copied() else { return };
        if let Some(inode) = state.inodes.get_mut(&inode) {
            for bytes in [&mut inode.now, &mut inode.synced] {
                if let Some(byte) = bytes.get_mut(offset) {
                    *byte ^= 0x40;
                }
            }
        }
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// Counts an operation of something else that stands on this disk, and lets it fail if that is planned.
    pub(crate) fn operate(&self) -> io::Result<()> {
        self.state.lock().operate()
    }
}

impl State {
    fn used(&self) -> u64 {
        let inodes = self.entries.values().filter_map(|inode| self.inodes.get(inode));
        inodes.map(|inode| inode.now.len() as u64).sum()
    }

    fn check_power(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts an operation and lets it fail if that is planned.
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        let now = Some(self.operations);
        self.off |= self.faults.power_cut_at == now;
        self.check_power()?;
        if self.faults.error_at == now {
            return Err(Errno::IO.into());
        }
        if self.faults.full_at == now {
            return Err(Errno::NOSPC.into());
        }
        Ok(())
    }

    /// Makes a change to a file, if there is space for it.
    fn change(&mut self, inode: u64, change: Change) -> io::Result<()> {
        self.operate()?;
        let used = self.used();
        let file = self.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
        let more = change.end().saturating_sub(file.now.len() as u64);
        if 0 < more && self.faults.capacity.is_some_and(|capacity| capacity < used + more) {
            return Err(Errno::NOSPC.into());
        }
        change.apply(&mut file.now);
        file.unsynced.push(change);
        Ok(())
    }

    fn crash_entries(&mut self, plan: CrashPlan, random: &mut u64) {
        let (before, now) = (&self.synced_entries, &self.entries);
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let survivor = names.into_iter().filter_map(|name| {
            let kept = match plan {
                CrashPlan::Lose => before,
                CrashPlan::Random(_) if next(random).is_multiple_of(2) => before,
                CrashPlan::Keep | CrashPlan::Random(_) => now,
            };
            kept.get(name).map(|inode| (name.clone(), *inode))
        });
        let survivor: BTreeMap<String, u64> = survivor.collect();
        self.entries.clone_from(&survivor);
        self.synced_entries = survivor;
        self.forget_removed();
    }

    fn forget_removed(&mut self) {
        let known = self.entries.values().chain(self.synced_entries.values());
        let known: BTreeSet<u64> = known.copied().collect();
        self.inodes.retain(|inode, _| known.contains(inode));
    }
}

impl Inode {
    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.synced);
        }
    }

    fn crash(&mut self, plan: CrashPlan, random: &mut u64) {
        for change in self.unsynced.drain(..) {
            match plan {
                CrashPlan::Lose => {}
                CrashPlan::Keep => change.apply(&mut self.synced),
                CrashPlan::Random(_) => match next(random) % 5 {
                    0 | 1 => {}
                    2 | 3 => change.apply(&mut self.synced),
                    _ => change.tear(&mut self.synced, random),
                },
            }
        }
        self.now.clone_from(&self.synced);
    }
}

impl Change {
    fn end(&self) -> u64 {
        match self {
            Self::Write { offset, bytes } => offset + bytes.len() as u64,
            Self::Allocate { bytes } => *bytes,
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(file, *offset, bytes),
            Self::Allocate { bytes } => file.resize(file.len().max(*bytes as usize), 0),
        }
    }

    /// Keeps the first sectors only, or any of them.
    fn tear(&self, file: &mut Vec<u8>, random: &mut u64) {
        let Self::Write { offset, bytes } = self else { return };
        let prefix = next(random).is_multiple_of(2);
        let sectors = bytes.len().div_ceil(SECTOR) as u64;
        let kept = next(random) % sectors.max(1);
        for (index, sector) in (0..).zip(bytes.chunks(SECTOR)) {
            let keep = if prefix { index < kept } else { next(random).is_multiple_of(2) };
            if keep {
                put(file, offset + index * SECTOR as u64, sector);
            }
        }
    }
}

fn put(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    file[start..end].copy_from_slice(bytes);
}

/// Splitmix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

const SECTOR: usize = 512;

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.check_power()?;
        Ok(state.entries.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let state = self.state.lock();
        state.check_power()?;
        let inode = state.entries.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile { disk: self.clone(), inode, life: state.life })
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state.lock();
        state.operate()?;
        if state.entries.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.last_inode += 1;
        let inode = state.last_inode;
        state.inodes.insert(inode, Inode::default());
        state.entries.insert(name.into(), inode);
        Ok(SimFile { disk: self.clone(), inode, life: state.life })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        state.entries.remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        state.synced_entries = state.entries.clone();
        state.forget_removed();
        Ok(())
    }
}

impl SimFile {
    fn with<T>(&self, f: impl FnOnce(&mut State, u64) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        state.check_power()?;
        if self.life != state.life {
            return Err(io::Error::other("this handle is from before the crash"));
        }
        f(&mut state, self.inode)
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state, inode| {
            let inode = state.inodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
            Ok(inode.now.len() as u64)
        })
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            let inode = state.inodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
            let from = inode.now.get(offset as usize..).unwrap_or_default();
            let bytes = from.len().min(buf.len());
            buf[..bytes].copy_from_slice(&from[..bytes]);
            Ok(bytes)
        })
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let change = Change::Write { offset, bytes: buf.to_vec() };
        self.with(|state, inode| state.change(inode, change))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.with(|state, inode| state.change(inode, Change::Allocate { bytes }))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state, inode| {
            let result = state.operate();
            let off = state.off;
            let file = state.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
            match &result {
                Ok(()) => file.sync(),
                // The pages count as clean now, and the data is gone.
                Err(_) if !off => file.unsynced.clear(),
                Err(_) => {}
            }
            result
        })
    }
}

#[cfg(test)]
mod tests;

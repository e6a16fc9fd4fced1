//! A disk in memory that fails on purpose: it cuts the power at any operation, loses, tears or keeps what was not synced,
//! fills up, and returns errors. The same plan and seed give the same bytes.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

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

/// What fails, and when. Operations (every call of the traits but reads) are counted from 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultPlan {
    /// The power goes at this operation, before it has any effect.
    pub power_cut_at: Option<u64>,
    /// This operation fails (EIO). A sync that fails loses what it should have made durable.
    pub error_at: Option<u64>,
    /// Bytes that may be allocated or written in all; beyond it: ENOSPC.
    pub capacity: Option<u64>,
}

/// What becomes of writes that were not synced when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPlan {
    /// All are lost.
    Lose,
    /// All are kept.
    Keep,
    /// Each is lost, kept or torn, as the seed decides: so they may be reordered.
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

#[derive(Debug, Default, Clone)]
struct Inode {
    now: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
    allocated: u64,
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

    /// Cuts the power (if it is not off yet), decides what survives, and turns it on again without faults.
    pub fn crash(&self, plan: CrashPlan) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let mut random = match plan {
            CrashPlan::Random(seed) => seed,
            _ => 0,
        };
        for inode in state.inodes.values_mut() {
            inode.crash(plan, &mut random);
        }
        if plan != CrashPlan::Keep {
            let keep_new = plan != CrashPlan::Lose;
            let synced = &state.synced_entries;
            state.entries.retain(|name, _| {
                synced.contains_key(name) || (keep_new && next(&mut random).is_multiple_of(2))
            });
        }
        state.synced_entries = state.entries.clone();
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

    /// Bytes in use: the larger of what is written and what is allocated, over all files.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }
}

impl State {
    fn used(&self) -> u64 {
        self.entries
            .values()
            .filter_map(|inode| self.inodes.get(inode))
            .map(|inode| inode.allocated.max(inode.now.len() as u64))
            .sum()
    }

    /// Counts an operation and lets it fail if that is planned.
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.faults.power_cut_at == Some(self.operations) {
            self.off = true;
        }
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        if self.faults.error_at == Some(self.operations) {
            return Err(io::Error::other("I/O error"));
        }
        Ok(())
    }

    fn check_space(&self, more: u64) -> io::Result<()> {
        match self.faults.capacity {
            Some(capacity) if 0 < more && capacity < self.used() + more => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

impl Inode {
    fn crash(&mut self, plan: CrashPlan, random: &mut u64) {
        let mut survivor = std::mem::take(&mut self.synced);
        for (offset, bytes) in self.unsynced.drain(..) {
            match plan {
                CrashPlan::Lose => {}
                CrashPlan::Keep => put(&mut survivor, offset, &bytes),
                CrashPlan::Random(_) => match next(random) % 4 {
                    0 => {}
                    1 | 2 => put(&mut survivor, offset, &bytes),
                    _ => tear(&mut survivor, offset, &bytes, random),
                },
            }
        }
        self.now.clone_from(&survivor);
        self.synced = survivor;
    }
}

/// Keeps each sector of a write or loses it.
fn tear(file: &mut Vec<u8>, offset: u64, bytes: &[u8], random: &mut u64) {
    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
        if next(random).is_multiple_of(2) {
            put(file, offset + (index * SECTOR) as u64, sector);
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
        Ok(self.state.lock().entries.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let state = self.state.lock();
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
        Ok(())
    }
}

impl SimFile {
    fn with<T>(&self, f: impl FnOnce(&mut State, u64) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        if self.life != state.life {
            return Err(io::Error::other("this handle is from before the crash"));
        }
        f(&mut state, self.inode)
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            let inode = state.inodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
            // What is allocated and not written reads as zeros.
            let length = (inode.allocated as usize).max(inode.now.len());
            let bytes = length.saturating_sub(offset as usize).min(buf.len());
            for (index, byte) in buf[..bytes].iter_mut().enumerate() {
                *byte = inode.now.get(offset as usize + index).copied().unwrap_or(0);
            }
            Ok(bytes)
        })
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.with(|state, inode| {
            state.operate()?;
            let end = offset + buf.len() as u64;
            let file = state.inodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
            let length = file.allocated.max(file.now.len() as u64);
            state.check_space(end.saturating_sub(length))?;
            let file = state.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
            put(&mut file.now, offset, buf);
            file.unsynced.push((offset, buf.to_vec()));
            Ok(())
        })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.with(|state, inode| {
            state.operate()?;
            let file = state.inodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
            let length = file.allocated.max(file.now.len() as u64);
            state.check_space(bytes.saturating_sub(length))?;
            let file = state.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
            file.allocated = file.allocated.max(bytes);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state, inode| {
            let result = state.operate();
            let off = state.off;
            let file = state.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
            match &result {
                Ok(()) => {
                    file.unsynced.clear();
                    file.synced.clone_from(&file.now);
                }
                // As Linux does: after a failed sync the pages count as clean, and the data is gone.
                Err(_) if !off => file.unsynced.clear(),
                Err(_) => {}
            }
            result
        })
    }
}

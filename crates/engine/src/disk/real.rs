//! The disk of a server: a data directory, the lock that keeps a second process out, and the journal's place in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;

use super::{Disk, DiskFile};

/// A directory in a data directory of this machine. While it lives, no other process can open it.
#[derive(Debug, Clone)]
pub struct RealDisk {
    directory: PathBuf,
    /// Held for its lock.
    _lock: Arc<File>,
}

/// A data directory that belongs to this process as long as this, or a disk in it, lives.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
    lock: Arc<File>,
}

/// Why a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server uses it: stop that one, or use another directory.
    #[error("{} is in use by process {pid}", .directory.display())]
    Held {
        /// Which directory.
        directory: PathBuf,
        /// Who holds it, as the lock file says.
        pid: String,
    },
    /// The directory or its lock file could not be made or read.
    #[error("cannot open {}: {source}", .directory.display())]
    Io {
        /// Which directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Work on it was cut off, and what is there is not all: the same command has to be run again.
    #[error(
        "`ackd {command}` was cut off before {} was complete; run it again", .directory.display()
    )]
    Unfinished {
        /// Which directory.
        directory: PathBuf,
        /// What was cut off.
        command: &'static str,
    },
}

impl DataDir {
    /// Locks it, making it if need be.
    pub fn lock(path: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { directory: path.into(), source };
        std::fs::create_dir_all(path).map_err(io)?;
        let lock = lock(path)?;
        sync_directory(path).map_err(io)?;
        if let Some(parent) = path.parent() {
            // It may be another's, which we may not open: then its owner has made it durable.
            let here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let _durable = sync_directory(here);
        }
        Ok(Self { path: path.into(), lock: Arc::new(lock) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in it (or in one of its directories), made if need be.
    pub fn disk(&self, name: &str) -> io::Result<RealDisk> {
        let directory = self.path.join(name);
        std::fs::create_dir_all(&directory)?;
        sync_directory(directory.parent().unwrap_or(&self.path))?;
        Ok(RealDisk { directory, _lock: self.lock.clone() })
    }

    /// What lies in it, but for the lock, sorted.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != LOCK {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Moves one of its entries, over nothing, and makes that durable.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))?;
        self.sync()
    }

    /// Removes a directory in it with all that it has; whether it is there or not.
    pub fn discard(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_dir_all(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sync(),
        }
    }

    /// Makes its entries durable.
    pub fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    /// The command whose work on it was cut off, if one was.
    pub fn unfinished(&self) -> Option<&'static str> {
        let is_there = |name: &str| self.path.join(name).exists();
        if is_there(RESTORING) {
            Some("restore")
        } else if is_there(REPAIRING) && !is_there(JOURNAL) {
            Some("repair")
        } else {
            None
        }
    }
}

impl RealDisk {
    /// Opens the directory `journal` in `data_dir`, making both if need be, and locks `data_dir`.
    pub fn open(data_dir: &Path) -> Result<Self, LockError> {
        let dir = DataDir::lock(data_dir)?;
        if let Some(command) = dir.unfinished() {
            return Err(LockError::Unfinished { directory: data_dir.into(), command });
        }
        let io = |source| LockError::Io { directory: data_dir.into(), source };
        dir.disk(JOURNAL).map_err(io)
    }
}

/// Where the journal is in a data directory.
pub const JOURNAL: &str = "journal";
/// Where a restored store lies until it is complete.
pub const RESTORING: &str = "restoring";
/// Where a repaired journal lies until it is complete.
pub const REPAIRING: &str = "journal.repairing";
const LOCK: &str = "LOCK";

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Takes the lock file, which holds the PID of its owner.
fn lock(data_dir: &Path) -> Result<File, LockError> {
    let io = |source| LockError::Io { directory: data_dir.into(), source };
    let path = data_dir.join(LOCK);
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(io)?;
            return Err(LockError::Held { directory: data_dir.into(), pid: pid.trim().into() });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(pid.as_bytes()))
        .map_err(io)?;
    Ok(file)
}

impl Disk for RealDisk {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.directory.join(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).open(self.directory.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.directory.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_directory(&self.directory)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match FileExt::read_at(self, &mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(buf, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(self, FallocateFlags::empty(), 0, bytes)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_who_holds_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(directory.path()).unwrap();
        // The lock belongs to the open file, so a second opening in this process is refused too.
        let refused = RealDisk::open(directory.path()).unwrap_err().to_string();
        assert!(refused.ends_with(&format!("process {}", std::process::id())), "{refused}");
        drop(disk);
        assert!(RealDisk::open(directory.path()).is_ok());
    }
}

//! The disk of a server: a directory, and the lock that keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;

use super::{Disk, DiskFile};

/// A directory of this machine. While it lives, no other process can open it.
#[derive(Debug, Clone)]
pub struct RealDisk {
    directory: PathBuf,
    /// Held for its lock.
    _lock: Arc<File>,
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
}

impl RealDisk {
    /// Opens the directory `journal` in `data_dir`, making both if need be, and locks `data_dir`.
    pub fn open(data_dir: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { directory: data_dir.into(), source };
        let directory = data_dir.join("journal");
        std::fs::create_dir_all(&directory).map_err(io)?;
        let lock = lock(data_dir)?;
        sync_directory(data_dir).map_err(io)?;
        if let Some(parent) = data_dir.parent() {
            // It may be another's, which we may not open: then its owner has made it durable.
            let here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let _durable = sync_directory(here);
        }
        Ok(Self { directory, _lock: Arc::new(lock) })
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Takes the lock file, which holds the PID of its owner.
fn lock(data_dir: &Path) -> Result<File, LockError> {
    let io = |source| LockError::Io { directory: data_dir.into(), source };
    let path = data_dir.join("LOCK");
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

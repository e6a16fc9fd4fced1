//! The directory of an archive: the library's files in `tables`, and beside them the mark of what was synced.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::cut;
use super::mark::Mark;
use super::{ArchiveError, FjallOptions, Tables, damaged};

#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    pub(super) options: FjallOptions,
    /// How often it was opened.
    lives: AtomicU64,
}

impl Place {
    pub(super) fn new(dir: &Path, options: FjallOptions) -> Self {
        Self { dir: dir.into(), options, lives: AtomicU64::new(0) }
    }

    fn tables(&self) -> PathBuf {
        self.dir.join("tables")
    }

    /// Opens what is there, or makes it.
    pub(super) fn open(&self) -> Result<(Mark, Tables), ArchiveError> {
        fs::create_dir_all(&self.dir)?;
        match Mark::open(&self.dir)? {
            Some(mark) => {
                let tables = self.open_tables(mark.number())?;
                Ok((mark, tables))
            }
            None => self.create(),
        }
    }

    /// The mark is made last. Without it what is there is from a start that was cut off, and holds nothing: the library
    /// cannot open a directory that it has not finished.
    fn create(&self) -> Result<(Mark, Tables), ArchiveError> {
        match fs::remove_dir_all(self.tables()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let tables = self.open_tables(0)?;
        let mark = Mark::create(&self.dir)?;
        if let Some(parent) = self.dir.parent() {
            // It may be another's, which we may not open: then its owner has made it durable.
            let _durable = fs::File::open(parent).and_then(|parent| parent.sync_all());
        }
        Ok((mark, tables))
    }

    /// Opens the tables, which must have everything up to the batch `synced`.
    pub(super) fn open_tables(&self, synced: u64) -> Result<Tables, ArchiveError> {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        let path = self.tables();
        let tables = match Tables::open(&path, &self.options, life) {
            // A power cut may keep the end of a batch and lose its middle: the library takes that for damage.
            Err(fjall::Error::JournalRecovery(fault)) => {
                tracing::warn!(%fault, "the archive's journal ends with a torn batch, which is cut off");
                self.wait_until_closed()?;
                cut::cut(&path)?;
                Tables::open(&path, &self.options, life)?
            }
            other => other?,
        };
        let number = tables.number()?;
        if number < synced {
            let what = format!("batch {synced} was synced, and the last one there is {number}");
            return Err(damaged(&what));
        }
        Ok(tables)
    }

    /// Waits until this process has no file of the library's journal open. Its threads end a moment after it is
    /// dropped, and what it has not written yet it writes then: into the journal that is being read again.
    pub(super) fn wait_until_closed(&self) -> Result<(), ArchiveError> {
        let path = fs::canonicalize(self.tables())?;
        for _ in 0..CLOSE_POLLS {
            if !is_open(&path)? {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(ArchiveError::Io(io::Error::other("the library does not close its journal")))
    }

    /// Bytes that can still be written.
    pub(super) fn free_bytes(&self) -> Result<u64, ArchiveError> {
        let space = rustix::fs::statvfs(&self.dir).map_err(io::Error::from)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Bytes of all files, as far as they take space: the library's journals are longer than what is in them.
    pub(super) fn disk_bytes(&self) -> u64 {
        disk_bytes(&self.dir)
    }
}

/// A file that is removed meanwhile counts nothing.
fn disk_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    bytes.sum()
}

fn is_open(tables: &Path) -> io::Result<bool> {
    let mut links = fs::read_dir("/proc/self/fd")?.flatten();
    Ok(links.any(|link| {
        fs::read_link(link.path()).is_ok_and(|file| {
            file.parent() == Some(tables) && file.extension().is_some_and(|kind| kind == "jnl")
        })
    }))
}

/// The library tells nobody when it has got on; so does its own waiting.
pub(super) const POLL: Duration = Duration::from_millis(10);
const CLOSE_POLLS: u32 = 3_000;

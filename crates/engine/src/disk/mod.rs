//! The few file operations that the journal needs, behind a trait, so that a simulation can cut the power between any
//! two of them. Synchronous; called from threads that may block.

mod real;
mod sim;

use std::fmt;
use std::io;

pub use real::{DataDir, JOURNAL, LockError, REPAIRING, RESTORING, RealDisk};
pub use sim::{CrashPlan, FaultPlan, SimDisk, SimFile};

/// A flat directory of files.
pub trait Disk: Send + Sync + fmt::Debug + 'static {
    /// An open file.
    type File: DiskFile;

    /// Names of the files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Makes an empty file, which survives a crash only after [`Disk::sync_dir`].
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Removes a file; after a crash it may be back unless [`Disk::sync_dir`] came between.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A file read and written at positions.
pub trait DiskFile: Send + Sync + fmt::Debug + 'static {
    /// Bytes of the file.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has none.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reads up to `buf.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf`.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the file at least `bytes` long and reserves the space, so that writes below cannot fail for lack of it.
    /// Reads there give zeros. `Unsupported`: this file system reserves nothing but what is written.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Makes what was written durable (`fdatasync`). After an error what was written since the last success may be
    /// lost even if a later call succeeds.
    fn sync_data(&self) -> io::Result<()>;
}

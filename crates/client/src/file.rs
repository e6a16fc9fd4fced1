//! Small files that are whole at every moment: written beside, synced, renamed. Readable by their owner only, since
//! they hold secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::FileError;

/// Reads a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Io { path: path.to_owned(), source }),
    }
}

/// Replaces a file by `text`: after a crash it holds the old text or the new, whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    replace(path, text).map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// `path` with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Holds a lock on a file of its own until it is dropped (or the process ends).
pub(crate) fn lock(path: &Path) -> Result<File, FileError> {
    let io_error = |source| FileError::Io { path: path.to_owned(), source };
    make_parent(path).map_err(io_error)?;
    let file = options().truncate(false).open(path).map_err(io_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(FileError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(io_error(source)),
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    make_parent(path)?;
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    let written = write_synced(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        drop(fs::remove_file(&temporary)); // best effort: the first error is the one to tell
    }
    written?;
    sync_parent(path)
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = options().truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

fn make_parent(path: &Path) -> io::Result<()> {
    parent(path).map_or(Ok(()), fs::create_dir_all)
}

/// The rename survives a power loss only when the directory is synced too.
fn sync_parent(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(parent(path).unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deeper/me.json");
        assert_eq!(read(&path).expect("no error"), None);
        write(&path, "one").expect("written");
        write(&path, "two").expect("replaced");
        assert_eq!(read(&path).expect("readable").as_deref(), Some("two"));
        let names = fs::read_dir(path.parent().expect("has one")).expect("listed").count();
        assert_eq!(names, 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("exists").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("lock");
        let first = lock(&path).expect("free");
        assert!(matches!(lock(&path), Err(FileError::InUse { .. })));
        drop(first);
        assert!(lock(&path).is_ok());
    }
}

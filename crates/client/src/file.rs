//! Small files that are whole at every moment: written beside, synced, renamed. Readable by their owner only, since
//! they hold secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::FileError;

/// Reads a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Io { path: path.to_owned(), source }),
    }
}

/// Replaces a file: after a crash it holds the old bytes or the new, whole. The new file, open at its end.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<File, FileError> {
    try_replace(path, bytes).map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// Opens a file to write at its end; it is made where there is none.
pub(crate) fn open_at_end(path: &Path) -> Result<File, FileError> {
    let open = || {
        make_parent(path)?;
        let is_new = !path.exists();
        let file = options().append(true).open(path)?;
        if is_new {
            sync_parent(path)?;
        }
        Ok(file)
    };
    open().map_err(|source| FileError::Io { path: path.to_owned(), source })
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
    let file = options().write(true).truncate(false).open(path).map_err(io_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(FileError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(io_error(source)),
    }
}

fn try_replace(path: &Path, bytes: &[u8]) -> io::Result<File> {
    make_parent(path)?;
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    let written = write_synced(&temporary, bytes)
        .and_then(|file| fs::rename(&temporary, path).map(|()| file));
    if written.is_err() {
        drop(fs::remove_file(&temporary)); // best effort: the first error is the one to tell
    }
    let file = written?;
    sync_parent(path)?;
    Ok(file)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = options().write(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
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

/// A new name survives a power loss only when the directory is synced too.
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
        replace(&path, b"one").expect("written");
        let mut file = replace(&path, b"two").expect("replaced");
        assert_eq!(read(&path).expect("readable").as_deref(), Some(&b"two"[..]));
        let names = fs::read_dir(path.parent().expect("has one")).expect("listed").count();
        assert_eq!(names, 1, "nothing is left beside it");
        file.write_all(b"!").expect("written");
        open_at_end(&path).expect("opened").write_all(b"?").expect("written");
        assert_eq!(read(&path).expect("readable").as_deref(), Some(&b"two!?"[..]));
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

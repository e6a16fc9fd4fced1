//! Making a data directory of a backup. It is written beside its place and moved there when it is complete; as long as
//! that has not happened, no server opens it.

use std::io::{self, Read};
use std::path::Path;

use ackd_engine::{
    BackupSummary, DataDir, FjallArchive, FjallOptions, JOURNAL, RESTORING, RestoreError,
};

use super::OfflineError;

/// Reads a backup to its end and changes nothing. An error means that it cannot be restored.
pub fn verify(from: &mut dyn Read) -> Result<BackupSummary, OfflineError> {
    Ok(ackd_engine::verify(from)?)
}

/// Writes the store of a backup to `data_dir`, which has to be empty. At its next start every mailbox has a new epoch.
/// What a restore that was cut off has left is removed first.
pub fn restore(from: &mut dyn Read, data_dir: &Path) -> Result<BackupSummary, OfflineError> {
    let io = |source| OfflineError::Io { directory: data_dir.into(), source };
    let dir = DataDir::lock(data_dir)?;
    clear(&dir)?;
    let journal = dir.disk(&format!("{RESTORING}/{JOURNAL}")).map_err(io)?;
    dir.sync().map_err(io)?;
    let archive =
        FjallArchive::open(&data_dir.join(RESTORING).join(ARCHIVE), FjallOptions::default());
    let archive = archive.map_err(RestoreError::Archive)?;
    let summary = ackd_engine::restore(from, &journal, &archive)?;
    drop(archive);
    publish(&dir).map_err(io)?;
    Ok(summary)
}

/// Nothing may be there but what an unfinished restore has left, which began in an empty directory too.
fn clear(dir: &DataDir) -> Result<(), OfflineError> {
    let io = |source| OfflineError::Io { directory: dir.path().into(), source };
    let mut names = dir.names().map_err(io)?;
    if names.iter().any(|name| name == RESTORING) {
        // That one goes last: as long as it is there, the others are known to be nothing.
        for name in [ARCHIVE, JOURNAL, RESTORING] {
            dir.discard(name).map_err(io)?;
        }
        names = dir.names().map_err(io)?;
    }
    match names.into_iter().next() {
        Some(entry) => Err(OfflineError::NotEmpty { directory: dir.path().into(), entry }),
        None => Ok(()),
    }
}

fn publish(dir: &DataDir) -> io::Result<()> {
    for name in [ARCHIVE, JOURNAL] {
        dir.rename(&format!("{RESTORING}/{name}"), name)?;
    }
    dir.discard(RESTORING)
}

const ARCHIVE: &str = "archive";

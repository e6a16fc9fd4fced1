//! Mending a store whose journal is damaged. The damaged one is kept beside it.

use std::io;

use ackd_engine::{
    DataDir, Dropped, FjallArchive, FjallOptions, JOURNAL, LockError, OpenError, REPAIRING,
};

use super::OfflineError;
use crate::clock::Clock;
use crate::config::Config;
use crate::server::settings;

/// What was done.
#[derive(Debug)]
pub struct Repaired {
    /// What of the journal is not in the repaired one; nothing: it was whole, and nothing was changed.
    pub dropped: Vec<Dropped>,
    /// The directory in the data directory where the damaged journal is now.
    pub kept: Option<String>,
}

/// Puts a journal of what is whole in the place of the damaged one. At the next start every mailbox has a new epoch.
pub fn repair(config: &Config) -> Result<Repaired, OfflineError> {
    let data_dir = &config.data_dir;
    let io = |source| OfflineError::Io { directory: data_dir.clone(), source };
    if !data_dir.is_dir() {
        return Err(io(io::ErrorKind::NotFound.into()));
    }
    let dir = DataDir::lock(data_dir)?;
    match dir.unfinished() {
        Some("repair") => {
            // Its journal was complete when the damaged one was moved away.
            dir.rename(REPAIRING, JOURNAL).map_err(io)?;
        }
        Some(command) => {
            let directory = data_dir.clone();
            return Err(LockError::Unfinished { directory, command }.into());
        }
        None => {}
    }
    dir.discard(REPAIRING).map_err(io)?;
    let (source, target) = (dir.disk(JOURNAL).map_err(io)?, dir.disk(REPAIRING).map_err(io)?);
    let archive = FjallArchive::open(&data_dir.join("archive"), FjallOptions::default());
    let archive = archive.map_err(OpenError::Archive)?;
    let now = Clock::start().now();
    let repaired = ackd_engine::repair(&settings(config), (&source, &target), &archive, now);
    drop(archive);
    let dropped = match repaired {
        Ok(dropped) if !dropped.is_empty() => dropped,
        other => {
            dir.discard(REPAIRING).map_err(io)?;
            return Ok(Repaired { dropped: other?, kept: None });
        }
    };
    let names = dir.names().map_err(io)?;
    let free = (1..).map(|number: u64| format!("{JOURNAL}.damaged-{number}"));
    let kept = free.into_iter().find(|name| !names.contains(name));
    let kept = kept.expect("not every number is taken");
    dir.rename(JOURNAL, &kept).map_err(io)?;
    dir.rename(REPAIRING, JOURNAL).map_err(io)?;
    Ok(Repaired { dropped, kept: Some(kept) })
}

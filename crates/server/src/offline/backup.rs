//! A backup of a store that no server has open.

use std::io::Write;
use std::sync::Arc;

use ackd_engine::{
    Archive, BackupSummary, Embedded, FjallArchive, FjallOptions, OpenError, Outcome, RealDisk,
    Sink,
};

use super::OfflineError;
use crate::clock::{Clock, SystemEntropy};
use crate::config::Config;
use crate::server::settings;

/// Opens the store as a server would, writes a backup of it, and closes it.
pub fn backup(config: &Config, into: &mut dyn Write) -> Result<BackupSummary, OfflineError> {
    let disk = RealDisk::open(&config.data_dir)?;
    let archive = FjallArchive::open(&config.data_dir.join("archive"), FjallOptions::default());
    let archive: Arc<dyn Archive> = Arc::new(archive.map_err(OpenError::Archive)?);
    let (entropy, now) = (Box::new(SystemEntropy), Clock::start().now());
    let sink = Arc::new(Nobody);
    let (engine, _) = Embedded::open(settings(config), (disk, archive), entropy, sink, now)?;
    let summary = engine.backup(into);
    engine.close();
    Ok(summary?)
}

/// Hears the answers: there are none, since nothing is asked.
#[derive(Debug)]
struct Nobody;

impl Sink for Nobody {
    fn deliver(&self, outcome: &mut Outcome) {
        *outcome = Outcome::default();
    }
}

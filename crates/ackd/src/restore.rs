//! `ackd restore`: a data directory from a backup.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use ackd_server::offline::{self, BackupSummary};
use anyhow::Context as _;
use clap::Args;

use crate::backup;
use crate::config::ConfigArgs;

/// Which backup, and where to.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Directory of the backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<()> {
    let data_dir = args.config.load()?.data_dir;
    let path = args.dir.join(backup::FILE);
    let open = || {
        let cannot = || format!("there is no complete backup in {}", args.dir.display());
        File::open(&path).map(BufReader::new).with_context(cannot)
    };
    let place = || format!("cannot restore {}", path.display());
    // All of it is looked at before anything is changed.
    offline::verify(&mut open()?).with_context(place)?;
    let summary = offline::restore(&mut open()?, &data_dir).with_context(place)?;
    let BackupSummary { segments, entries, .. } = summary;
    println!(
        "restored to {}: {segments} segments of the journal, {entries} entries of the archive",
        data_dir.display()
    );
    println!("at its next start every mailbox begins a new epoch");
    Ok(())
}

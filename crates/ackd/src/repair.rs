//! `ackd repair`: a store of what is whole of a damaged one.

use ackd_server::offline::{self, Repaired};
use anyhow::Context as _;
use clap::Args;

use crate::config::ConfigArgs;

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) fn run(args: &RepairArgs) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let data_dir = config.data_dir.display();
    let Repaired { dropped, kept } =
        offline::repair(&config).with_context(|| format!("cannot repair {data_dir}"))?;
    for part in &dropped {
        println!(
            "dropped: {} at byte {}, {} bytes: {}",
            part.file, part.offset, part.bytes, part.what
        );
    }
    match kept {
        None => println!("the journal in {data_dir} is whole; nothing was changed"),
        Some(kept) => {
            println!("what is whole is in {data_dir}; the damaged journal is in {data_dir}/{kept}");
            println!("at its next start every mailbox begins a new epoch");
        }
    }
    Ok(())
}

//! `ackd completions`: what a shell needs to complete commands and flags.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// `ackd completions SHELL`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Whose: bash, zsh, fish, elvish or powershell
    shell: Shell,
}

pub(crate) fn run<C: CommandFactory>(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "ackd", &mut script);
    std::io::stdout().write_all(&script).context("cannot write the script")
}

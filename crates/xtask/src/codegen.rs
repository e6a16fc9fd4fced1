//! `cargo xtask codegen`: writes the files of the repository that the code itself can tell. A test of the crate that
//! tells them fails when they have fallen behind (`crates/server/src/config/tests.rs`).

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

pub(crate) fn run(root: &Path) -> Result<()> {
    for (file, arguments) in FILES {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(*arguments).current_dir(root).stderr(Stdio::inherit());
        let output = command.output().context("cargo cannot be run")?;
        ensure!(output.status.success(), "`cargo {}` failed", arguments.join(" "));
        std::fs::write(root.join(file), output.stdout).with_context(|| format!("write {file}"))?;
        println!("{file} is written");
    }
    Ok(())
}

/// Files, and the arguments to cargo of the command that prints each.
const FILES: &[(&str, &[&str])] =
    &[("config.example.toml", &["run", "--quiet", "--package", "ackd", "--", "config", "example"])];

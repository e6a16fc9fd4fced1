//! `cargo xtask sim`: the simulation, built to be quick. What it takes is in `crates/sim/src/main.rs`.

use std::path::Path;

use anyhow::Result;

use crate::step::cargo;

/// Runs the simulation with these arguments.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let build = ["run", "--quiet", "--release", "--package", "ackd-sim", "--"];
    let arguments = arguments.iter().map(String::as_str);
    cargo(root, &build.into_iter().chain(arguments).collect::<Vec<_>>(), None)
}

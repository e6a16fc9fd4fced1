//! One step of a task: named, timed, and fatal when it fails.

use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

/// Runs a function as a step.
pub(crate) fn timed(name: &str, f: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("── {name}");
    #[expect(clippy::disallowed_methods, reason = "how long a step takes is for people to read")]
    let start = SystemTime::now();
    f().with_context(|| format!("step `{name}` failed"))?;
    let took = start.elapsed().unwrap_or_default();
    eprintln!("── {name}: done in {} s", took.as_secs());
    Ok(())
}

/// Runs cargo as a step.
pub(crate) fn cargo(name: &str, arguments: &[&str]) -> Result<()> {
    timed(name, || spawn(Command::new(env!("CARGO")).args(arguments)))
}

/// Runs cargo as a step, with one more environment variable.
pub(crate) fn cargo_with(name: &str, arguments: &[&str], (key, value): (&str, &str)) -> Result<()> {
    timed(name, || spawn(Command::new(env!("CARGO")).args(arguments).env(key, value)))
}

fn spawn(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

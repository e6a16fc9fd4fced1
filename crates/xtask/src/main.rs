//! Tasks of the workspace: `cargo xtask test` is what continuous integration runs, step by step.

mod step;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    match run(&task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &str) -> Result<()> {
    match task {
        "test" => test(),
        "tidy" => tidy::run(),
        other => bail!("no task `{other}`; there are: test, tidy"),
    }
}

/// Everything that has to hold before a change lands. Nothing beside Rust is needed.
fn test() -> Result<()> {
    step::cargo("format", &["fmt", "--all", "--check"])?;
    step::timed("tidy", tidy::run)?;
    step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let docs = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    step::cargo_with("documentation", &docs, ("RUSTDOCFLAGS", "-D warnings"))?;
    step::cargo("tests", &["test", "--workspace"])
}

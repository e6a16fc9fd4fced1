//! Tasks of the workspace. `cargo xtask test` is what continuous integration runs, step by step; what it
//! needs beside Rust is in `needs.rs`. Nothing here is part of what is shipped.

mod codegen;
mod mutants;
mod needs;
mod sim;
mod step;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = root()?;
    match arguments.split_first() {
        Some((task, names)) if task == "test" => test::run(root, names),
        Some((task, names)) if task == "mutants" => mutants::run(root, names),
        Some((task, arguments)) if task == "sim" => sim::run(root, arguments),
        Some((task, [])) if task == "tidy" => tidy::run(root),
        Some((task, [])) if task == "codegen" => codegen::run(root),
        Some((task, [])) if !["help", "--help", "-h"].contains(&task.as_str()) => {
            bail!("no task `{task}`; `cargo xtask help` lists them")
        }
        Some((task, [_, ..])) => bail!("`{task}` takes no arguments"),
        _ => {
            help();
            Ok(())
        }
    }
}

/// Prints what there is to do.
fn help() {
    println!(
        "cargo xtask test [STEP...]  everything that must hold before a change lands, or some steps of it:"
    );
    for step in test::STEPS {
        println!("                              {:<12} {}", step.name, step.does);
    }
    println!(
        "cargo xtask tidy            what no compiler checks: edges, sizes, names, marks, links"
    );
    println!(
        "cargo xtask codegen         writes config.example.toml from the keys of the configuration"
    );
    println!(
        "cargo xtask sim [--seeds N] [--start S] [--steps N]  simulated histories, seed after seed"
    );
    println!("cargo xtask sim --seed X […] [--log]                 one of them, with its log");
    println!(
        "cargo xtask mutants [NAME...]  deliberate bugs, one after another: the simulation finds each"
    );
    println!("cargo xtask help            this");
}

/// The folder of the workspace, whatever folder the task was started in.
fn root() -> Result<&'static Path> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).context("xtask lies two folders below the workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_task_is_an_error_that_names_the_help() {
        let error = run(&["tset".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "no task `tset`; `cargo xtask help` lists them");
    }
}

//! `cargo xtask test`: the steps, in order, from the quickest to the longest, so that what is wrong is known early.
//! Two profiles in all (`dev`, and `release` for the long runs), since building is most of the time.

use std::path::Path;

use anyhow::{Result, bail};

use crate::needs;
use crate::step::{Action, Step};

/// Runs all steps, or the named ones, and says at the end how long each took.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<()> {
    let steps = select(names)?;
    needs::install()?;
    let mut times = Vec::new();
    for step in &steps {
        times.push((step.name, step.run(root)?));
    }
    println!("\nall {} steps passed:", steps.len());
    for (name, seconds) in &times {
        println!("  {name:<12} {seconds:>5} s");
    }
    println!("  {:<12} {:>5} s", "in all", times.iter().map(|(_, seconds)| seconds).sum::<u64>());
    Ok(())
}

fn select(names: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(name) = names.iter().find(|name| STEPS.iter().all(|step| step.name != *name)) {
        bail!("no step `{name}`; `cargo xtask help` lists them");
    }
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| step.name == name);
    Ok(STEPS.iter().filter(wanted).collect())
}

/// Everything that has to hold before a change lands. A long, bounded run is one more step at the end.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        does: "rustfmt has nothing to change",
        action: Action::Cargo(&["fmt", "--all", "--check"]),
    },
    Step { name: "tidy", does: "`cargo xtask tidy`", action: Action::Here(crate::tidy::run) },
    Step {
        name: "lints",
        does: "clippy, every target, warnings are errors",
        action: Action::Cargo(&[
            "clippy",
            "--workspace",
            "--features",
            FEATURES,
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    },
    Step {
        name: "docs",
        does: "the documentation builds without a warning, private items included",
        action: Action::CargoWith(
            &[
                "doc",
                "--workspace",
                "--features",
                FEATURES,
                "--no-deps",
                "--document-private-items",
            ],
            ("RUSTDOCFLAGS", "-D warnings"),
        ),
    },
    Step {
        name: "tests",
        does: "unit tests, integration tests (`it`, `redis`), killed clients, the counts of the hot path",
        action: Action::Cargo(&[
            "test",
            "--workspace",
            "--features",
            FEATURES,
            "--lib",
            "--bins",
            "--test",
            "it",
            "--test",
            "crash",
            "--test",
            "hot_path",
            "--test",
            "redis",
        ]),
    },
    Step {
        name: "doctests",
        does: "the examples in the documentation",
        action: Action::Cargo(&["test", "--workspace", "--doc"]),
    },
    Step {
        name: "examples",
        does: "the example clients in Python and JavaScript lose nothing",
        action: Action::Cargo(&["test", "--package", "ackd", "--test", "examples"]),
    },
    Step {
        name: "server",
        does: "the program is built for the tests of the clients in other languages",
        action: Action::Cargo(&["build", "--package", "ackd"]),
    },
    Step {
        name: "sdk",
        does: "the TypeScript client: types, lints, tests with the real server, size, the same bytes when built twice",
        action: Action::Npm(
            "sdk/typescript",
            &["check", "lint", "test", "build", "size", "reproducible", "documented"],
        ),
    },
    Step {
        name: "web",
        does: "the page: types, lints, what is committed is what its sources give, tests in Chromium",
        action: Action::Npm("web", &["check", "built", "test"]),
    },
    // The long, bounded runs.
    Step {
        name: "sim",
        does: "simulated histories with crashes, faulty disks and networks: every promise is kept",
        action: Action::Cargo(&[
            "run",
            "--quiet",
            "--release",
            "--package",
            "ackd-sim",
            "--",
            "--seeds",
            "1000",
        ]),
    },
    Step {
        name: "kill9",
        does: "the real program, killed again and again under load: nothing accepted is lost",
        action: Action::Cargo(&[
            "test",
            "--release",
            "--package",
            "ackd",
            "--test",
            "kill9",
            "--test",
            "torture",
        ]),
    },
];

/// What is built only where it is wanted, so that it is looked at too.
const FEATURES: &str = "ackd-engine/redis,ackd-engine/conformance";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_steps_run_in_their_own_order() {
        let names = ["tests".to_owned(), "format".to_owned()];
        let chosen: Vec<_> = select(&names).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(chosen, ["format", "tests"]);
        assert_eq!(select(&[]).unwrap().len(), STEPS.len());
    }

    #[test]
    fn every_integration_test_belongs_to_a_step() {
        let arguments = STEPS.iter().flat_map(|step| match step.action {
            Action::Cargo(arguments) | Action::CargoWith(arguments, _) => arguments,
            Action::Here(_) | Action::Npm(..) => &[],
        });
        let words: Vec<&str> = arguments.copied().collect();
        let run = words.windows(2).filter(|pair| pair[0] == "--test").map(|pair| pair[1]);
        let run: Vec<&str> = run.collect();
        for folder in crate::root().unwrap().join("crates").read_dir().unwrap() {
            let Ok(tests) = folder.unwrap().path().join("tests").read_dir() else { continue };
            for test in tests.map(|test| test.unwrap().path()) {
                let name = test.file_stem().unwrap().to_str().unwrap();
                assert!(run.contains(&name), "{} is run by no step", test.display());
            }
        }
    }

    #[test]
    fn an_unknown_step_is_an_error() {
        assert!(select(&["lint".to_owned()]).unwrap_err().to_string().contains("`lint`"));
    }
}

//! One step of a task: named, timed, and fatal when it fails. What it runs writes straight to the terminal.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// A named part of a task.
#[derive(Debug)]
pub(crate) struct Step {
    /// One word, to ask for it and to find it in the output.
    pub(crate) name: &'static str,
    /// What holds when it has passed, in a few words.
    pub(crate) does: &'static str,
    pub(crate) action: Action,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Action {
    /// Runs cargo with these arguments.
    Cargo(&'static [&'static str]),
    /// The same, with one more environment variable.
    CargoWith(&'static [&'static str], (&'static str, &'static str)),
    /// Installs what the package in this folder needs, exactly as its lock says, and runs these scripts of it.
    Npm(&'static str, &'static [&'static str]),
    /// Runs a function, given the folder of the workspace.
    Here(fn(&Path) -> Result<()>),
}

impl Step {
    /// Runs it; answers how many seconds it took.
    pub(crate) fn run(&self, root: &Path) -> Result<u64> {
        println!("\n── {}: {}", self.name, self.does);
        #[expect(clippy::disallowed_methods, reason = "how long a step takes is for people")]
        let start = Instant::now();
        let result = match self.action {
            Action::Cargo(arguments) => cargo(root, arguments, None),
            Action::CargoWith(arguments, variable) => cargo(root, arguments, Some(variable)),
            Action::Npm(folder, scripts) => npm(&root.join(folder), scripts),
            Action::Here(function) => function(root),
        };
        result.with_context(|| format!("step `{}` failed", self.name))?;
        let seconds = start.elapsed().as_secs();
        println!("── {}: passed in {seconds} s", self.name);
        Ok(seconds)
    }
}

/// Runs cargo in the workspace, with these arguments and perhaps one more environment variable.
pub(crate) fn cargo(root: &Path, arguments: &[&str], variable: Option<(&str, &str)>) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).envs(variable).current_dir(root);
    println!("   cargo {}", arguments.join(" "));
    finish(&mut command).with_context(|| format!("`cargo {}`", arguments.join(" ")))
}

fn npm(folder: &Path, scripts: &[&str]) -> Result<()> {
    let scripts = scripts.iter().map(|script| vec!["run", "--silent", script]);
    for arguments in std::iter::once(vec!["ci", "--silent"]).chain(scripts) {
        println!("   npm {}", arguments.join(" "));
        finish(Command::new("npm").args(&arguments).current_dir(folder))
            .with_context(|| format!("`npm {}` in {}", arguments.join(" "), folder.display()))?;
    }
    Ok(())
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot be run")?;
    ensure!(status.success(), "ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_failing_step_is_an_error_that_names_it() {
        let action = Action::Here(|_| anyhow::bail!("it rains"));
        let error = Step { name: "picnic", does: "", action }.run(Path::new(".")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `picnic` failed: it rains");
    }

    #[test]
    fn a_command_that_fails_or_is_not_there_is_an_error() {
        let error = finish(Command::new("cargo").arg("no-such-command").stderr(Stdio::null()));
        assert_eq!(error.unwrap_err().to_string(), "ended with exit status: 101");
        let error = finish(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(error, "cannot be run");
    }
}

//! `cargo xtask mutants`: does the simulation find bugs? Each patch in `crates/sim/mutations` puts one into a copy of the
//! workspace; the simulation must then break a promise. The workspace itself is never changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// One deliberate bug.
struct Mutant {
    name: String,
    /// What is wrong, in a sentence: the patch's first line.
    what: String,
    patch: PathBuf,
}

/// How a mutant fared.
enum Fate {
    /// This seed broke this promise.
    Caught { seed: String, promise: String },
    /// No seed did.
    Survived,
}

/// Tries all mutants, or the named ones, and prints a table.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<()> {
    let mutants = select(root, names)?;
    let copy = Copy::of(root)?;
    println!("| bug | what is wrong | caught by seed | promise |\n|---|---|---|---|");
    let mut survivors = Vec::new();
    for mutant in &mutants {
        let Mutant { name, what, .. } = mutant;
        let (seed, promise) = match copy.try_mutant(mutant).with_context(|| name.clone())? {
            Fate::Caught { seed, promise } => (seed, promise),
            Fate::Survived => {
                survivors.push(name.as_str());
                ("none".to_owned(), format!("{SEEDS} seeds held"))
            }
        };
        println!("| `{name}` | {what} | {seed} | {promise} |");
    }
    ensure!(survivors.is_empty(), "not caught: {}", survivors.join(", "));
    Ok(())
}

fn select(root: &Path, names: &[String]) -> Result<Vec<Mutant>> {
    let mut mutants = all(root)?;
    if let Some(name) = names.iter().find(|name| mutants.iter().all(|m| m.name != **name)) {
        bail!("there is no crates/sim/mutations/{name}.patch");
    }
    mutants.retain(|mutant| names.is_empty() || names.contains(&mutant.name));
    Ok(mutants)
}

/// Every patch, by name.
fn all(root: &Path) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for entry in
        root.join("crates/sim/mutations").read_dir().context("read crates/sim/mutations")?
    {
        let patch = entry?.path();
        let text = std::fs::read_to_string(&patch)?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let what = text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        mutants.push(Mutant { name, what, patch });
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

/// A copy of the workspace, outside of it, with build results of its own beside the workspace's.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of(root: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("ackd-mutants-{}", std::process::id()));
        let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
        let files = output(Command::new("git").args(list).current_dir(root))?;
        for file in String::from_utf8(files.stdout)?.lines() {
            let (from, to) = (root.join(file), folder.join(file));
            std::fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            if from.is_file() {
                std::fs::copy(&from, &to).with_context(|| format!("copy {file}"))?;
            }
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| root.join("target")).join("mutants");
        Ok(Self { folder, target })
    }

    fn try_mutant(&self, mutant: &Mutant) -> Result<Fate> {
        self.patch(mutant, &[])?;
        let fate = self.build().and_then(|()| self.simulate());
        self.patch(mutant, &["--reverse"])?;
        fate
    }

    /// Applies a patch: lines around it may have changed, what it changes must be there.
    fn patch(&self, mutant: &Mutant, more: &[&str]) -> Result<()> {
        let mut apply = Command::new("git");
        apply.args(["apply", "-C1"]).args(more).arg(&mutant.patch).current_dir(&self.folder);
        // The copy is no repository, and is not to be taken for a part of one around it.
        apply.env("GIT_CEILING_DIRECTORIES", std::env::temp_dir());
        let done = output(&mut apply)?;
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        ensure!(done.status.success(), "the patch does not apply any more: {error}");
        Ok(())
    }

    fn build(&self) -> Result<()> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--package", "ackd-sim"]).current_dir(&self.folder);
        // Quick to build and quick enough to run; what is checked in tests is checked here too.
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false").env("RUSTFLAGS", "--cap-lints allow");
        let built = output(&mut cargo)?;
        let error = String::from_utf8_lossy(&built.stderr).into_owned();
        ensure!(built.status.success(), "it does not build: {error}");
        Ok(())
    }

    fn simulate(&self) -> Result<Fate> {
        let mut sim = Command::new(self.target.join("debug/ackd-sim"));
        let run = output(sim.args(["--seeds", SEEDS, "--shrink", "0"]))?;
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        if run.status.success() {
            return Ok(Fate::Survived);
        }
        let line = text.lines().find_map(|line| line.strip_prefix("seed "));
        let (seed, promise) =
            line.and_then(|line| line.split_once(" fails: ")).unwrap_or(("?", &text));
        Ok(Fate::Caught { seed: seed.to_owned(), promise: promise.to_owned() })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn output(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))
}

/// Seeds that a bug may survive.
const SEEDS: &str = "3000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_says_what_is_wrong() {
        let mutants = all(crate::root().unwrap()).unwrap();
        assert!(15 <= mutants.len());
        for mutant in &mutants {
            assert!(mutant.what.ends_with(|c: char| c.is_alphanumeric()), "{}", mutant.name);
            assert!(!mutant.what.starts_with("---"), "{} has no sentence", mutant.name);
        }
    }

    #[test]
    fn every_mutation_applies() {
        let root = crate::root().unwrap();
        let stale = |mutant: &&Mutant| {
            let mut apply = Command::new("git");
            let applied = apply.args(["apply", "--check", "-C1"]).arg(&mutant.patch);
            !output(applied.current_dir(root)).unwrap().status.success()
        };
        let all = all(root).unwrap();
        let stale: Vec<_> = all.iter().filter(stale).map(|mutant| &mutant.name).collect();
        assert!(stale.is_empty(), "write these anew for the code of today: {stale:?}");
    }

    #[test]
    fn a_mutation_that_is_not_there_is_an_error() {
        assert!(select(crate::root().unwrap(), &["rain".to_owned()]).is_err());
    }
}

//! What no compiler checks: which crate may depend on which, how long files and functions may be, and which names and
//! marks have no place here.

mod edges;
mod source;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Checks the whole workspace; every fault is named with its place.
pub(crate) fn run() -> Result<()> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in crates/")?;
    let mut faults = edges::check(crates)?;
    for path in sources(crates)? {
        let text = std::fs::read_to_string(&path)?;
        let name = path.strip_prefix(crates)?.display().to_string();
        faults
            .extend(source::check(&name, &text).into_iter().map(|fault| format!("{name}{fault}")));
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} faults:\n{}", faults.len(), faults.join("\n"))
}

/// Every Rust file below `folder`, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        super::run().unwrap();
    }
}

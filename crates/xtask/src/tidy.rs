//! What no compiler checks: which crate may depend on which, what each folder stays free of, how long files and
//! functions may be, which names and marks have no place here, and that documents speak of files that exist.
//! Every fault is named with file and line. Also run as a test.

mod edges;
mod fault;
mod links;
mod machine;
mod marks;
mod mask;
mod module_docs;
mod names;
mod purity;
mod size;
mod sleep;
mod source;
mod time;

use std::path::Path;

use anyhow::{Result, bail};

use self::fault::Fault;
use self::source::{Source, Text};

/// Checks the whole workspace.
pub(crate) fn run(root: &Path) -> Result<()> {
    let texts = source::read(root)?;
    let mut faults = edges::check(root)?;
    faults.extend(texts.iter().flat_map(|text| check_text(root, text)));
    let sources = texts.iter().filter(|text| text.extension() == "rs").map(Source::new);
    faults.extend(sources.flat_map(|source| check_source(&source)));
    if faults.is_empty() {
        println!("{} files are tidy", texts.len());
        return Ok(());
    }
    faults.sort();
    let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
    bail!("{} faults:\n{}", lines.len(), lines.join("\n"))
}

/// What holds for every file.
fn check_text(root: &Path, text: &Text) -> Vec<Fault> {
    [names::check(text), machine::check(text), links::check(root, text)].concat()
}

/// What holds for Rust.
fn check_source(source: &Source) -> Vec<Fault> {
    [
        size::check(source),
        module_docs::check(source),
        marks::check(source),
        sleep::check(source),
        purity::check(source),
        time::check(source),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        super::run(crate::root().unwrap()).unwrap();
    }
}

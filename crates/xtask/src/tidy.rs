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
    faults.extend(check(root, &texts));
    if faults.is_empty() {
        println!("{} files are tidy", texts.len());
        return Ok(());
    }
    faults.sort();
    let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
    bail!("{} faults:\n{}", lines.len(), lines.join("\n"))
}

fn check(root: &Path, texts: &[Text]) -> Vec<Fault> {
    let rust = texts.iter().filter(|text| text.extension() == "rs");
    let of_sources = rust.flat_map(|text| check_source(&Source::new(text)));
    texts.iter().flat_map(|text| check_text(root, text)).chain(of_sources).collect()
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
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        run(crate::root().unwrap()).unwrap();
    }

    #[test]
    fn every_check_is_asked() {
        let path = "crates/server/src/session/utils.rs";
        let marks = "// FIXME: `docs/no-such-file.md`\nuse tokio::x;\nlet a = Instant::now();\n";
        let tests = "#[cfg(test)]\nmod tests {\n    fn a() { sleep(b) }\n}\n";
        let machine = concat!("// /tm", "p/\n");
        let text = [marks, tests, machine, &"\n".repeat(500)].concat();
        let faults = check(crate::root().unwrap(), &[source::sample(path, &text)]);
        let mut lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        lines.sort_unstable();
        // Size and name of the file, its documentation, mark and path, import, time, sleep, machine.
        assert_eq!(lines, [0, 0, 1, 1, 1, 2, 3, 6, 8], "{faults:?}");
    }
}

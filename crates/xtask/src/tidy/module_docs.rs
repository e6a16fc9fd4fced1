//! Every module says at its top what it owns: `//!` before anything else. Modules of tests may let their names speak.

use super::fault::Fault;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Fault> {
    let first = source.lines.first().map_or("", |line| &line.comment);
    let wanted = source.path.contains("/src/") && !is_test_module(&source.path);
    let missing = wanted && !first.starts_with("//!");
    missing
        .then(|| Fault::new(&source.path, 1, "no module documentation (`//!`) at the top"))
        .into_iter()
        .collect()
}

fn is_test_module(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn is_faulty(path: &str, text: &str) -> bool {
        !check(&Source::new(&sample(path, text))).is_empty()
    }

    #[test]
    fn a_module_without_documentation_is_found() {
        assert!(is_faulty("crates/a/src/b.rs", "use c;\n//! Late.\n"));
        assert!(is_faulty("crates/a/src/b.rs", ""));
        assert!(!is_faulty("crates/a/src/b.rs", "//! It owns c.\n\nuse c;\n"));
    }

    #[test]
    fn tests_need_none() {
        assert!(!is_faulty("crates/a/src/b/tests.rs", "use c;\n"));
        assert!(!is_faulty("crates/a/tests/it/main.rs", "mod c;\n"));
    }
}

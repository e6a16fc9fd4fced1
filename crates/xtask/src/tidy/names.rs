//! Names that say nothing: a file or folder is named after what it holds.

use super::fault::Fault;
use super::source::Text;

pub(super) fn check(text: &Text) -> Vec<Fault> {
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
    let bad = text.path.split('/').find(|name| EMPTY_NAMES.contains(&stem(name).as_str()));
    let what = |name: &str| format!("`{name}` says nothing: name it after what it holds");
    bad.map(|name| Fault::new(&text.path, 0, what(name))).into_iter().collect()
}

const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "managers", "misc", "util", "utilities", "utils"];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_found() {
        for path in ["crates/a/src/utils.rs", "crates/common/src/lib.rs", "docs/Misc.md"] {
            assert_eq!(check(&sample(path, "")).len(), 1, "{path}");
        }
        for path in ["crates/a/src/utf8.rs", "crates/a/src/commons.rs", "docs/util-linux.md"] {
            assert!(check(&sample(path, "")).is_empty(), "{path}");
        }
    }
}

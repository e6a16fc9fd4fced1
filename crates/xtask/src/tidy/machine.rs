//! Paths of somebody's machine: what is written here has to hold anywhere.

use super::fault::Fault;
use super::source::Text;

pub(super) fn check(text: &Text) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in text.lines() {
        let found = PATHS.iter().filter(|path| names_path(line, path));
        let what = |path: &&str| format!("`{path}` is a path of one machine");
        faults.extend(found.map(|path| Fault::new(&text.path, number, what(path))));
    }
    faults
}

/// Whether a path begins with `path` here: not `src/work/`, which is relative.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !(before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '/' | '~' | '}'))
    })
}

/// In two halves, so that this file holds none.
const PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        let text = format!("fine\nlet path = \"{}x\";\n", PATHS[1]);
        let faults = check(&sample("a.rs", &text));
        let what = format!("`{}` is a path of one machine", PATHS[1]);
        assert_eq!(faults, [Fault::new("a.rs", 2, what)]);
    }

    #[test]
    fn a_relative_path_is_fine() {
        let text = format!("https://example.org/a{} and src{}\n", PATHS[0], PATHS[1]);
        assert!(check(&sample("a.md", &text)).is_empty());
    }
}

//! Marks that must not stay: work put off, tests that do not run, lints switched off without a reason.

use super::fault::Fault;
use super::source::{Line, Source};

pub(super) fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in source.numbered() {
        let mut fault = |what: String| faults.push(Fault::new(&source.path, number, what));
        for word in line.comment.split(|c: char| !c.is_alphanumeric()) {
            if PUT_OFF.contains(&word) {
                fault(format!("`{word}`: do it, or write it down where work is planned"));
            }
        }
        for mark in UNFINISHED.iter().filter(|mark| line.code.contains(*mark)) {
            fault(format!("`{mark}` must not stay"));
        }
        if attribute(line, &["ignore", "should_panic"]).is_some() {
            fault("every test runs, and asserts what holds".to_owned());
        }
        let reason_missing = !source.attribute_from(number - 1).contains("reason");
        if let Some(name) = attribute(line, &["allow(", "expect("]).filter(|_| reason_missing) {
            fault(format!("`{name}…)` without a reason"));
        }
    }
    faults
}

/// Which of `names` an attribute in this line begins with.
fn attribute(line: &Line, names: &[&'static str]) -> Option<&'static str> {
    let at = line.code.find("#[").map(|at| at + 2).or(line.code.find("#![").map(|at| at + 3))?;
    names.iter().find(|name| line.code[at..].starts_with(**name)).copied()
}

impl Source {
    /// The code from line `start` (from 0) to the line in which the attribute there ends.
    fn attribute_from(&self, start: usize) -> String {
        let lines = &self.lines[start..];
        let last = lines.iter().position(|line| line.code.trim_end().ends_with(']')).unwrap_or(0);
        lines[..=last].iter().map(|line| line.code.as_str()).collect()
    }
}

/// Words in comments. Written in strings, which are not looked into.
const PUT_OFF: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
/// Calls in code.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        check(&Source::new(&sample("a.rs", text))).iter().map(Fault::to_string).collect()
    }

    #[test]
    fn work_put_off_is_found() {
        assert_eq!(faults("a;\n// TODO: later\n").len(), 1);
        assert_eq!(faults("/// FIXME(me)\nfn a() { todo!() }\n").len(), 2);
        assert_eq!(faults("let a = dbg!(b);\n"), ["a.rs:1: `dbg!` must not stay"]);
        assert!(faults("let a = \"TODO\"; // to do it well\n").is_empty());
    }

    #[test]
    fn a_test_that_does_not_run_is_found() {
        assert_eq!(faults("#[test]\n#[ignore]\nfn a() {}\n").len(), 1);
        assert_eq!(faults("#[ignore = \"slow\"]\nfn a() {}\n").len(), 1);
        assert_eq!(faults("#[should_panic(expected = \"b\")]\nfn a() {}\n").len(), 1);
    }

    #[test]
    fn a_lint_switched_off_needs_a_reason() {
        assert_eq!(faults("#[allow(dead_code)]\n"), ["a.rs:1: `allow(…)` without a reason"]);
        assert_eq!(faults("#![allow(dead_code)]\n").len(), 1);
        assert_eq!(faults("#[expect(\n    dead_code,\n)]\nfn reason() {}\n").len(), 1);
        assert!(faults("#[expect(dead_code, reason = \"b\")]\n").is_empty());
        assert!(faults("#[expect(\n    dead_code,\n    reason = \"b\"\n)]\n").is_empty());
        assert!(faults("origins.allow(a); b.expect(\"c\");\n").is_empty());
    }
}

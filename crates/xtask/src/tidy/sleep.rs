//! No test waits by sleeping: it is slow where the time is too long, and fails by chance where it is too short.

use super::fault::Fault;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Fault> {
    if ALLOWED.iter().any(|(path, _)| source.path.starts_with(path)) {
        return Vec::new();
    }
    let sleeps = source.numbered().filter(|(_, line)| line.is_test && line.code.contains("sleep("));
    let what = "a test sleeps: wait for what it waits for, with a limit";
    sleeps.map(|(number, _)| Fault::new(&source.path, number, what)).collect()
}

/// Where sleeping is the point, each with the reason.
const ALLOWED: &[(&str, &str)] =
    &[("crates/ackd/tests/kill9/", SCHEDULE), ("crates/ackd/tests/torture/", SCHEDULE)];
const SCHEDULE: &str = "when the server is killed and how soon clients come back is what is tried";

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(&sample(path, text))).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_sleeping_test_is_found() {
        let text = "fn a() { sleep(b); }\n#[cfg(test)]\nmod tests {\n    fn c() { thread::sleep(d); }\n}\n";
        assert_eq!(lines("src/a.rs", text), [4]);
        assert_eq!(lines("a/tests/it/b.rs", "tokio::time::sleep(c).await;\n"), [1]);
    }

    #[test]
    fn a_reason_is_given_for_each_that_may() {
        assert!(ALLOWED.iter().all(|(_, reason)| 20 < reason.len()));
        assert!(lines("crates/ackd/tests/kill9/main.rs", "thread::sleep(a);\n").is_empty());
    }
}

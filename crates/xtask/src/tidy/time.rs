//! The time is read in one file of the server; everybody else is given it. Else no simulation could repeat a run.

use super::fault::Fault;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Fault> {
    if ALLOWED.iter().any(|(path, _)| source.path.starts_with(path)) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (number, line) in source.numbered().filter(|(_, line)| !line.is_test) {
        let read = READS.iter().find(|read| line.code.contains(**read));
        let what = |read| format!("`{read}`: time is a parameter, read in {CLOCK} alone");
        faults.extend(read.map(|read| Fault::new(&source.path, number, what(read))));
    }
    faults
}

const READS: &[&str] = &["SystemTime::now", "Instant::now", "UNIX_EPOCH.elapsed"];
const CLOCK: &str = "crates/server/src/clock.rs";
/// Who may read it, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    (CLOCK, "the one place"),
    ("crates/client/src/driver.rs", "the client's timers; its session is given the time"),
    ("crates/ackd/src/bench", "it measures"),
    ("crates/xtask/src/step.rs", "how long a step takes, for people"),
];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(&sample(path, text))).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn reading_the_time_elsewhere_is_found() {
        let text = "//! Instant::now\nlet a = std::time::Instant::now();\nSystemTime::now();\n";
        assert_eq!(lines("crates/server/src/server.rs", text), [2, 3]);
        assert!(lines(CLOCK, text).is_empty());
        assert!(lines("crates/server/tests/it/a.rs", text).is_empty());
    }
}

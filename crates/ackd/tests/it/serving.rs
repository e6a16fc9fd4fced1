//! `ackd serve` from its first line to its end.

use crate::support::Serving;

#[test]
fn a_first_start_says_what_to_do_next_and_a_second_does_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut first = Serving::start(dir.path());
    assert!(first.url.starts_with("http://127.0.0.1:"), "{}", first.url);
    let lines: Vec<_> = std::iter::repeat_with(|| first.line()).take(5).collect();
    assert!(lines.iter().any(|line| line.starts_with("  ackd send --url http://")), "{lines:?}");
    assert_eq!(first.stop("-TERM"), Some(0), "SIGTERM drains and exits 0");
    let mut second = Serving::start(dir.path());
    assert_eq!(second.stop("-INT"), Some(0), "SIGINT too");
    assert_eq!(second.line(), "");
}

//! `ackd serve` from its first line to its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Serving, ackd};

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

#[test]
fn a_server_whose_words_nobody_can_read_serves_all_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = ackd(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
    let command = command.current_dir(dir.path()).stdout(full).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(log.any(|line| line.expect("text").contains("the store is open")));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    let _rest: Vec<_> = log.collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

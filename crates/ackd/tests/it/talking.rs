//! `ackd send` and `ackd listen` against `ackd serve`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Serving, ackd, outcome, run};

fn command(args: &[&str], serving: &Serving, dir: &Path) -> Command {
    let mut command = ackd(args);
    command.args(["--url", &serving.url]).env("XDG_STATE_HOME", dir).env("PATH", "/usr/bin:/bin");
    command
}

/// Starts a listener and waits until it is in.
fn listen(args: &[&str], serving: &Serving, dir: &Path) -> Child {
    let mut listening = command(&["listen", "--claim", "ann"], serving, dir);
    listening.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = listening.spawn().expect("the program runs");
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.as_mut().expect("piped"));
    stderr.read_line(&mut line).expect("it says something");
    assert!(line.starts_with("listening as ann"), "{line}");
    child
}

fn send(args: &[&str], serving: &Serving, dir: &Path) -> (i32, String, String) {
    run(command(&["send", "--to", "ann"], serving, dir).args(args))
}

#[test]
fn a_message_is_printed_once_whether_its_recipient_is_there_or_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let listening = listen(&["--count", "1"], &serving, dir.path());
    let (status, id, stderr) = send(&["hello"], &serving, dir.path());
    assert_eq!((status, id.len(), stderr.as_str()), (0, 33, ""));
    let (status, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
    assert_eq!(status, 0);
    assert!(stdout.ends_with(": hello\n"), "{stdout}");

    let (_, id, _) = send(&["--json", "{\"a\": 1.0}"], &serving, dir.path());
    let listening = listen(&["--count", "1", "--json"], &serving, dir.path());
    let (_, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
    assert!(stdout.contains(r#""body":{"a": 1.0}"#) && stdout.contains(id.trim()), "{stdout}");
}

#[test]
fn lines_of_standard_input_arrive_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let listening = listen(&["--count", &LINES.to_string()], &serving, dir.path());
    let mut sending = command(&["send", "--to", "ann", "--stdin"], &serving, dir.path());
    sending.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut sending = sending.spawn().expect("the program runs");
    let lines: Vec<_> = (0..LINES).map(|number| format!("line {number}\n")).collect();
    let mut stdin = sending.stdin.take().expect("piped");
    let writing = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let (status, ids, _) = outcome(sending.wait_with_output().expect("it ends"));
    writing.join().expect("no panic").expect("written");
    assert_eq!((status, ids.lines().count()), (0, LINES));
    let (_, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
    for (number, line) in stdout.lines().enumerate() {
        assert!(line.ends_with(&format!(": line {number}")), "{line}");
    }
    assert_eq!(stdout.lines().count(), LINES);
}

#[test]
fn a_message_whose_command_fails_comes_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let failing = listen(&["--count", "1", "--exec", "exit 3"], &serving, dir.path());
    send(&["hello"], &serving, dir.path());
    let (status, _, stderr) = outcome(failing.wait_with_output().expect("it ends"));
    assert_eq!(status, 0);
    assert!(stderr.contains("is not acknowledged"), "{stderr}");
    let reading = listen(&["--count", "1", "--exec", "cat"], &serving, dir.path());
    let (_, stdout, _) = outcome(reading.wait_with_output().expect("it ends"));
    assert!(stdout.contains(r#""body":"hello""#), "{stdout}");
}

#[test]
fn a_refused_message_is_a_failure_with_its_reason() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let (status, stdout, stderr) = send(&["hello"], &serving, dir.path());
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("unknown_recipient"), "{stderr}");
}

/// Below `mailbox_sender_limit`: none is refused, however slowly the listener reads.
const LINES: usize = 900;

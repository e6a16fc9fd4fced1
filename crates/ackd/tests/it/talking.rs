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
    let mut listening = command(&["listen", "--name", "ann"], serving, dir);
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
fn a_message_whose_command_fails_comes_again_until_it_is_rejected() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start_with(dir.path(), &["--set", "ack_timeout=50ms"]);
    let fails = r#"echo "$ACKD_MESSAGE_ATTEMPT $ACKD_MESSAGE_TYPE $(cat)"; exit 3"#;
    let failing =
        listen(&["--count", "1", "--exec", fails, "--max-failures", "3"], &serving, dir.path());
    send(&["a text"], &serving, dir.path());
    let (status, stdout, stderr) = outcome(failing.wait_with_output().expect("it ends"));
    assert_eq!((status, stdout.as_str()), (1, "1 text a text\n2 text a text\n3 text a text\n"));
    assert_eq!(stderr.matches("comes again\n").count(), 2, "{stderr}");
    assert!(stderr.ends_with("is rejected\nackd: a message was rejected\n"), "{stderr}");

    send(&["--json", "{\"a\": 1}"], &serving, dir.path());
    let reading = listen(&["--count", "1", "--exec", "cat"], &serving, dir.path());
    let (status, stdout, _) = outcome(reading.wait_with_output().expect("it ends"));
    assert_eq!((status, stdout.as_str()), (0, "{\"a\": 1}"), "and no rejected one");
}

#[test]
fn what_a_command_gets_as_json_is_what_is_printed_as_json() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    drop(listen(&[], &serving, dir.path()).kill());
    send(&["hello"], &serving, dir.path());
    let reading = listen(&["--count", "1", "--json", "--exec", "cat"], &serving, dir.path());
    let (_, stdout, _) = outcome(reading.wait_with_output().expect("it ends"));
    assert!(stdout.contains(r#""body":"hello""#) && stdout.ends_with("}\n"), "{stdout}");
}

#[test]
fn what_is_not_acknowledged_is_there_the_next_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    drop(listen(&[], &serving, dir.path()).kill());
    send(&["hello"], &serving, dir.path());
    for args in [&["--count", "1", "--no-ack"][..], &["--count", "1"]] {
        let listening = listen(args, &serving, dir.path());
        let (status, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
        assert_eq!(status, 0);
        assert!(stdout.ends_with(": hello\n"), "{stdout}");
    }
}

#[test]
fn a_signal_ends_a_listener_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    for signal in ["-TERM", "-INT"] {
        let listening = listen(&[], &serving, dir.path());
        let pid = listening.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
        let (status, stdout, stderr) = outcome(listening.wait_with_output().expect("it ends"));
        assert_eq!((status, stdout.as_str(), stderr.as_str()), (0, "", ""));
    }
}

#[test]
fn who_is_in_a_room_gets_what_is_sent_to_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let listening = listen(&["--room", "lobby", "--count", "1"], &serving, dir.path());
    let sent = run(&mut command(&["send", "--room", "lobby", "hello"], &serving, dir.path()));
    assert_eq!(sent.0, 0, "{sent:?}");
    let (_, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
    assert!(stdout.ends_with(" in lobby: hello\n"), "{stdout}");
}

#[test]
fn senders_without_a_name_do_not_get_in_each_others_way() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let listening = listen(&["--count", "3"], &serving, dir.path());
    let mut first = command(&["send", "--to", "ann", "--stdin"], &serving, dir.path());
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = first.stdin.take().expect("piped");
    stdin.write_all(b"one\n").expect("written");
    let mut line = String::new();
    let mut stdout = BufReader::new(first.stdout.take().expect("piped"));
    stdout.read_line(&mut line).expect("the ID"); // so it runs, and has the file
    let second = send(&["two"], &serving, dir.path());
    assert_eq!((second.0, second.2.as_str()), (0, ""));
    stdin.write_all(b"three\n").expect("written");
    drop(stdin);
    assert!(first.wait().expect("it ends").success());
    let (_, stdout, _) = outcome(listening.wait_with_output().expect("it ends"));
    let from: Vec<&str> = stdout.lines().filter_map(|line| line.split(':').next()).collect();
    assert!(from[0] == from[2] && from[0] != from[1], "{stdout}");
}

#[test]
fn a_secret_enters_its_identity_without_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let mut claiming = command(&["listen", "--name", "ann"], &serving, dir.path());
    let file = dir.path().join("ann.json");
    let mut claiming =
        claiming.arg("--identity").arg(&file).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    let mut stderr = BufReader::new(claiming.stderr.take().expect("piped"));
    stderr.read_line(&mut line).expect("it is in");
    claiming.kill().expect("killed");
    claiming.wait().expect("it ends");
    let file = std::fs::read_to_string(file).expect("remembered");
    let token = file.split("\"token\": \"").nth(1).and_then(|rest| rest.split('"').next());
    let mut entering = command(&["send", "--to", "ann", "to myself"], &serving, dir.path());
    entering.args(["--name", "ann"]).env("ACKD_TOKEN", token.expect("a secret"));
    assert_eq!(run(&mut entering).0, 0);
    let other = ["send", "--to", "ann", "x", "--name", "ann", "--identity", "other.json"];
    let (status, _, stderr) = run(command(&other, &serving, dir.path()).current_dir(dir.path()));
    assert_eq!(status, 1);
    let stderr = stderr.replace(&serving.url, "URL");
    insta::assert_snapshot!(stderr, @"ackd: ann is held at URL with another secret than that in other.json; choose another --name, or name the file or the --token that has its secret");
}

#[test]
fn refusals_say_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start_with(dir.path(), &["--set", "max_message=1KiB"]);
    let unknown = send(&["hello"], &serving, dir.path());
    assert_eq!((unknown.0, unknown.1.as_str()), (1, ""));
    insta::assert_snapshot!(unknown.2, @"ackd: not accepted: nobody holds the recipient's ID (unknown_recipient); the recipient must have been there once (`ackd listen --name NAME`)");
    let all = run(&mut command(&["send", "--all", "hello"], &serving, dir.path()));
    assert_eq!(all.0, 1);
    insta::assert_snapshot!(all.2, @"ackd: not accepted: sending to `all` is off on this server (forbidden)");
    let large = send(&[&"x".repeat(2_000)], &serving, dir.path());
    assert_eq!(large.0, 1);
    insta::assert_snapshot!(large.2, @"ackd: not accepted: the body has 2002 bytes, and the server takes at most 1024 (too_large)");
}

#[test]
fn a_receipt_that_does_not_come_is_a_failure_in_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    drop(listen(&[], &serving, dir.path()).kill());
    let (status, stdout, stderr) =
        send(&["hello", "--receipt", "--timeout", "300ms"], &serving, dir.path());
    assert_eq!((status, stdout.as_str()), (1, ""));
    let last = stderr.lines().last().expect("a line");
    let (id, rest) = last["ackd: ".len()..].split_once(' ').expect("an ID");
    assert_eq!(id.len(), 32, "{stderr}");
    insta::assert_snapshot!(rest, @"is kept, but there is no receipt within 300ms: its recipient may be away; ask again with a longer --timeout");
}

#[test]
fn a_receipt_says_what_the_recipient_has_done() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start(dir.path());
    let listening = listen(&["--count", "1"], &serving, dir.path());
    let (status, stdout, stderr) = send(&["hello", "--receipt"], &serving, dir.path());
    assert_eq!((status, stderr.as_str()), (0, ""));
    let (id, state) = stdout.trim_end().split_once(' ').expect("an ID and a state");
    assert_eq!((id.len(), state), (32, "acked"));
    drop(listening.wait_with_output());
}

/// Below `mailbox_sender_limit`: none is refused, however slowly the listener reads.
const LINES: usize = 900;

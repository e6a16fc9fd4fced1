//! `ackd backup` of a server under load, `kill -9`, and `ackd restore` into another directory; `ackd repair`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::peer::{client_as, hear, say};
use crate::support::{Serving, ackd, run};

/// Room for everything, and segments so small that they are freed all the time.
const FLAGS: [&str; 10] = [
    "--set",
    "mailbox_limit=1000000",
    "--set",
    "mailbox_sender_limit=1000000",
    "--set",
    "mailbox_bytes=1GiB",
    "--set",
    "journal_bytes=2MiB",
    // Nobody reads its log.
    "--set",
    "log.level=warn",
];
const TOKEN: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";

fn backup(dir: &Path, args: &[&str]) -> (i32, String, String) {
    run(ackd(&["backup"]).args(args).current_dir(dir))
}

fn restore(dir: &Path, args: &[&str]) -> (i32, String, String) {
    run(ackd(&["restore"]).args(args).current_dir(dir))
}

/// Ann comes, and says what she hears first.
fn connect(serving: &Serving) -> (crate::peer::Client, Value) {
    let frame = json!({"op": "connect", "new": true, "id": "ann", "token": TOKEN, "window": 1024});
    let mut ann = client_as(serving, &frame);
    let connected = hear(&mut ann);
    assert_eq!(connected["op"], "connected", "{connected}");
    (ann, connected)
}

/// IDs and bodies of all that waits for Ann, in its order; each is acknowledged.
fn drain(serving: &Serving) -> Vec<(String, String)> {
    let (mut ann, connected) = connect(serving);
    let pending = connected["pending"].as_u64().expect("a number") as usize;
    let mut found = Vec::new();
    while found.len() < pending {
        let heard = hear(&mut ann);
        let frames = heard.as_array().cloned().unwrap_or_else(|| vec![heard]);
        for frame in frames.iter().filter(|frame| frame["op"] == "message") {
            let text = |name: &str| frame[name].as_str().expect("text").to_owned();
            found.push((text("id"), text("body")));
        }
        let last = frames.iter().rev().find_map(|frame| frame["seq"].as_u64());
        if let Some(seq) = last {
            say(&mut ann, &json!({"op": "ack", "seq": seq}));
        }
    }
    found
}

/// `ackd send` with lines without end, until its standard output is not read any more or it is killed.
fn load(serving: &Serving, dir: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut sending: Command = ackd(&["send", "--to", "ann", "--stdin", "--identity", "bob.json"]);
    sending.args(["--url", &serving.url]).current_dir(dir);
    let mut child = sending.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    // Ends when its reader is killed.
    std::thread::spawn(move || {
        (0..).try_for_each(|number| writeln!(stdin, "line {number} {}", "x".repeat(200)))
    });
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    (child, stdout)
}

fn kept(stdout: &mut BufReader<ChildStdout>, count: usize) -> Vec<String> {
    let lines = stdout.lines().take(count).map(|line| line.expect("an ID"));
    lines.collect()
}

#[test]
fn what_was_accepted_before_a_backup_under_load_is_there_after_kill_9_and_a_restore() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut serving = Serving::start_with(dir.path(), &FLAGS);
    let (_, first) = connect(&serving);
    let (mut sending, mut ids) = load(&serving, dir.path());
    let before = kept(&mut ids, 6000);
    let reading = std::thread::spawn(move || ids.lines().map_while(Result::ok).count());
    let (status, stdout, stderr) = backup(dir.path(), &["kept", "--url", &serving.url]);
    assert_eq!((status, &*stderr), (0, ""));
    assert!(stdout.starts_with("kept/backup.ackd is complete\n"), "{stdout}");
    assert_eq!(serving.stop("-9"), None);
    sending.kill().expect("killed");
    sending.wait().expect("it ends");
    reading.join().expect("no panic");

    let other = tempfile::tempdir().expect("a directory");
    let kept_in = dir.path().join("kept");
    let kept_in = kept_in.to_str().expect("text");
    let (status, stdout, stderr) = restore(other.path(), &[kept_in, "--data-dir", "data"]);
    assert_eq!((status, &*stderr), (0, ""));
    assert!(stdout.starts_with("restored to data: "), "{stdout}");
    let restored = Serving::start_with(other.path(), &FLAGS);
    let (_, again) = connect(&restored);
    assert_ne!(again["epoch"], first["epoch"], "what was settled since must not count");
    let found = drain(&restored);
    let ids: Vec<_> = found.iter().map(|(id, _)| id).collect();
    assert!(before.iter().eq(ids[..before.len()].iter().copied()), "in their order, by their IDs");
    for (number, (_, body)) in found.iter().enumerate() {
        assert!(body.starts_with(&format!("line {number} ")), "{body}");
    }

    // Bob, who was killed too, goes on where he was; what was not answered is sent again, and that comes first.
    let after = ["send", "--to", "ann", "after", "--identity", "bob.json", "--url", &restored.url];
    let (status, _, stderr) = run(ackd(&after).current_dir(dir.path()));
    assert_eq!(status, 0, "{stderr}");
    let found = drain(&restored);
    assert_eq!(found.last().map(|(_, body)| &**body), Some("after"));
}

#[test]
fn a_backup_that_is_not_whole_is_refused_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut serving = Serving::start(dir.path());
    drop(connect(&serving));
    // Only a server that runs can be asked while it runs.
    let (status, _, stderr) = backup(dir.path(), &["one", "--data-dir", "data"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("is in use by process") && stderr.contains("--url"), "{stderr}");
    assert!(!dir.path().join("one/backup.ackd").exists());
    assert_eq!(serving.stop("-TERM"), Some(0));
    // The same directory: a backup that failed is in nobody's way.
    let (status, _, stderr) = backup(dir.path(), &["one", "--data-dir", "data"]);
    assert_eq!((status, &*stderr), (0, ""));
    let (status, _, stderr) = backup(dir.path(), &["one", "--data-dir", "data"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("one is not empty (backup.ackd is there)"), "{stderr}");

    let whole = fs::read(dir.path().join("one/backup.ackd")).expect("a file");
    fs::create_dir(dir.path().join("cut")).expect("a directory");
    let cut = dir.path().join("cut/backup.ackd");
    fs::write(&cut, &whole[..whole.len() - 1]).expect("written");
    let (status, _, stderr) = restore(dir.path(), &["cut", "--data-dir", "new"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("is not complete"), "{stderr}");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    fs::write(&cut, flipped).expect("written");
    let (status, _, stderr) = restore(dir.path(), &["cut", "--data-dir", "new"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("is damaged at byte"), "{stderr}");
    assert!(!dir.path().join("new").exists(), "nothing was begun");
    let (status, _, stderr) = restore(dir.path(), &["one", "--data-dir", "data"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("data is not empty"), "{stderr}");
}

#[test]
fn a_restore_that_was_cut_off_is_no_store_until_it_is_done_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut serving = Serving::start(dir.path());
    drop(connect(&serving));
    assert_eq!(serving.stop("-TERM"), Some(0));
    assert_eq!(backup(dir.path(), &["one", "--data-dir", "data"]).0, 0);
    // As a restore leaves it that was killed between its last steps.
    fs::create_dir_all(dir.path().join("new/restoring/journal")).expect("a directory");
    fs::create_dir_all(dir.path().join("new/archive")).expect("a directory");
    let (status, _, stderr) =
        run(ackd(&["serve", "--data-dir", "new", "--listen", "127.0.0.1:0"])
            .current_dir(dir.path()));
    assert_eq!(status, 1);
    assert!(stderr.contains("`ackd restore` was cut off"), "{stderr}");
    let (status, _, stderr) = restore(dir.path(), &["one", "--data-dir", "new"]);
    assert_eq!((status, &*stderr), (0, ""));
    fs::rename(dir.path().join("data"), dir.path().join("old")).expect("moved");
    fs::rename(dir.path().join("new"), dir.path().join("data")).expect("moved");
    drop(connect(&Serving::start(dir.path())));
}

#[test]
fn only_operators_get_a_backup() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start_with(dir.path(), &["--set", "admin.token=a-secret-of-operators"]);
    let (status, _, stderr) = backup(dir.path(), &["one", "--url", &serving.url]);
    assert_eq!(status, 1);
    assert!(stderr.contains("--admin-token"), "{stderr}");
    let token = ["one", "--url", &serving.url, "--admin-token", "a-secret-of-operators"];
    assert_eq!(backup(dir.path(), &token).0, 0);
    let proxied = "GET /v1/backup HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n";
    assert_eq!(serving.ask(proxied).0, 401);
    let open = tempfile::tempdir().expect("a directory");
    assert_eq!(Serving::start(open.path()).ask(proxied).0, 403);
}

#[test]
fn a_damaged_store_is_refused_until_it_is_repaired() {
    let dir = tempfile::tempdir().expect("a directory");
    let repair = || run(ackd(&["repair", "--data-dir", "data"]).current_dir(dir.path()));
    let mut serving = Serving::start(dir.path());
    let (_, first) = connect(&serving);
    let mut sending = ackd(&["send", "--to", "ann", "--stdin", "--identity", "bob.json"]);
    sending.args(["--url", &serving.url]).current_dir(dir.path());
    let mut sending =
        sending.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = sending.stdin.take().expect("piped");
    (0..300).for_each(|number| writeln!(stdin, "line {number}").expect("written"));
    drop(stdin);
    assert!(sending.wait_with_output().expect("it ends").status.success());
    assert_eq!(serving.stop("-9"), None);
    let (status, stdout, _) = repair();
    assert_eq!((status, &*stdout), (0, "the journal in data is whole; nothing was changed\n"));

    let segment = dir.path().join("data/journal/segment-0000000001.ackd");
    let mut bytes = fs::read(&segment).expect("a segment");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("it was written to");
    bytes[4096 + (end - 4096) / 2] ^= 1;
    fs::write(&segment, &bytes).expect("written");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let (status, _, stderr) = run(ackd(&serve).current_dir(dir.path()));
    assert_eq!(status, 1);
    assert!(stderr.contains("is damaged at byte") && stderr.contains("`ackd repair`"), "{stderr}");
    let (status, stdout, stderr) = repair();
    assert_eq!((status, &*stderr), (0, ""));
    assert!(stdout.starts_with("dropped: segment-0000000001.ackd at byte "), "{stdout}");
    let damaged = dir.path().join("data/journal.damaged-1/segment-0000000001.ackd");
    assert_eq!(fs::read(damaged).expect("it is kept"), bytes);
    let serving = Serving::start(dir.path());
    assert_ne!(connect(&serving).1["epoch"], first["epoch"]);
    let found = drain(&serving);
    assert!(!found.is_empty() && found.len() < 300, "{}", found.len());
    let numbers = |body: &str| body.strip_prefix("line ").and_then(|n| n.parse::<u32>().ok());
    assert!(found.iter().map(|(_, body)| numbers(body).expect("a line")).is_sorted());
}

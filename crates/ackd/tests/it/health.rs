//! `/healthz`, `/readyz` and `/metrics` while the disk makes trouble. The trouble is a limit on the size of files, set on the
//! running process: a write beyond it fails as on a disk that is full or broken.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::peer::{Client, client, hear, say};
use crate::support::Serving;

/// A server that takes a write beyond the limit for an error, instead of dying of SIGXFSZ.
fn start(dir: &Path) -> Serving {
    let program = env!("CARGO_BIN_EXE_ackd");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", program, "serve"]);
    // Segments of 1 MiB.
    command.args(["--set", "journal_bytes=16MiB", "--set", "mailbox_limit=100000"]);
    command.args(["--set", "mailbox_bytes=1GiB", "--set", "mailbox_sender_limit=100000"]);
    Serving::spawn(command.current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin"))
}

fn limit_files(serving: &Serving, bytes: Option<u64>) {
    let pid = Pid::from_raw(serving.pid()).expect("a process");
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(Some(pid), Resource::Fsize, limit).expect("it is our process");
}

/// Status and body.
fn get(serving: &Serving, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    let (status, mut stream) = serving.ask(&request);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("text");
    (status, rest.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

/// Sends 60 kB to itself; the code of the refusal, if it was one.
fn send(ann: &mut Client, id: &str) -> Option<String> {
    say(ann, &json!({"op": "send", "to": id, "body": "x".repeat(60_000)}));
    loop {
        let frame = hear(ann);
        match frame["op"].as_str() {
            Some("accepted") => return None,
            Some("error") => return frame["code"].as_str().map(str::to_owned),
            _ => {}
        }
    }
}

fn connect(serving: &Serving) -> (Client, String) {
    let mut ann = client(serving);
    let id = hear(&mut ann)["id"].as_str().expect("an ID").to_owned();
    (ann, id)
}

#[test]
fn a_store_that_has_failed_is_not_ready_until_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut serving = start(dir.path());
    let (mut ann, id) = connect(&serving);
    assert_eq!(send(&mut ann, &id), None);
    assert_eq!(get(&serving, "/readyz"), (200, "ready\n".to_owned()));
    limit_files(&serving, Some(1));
    assert_eq!(send(&mut ann, &id).as_deref(), Some("store_unavailable"));
    limit_files(&serving, None);
    let (status, body) = get(&serving, "/readyz");
    assert!(status == 503 && body.contains("until a restart"), "{status} {body}");
    assert_eq!(get(&serving, "/healthz").0, 200, "a restart is for somebody to decide");
    let (status, said) = ask_health(&["--url", &serving.url]);
    assert!(status == Some(1) && said.contains("until a restart"), "{status:?} {said}");
    assert_eq!(ask_health(&["--url", &serving.url, "--live"]).0, Some(0));
    let figures = get(&serving, "/metrics").1;
    assert!(figures.contains("\nackd_store_writable 0\n"), "{figures}");
    assert!(figures.contains("ackd_refused_total{code=\"store_unavailable\"} 1\n"), "{figures}");
    drop(ann);
    serving.stop("-TERM");
    let serving = start(dir.path());
    assert_eq!(get(&serving, "/readyz").0, 200);
}

#[test]
fn a_full_disk_is_not_ready_until_there_is_space() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = start(dir.path());
    let (mut ann, id) = connect(&serving);
    // What is there can be written to its last bytes, and nothing new of its size be made.
    limit_files(&serving, Some((1 << 20) - 4096));
    let refused = std::iter::repeat_with(|| send(&mut ann, &id)).take(100).flatten().next();
    assert_eq!(refused.as_deref(), Some("store_unavailable"));
    let (status, body) = get(&serving, "/readyz");
    assert_eq!((status, &*body), (503, "the disk is full\n"));
    assert!(get(&serving, "/metrics").1.contains("\nackd_store_writable 0\n"));
    limit_files(&serving, None);
    // Nobody sends; the server finds out by itself.
    for _ in 0..600 {
        if get(&serving, "/readyz").0 == 200 {
            assert_eq!(send(&mut ann, &id), None);
            return;
        }
        thread::park_timeout(Duration::from_millis(100));
    }
    panic!("it was never ready again");
}

/// What `ackd health` says and its status.
fn ask_health(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackd"));
    let output = command.arg("health").args(args).env_clear().output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

#[test]
fn a_health_check_needs_no_other_program() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = start(dir.path());
    let url = serving.url.clone();
    assert_eq!(ask_health(&["--url", &url]), (Some(0), "ready\n".to_owned()));
    assert_eq!(ask_health(&["--url", &url, "--live"]), (Some(0), "ok\n".to_owned()));
    let listen = url.trim_start_matches("http://");
    assert_eq!(ask_health(&["--listen", listen]).0, Some(0), "found by its configuration");
    drop(serving);
    let (status, said) = ask_health(&["--url", &url]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(ask_health(&["--url", "ftp://x"]).0, Some(2));
}

//! The example clients in other languages, written from `docs/guides/write-a-client.md`, against the real program: mail
//! goes both ways, and neither a killed server nor a killed client loses or doubles any of it. Needs `python3` and `node`.

mod client;
mod server;

use std::path::Path;

use client::{Client, Language};
use server::Server;

/// Lines of one round.
const LINES: usize = 20;

/// What `from` says to `to` in one round, and what that prints of it.
fn round(from: &Client, to: &Client, name: &str) -> (Vec<String>, Vec<String>) {
    let texts = (1..=LINES).map(|number| format!("{name} {number} ü\"\\"));
    let said = texts.clone().map(|text| format!("{} {text}", to.id)).collect();
    (said, texts.map(|text| format!("{}: {text}", from.id)).collect())
}

/// What one says comes to the other.
fn pass(from: &mut Client, to: &mut Client, name: &str) {
    let (said, heard) = round(from, to, name);
    from.say(&said);
    assert_eq!(to.hear(LINES), heard);
}

fn check(languages: [Language; 2]) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    let mut server = Server::start(&file("data"), 0);
    let url = server.url();
    let mut ann = Client::start(languages[0], &url, &file("ann.json"));
    let mut bob = Client::start(languages[1], &url, &file("bob.json"));
    pass(&mut ann, &mut bob, "together");
    pass(&mut bob, &mut ann, "together");

    // The server dies with messages on their way, and some are said while it is gone.
    let (said, heard) = round(&ann, &bob, "over a kill");
    ann.say(&said[..LINES / 2]);
    let port = server.port;
    server.kill();
    ann.say(&said[LINES / 2..]);
    server = Server::start(&file("data"), port);
    assert_eq!(bob.hear(LINES), heard);

    // The sender dies before any of it could leave, the recipient while it is away.
    server.kill();
    let (said, heard) = round(&ann, &bob, "over an end");
    ann.say(&said);
    ann.wait_until_written(said.last().expect("lines"));
    let (ann_id, bob_id) = (ann.id.clone(), bob.id.clone());
    ann.kill();
    bob.kill();
    let server = Server::start(&file("data"), port);
    let mut ann = Client::start(languages[0], &url, &file("ann.json"));
    ann.wait_until_answered();
    let mut bob = Client::start(languages[1], &url, &file("bob.json"));
    assert_eq!((&ann.id, &bob.id), (&ann_id, &bob_id));
    assert_eq!(bob.hear(LINES), heard);
    pass(&mut ann, &mut bob, "together again");
    pass(&mut bob, &mut ann, "together again");
    ann.kill();
    bob.kill();
    server.kill();
    check_nothing_is_left(&file("ann.json"));
}

/// Everything was answered, and every number was given once.
fn check_nothing_is_left(file: &Path) {
    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file).expect("its file")).expect("JSON");
    assert_eq!(state["unanswered"], serde_json::json!([]));
    assert_eq!(state["next"], 4 * LINES + 1);
}

#[test]
fn python_to_javascript() {
    check([Language::Python, Language::JavaScript]);
}

#[test]
fn javascript_to_python() {
    check([Language::JavaScript, Language::Python]);
}

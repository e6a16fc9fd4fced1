//! SIGTERM, with clients that do as they are told and clients that do nothing.

use serde_json::json;
use tungstenite::Message;

use crate::peer::{Client, client, hear, say};
use crate::support::Serving;

/// A client that reads, and one that is owed more than any socket holds and reads nothing.
fn ann_and_deaf(serving: &Serving) -> (Client, Client) {
    let (mut ann, mut deaf) = (client(serving), client(serving));
    hear(&mut ann);
    let id = hear(&mut deaf)["id"].clone();
    for _ in 0..200 {
        say(&mut ann, &json!({"op": "send", "to": id, "body": "x".repeat(60_000)}));
        assert_eq!(hear(&mut ann)["op"], "accepted");
    }
    (ann, deaf)
}

#[test]
fn it_ends_in_time_although_a_client_never_reads() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut serving = Serving::start_with(dir.path(), &["--set", "drain_timeout=1s"]);
    let (mut ann, _deaf) = ann_and_deaf(&serving);
    serving.signal("-TERM");
    let goaway = hear(&mut ann);
    assert_eq!((&goaway["op"], &goaway["reason"]), (&json!("goaway"), &json!("draining")));
    assert!(goaway["reconnect_after_ms"].is_u64(), "{goaway}");
    let Ok(Message::Close(Some(close))) = ann.read() else { panic!("a close frame") };
    assert_eq!(u16::from(close.code), 1001);
    let line = serving.log_line("left before they had gone");
    assert!(line.contains("connections=1"), "{line}");
    assert_eq!(serving.end(), Some(0));
}

#[test]
fn while_it_drains_it_answers_and_a_second_signal_hurries_it() {
    for second in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut serving = Serving::start_with(dir.path(), &["--set", "drain_timeout=1h"]);
        let (mut ann, _deaf) = ann_and_deaf(&serving);
        serving.signal("-TERM");
        assert_eq!(hear(&mut ann)["op"], "goaway");
        for (path, status) in [("/readyz", 503), ("/healthz", 200)] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n");
            assert_eq!(serving.ask(&request).0, status, "{path}");
        }
        serving.signal(second);
        serving.log_line("hurried");
        assert_eq!(serving.end(), Some(0), "{second}");
    }
}

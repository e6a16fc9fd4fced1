//! SIGHUP, and what the log says of it.

use std::path::Path;

use crate::support::{Serving, ackd, run};

fn write(dir: &Path, text: &str) {
    std::fs::write(dir.join("ackd.toml"), text).expect("written");
}

/// The status of a WebSocket handshake, by hand.
fn handshake(serving: &Serving) -> (u16, std::net::TcpStream) {
    serving.ask(
        "GET /v1/ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
}

#[test]
fn a_hangup_takes_over_what_it_can_and_names_what_waits_for_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "[limits]\nconnections_per_ip = 1\n");
    let mut serving = Serving::start_with(dir.path(), &["--config", "ackd.toml"]);
    let (_held, refused) = (handshake(&serving).1, handshake(&serving).0);
    assert_eq!(refused, 429);

    let token = "s3cret-s3cret-s3cret";
    let text = format!(
        "max_attempts = 3\n[limits]\nconnections_per_ip = 5\n[admin]\ntoken = \"{token}\"\n"
    );
    write(dir.path(), &text);
    serving.signal("-HUP");
    let line = serving.log_line("reloaded");
    assert!(line.contains("limits.connections_per_ip = 5 (was 1)"), "{line}");
    assert!(line.contains("admin.token = ") && !line.contains(token), "{line}");
    let line = serving.log_line("not before the next start");
    assert!(line.contains("max_attempts = 3 (was 0)"), "{line}");
    assert_eq!(handshake(&serving).0, 101);
}

#[test]
fn a_bad_file_changes_nothing_and_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "[limits]\nconnections_per_ip = 2\n");
    let mut serving = Serving::start_with(dir.path(), &["--config", "ackd.toml"]);
    let bad = [
        ("[limits]\nconnections_per_ip = 9\nconections = 3\n", "ackd.toml:3: unknown key"),
        ("[limits]\nconnections_per_ip = \"many\"\n", "`limits.connections_per_ip` is \"many\""),
        ("[tls]\ncert = \"no.pem\"\nkey = \"no.pem\"\n", "cannot read a certificate from no.pem"),
    ];
    for (text, says) in bad {
        write(dir.path(), text);
        serving.signal("-HUP");
        let line = serving.log_line("nothing was reloaded");
        assert!(line.contains(says), "{line}");
    }
    std::fs::remove_file(dir.path().join("ackd.toml")).expect("removed");
    serving.signal("-HUP");
    let line = serving.log_line("nothing was reloaded");
    assert!(line.contains("cannot read the configuration file ackd.toml"), "{line}");
    let _held = [handshake(&serving).1, handshake(&serving).1];
    assert_eq!(handshake(&serving).0, 429, "two may be here, as before");
    assert_eq!(serving.stop("-TERM"), Some(0));
}

#[test]
fn the_level_of_the_log_is_changed_and_json_lines_are_objects() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "[log]\nformat = \"json\"\nlevel = \"error\"\n");
    let mut serving = Serving::start_with(dir.path(), &["--config", "ackd.toml"]);
    write(dir.path(), "[log]\nformat = \"json\"\nlevel = \"info\"\n");
    serving.signal("-HUP");
    let line = serving.log_line("reloaded");
    assert!(!serving.log().iter().any(|line| line.contains("the store is open")), "an info line");
    let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&object["level"], &object["message"]), (&"INFO".into(), &"reloaded".into()));
    assert_eq!(object["changed"], "log.level = \"info\" (was \"error\")");
    assert!(object["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_a_wrong_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    for command in [&["serve"][..], &["config", "check"]] {
        let mut command = ackd(command);
        command.args(["--set", "tls.cert=no.pem", "--set", "tls.key=no.pem"]);
        let (status, stdout, stderr) = run(command.current_dir(dir.path()));
        assert_eq!((status, stdout.as_str()), (2, ""));
        assert!(stderr.contains("cannot read a certificate from no.pem"), "{stderr}");
    }
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let connections = ["--set", "limits.connections=4000000000"];
    let mut serving = Serving::start_with(dir.path(), &connections);
    let line = serving.log_line("fewer files may be open");
    assert!(line.contains("needed=4000000100"), "{line}");
}

#[test]
fn a_certificate_is_read_again_although_its_name_is_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let files = [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())];
    for (name, text) in &files {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    let flags = ["--set", "tls.cert=cert.pem", "--set", "tls.key=key.pem"];
    let mut serving = Serving::start_with(dir.path(), &flags);
    assert!(serving.url.starts_with("https://127.0.0.1:"), "{}", serving.url);
    serving.signal("-HUP");
    let line = serving.log_line("reloaded");
    assert!(line.contains("certificate=\"read again\""), "{line}");
    std::fs::write(dir.path().join("key.pem"), "nonsense").expect("written");
    serving.signal("-HUP");
    let line = serving.log_line("nothing was reloaded");
    assert!(line.contains("cannot read a private key from key.pem"), "{line}");
}

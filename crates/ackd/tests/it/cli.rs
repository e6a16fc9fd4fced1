//! What the command line says, and its exit status.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::support::{ackd, run};

fn check(args: &[&str], expected_status: i32, expected_stderr: &str) {
    let (status, _, stderr) = run(&mut ackd(args));
    assert_eq!((status, stderr.as_str()), (expected_status, expected_stderr), "{args:?}");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("ackd.toml"), "\n[auth]\nclaim = true\n").expect("written");
    for command in [&["serve"][..], &["config", "check"], &["config", "show"], &[]] {
        let (status, stdout, stderr) =
            run(ackd(command).args(["--config", "ackd.toml"]).current_dir(dir.path()));
        assert_eq!((status, stdout.as_str()), (2, ""), "{command:?}");
        assert_eq!(
            stderr,
            "ackd: ackd.toml:3: unknown key `auth.claim`; did you mean `auth.claims`?\n"
        );
    }
}

#[test]
fn a_bad_value_is_named_with_the_variable_or_flag_it_comes_from() {
    let (status, _, stderr) = run(ackd(&["config", "check"]).env("ACKD_ACK_TIMEOUT", "30"));
    assert_eq!(status, 2);
    assert_eq!(
        stderr,
        "ackd: environment variable ACKD_ACK_TIMEOUT: `ack_timeout` is 30: expected a duration as \"30s\" \
         (ms, s, m, h, d), 10ms to 1d\n"
    );
    check(
        &["serve", "--set", "durability=never"],
        2,
        "ackd: --set: `durability` is \"never\": expected \"fsync\" or \"os\"\n",
    );
    check(
        &["serve", "--store", "redis://localhost"],
        2,
        "ackd: --store: the Redis store is not part of this build yet; use store = \"embedded\"\n",
    );
}

#[test]
fn a_configuration_file_that_is_missing_is_named() {
    check(
        &["config", "check", "--config", "nowhere.toml"],
        2,
        "ackd: cannot read the configuration file nowhere.toml: No such file or directory (os error 2)\n",
    );
}

#[test]
fn the_configuration_in_force_is_shown_with_where_it_comes_from() {
    let mut command = ackd(&["config", "show", "--set", "log.level=debug"]);
    let (status, stdout, stderr) = run(command.env("PORT", "8000"));
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(
        stdout.starts_with("listen = \"0.0.0.0:8000\"  # environment variable PORT\n"),
        "{stdout}"
    );
    assert!(
        stdout.ends_with("[log]\nformat = \"pretty\"\nlevel = \"debug\"  # --set\n"),
        "{stdout}"
    );
}

#[test]
fn the_example_is_a_valid_configuration() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ackd.toml");
    let (status, example, _) = run(&mut ackd(&["config", "example"]));
    assert_eq!(status, 0);
    std::fs::write(&path, example).expect("written");
    let checked = run(ackd(&["config", "check", "--config"]).arg(path));
    assert_eq!(checked, (0, "the configuration is valid\n".to_owned(), String::new()));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_wrong() {
    let wrong: [(&[&str], &str); 8] = [
        (&["sned"], "unrecognized subcommand 'sned'"),
        (&["serve", "--port", "1"], "unexpected argument '--port'"),
        (&["send", "hello"], "<--to <ID>|--room <ROOM>|--all>"),
        (&["send", "--to", "a b", "hello"], "an ID may hold only"),
        (&["send", "--to", "ann"], "<TEXT|--stdin>"),
        (&["send", "--to", "ann", "--json", "{"], "the message is no JSON"),
        (&["listen", "--count", "0"], "invalid value '0'"),
        (&["listen"], "neither HOME nor XDG_STATE_HOME"),
    ];
    for (args, says) in wrong {
        let (status, stdout, stderr) = run(&mut ackd(args));
        assert_eq!((status, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(says), "{args:?}: {stderr}");
    }
}

#[test]
fn a_server_that_does_not_run_is_a_failure_with_advice() {
    let dir = tempfile::tempdir().expect("a directory");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("bound");
    drop(closed);
    for command in [&["send", "--to", "ann", "hello"][..], &["listen"]] {
        let mut command = ackd(command);
        command.args(["--url", &format!("http://{address}"), "--identity", "me.json"]);
        let (status, stdout, stderr) = run(command.current_dir(dir.path()));
        assert_eq!((status, stdout.as_str()), (1, ""));
        let start = format!("ackd: cannot connect to {address}: ");
        assert!(
            stderr.starts_with(&start) && stderr.contains("is the server running?"),
            "{stderr}"
        );
    }
}

#[test]
fn what_is_no_server_or_takes_nobody_is_told_from_one_that_does_not_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let said = ["404 Not Found", "503 Service Unavailable", "403 Forbidden"].map(|status| {
        let mut command = ackd(&["send", "--to", "ann", "hello", "--url", &url]);
        let asking = command.args(["--identity", "me.json"]).current_dir(dir.path());
        let asking = asking.stderr(Stdio::piped()).spawn().expect("the program runs");
        let (mut stream, _) = listener.accept().expect("it comes");
        let mut head = [0; 1_024];
        let read = stream.read(&mut head).expect("a request");
        assert!(head[..read].starts_with(b"GET /v1/ws"));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).expect("written");
        let output = asking.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr)
            .expect("text")
            .replace(&url, "URL")
            .replace(&url[7..], "HOST")
    });
    insta::assert_snapshot!(said.concat(), @r"
    ackd: HOST answers, but is no ackd server (HTTP 404); is --url URL right?
    ackd: the server refused the connection: HTTP 503; it takes nobody now, try again later
    ackd: the server refused the connection: HTTP 403; it does not want this client
    ");
}

#[test]
fn help_names_every_command() {
    let (status, stdout, _) = run(&mut ackd(&["--help"]));
    assert_eq!(status, 0);
    for command in
        ["serve", "send", "listen", "backup", "restore", "repair", "config", "completions"]
    {
        assert!(stdout.contains(&format!("\n  {command} ")), "{stdout}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for (shell, says) in [
        ("bash", "complete -F _ackd"),
        ("zsh", "#compdef ackd"),
        ("fish", "complete -c ackd"),
        ("elvish", "edit:completion:arg-completer[ackd]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let (status, stdout, stderr) = run(&mut ackd(&["completions", shell]));
        assert_eq!((status, stderr.as_str()), (0, ""));
        assert!(stdout.contains(says) && stdout.contains("listen"), "{shell}: {stdout}");
    }
    let (status, _, stderr) = run(&mut ackd(&["completions", "cmd"]));
    assert_eq!(status, 2);
    assert!(stderr.contains("possible values: bash"), "{stderr}");
}

#[test]
fn the_help_of_the_commands_that_connect_is_as_it_was_read_last() {
    for command in ["send", "listen", "bench"] {
        let (status, stdout, _) = run(&mut ackd(&[command, "--help"]));
        assert_eq!(status, 0);
        insta::assert_snapshot!(format!("{command}-help"), stdout);
    }
}

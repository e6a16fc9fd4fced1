//! The server process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) struct Server(Child);

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts a server and waits until it is ready.
pub(crate) fn start(data: &Path, port: u16) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ackd"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
        .arg(data)
        .args([
            "--set",
            "ack_timeout=1s",
            "--set",
            "journal_bytes=4MiB",
            "--set",
            "log.level=error",
        ])
        // The size and seed of the run are the test's, no keys of the server's configuration.
        .env_remove("ACKD_TORTURE_KILLS")
        .env_remove("ACKD_TORTURE_SEED")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut lines = BufReader::new(stdout).lines();
    let first = lines.next().expect("the server says that it listens").unwrap();
    assert!(first.starts_with("listening on "), "{first}");
    // It says no more than this to a full pipe.
    drop(lines);
    Server(child)
}

impl Server {
    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

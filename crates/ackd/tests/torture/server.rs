//! The server as a process: start, find its port, kill, stop. Its standard error goes to a file in the data directory's
//! parent, whose end is shown when something fails.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::world::Failure;

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts the server on `root/data`. It is not ready yet.
    pub(crate) fn spawn(root: &Path) -> Result<(Self, Starting), Failure> {
        let log = root.join("server.log");
        let stderr = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| Failure(format!("cannot open {}: {error}", log.display())))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_ackd"));
        command.arg("serve").args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(root.join("data"));
        for setting in SETTINGS {
            command.args(["--set", setting]);
        }
        // The plan's own variables would be taken for configuration.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ACKD_")) {
            command.env_remove(name);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| Failure(format!("cannot start ackd: {error}")))?;
        let stdout = child.stdout.take().expect("standard output is piped");
        let (found, address) = mpsc::sync_channel(1);
        std::thread::spawn(move || read_address(stdout, &found));
        Ok((Self { child, log }, Starting { address }))
    }

    /// `kill -9`. It is a failure if the server had ended by itself.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(self.failure(&format!("the server ended by itself: {status}")));
        }
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(|error| self.failure(&format!("cannot kill: {error}")))
    }

    /// SIGTERM: it must drain and end with 0 within its `drain_timeout` and a little.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| self.failure(&format!("cannot signal: {error}")))?;
        for _ in 0..600 {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.failure(&format!("drained with {status}"))),
                // Polling: a child's end cannot be waited for with a deadline in std.
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Err(self.failure("the server did not end within 30 s of SIGTERM"))
    }

    /// A failure with the end of the server's log.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n    ");
        Failure(format!("{what}\n  end of the server's log:\n    {tail}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// A server that may still be recovering.
pub(crate) struct Starting {
    address: mpsc::Receiver<SocketAddr>,
}

impl Starting {
    /// Waits until the server says where it listens.
    pub(crate) fn ready(&self, server: &Server) -> Result<SocketAddr, Failure> {
        self.address
            .recv_timeout(READY_WITHIN)
            .map_err(|_| server.failure("the server ended, or was not ready within 60 s"))
    }
}

/// Reports the address, then reads on: a full pipe would stop the server.
fn read_address(stdout: ChildStdout, found: &mpsc::SyncSender<SocketAddr>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let address = line.strip_prefix("listening on http://").map(str::parse);
        if let Some(Ok(address)) = address {
            found.send(address).ok();
        }
    }
}

const READY_WITHIN: Duration = Duration::from_secs(60);

/// A small journal, so that segments are recycled under load; room for all but the lazy receivers' mail.
const SETTINGS: &[&str] = &[
    "journal_bytes=\"8MiB\"",
    "index_bytes=\"64KiB\"",
    "mailbox_limit=100000",
    "mailbox_sender_limit=400",
    "limits.frames_per_second=1000000",
    "drain_timeout=\"5s\"",
    "log.level=\"warn\"",
];

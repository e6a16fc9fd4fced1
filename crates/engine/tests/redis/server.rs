//! A Redis of one test: on a free port of the loopback, in a directory of its own, ended with the test.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use ackd_engine::redis::RedisSettings;
use tempfile::TempDir;

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    dir: TempDir,
}

impl Server {
    /// One that keeps nothing.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // Between this and the server's start another program may take the port: then another one is tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")
                .expect("a port")
                .local_addr()
                .expect("bound")
                .port();
            if let Some(child) = launch(port, &dir) {
                return Self { child, port, dir };
            }
        }
        panic!("no redis-server starts");
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        RedisSettings::parse(&format!("127.0.0.1:{}", self.port), "test:").expect("an address")
    }

    /// It dies without a word, and another one with nothing in it takes its place.
    pub(crate) fn restart_empty(&mut self) {
        self.stop();
        self.child = launch(self.port, &self.dir).expect("its port is free");
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has run");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be stopped already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Comes back when it accepts connections, or has ended without.
fn launch(port: u16, dir: &TempDir) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed");
    let said = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut lines = said.lines().map_while(Result::ok);
    if !lines.any(|line| line.contains("Ready to accept connections")) {
        child.wait().expect("it has ended");
        return None;
    }
    // What else it says is read, so that it never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(child)
}

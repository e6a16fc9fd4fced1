//! The server under test.

use std::net::SocketAddr;
use std::path::Path;

use ackd_server::config::{Config, Flags, Raw, Sources};
use ackd_server::{CertificateError, Server};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::{Client, HttpAnswer, Socket, soon, upgrade_request};

/// How a server is to be configured: the defaults, and what the test sets.
#[derive(Default)]
pub(crate) struct Builder {
    set: Vec<String>,
}

/// A server that runs. Dropped, it goes on until the test's runtime ends.
pub(crate) struct Running {
    server: Server,
    data_dir: TempDir,
    set: Vec<String>,
}

/// A server with the default configuration, to be changed by [`Builder::set`].
pub(crate) fn server() -> Builder {
    Builder::default()
}

impl Builder {
    /// Sets a key: `.set("ack_timeout", "200ms")`, `.set("limits.connections", 2)`.
    pub(crate) fn set(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.set.push(format!("{key}={value}"));
        self
    }

    pub(crate) async fn start(self) -> Running {
        let data_dir = tempfile::tempdir().expect("a directory for the store");
        let server = start(data_dir.path(), &self.set).await;
        Running { server, data_dir, set: self.set }
    }
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// A TCP connection on which nothing is said yet.
    pub(crate) async fn dial(&self) -> TcpStream {
        soon("a connection", TcpStream::connect(self.address())).await.expect("it is accepted")
    }

    /// A v1 connection, upgraded; `connect` is not sent.
    pub(crate) async fn upgraded(&self) -> Client {
        self.upgraded_at("/v1/ws").await
    }

    /// A connection upgraded at this path.
    pub(crate) async fn upgraded_at(&self, path: &str) -> Client {
        let (answer, client) = self.try_upgrade(&upgrade_request(path)).await;
        assert_eq!(answer.status, 101, "{}", answer.head);
        client
    }

    /// A v1 client with a new identity.
    pub(crate) async fn client(&self) -> Client {
        let mut client = self.upgraded().await;
        client.connect(serde_json::json!({})).await;
        client
    }

    /// A v1 client that has sent `connect` with these fields, and the `connected` it got.
    pub(crate) async fn enter(&self, fields: serde_json::Value) -> (Client, serde_json::Value) {
        let mut client = self.upgraded().await;
        let connected = client.connect(fields).await;
        (client, connected)
    }

    /// A v1 client whose `connect` with these fields must be refused; the error and the close code.
    pub(crate) async fn refused(
        &self,
        mut fields: serde_json::Value,
    ) -> (serde_json::Value, Option<u16>) {
        let mut client = self.upgraded().await;
        fields["op"] = "connect".into();
        client.send(fields).await;
        let error = client.expect("error").await;
        (error, client.close_code().await)
    }

    /// A v1 client that has claimed this name (once in the life of the store).
    pub(crate) async fn client_named(&self, id: &str) -> Client {
        let mut client = self.upgraded().await;
        let token = "A".repeat(43);
        client.connect(serde_json::json!({"id": id, "token": token, "new": true})).await;
        client
    }

    /// Sends a request as it is written here and reads the head of the answer; the connection is good for WebSocket
    /// frames if the answer is 101.
    pub(crate) async fn try_upgrade(&self, request: &str) -> (HttpAnswer, Client) {
        try_upgrade_on(self.dial().await, request).await
    }

    /// Sends these bytes, and takes what comes after the head of the answer, which must be 101, for frames.
    pub(crate) async fn dial_and_send(&self, bytes: &[u8]) -> Client {
        let mut stream = self.dial().await;
        stream.write_all(bytes).await.expect("written");
        let (answer, early) = HttpAnswer::read(&mut stream).await;
        assert_eq!(answer.status, 101, "{}", answer.head);
        Client::new(stream, early)
    }

    /// `GET`, with the whole body.
    pub(crate) async fn get(&self, path: &str) -> HttpAnswer {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")).await
    }

    /// Any request, with the whole body of the answer.
    pub(crate) async fn request(&self, request: &str) -> HttpAnswer {
        let mut stream = self.dial().await;
        stream.write_all(request.as_bytes()).await.expect("the request is written");
        let (mut answer, early) = HttpAnswer::read(&mut stream).await;
        answer.read_body(&mut stream, early).await;
        answer
    }

    /// Reads its configuration again, with these keys changed.
    pub(crate) fn reload(&self, set: &[&str]) -> Result<(), CertificateError> {
        let set: Vec<_> =
            self.set.iter().cloned().chain(set.iter().map(ToString::to_string)).collect();
        self.server.reload(&configuration(self.data_dir.path(), &set))
    }

    /// Tries to start a second server on the same store. The error.
    pub(crate) async fn start_another(&self) -> String {
        let config = configuration(self.data_dir.path(), &self.set);
        Server::start(config).await.expect_err("the store is held").to_string()
    }

    /// Drains, as on SIGTERM, and waits for the end. The store is what is left.
    pub(crate) async fn stop(self) -> Stopped {
        soon("the drain", self.server.shutdown()).await.expect("the store is closed");
        Stopped { data_dir: self.data_dir, set: self.set }
    }

    /// The same; once this resolves, nobody is waited for.
    pub(crate) async fn stop_hurried_by(self, hurry: oneshot::Receiver<()>) -> Stopped {
        let hurry = async {
            hurry.await.expect("it is sent");
        };
        let closed = self.server.shutdown_hurried_by(hurry);
        soon("the drain", closed).await.expect("the store is closed");
        Stopped { data_dir: self.data_dir, set: self.set }
    }

    /// Ends without a word to anybody and without closing the store, as kill -9 does.
    pub(crate) async fn kill(self) -> Stopped {
        soon("the end", self.server.kill()).await;
        Stopped { data_dir: self.data_dir, set: self.set }
    }
}

/// A store without a server.
pub(crate) struct Stopped {
    data_dir: TempDir,
    set: Vec<String>,
}

impl Stopped {
    /// A new server on the old store.
    pub(crate) async fn start(self) -> Running {
        let server = start(self.data_dir.path(), &self.set).await;
        Running { server, data_dir: self.data_dir, set: self.set }
    }
}

async fn start(data_dir: &Path, set: &[String]) -> Server {
    Server::start(configuration(data_dir, set)).await.expect("the server starts")
}

/// The same on a connection that exists.
pub(crate) async fn try_upgrade_on(
    mut stream: impl Socket + 'static,
    request: &str,
) -> (HttpAnswer, Client) {
    stream.write_all(request.as_bytes()).await.expect("the request is written");
    let (answer, early) = HttpAnswer::read(&mut stream).await;
    (answer, Client::new(stream, early))
}

/// The defaults, and what a test sets.
pub(crate) fn configuration(data_dir: &Path, set: &[String]) -> Config {
    super::log::install();
    // Small segments: a test's store is made in no time.
    let small = std::iter::once("journal_bytes=16MiB".to_owned());
    let flags = Flags {
        set: small.chain(set.iter().cloned()).collect(),
        listen: Some("127.0.0.1:0".to_owned()),
        data_dir: Some(data_dir.to_str().expect("a path in UTF-8").to_owned()),
        store: None,
    };
    let sources = Sources { file: None, environment: Vec::new(), flags };
    Raw::gather(&sources).and_then(|raw| raw.check()).expect("a good configuration")
}

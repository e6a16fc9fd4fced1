//! A real server in the test's process, on a port that stays its own, and a line to it that can be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ackd_client::{Builder, Client, ClientId, Content, Event, Inbox, Message};
use ackd_server::Server;
use ackd_server::config::{Config, Flags, Raw, Sources};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A server and its store, and a directory for the clients' files.
pub(crate) struct Real {
    server: Option<Server>,
    address: SocketAddr,
    dir: TempDir,
    set: Vec<String>,
}

impl Real {
    /// Starts one with the default configuration and these keys: `"ack_timeout=100ms"`.
    pub(crate) async fn start(set: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let set = set.iter().map(|key| (*key).to_owned()).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut real = Self { server: None, address, dir, set };
        real.restart().await;
        real
    }

    /// Starts it (again), at the address that it had.
    pub(crate) async fn restart(&mut self) {
        let server = Server::start(self.config()).await.expect("the server starts");
        self.address = server.local_addr();
        self.server = Some(server);
    }

    /// Ends it without a word, as kill -9 does.
    pub(crate) async fn kill(&mut self) {
        soon(self.server.take().expect("it runs").kill()).await;
    }

    /// Ends it in order.
    pub(crate) async fn stop(&mut self) {
        soon(self.server.take().expect("it runs").shutdown()).await.expect("the store is closed");
    }

    /// Changes a key; with the next start.
    pub(crate) fn set(&mut self, key: &str) {
        self.set.push(key.to_owned());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Builder {
        client_at(self.address)
    }

    /// Where a client's file of this name is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn config(&self) -> Config {
        let small = std::iter::once("journal_bytes=16MiB".to_owned());
        let store = self.store();
        let flags = Flags {
            set: small.chain(self.set.iter().cloned()).collect(),
            listen: Some(self.address.to_string()),
            data_dir: Some(store.to_str().expect("a path in UTF-8").to_owned()),
            store: None,
        };
        let sources = Sources { file: None, environment: Vec::new(), flags };
        Raw::gather(&sources).and_then(|raw| raw.check()).expect("a good configuration")
    }
}

/// A client of whatever listens there.
pub(crate) fn client_at(address: SocketAddr) -> Builder {
    Client::builder(&format!("http://{address}"))
}

pub(crate) fn id(name: &str) -> ClientId {
    ClientId::parse(name).expect("an ID")
}

/// The next message, whatever else comes before it.
pub(crate) async fn message(inbox: &mut Inbox) -> Message {
    loop {
        match soon(inbox.next()).await.expect("the client runs") {
            Event::Message(message) => return message,
            Event::Connected { .. } | Event::Disconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn text(body: &Content) -> String {
    body.text().expect("a text")
}

/// Copies the files of a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in from.read_dir().expect("a directory") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A TCP line between clients and a server.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    cuts: watch::Sender<u64>,
    deaf: Arc<AtomicBool>,
}

impl Line {
    /// A line to `server`.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (cuts, cut) = watch::channel(0);
        let deaf = Arc::new(AtomicBool::new(false));
        let is_deaf = deaf.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(server).await else { continue };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                let up = pass(near_in, far_out, Arc::new(AtomicBool::new(false)));
                let down = pass(far_in, near_out, is_deaf.clone());
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = up => {}
                        () = down => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts, deaf }
    }

    /// From now on nothing that the server says arrives.
    pub(crate) fn deafen(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections; new ones are whole.
    pub(crate) fn cut(&self) {
        self.deaf.store(false, Ordering::SeqCst);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    swallows: Arc<AtomicBool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !swallows.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}

/// Within a time that is longer than anything takes that works.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it works")
}

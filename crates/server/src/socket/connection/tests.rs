//! A connection's task on real sockets: how often it is woken, and what its client hears when the server fails.

mod failing;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use ackd_websocket::{Decoded, Decoder, Item, Limits, Role};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::{Config, Flags, Raw, Sources};
use crate::dialect::Format;
use crate::server::Server;

/// How often the tasks of a test's connections were woken, and how often they then ran.
#[derive(Debug, Default)]
struct Turns {
    wakes: AtomicU64,
    polls: AtomicU64,
}

/// A task whose turns are counted.
struct Counted<F> {
    task: Pin<Box<F>>,
    turns: Arc<Turns>,
    /// The runtime's waker, and ours around it.
    wakers: Option<(Waker, Waker)>,
}

struct CountingWaker {
    inner: Waker,
    turns: Arc<Turns>,
}

impl<F: Future<Output = ()>> Future for Counted<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Cx<'_>) -> Poll<()> {
        self.turns.polls.fetch_add(1, Ordering::Relaxed);
        let wakers = self.wakers.take().filter(|(inner, _)| inner.will_wake(cx.waker()));
        let wakers = wakers.unwrap_or_else(|| {
            let (inner, turns) = (cx.waker().clone(), self.turns.clone());
            (inner.clone(), Waker::from(Arc::new(CountingWaker { inner, turns })))
        });
        let poll = self.task.as_mut().poll(&mut Cx::from_waker(&wakers.1));
        self.wakers = Some(wakers);
        poll
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.turns.wakes.fetch_add(1, Ordering::Relaxed);
        self.inner.wake_by_ref();
    }
}

/// The client's end of a connection.
struct Peer {
    stream: TcpStream,
    decoder: Decoder,
    input: Vec<u8>,
}

impl Peer {
    /// A connection to a task that serves it, both in this process.
    async fn new(context: &Arc<Context>, turns: &Arc<Turns>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (served, _) = accepted.unwrap();
        let place = context.quota.take(address.ip()).unwrap();
        let connection =
            Connection::new(Stream::Plain(served), b"", Dialect::V1(Format::Json), context.clone());
        let task = Box::pin(connection.run(place));
        tokio::spawn(Counted { task, turns: turns.clone(), wakers: None });
        let decoder = Decoder::new(Role::Client, Limits { message_bytes_max: 1 << 20 });
        Self { stream: client.unwrap(), decoder, input: Vec::new() }
    }

    async fn connected(context: &Arc<Context>, turns: &Arc<Turns>, name: &str) -> Self {
        let mut peer = Self::new(context, turns).await;
        peer.claim(name).await;
        let answer = peer.hear().await;
        assert!(answer.contains(r#""op":"connected""#), "{answer}");
        peer
    }

    async fn claim(&mut self, name: &str) {
        let token = "A".repeat(43);
        let claim = format!(r#""id":"{name}","token":"{token}","new":true,"outbox":"o""#);
        self.say(&format!(r#"{{"op":"connect",{claim}}}"#)).await;
    }

    async fn say(&mut self, text: &str) {
        let mut bytes = Vec::new();
        Encoder::client([1, 2, 3, 4]).text(&mut bytes, text);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// The next text, or the close code as text.
    async fn hear(&mut self) -> String {
        loop {
            match self.decoder.decode(&mut self.input).unwrap() {
                Decoded::Item { consumed, item } => {
                    let text = match item {
                        Item::Text(text) => text.to_owned(),
                        Item::Close(Some((code, _))) => code.to_string(),
                        other => panic!("{other:?}"),
                    };
                    self.input.drain(..consumed);
                    return text;
                }
                Decoded::Need { .. } => {
                    let read = self.stream.read_buf(&mut self.input);
                    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
                    assert_ne!(read.expect("in time").unwrap(), 0, "hung up");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next text, which must hold all of these.
    async fn expect(&mut self, parts: &[&str]) {
        let text = self.hear().await;
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }

    async fn hear_all(&mut self, count: u64, beginning: &str) {
        for _ in 0..count {
            let text = self.hear().await;
            assert!(text.starts_with(beginning), "{text}");
        }
    }
}

fn config(data_dir: &TempDir) -> Config {
    let flags = Flags {
        set: vec!["journal_bytes=16MiB".to_owned(), "limits.frames_per_second=1000000".to_owned()],
        listen: Some("127.0.0.1:0".to_owned()),
        data_dir: Some(data_dir.path().to_str().unwrap().to_owned()),
        store: None,
    };
    let sources = Sources { file: None, environment: Vec::new(), flags };
    Raw::gather(&sources).and_then(|raw| raw.check()).unwrap()
}

async fn server() -> (Server, TempDir) {
    let data_dir = tempfile::tempdir().unwrap();
    (Server::start(config(&data_dir)).await.unwrap(), data_dir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_woken_by_the_batch_not_by_the_message() {
    let (server, _data_dir) = server().await;
    let turns = Arc::new(Turns::default());
    let mut bob = Peer::connected(server.context(), &turns, "bob").await;
    let mut ann = Peer::connected(server.context(), &turns, "ann").await;
    let before = (turns.wakes.load(Ordering::Relaxed), turns.polls.load(Ordering::Relaxed));
    for round in 0..ROUNDS {
        let sends = (round * BATCH + 1..=(round + 1) * BATCH)
            .map(|n| format!(r#"{{"op":"send","n":{n},"to":"bob","body":"one of many"}}"#));
        ann.say(&format!("[{}]", sends.collect::<Vec<_>>().join(","))).await;
        ann.hear_all(BATCH, r#"{"op":"accepted""#).await;
        bob.hear_all(BATCH, r#"{"op":"message""#).await;
        bob.say(&format!(r#"{{"op":"ack","seq":{}}}"#, (round + 1) * BATCH)).await;
    }
    let wakes = turns.wakes.load(Ordering::Relaxed) - before.0;
    let polls = turns.polls.load(Ordering::Relaxed) - before.1;
    println!("{ROUNDS} batches of {BATCH}: {wakes} wakes, {polls} turns");
    // Ann: her batch, her answers. Bob: his messages, his ack. And some because a socket was ready, or full, twice.
    assert!(wakes < 8 * ROUNDS, "{wakes}");
    assert!(polls < 8 * ROUNDS, "{polls}");
    drop((ann, bob));
    server.kill().await;
}

const ROUNDS: u64 = 50;
const BATCH: u64 = 64;

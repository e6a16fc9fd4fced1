//! The server as a whole: opens the store, listens, and drains.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ackd_engine::{
    Durability, Embedded, LockError, Mode, OpenError, RealDisk, Recovered, Settings, Threads,
};
use ackd_wire::{Millis, limits};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemEntropy};
use crate::config::{self, Config, UnknownRecipients};
use crate::dialect::Greeting;
use crate::router::{Router, Switchboard};
use crate::session::Rules;
use crate::socket::{Context, Quota, Timers, listen};

/// A running server.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    context: Arc<Context>,
    engine: Arc<Embedded<RealDisk>>,
    threads: Threads,
    tasks: [JoinHandle<()>; 2],
    drain_timeout: Duration,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is in use, or cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store cannot be opened.
    #[error("cannot open the store: {0}")]
    Open(#[from] OpenError),
    /// The address cannot be listened on, or a thread cannot be started.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Server {
    /// Opens the store and listens.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let clock = Clock::start();
        let listener = TcpListener::bind(config.listen).await?;
        let local_addr = listener.local_addr()?;
        let switchboard = Arc::new(Switchboard::default());
        let engine = open(&config, &switchboard, clock).await?;
        let threads = Threads::spawn(&engine, Arc::new(move || clock.now()))?;
        let context = Arc::new(Context {
            router: Router::new(engine.clone(), switchboard),
            rules: Arc::new(rules(&config)),
            greeting: greeting(&config),
            clock,
            timers: Timers::default(),
            quota: Quota::new(config.limits.connections, config.limits.connections_per_ip),
            origins: config.auth.allowed_origins.clone(),
            ping_interval_ms: millis(config.ping_interval),
            draining: AtomicBool::new(false),
        });
        let timers = context.clone();
        let tasks = [
            tokio::spawn(listen(listener, context.clone())),
            tokio::spawn(async move { timers.timers.run(clock).await }),
        ];
        let drain_timeout = config.drain_timeout;
        Ok(Self { local_addr, context, engine, threads, tasks, drain_timeout })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop` resolves; then drains: takes nobody new, stores what is live, says goodbye, and closes the
    /// store.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        stop.await;
        tracing::info!("draining");
        self.context.draining.store(true, Ordering::Relaxed);
        let switchboard = self.context.router.switchboard().clone();
        switchboard.drain(|| 500 + SystemEntropy::number() % RECONNECT_SPREAD_MS);
        let gone = async {
            while !switchboard.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(self.drain_timeout, gone).await.is_err() {
            tracing::warn!(connections = switchboard.len(), "left before they had gone");
        }
        for task in &self.tasks {
            task.abort();
        }
        let (threads, engine) = (self.threads, self.engine);
        tokio::task::spawn_blocking(move || {
            threads.stop();
            engine.close();
        })
        .await
        .map_err(io::Error::other)
    }
}

async fn open(
    config: &Config,
    switchboard: &Arc<Switchboard>,
    clock: Clock,
) -> Result<Arc<Embedded<RealDisk>>, StartError> {
    let (settings, data_dir) = (settings(config), config.data_dir.clone());
    let sink = switchboard.clone();
    let opened = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
        let disk = RealDisk::open(&data_dir)?;
        let (entropy, now) = (Box::new(SystemEntropy), clock.now());
        Ok(Embedded::open(settings, disk, entropy, sink, now)?)
    });
    let (engine, recovered) = opened.await.map_err(io::Error::other)??;
    let Recovered { identities, messages, bytes, segments, clean } = recovered;
    tracing::info!(identities, messages, bytes, segments, clean, "the store is open");
    Ok(Arc::new(engine))
}

fn settings(config: &Config) -> Settings {
    Settings {
        limits: ackd_engine::Limits {
            mailbox_messages: config.mailbox_limit,
            mailbox_bytes: config.mailbox_bytes,
            mailbox_sender_messages: config.mailbox_sender_limit,
            unclaimed_bytes: config.unclaimed_bytes,
            devices: limits::DEVICES_MAX as u16,
            outboxes: OUTBOXES_MAX,
            identity_ttl_ms: millis(config.identity_ttl),
            message_ttl_ms: millis(config.message_ttl),
            dedup_window_ms: millis(config.dedup_window),
            full_retry_after_ms: FULL_RETRY_AFTER_MS,
        },
        durability: match config.durability {
            config::Durability::Fsync => Durability::Fsync,
            config::Durability::Os => Durability::Os,
        },
        segment_bytes: segment_bytes(config),
        journal_bytes: config.journal_bytes,
        mode: Mode::Inline,
    }
}

/// A sixteenth of the journal, at most 64 MiB, and room for two of the largest batches.
fn segment_bytes(config: &Config) -> u64 {
    let batch = 2 * (config.max_message as u64 + 64 * 1024);
    (config.journal_bytes / 16).clamp(batch, 64 * 1024 * 1024).next_multiple_of(4096)
}

fn rules(config: &Config) -> Rules {
    Rules {
        ack_timeout_ms: millis(config.ack_timeout),
        connect_timeout_ms: millis(config.connect_timeout),
        max_message: config.max_message,
        max_attempts: config.max_attempts,
        anonymous: config.auth.anonymous,
        claims: config.auth.claims,
        allow_all: config.auth.allow_all,
        open_claims: config.auth.open_claims,
        keep_unknown: config.auth.unknown_recipients == UnknownRecipients::Accept,
    }
}

fn greeting(config: &Config) -> Greeting {
    Greeting {
        ack_timeout_ms: millis(config.ack_timeout),
        ping_interval_ms: millis(config.ping_interval),
        max_message: config.max_message as u64,
    }
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// Outboxes of one identity.
const OUTBOXES_MAX: u16 = 256;
/// What the sender to a full mailbox is told to wait.
const FULL_RETRY_AFTER_MS: Millis = 5_000;
/// Clients of a server that leaves come back spread over so long.
const RECONNECT_SPREAD_MS: u64 = 5_000;

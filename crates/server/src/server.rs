//! The server as a whole: opens the store, listens, and drains.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ackd_engine::{
    Archive, Durability, Embedded, FjallArchive, FjallOptions, LockError, Mode, OpenError,
    RealDisk, Recovered, Settings, Threads,
};
use ackd_wire::{Millis, limits};
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemEntropy};
use crate::config::{self, Config, UnknownRecipients};
use crate::dialect::Greeting;
use crate::drain;
use crate::metrics::Metrics;
use crate::presence::{self, Reservation};
use crate::router::{Router, Switchboard};
use crate::session::Rules;
use crate::socket::{
    Context, Phase, Policy, Pulse, Quota, Starting, Terms, Timers, beat, bind, listen,
};
use crate::tls::{self, CertificateError};

/// A running server.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    context: Arc<Context>,
    engine: Arc<Embedded<RealDisk>>,
    threads: Threads,
    tasks: [JoinHandle<()>; 4],
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
    /// TLS cannot be spoken.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The address cannot be listened on, or a thread cannot be started.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Server {
    /// Opens the store and listens.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let clock = Clock::start();
        let terms = terms(&config)?;
        let listener = bind(config.listen)?;
        let local_addr = listener.local_addr()?;
        let policy = Arc::new(Policy::new(terms, config.limits.frames_per_second));
        let quota = Quota::new(config.limits.connections, config.limits.connections_per_ip);
        let header_timeout = config.connect_timeout;
        let starting = Starting { policy: policy.clone(), quota: quota.clone(), header_timeout };
        let switchboard = Arc::new(Switchboard::default());
        let metrics = Arc::new(Metrics::new(clock));
        let (engine, reservation) = tokio::select! {
            opened = open(&config, &switchboard, &metrics, clock) => opened?,
            () = starting.run(&listener) => unreachable!("it runs until it is dropped"),
        };
        let threads = Threads::spawn(&engine, Arc::new(move || clock.now()))?;
        let context = Arc::new(Context {
            router: Router::new(engine.clone(), switchboard),
            rules: Arc::new(rules(&config)),
            greeting: greeting(&config),
            clock,
            timers: Timers::default(),
            quota,
            policy,
            ping_interval_ms: millis(config.ping_interval),
            header_timeout,
            phase: Phase::default(),
            store: engine.clone(),
            metrics,
            pulse: Arc::new(Pulse::new(clock.now())),
        });
        let timers = context.clone();
        let tasks = [
            tokio::spawn(listen(listener, context.clone())),
            tokio::spawn(async move { timers.timers.run(clock).await }),
            tokio::spawn(presence::run(context.clone(), reservation)),
            tokio::spawn(beat(context.clone())),
        ];
        let drain_timeout = config.drain_timeout;
        Ok(Self { local_addr, context, engine, threads, tasks, drain_timeout })
    }

    /// What all its connections share.
    #[cfg(test)]
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Its store.
    #[cfg(test)]
    pub(crate) fn engine(&self) -> Arc<Embedded<RealDisk>> {
        self.engine.clone()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells whether the server lives: whether its runtime, its threads and its locks do what they should.
    pub fn pulse(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let (pulse, clock) = (self.context.pulse.clone(), self.context.clock);
        move || pulse.is_felt(clock.now())
    }

    /// Takes over what a running server can: limits, `auth.allowed_origins`, the certificate, which is read again. The
    /// rest of `config` is passed over (see [`config::Key::is_reloaded`]). If the certificate cannot be used, nothing has
    /// changed.
    pub fn reload(&self, config: &Config) -> Result<(), CertificateError> {
        let (terms, limits) = (terms(config)?, &config.limits);
        self.context.policy.change(terms, limits.frames_per_second);
        self.context.quota.change(limits.connections, limits.connections_per_ip);
        Ok(())
    }

    /// Serves until `stop` resolves; then drains: takes nobody new, stores what is live, says goodbye, and closes the
    /// store.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        stop.await;
        self.shutdown().await
    }

    /// Drains and ends: as [`Server::run_until`] does once it is told to stop. It is over within `drain_timeout`, whatever
    /// the clients do.
    pub async fn shutdown(self) -> io::Result<()> {
        self.shutdown_hurried_by(std::future::pending()).await
    }

    /// The same; once `hurry` resolves, no client is waited for. What is live is stored nevertheless.
    pub async fn shutdown_hurried_by(self, hurry: impl Future<Output = ()>) -> io::Result<()> {
        drain::run(&self.context, self.drain_timeout, hurry).await;
        let (threads, engine) = self.end().await;
        let closed = tokio::task::spawn_blocking(move || {
            threads.stop();
            engine.close();
        });
        closed.await.map_err(io::Error::other)
    }

    /// Ends at once, as if the process had been killed: nobody is told, the store is not closed. For tests of recovery.
    pub async fn kill(self) {
        let (threads, engine) = self.end().await;
        let stopped = tokio::task::spawn_blocking(move || {
            threads.stop();
            drop(engine);
        });
        if stopped.await.is_err() {
            tracing::error!("the engine's threads could not be stopped");
        }
    }

    /// Ends every task, and waits until nobody but the caller holds the store.
    async fn end(self) -> (Threads, Arc<Embedded<RealDisk>>) {
        self.context.phase.end();
        for task in self.tasks {
            task.abort();
            let _aborted = task.await;
        }
        let mut patience = END_TICKS;
        while 1 < Arc::strong_count(&self.context) && patience != 0 {
            self.context.timers.wake(|_| true);
            tokio::time::sleep(TICK).await;
            patience -= 1;
        }
        (self.threads, self.engine)
    }
}

/// Reads the files that a configuration names, as far as a server reads them at its start.
pub fn check_files(config: &Config) -> Result<(), CertificateError> {
    terms(config).map(drop)
}

fn terms(config: &Config) -> Result<Terms, CertificateError> {
    let tls = config.tls.as_ref().map(tls::load).transpose()?;
    let (origins, token) = (config.auth.allowed_origins.clone(), config.admin.token.clone());
    Ok(Terms { origins, token, tls })
}

async fn open(
    config: &Config,
    switchboard: &Arc<Switchboard>,
    metrics: &Arc<Metrics>,
    clock: Clock,
) -> Result<(Arc<Embedded<RealDisk>>, Reservation), StartError> {
    let (settings, data_dir) = (settings(config), config.data_dir.clone());
    let sink = switchboard.clone();
    let opened = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
        let disk = RealDisk::open(&data_dir)?;
        let (entropy, now) = (Box::new(SystemEntropy), clock.now());
        let reserved = Reservation::take(&data_dir, now)?;
        let archive = FjallArchive::open(&data_dir.join("archive"), FjallOptions::default())
            .map_err(OpenError::Archive)?;
        let store = (disk, Arc::new(archive) as Arc<dyn Archive>);
        Ok((Embedded::open(settings, store, entropy, sink, now)?, reserved))
    });
    let ((engine, recovered), (reservation, generation)) =
        opened.await.map_err(io::Error::other)??;
    switchboard.set_up_presence(millis(config.presence_grace), generation);
    let Recovered { identities, messages, bytes, segments, clean } = recovered;
    tracing::info!(identities, messages, bytes, segments, clean, "the store is open");
    Ok((Arc::new(engine.observed_by(metrics.clone())), reservation))
}

pub(crate) fn settings(config: &Config) -> Settings {
    Settings {
        limits: ackd_engine::Limits {
            mailbox_messages: config.mailbox_limit,
            mailbox_bytes: config.mailbox_bytes,
            mailbox_sender_messages: config.mailbox_sender_limit,
            room_messages: config.room_limit,
            room_bytes: config.room_bytes,
            rooms: DURABLE_ROOMS_MAX,
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
        index_bytes: config.index_bytes,
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
/// Durable rooms of one identity.
const DURABLE_ROOMS_MAX: u16 = 256;
/// What the sender to a full mailbox is told to wait.
const FULL_RETRY_AFTER_MS: Millis = 5_000;
/// How often it is looked whether all tasks have ended.
const TICK: Duration = Duration::from_millis(10);
/// Tasks get two seconds to drop what they hold.
const END_TICKS: u32 = 200;

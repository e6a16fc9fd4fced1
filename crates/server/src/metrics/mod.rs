//! Figures for operators: counted where things happen, summed and written as OpenMetrics when somebody asks
//! (`/metrics`). Beside the stations of the server: they count here, it asks nothing of them.

mod counters;
mod exposition;
mod histogram;
mod process;

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};

use ackd_engine::{Commit, Observer, Stats};
use ackd_wire::{ErrorCode, Millis};

use self::counters::Workers;
use self::histogram::Histogram;
use crate::clock::Clock;
use crate::session::Acked;

pub(crate) use counters::Told;
pub(crate) use exposition::CONTENT_TYPE;

/// All counters of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    clock: Clock,
    workers: Workers,
    opened: AtomicU64,
    turned_away: [AtomicU64; TurnedAway::ALL.len()],
    archived: AtomicU64,
    /// Microseconds of write and sync.
    commits: Histogram,
    /// Answers that waited for one commit.
    answers: Histogram,
}

/// Why a connection was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    Draining,
    Origin,
    ServerFull,
    AddressFull,
}

/// What is not counted but looked at when somebody asks.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) connections: usize,
    pub(crate) store: Stats,
}

impl Metrics {
    pub(crate) fn new(clock: Clock) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            clock,
            workers: Workers::new(workers.min(WORKERS_MAX)),
            opened: AtomicU64::default(),
            turned_away: Default::default(),
            archived: AtomicU64::default(),
            commits: Histogram::new(&COMMIT_US),
            answers: Histogram::new(&ANSWERS),
        }
    }

    /// A batch of events was told to a client.
    pub(crate) fn told(&self, told: &Told) {
        self.workers.own().told(told);
    }

    /// A client was told this error.
    pub(crate) fn refused(&self, code: ErrorCode) {
        self.workers.own().refused(code);
    }

    /// A client has acknowledged these messages.
    pub(crate) fn acked(&self, now: Millis, acked: &Acked) {
        if !acked.runs().is_empty() {
            self.workers.own().acked(now, acked.runs());
        }
    }

    /// A WebSocket was opened.
    pub(crate) fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// A WebSocket was not opened.
    pub(crate) fn turned_away(&self, why: TurnedAway) {
        self.turned_away[why as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Observer for Metrics {
    fn now_us(&self) -> u64 {
        self.clock.passed_us()
    }

    fn committed(&self, commit: Commit) {
        // What trails is synced later, and nobody waits for it: it would only hide what others wait for.
        if commit.answers != 0 {
            self.commits.observe(commit.took_us);
            self.answers.observe(commit.answers as u64);
        }
    }

    fn archived(&self, messages: u64) {
        self.archived.fetch_add(messages, Ordering::Relaxed);
    }
}

impl TurnedAway {
    const ALL: [Self; 4] = [Self::Draining, Self::Origin, Self::ServerFull, Self::AddressFull];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Origin => "origin",
            Self::ServerFull => "server_full",
            Self::AddressFull => "address_full",
        }
    }
}

/// More workers share sets of counters.
const WORKERS_MAX: usize = 64;

/// From 50 µs, a sync of a good disk, to 5 s.
const COMMIT_US: [u64; 16] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000,
];

const ANSWERS: [u64; 13] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];

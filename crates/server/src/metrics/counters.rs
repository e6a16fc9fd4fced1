//! What connections count: one set of counters for each worker thread, so that none waits for another's cache line.
//! Summed when somebody asks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ackd_wire::{ErrorCode, Millis};

use super::histogram::{Buckets, Histogram};
use crate::session::{Event, Kind};

/// All sets.
#[derive(Debug)]
pub(super) struct Workers(Box<[Counters]>);

/// The counters of one worker.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Counters {
    told: [AtomicU64; Told::KINDS],
    refused: [AtomicU64; ErrorCode::ALL.len()],
    acked: Histogram,
}

/// What one batch of events has told a client; added to the counters once.
#[derive(Debug, Default)]
pub(crate) struct Told {
    counts: [u64; Self::KINDS],
}

/// The sum of all sets.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) repeated: u64,
    pub(super) delivered: u64,
    pub(super) redelivered: u64,
    pub(super) refused: Vec<(ErrorCode, u64)>,
    /// Seconds from accepted to acknowledged.
    pub(super) acked: Buckets,
}

impl Workers {
    pub(super) fn new(workers: usize) -> Self {
        Self(std::iter::repeat_with(Counters::new).take(workers.max(1)).collect())
    }

    /// The set of the thread that asks.
    pub(super) fn own(&self) -> &Counters {
        &self.0[THREAD.with(|number| *number) % self.0.len()]
    }

    pub(super) fn totals(&self) -> Totals {
        let sum = |of: &dyn Fn(&Counters) -> &AtomicU64| {
            self.0.iter().map(|counters| of(counters).load(Ordering::Relaxed)).sum()
        };
        let refused = ErrorCode::ALL.iter().enumerate();
        Totals {
            accepted: sum(&|counters| &counters.told[ACCEPTED]),
            repeated: sum(&|counters| &counters.told[REPEATED]),
            delivered: sum(&|counters| &counters.told[DELIVERED]),
            redelivered: sum(&|counters| &counters.told[REDELIVERED]),
            refused: refused.map(|(k, code)| (*code, sum(&|all| &all.refused[k]))).collect(),
            acked: Histogram::sum(self.0.iter().map(|counters| &counters.acked), SECOND_MS),
        }
    }
}

impl Counters {
    fn new() -> Self {
        Self {
            told: Default::default(),
            refused: Default::default(),
            acked: Histogram::new(&ACKED_MS),
        }
    }

    pub(super) fn told(&self, told: &Told) {
        for (counter, count) in self.told.iter().zip(told.counts) {
            if count != 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn refused(&self, code: ErrorCode) {
        if let Some(place) = ErrorCode::ALL.iter().position(|known| *known == code) {
            self.refused[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many messages that were accepted at these times are acknowledged.
    pub(super) fn acked(&self, now: Millis, runs: &[(Millis, u32)]) {
        for (at, count) in runs {
            self.acked.observe_many(now.saturating_sub(*at), u64::from(*count));
        }
    }
}

impl Told {
    const KINDS: usize = 4;

    /// One event. An error's code, where it is one: that is counted by code.
    pub(crate) fn add(&mut self, event: &Event) -> Option<ErrorCode> {
        let kind = match event {
            Event::Accepted { dup: false, .. } => ACCEPTED,
            Event::Accepted { dup: true, .. } => REPEATED,
            Event::Message { attempt, kind: Kind::Stored, .. } if 1 < *attempt => REDELIVERED,
            Event::Message { .. } => DELIVERED,
            Event::Error(error) => return Some(error.code),
            _ => return None,
        };
        self.counts[kind] += 1;
        None
    }
}

const ACCEPTED: usize = 0;
const REPEATED: usize = 1;
const DELIVERED: usize = 2;
const REDELIVERED: usize = 3;

const SECOND_MS: f64 = 1_000.0;

/// From a millisecond to a week.
const ACKED_MS: [u64; 20] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    1_800_000,
    14_400_000,
    86_400_000,
    604_800_000,
];

thread_local! {
    static THREAD: usize = LAST_THREAD.fetch_add(1, Ordering::Relaxed);
}

static LAST_THREAD: AtomicUsize = AtomicUsize::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    /// Each tells of an acceptance, two repeats, a refusal and three acks.
    fn count(workers: &Workers) {
        let id = ackd_wire::MessageId::derive("ann", "o", 1);
        let mut told = Told::default();
        for dup in [false, true, true] {
            let event = Event::Accepted { r#ref: None, n: None, id, dup };
            assert_eq!(told.add(&event), None);
        }
        workers.own().told(&told);
        workers.own().refused(ErrorCode::Gap);
        workers.own().acked(5_000, &[(4_999, 1), (1_000, 1), (6_000, 1)]);
    }

    #[test]
    fn what_threads_count_is_summed() {
        let workers = Workers::new(2);
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| count(&workers));
            }
        });
        let totals = workers.totals();
        assert_eq!((totals.accepted, totals.repeated, totals.delivered), (5, 10, 0));
        let gaps = totals.refused.iter().filter(|(_, count)| *count != 0);
        assert_eq!(gaps.collect::<Vec<_>>(), [&(ErrorCode::Gap, 5)]);
        assert_eq!((totals.acked.count(), totals.acked.sum), (15, 20.005));
    }
}

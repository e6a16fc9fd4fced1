//! One coarse deadline for each connection; one task wakes whoever is due. No timer a message, and none while nobody
//! is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ackd_engine::SessionKey;
use ackd_wire::Millis;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::router::Inbox;

/// Deadlines of connections.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: Mutex<BTreeMap<(Millis, SessionKey), Arc<Inbox>>>,
    /// The first deadline has become an earlier one.
    earlier: Notify,
}

impl Timers {
    /// Replaces a connection's deadline by a new one, rounded up to a step. Says which it has now.
    pub(super) fn set(
        &self,
        key: SessionKey,
        inbox: &Arc<Inbox>,
        old: Option<Millis>,
        at: Millis,
    ) -> Millis {
        let at = at.checked_next_multiple_of(STEP_MS).unwrap_or(Millis::MAX);
        if old != Some(at) {
            let mut deadlines = self.deadlines.lock();
            if let Some(old) = old {
                deadlines.remove(&(old, key));
            }
            let first = deadlines.first_key_value().is_none_or(|((first, _), _)| at < *first);
            deadlines.insert((at, key), inbox.clone());
            if first {
                self.earlier.notify_one();
            }
        }
        at
    }

    /// Forgets a connection.
    pub(super) fn remove(&self, key: SessionKey, at: Millis) {
        self.deadlines.lock().remove(&(at, key));
    }

    /// Wakes connections whatever their deadlines are.
    pub(crate) fn wake(&self, which: impl Fn(SessionKey) -> bool) {
        let deadlines = self.deadlines.lock();
        let chosen: Vec<_> =
            deadlines.iter().filter(|((_, key), _)| which(*key)).map(|(_, i)| i.clone()).collect();
        drop(deadlines);
        for inbox in chosen {
            inbox.wake();
        }
    }

    /// Wakes connections when they are due, for as long as the server runs.
    pub(crate) async fn run(&self, clock: Clock) {
        loop {
            let now = clock.now();
            let (due, next) = self.take_due(now);
            for inbox in due {
                inbox.wake();
            }
            let Some(next) = next else {
                self.earlier.notified().await;
                continue;
            };
            let pause = Duration::from_millis(next.saturating_sub(now).max(1));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.earlier.notified() => {}
            }
        }
    }

    fn take_due(&self, now: Millis) -> (Vec<Arc<Inbox>>, Option<Millis>) {
        let mut deadlines = self.deadlines.lock();
        let mut due = Vec::new();
        while let Some(first) = deadlines.first_entry() {
            let at = first.key().0;
            if now < at {
                return (due, Some(at));
            }
            due.push(first.remove());
        }
        (due, None)
    }
}

/// Deadlines are rounded up to a multiple of it.
const STEP_MS: Millis = 20;

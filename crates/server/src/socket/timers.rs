//! One coarse deadline for each connection, in steps; one task wakes whoever is due. No timer a message.

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
        let at = at.next_multiple_of(STEP_MS);
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
    pub(super) fn remove(&self, key: SessionKey, at: Option<Millis>) {
        if let Some(at) = at {
            self.deadlines.lock().remove(&(at, key));
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
        let later = deadlines.split_off(&(now + 1, SessionKey(0)));
        let due = std::mem::replace(&mut *deadlines, later);
        let next = deadlines.first_key_value().map(|((at, _), _)| *at);
        (due.into_values().collect(), next)
    }
}

/// Deadlines are rounded up to a multiple of it.
const STEP_MS: Millis = 20;

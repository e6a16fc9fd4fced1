//! Whether the server is alive: every beat goes through what everything goes through. The runtime's timer and threads, the
//! switchboard's lock and the engine's. If one of them stands still, so does the pulse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ackd_wire::Millis;

use super::http::Context;

/// The last beat.
#[derive(Debug)]
pub(crate) struct Pulse {
    last: AtomicU64,
}

impl Pulse {
    pub(crate) fn new(now: Millis) -> Self {
        Self { last: now.into() }
    }

    /// Whether there was a beat not long ago.
    pub(crate) fn is_felt(&self, now: Millis) -> bool {
        now.saturating_sub(self.last.load(Ordering::Relaxed)) < SILENCE_MS
    }

    fn beat(&self, now: Millis) {
        self.last.store(now, Ordering::Relaxed);
    }
}

/// Beats for as long as the server runs.
pub(crate) async fn beat(context: Arc<Context>) {
    loop {
        let (store, router) = (context.store.clone(), context.clone());
        let looked = tokio::task::spawn_blocking(move || {
            store.health();
            router.router.switchboard().len();
        });
        if looked.await.is_ok() {
            context.pulse.beat(context.clock.now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Between two beats.
const PAUSE: Duration = Duration::from_secs(2);
/// After so long without a beat the server is taken for dead.
const SILENCE_MS: Millis = 15_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_felt_until_it_has_been_silent_for_long() {
        let pulse = Pulse::new(1_000);
        assert!(pulse.is_felt(1_000 + SILENCE_MS - 1) && !pulse.is_felt(1_000 + SILENCE_MS));
        pulse.beat(20_000);
        assert!(pulse.is_felt(20_000));
    }
}

//! Where the server stands in its life: it runs, it drains, it is over. Every task may look at it or wait for it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use ackd_engine::SessionKey;
use tokio::sync::Notify;

/// The server's phase. It only goes forward.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    stage: AtomicU8,
    /// While it drains: so many of [`SHARES`] are to leave by now.
    leaving: AtomicU64,
    over: Notify,
}

impl Phase {
    /// Nobody new is let in.
    pub(crate) fn drain(&self) {
        self.stage.fetch_max(DRAINING, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        DRAINING <= self.stage.load(Ordering::Relaxed)
    }

    /// So many of [`SHARES`] are to leave now.
    pub(crate) fn set_leaving(&self, shares: u64) {
        self.leaving.store(shares, Ordering::Relaxed);
    }

    /// Whether this session's turn to leave has come.
    pub(crate) fn leaves(&self, key: SessionKey) -> bool {
        key.0 % SHARES < self.leaving.load(Ordering::Relaxed)
    }

    /// Every task drops what it holds.
    pub(crate) fn end(&self) {
        self.stage.store(OVER, Ordering::Release);
        self.over.notify_waiters();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stage.load(Ordering::Acquire) == OVER
    }

    /// Waits for the end.
    pub(crate) async fn over(&self) {
        let over = self.over.notified();
        if !self.is_over() {
            over.await;
        }
    }
}

/// Sessions leave by shares of all, one after another.
pub(crate) const SHARES: u64 = 100;

const DRAINING: u8 = 1;
const OVER: u8 = 2;

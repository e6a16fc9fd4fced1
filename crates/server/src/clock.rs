//! The only place that reads the time and the system's randomness.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ackd_engine::Entropy;
use ackd_wire::Millis;

/// Unix time that never goes back: the wall clock at the start, and what has passed since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    base: Millis,
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let base = u64::try_from(since.as_millis()).unwrap_or(Millis::MAX);
        Self { base, start: Instant::now() }
    }

    /// The time.
    pub(crate) fn now(&self) -> Millis {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(Millis::MAX);
        self.base.saturating_add(passed)
    }
}

impl Clock {
    /// Microseconds since the start.
    pub(crate) fn passed_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The system's random bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        getrandom::fill(buf).expect("the system gives random bytes once it has booted");
    }
}

impl SystemEntropy {
    /// Eight random bytes as a number.
    pub(crate) fn number() -> u64 {
        let mut bytes = [0; 8];
        Self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

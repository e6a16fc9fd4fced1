//! The load generator's clock: nanoseconds since the start of the run.

use std::time::{Duration, Instant};

/// A start, and how long ago it was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the load generator measures real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// What has passed.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in nanoseconds.
    pub(crate) fn nanos(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

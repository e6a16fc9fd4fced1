//! Pauses between attempts to connect: exponential, with full jitter. Pure: randomness is a parameter.

use std::time::Duration;

/// How many attempts in a row have failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// An attempt failed: the pause before the next, evenly spread between nothing and a bound that doubles from
    /// 500 ms to 30 s.
    pub(crate) fn pause(&mut self, random: u64) -> Duration {
        let bound_ms = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(MOST_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(random % (bound_ms + 1))
    }

    /// An attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

const FIRST_MS: u64 = 500;
const MOST_MS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_half_a_minute_and_starts_anew_after_success() {
        let mut backoff = Backoff::default();
        let bounds = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        for bound in bounds {
            let mut same = backoff.clone();
            assert_eq!(same.pause(bound), Duration::from_millis(bound), "the bound is included");
            assert_eq!(backoff.pause(bound + 1), Duration::ZERO, "and is the end");
        }
        backoff.reset();
        assert_eq!(backoff.pause(501), Duration::ZERO);
    }
}

//! How fast a client may speak: `frames_per_second`, and twice that at once. Pure. Beyond it the server stops reading, so
//! that TCP tells the client. A batch is handled whole and paid for afterwards.

use ackd_wire::Millis;

/// What one client has said lately.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// When all that was said would have been said at the full rate: nanoseconds of Unix time.
    paid_ns: u64,
}

/// How much is too much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimit {
    frame_ns: u64,
}

impl RateLimit {
    pub(crate) fn new(frames_per_second: u32) -> Self {
        Self { frame_ns: SECOND_NS / u64::from(frames_per_second.max(1)) }
    }
}

impl Rate {
    pub(super) fn spend(&mut self, limit: RateLimit, now: Millis, frames: u64) {
        let paid_ns = self.paid_ns.max(now.saturating_mul(MILLISECOND_NS));
        self.paid_ns = paid_ns.saturating_add(frames.saturating_mul(limit.frame_ns));
    }

    /// What was spent on a frame is given back: it was free, as it turns out.
    pub(super) fn refund(&mut self, limit: RateLimit) {
        self.paid_ns = self.paid_ns.saturating_sub(limit.frame_ns);
    }

    /// When the client may be heard again; `None`: now.
    pub(super) fn blocked_until(&self, now: Millis) -> Option<Millis> {
        let until = self.paid_ns.saturating_sub(BURST_NS).div_ceil(MILLISECOND_NS);
        (now < until).then_some(until)
    }
}

const MILLISECOND_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MILLISECOND_NS;
/// Two seconds' worth may come at once.
const BURST_NS: u64 = 2 * SECOND_NS;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    #[test]
    fn twice_the_rate_may_come_at_once_and_then_the_rate() {
        let limit = RateLimit::new(100);
        let mut rate = Rate::default();
        rate.spend(limit, NOW, 200);
        assert_eq!(rate.blocked_until(NOW), None);
        rate.spend(limit, NOW, 1);
        assert_eq!(rate.blocked_until(NOW), Some(NOW + 10));
        assert_eq!(rate.blocked_until(NOW + 10), None);
    }

    #[test]
    fn what_was_free_is_given_back() {
        let limit = RateLimit::new(100);
        let mut rate = Rate::default();
        rate.spend(limit, NOW, 201);
        rate.refund(limit);
        assert_eq!(rate.blocked_until(NOW), None);
        rate.spend(limit, NOW, 1);
        assert_eq!(rate.blocked_until(NOW), Some(NOW + 10));
    }

    #[test]
    fn what_was_too_much_is_paid_for_in_time() {
        let limit = RateLimit::new(1000);
        let mut rate = Rate::default();
        rate.spend(limit, NOW, 4096);
        assert_eq!(rate.blocked_until(NOW), Some(NOW + 2096));
    }

    #[test]
    fn silence_is_not_saved_up() {
        let limit = RateLimit::new(10);
        let mut rate = Rate::default();
        rate.spend(limit, NOW, 1);
        rate.spend(limit, NOW + 3_600_000, 21);
        assert_eq!(rate.blocked_until(NOW + 3_600_000), Some(NOW + 3_600_100));
    }
}

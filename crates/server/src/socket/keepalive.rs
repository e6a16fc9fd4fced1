//! When to ping, and when to give a connection up. Pure.

use ackd_wire::Millis;

/// The pings of one connection.
#[derive(Debug)]
pub(super) struct Keepalive {
    interval_ms: Millis,
    /// When the client was last heard.
    heard: Millis,
    unanswered: u8,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    /// Two pings were not answered.
    Close,
}

impl Keepalive {
    pub(super) fn new(interval_ms: Millis, now: Millis) -> Self {
        Self { interval_ms, heard: now, unanswered: 0 }
    }

    /// The client has said something.
    pub(super) fn heard(&mut self, now: Millis) {
        (self.heard, self.unanswered) = (now, 0);
    }

    pub(super) fn deadline(&self) -> Millis {
        let intervals = u64::from(self.unanswered) + 1;
        self.heard.saturating_add(self.interval_ms.saturating_mul(intervals))
    }

    pub(super) fn due(&mut self, now: Millis) -> Due {
        if now < self.deadline() {
            return Due::Nothing;
        }
        self.unanswered += 1;
        if UNANSWERED_MAX < self.unanswered { Due::Close } else { Due::Ping }
    }
}

const UNANSWERED_MAX: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_unanswered_pings_end_a_connection_and_any_frame_is_an_answer() {
        let mut keepalive = Keepalive::new(10, 100);
        assert_eq!(keepalive.due(109), Due::Nothing);
        assert_eq!(keepalive.due(110), Due::Ping);
        assert_eq!(keepalive.due(115), Due::Nothing);
        keepalive.heard(116);
        assert_eq!(keepalive.due(125), Due::Nothing);
        assert_eq!(keepalive.due(126), Due::Ping);
        assert_eq!(keepalive.due(136), Due::Ping);
        assert_eq!(keepalive.due(146), Due::Close);
    }
}

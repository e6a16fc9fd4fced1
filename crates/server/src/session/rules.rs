//! What a session needs to know of the configuration. Durations in milliseconds, sizes in bytes.

use ackd_wire::Millis;

/// Shared by all sessions of a server.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the configuration")]
pub struct Rules {
    /// How long a delivery waits for its ack.
    pub ack_timeout_ms: Millis,
    /// How long a connection may take to its `connect`.
    pub connect_timeout_ms: Millis,
    /// Largest body.
    pub max_message: usize,
    /// Deliveries before a message is dead; 0: never.
    pub max_attempts: u16,
    /// Server-issued identities for anyone.
    pub anonymous: bool,
    /// An unheld ID may be claimed by name.
    pub claims: bool,
    /// Clients may send to `all`.
    pub allow_all: bool,
    /// Classic clients enter any ID by its name.
    pub open_claims: bool,
    /// Mail to an ID that nobody holds waits for it.
    pub keep_unknown: bool,
}

impl Rules {
    /// The pause before delivery number `timeouts + 1` on one connection: `ack_timeout`, then doubling, at most the
    /// longer of 5 minutes and `ack_timeout`.
    pub fn pause_ms(&self, timeouts: u8) -> Millis {
        let longest = self.ack_timeout_ms.max(PAUSE_MS_MAX);
        self.ack_timeout_ms.saturating_mul(1 << timeouts.min(32)).min(longest)
    }
}

const PAUSE_MS_MAX: Millis = 5 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(ack_timeout_ms: Millis) -> Rules {
        Rules {
            ack_timeout_ms,
            connect_timeout_ms: 10_000,
            max_message: 65_536,
            max_attempts: 0,
            anonymous: true,
            claims: true,
            allow_all: false,
            open_claims: false,
            keep_unknown: false,
        }
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses: Vec<_> = (0..6).map(|k| rules(30_000).pause_ms(k) / 1000).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300]);
    }

    #[test]
    fn an_ack_timeout_over_five_minutes_is_the_longest_pause_itself() {
        assert_eq!(rules(600_000).pause_ms(0), 600_000);
        assert_eq!(rules(600_000).pause_ms(9), 600_000);
    }
}

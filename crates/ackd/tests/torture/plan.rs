//! What a run does: how often it kills, from which seed. Read once from the environment.

/// The size and the seed of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `ACKD_TORTURE_KILLS`: kills under load; the kills during recovery come on top.
    pub(crate) kills: u32,
    /// `ACKD_TORTURE_SEED`.
    pub(crate) seed: u64,
}

impl Plan {
    /// The plan that the environment asks for; a short one by default.
    pub(crate) fn from_environment() -> Self {
        Self {
            kills: number("ACKD_TORTURE_KILLS").map_or(50, |kills| kills as u32),
            seed: number("ACKD_TORTURE_SEED").unwrap_or(1),
        }
    }

    /// What to type for a similar run.
    pub(crate) fn command(&self) -> String {
        format!(
            "ACKD_TORTURE_KILLS={} ACKD_TORTURE_SEED={} cargo test --release -p ackd --test torture -- --nocapture",
            self.kills, self.seed
        )
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Senders, and as many receivers.
pub(crate) const PAIRS: usize = 8;

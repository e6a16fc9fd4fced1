//! Who watches the engine at work, for figures: asked once a commit, never once a message.

use std::fmt;

/// Watches commits and what begins to wait. It brings the clock that the engine does not have. Called from every thread
/// that commits, some of the time under the engine's lock: it must not block and must not call the engine.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Microseconds since any fixed moment; never goes back.
    fn now_us(&self) -> u64;

    /// A group has been written (and synced, where it is to be).
    fn committed(&self, commit: Commit);

    /// So many messages are known to wait from now on: their recipient is away, or has not acknowledged in time.
    fn archived(&self, messages: u64);
}

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// What write and sync have taken, in microseconds.
    pub took_us: u64,
    /// Answers that waited for it; 0 where it holds only what trails (acks, departures).
    pub answers: usize,
    /// Bytes of the group's records.
    pub bytes: u64,
}

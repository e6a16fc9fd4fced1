//! The trait of all engines, and what they are given: where answers go, and randomness.

use std::fmt;

use ackd_wire::Millis;

use super::{Outcome, Submission};

/// Durable mailboxes. What it promises, whatever the implementation:
///
/// - `Accepted` for an [`super::Append`] and `Connected`, `Done`, `RoomNumber` leave only after what they promise is
///   stored as durably as the engine is configured to; [`super::Notice::Stored`] and pages hold stored messages only.
/// - Commands of one session are decided in the order they were submitted. Messages of one outbox enter one
///   log in the order of their numbers; a number is accepted once.
/// - What is stored ends only by its readers' settling or rejecting it, by its TTL or its identity's end.
/// - A command that is refused has changed nothing but the outbox's record of its number.
pub trait Engine: Send + Sync + fmt::Debug {
    /// Decides a batch in order and drains it. Answers come through the [`Sink`], during the call or later, from
    /// this thread or another. The caller holds no lock that its sink takes.
    fn submit(&self, now: Millis, batch: &mut Vec<Submission<'_>>);
}

/// Where answers and notices go. Called with one outcome at a time for each commit, in commit order; outcomes that
/// needed no commit may come in between from other threads.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Takes everything out of `outcome`. Must not call the engine and must not block.
    fn deliver(&self, outcome: &mut Outcome);
}

/// A source of random bytes: the system's in a server, a seeded one in a simulation.
pub trait Entropy: Send + fmt::Debug {
    /// Fills the whole buffer.
    fn fill(&mut self, buf: &mut [u8]);
}

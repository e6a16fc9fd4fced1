//! What a run can find: a promise that was not kept.

use std::fmt;

/// A broken promise, and how it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// How it showed.
    pub what: String,
}

/// The promises that are checked, numbered where the protocol numbers them (section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// 1: what is accepted, or was sent with a `seq`, is stored.
    Kept,
    /// 2: what is not settled comes again, and what is settled does not.
    Again,
    /// 3: one number is one message with one ID.
    Once,
    /// 4: one order for each mailbox, that of its outboxes; what is unacknowledged comes first.
    Order,
    /// 5: no more than the window is in flight, and no queue grows without end.
    Window,
    /// Answers say what is so.
    Answers,
    /// Whoever watches is told who comes and goes, and in the end what is so; generations grow.
    Presence,
    /// When nothing goes wrong any more, everything is done in the end.
    Progress,
    /// The engine's own bookkeeping is right, and it opens what it wrote.
    Engine,
    /// Nothing panics.
    Panic,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept: what was accepted, or sent with a seq, is stored",
            Self::Again => "at least once: what is unsettled comes again, what is settled does not",
            Self::Once => "once in effect: one number, one message, one ID",
            Self::Order => "in order",
            Self::Window => "bounded: the window is kept, and so is every queue",
            Self::Answers => "answers say what is so",
            Self::Presence => "presence: what is told last is so, and generations grow",
            Self::Progress => "progress: without faults everything settles",
            Self::Engine => "the engine's books are right, and it opens what it wrote",
            Self::Panic => "nothing panics",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {}", self.promise, self.what)
    }
}

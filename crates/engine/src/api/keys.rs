//! Handles: what a name was resolved to, once, so that no station looks a string up again.

/// One connection's session, as its owner numbers them. Opaque to the engine; never reused while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u64);

impl SessionKey {
    /// No session: what the engine does by itself.
    pub const NOBODY: Self = Self(u64::MAX);
}

/// Where an answer goes: a session, and the place in that session's table of open requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// The session that asked.
    pub session: SessionKey,
    /// The session's own number for the request.
    pub slot: u32,
}

impl Tag {
    /// The slot of a request whose answer nobody waits for.
    pub const QUIET: u32 = u32::MAX;
}

/// An identity, while this process runs. A stale key (its identity has ended) is refused, never confused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey(pub u64);

/// A log (a mailbox or a durable room), while this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogKey(pub u64);

/// An outbox of an identity, while this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboxKey(pub u64);

/// One reader of a log: a device of the mailbox's identity, or a member of a durable room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReaderKey {
    /// The log it reads.
    pub log: LogKey,
    /// Its number among the log's readers.
    pub index: u16,
}

//! What a step has made of messages that wait: counts for the log, since a session writes no line itself.

/// Messages of one step. *Archived*: known to wait from now on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Accepted for recipients who are away.
    pub away: usize,
    /// Not acknowledged in time.
    pub late: usize,
    /// Not acknowledged before this connection ended: archived, unless another has them too.
    pub left: usize,
    /// Archived before, and delivered now.
    pub handed_over: usize,
}

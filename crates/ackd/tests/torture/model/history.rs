//! What happened to one message, small enough to keep for all of them.

use std::fmt;
use std::time::Duration;

/// One entry of a message's history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    at_us: u64,
    /// The number of kills before it.
    run: u32,
    what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Sent,
    Accepted { dup: bool },
    Refused { is_final: bool },
    Delivered { connection: u32, seq: u64, attempt: u32 },
    Acked { connection: u32 },
}

impl Event {
    pub(crate) fn new(at: Duration, run: usize, what: What) -> Self {
        Self { at_us: at.as_micros() as u64, run: run as u32, what }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ms, us) = (self.at_us / 1000, self.at_us % 1000);
        write!(f, "{ms:>7}.{us:03} ms, {} kills: ", self.run)?;
        match self.what {
            What::Sent => write!(f, "sent"),
            What::Accepted { dup: false } => write!(f, "accepted"),
            What::Accepted { dup: true } => write!(f, "accepted, dup"),
            What::Refused { is_final: true } => write!(f, "refused"),
            What::Refused { is_final: false } => write!(f, "refused for now"),
            What::Delivered { connection, seq, attempt } => {
                write!(f, "delivered on connection {connection}, seq {seq}, attempt {attempt}")
            }
            What::Acked { connection } => write!(f, "acked on connection {connection}"),
        }
    }
}

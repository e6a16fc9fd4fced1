//! What a client has acknowledged in one step, for figures: when each message was accepted. What was accepted at one time
//! is mostly acknowledged together, so it is kept as runs.

use ackd_wire::Millis;
use smallvec::SmallVec;

/// Times of acceptance, each with how many messages it is of.
#[derive(Debug, Default)]
pub struct Acked {
    runs: SmallVec<[(Millis, u32); 2]>,
}

impl Acked {
    /// One more message, accepted at this time.
    pub(super) fn push(&mut self, at: Millis) {
        match self.runs.last_mut() {
            Some((last, count)) if *last == at => *count += 1,
            _ => self.runs.push((at, 1)),
        }
    }

    /// Times of acceptance and numbers of messages, in the order of the acks.
    pub fn runs(&self) -> &[(Millis, u32)] {
        &self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_are_one_run() {
        let mut acked = Acked::default();
        for at in [5, 5, 7, 5] {
            acked.push(at);
        }
        assert_eq!(acked.runs(), [(5, 2), (7, 1), (5, 1)]);
    }
}

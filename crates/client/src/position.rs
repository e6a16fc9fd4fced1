//! Up to where the application has processed its mailbox: what `connect` says of it. Pure.

use ackd_wire::Seq;

/// A place in one epoch of the mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// As the server named it; opaque.
    epoch: Option<String>,
    acked: Seq,
    /// Smallest and largest `seq` whose `reject` the server may not have heard: an `acked` from there on would turn the
    /// reject into an ack.
    rejected: Option<(Seq, Seq)>,
}

impl Position {
    /// A position that a file remembers.
    pub(crate) fn new(epoch: String, acked: Seq) -> Self {
        Self { epoch: Some(epoch), acked, rejected: None }
    }

    /// The epoch, and up to where in it all is processed; `None` where no epoch is known.
    pub(crate) fn known(&self) -> Option<(&str, Seq)> {
        let acked = self.rejected.map_or(self.acked, |(first, _)| self.acked.min(first - 1));
        self.epoch.as_deref().map(|epoch| (epoch, acked))
    }

    /// The server said where the mailbox stands; whether this is another epoch than before.
    pub(crate) fn connected(&mut self, epoch: &str, acked: Seq) -> bool {
        if self.epoch.as_deref() != Some(epoch) {
            *self = Self::new(epoch.to_owned(), acked);
            return true;
        }
        self.acked = self.acked.max(acked);
        self.rejected = match self.rejected {
            Some((_, last)) if last <= acked => None,
            Some((first, last)) => Some((first.max(acked + 1), last)),
            None => None,
        };
        false
    }

    /// All up to here is processed.
    pub(crate) fn acked(&mut self, seq: Seq) {
        self.acked = self.acked.max(seq);
    }

    /// The message at this place is rejected.
    pub(crate) fn rejected(&mut self, seq: Seq) {
        let (first, last) = self.rejected.unwrap_or((seq, seq));
        self.rejected = Some((first.min(seq), last.max(seq)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_within_an_epoch_and_starts_anew_with_the_next() {
        let mut position = Position::default();
        assert_eq!(position.known(), None);
        assert!(position.connected("e", 3));
        position.acked(7);
        position.acked(5);
        assert!(!position.connected("e", 6));
        assert_eq!(position.known(), Some(("e", 7)));
        assert!(!position.connected("e", 8));
        assert_eq!(position.known(), Some(("e", 8)));
        assert!(position.connected("f", 1));
        assert_eq!(position.known(), Some(("f", 1)));
    }

    #[test]
    fn it_stays_before_what_was_rejected_until_the_server_has_settled_that() {
        let mut position = Position::new("e".to_owned(), 3);
        position.rejected(6);
        position.rejected(5);
        position.acked(9);
        assert_eq!(position.known(), Some(("e", 4)));
        position.connected("e", 5);
        assert_eq!(position.known(), Some(("e", 5)), "6 may still be open");
        position.connected("e", 6);
        assert_eq!(position.known(), Some(("e", 9)));
    }
}

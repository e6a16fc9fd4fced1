//! What the client has received, over all connections: which deliveries are new to the application, and what is to be
//! acknowledged. Pure.

use ackd_wire::{MessageId, Seq};

use crate::event::AckKey;
use crate::inflight::Inflight;
use crate::position::Position;
use crate::recent::{Key, Known, Recent};

/// The state of receiving.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    recent: Recent,
    inflight: Inflight,
    position: Position,
    rejects: Vec<MessageId>,
    /// What has changed since [`Reading::take_notes`].
    notes: Vec<Note>,
}

/// Something to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// All of this epoch up to here is processed.
    Acked { epoch: String, seq: Seq },
    /// The application is done with a message.
    Done(MessageId),
    /// The application has rejected a message.
    Rejected(MessageId),
    /// The application has failed so often with a message.
    Failed(MessageId, u32),
}

/// What is to be said.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Rejects go first: an ack "up to" may pass over them.
    pub(crate) rejects: Vec<MessageId>,
    /// All of the mailbox up to here is processed.
    pub(crate) up_to: Option<Seq>,
    /// And these.
    pub(crate) ids: Vec<MessageId>,
}

impl Reading {
    /// What was remembered, oldest first.
    pub(crate) fn restore(notes: impl IntoIterator<Item = Note>) -> Self {
        let mut reading = Self::default();
        for note in notes {
            match note {
                Note::Acked { epoch, seq } => reading.position = Position::new(epoch, seq),
                Note::Done(id) => reading.recent.set(Key::Id(id), Known::Done),
                Note::Rejected(id) => reading.recent.set(Key::Id(id), Known::Rejected),
                Note::Failed(id, failures) => reading.recent.set_failures(id, failures),
            }
        }
        reading
    }

    /// Epoch and place that `connect` says.
    pub(crate) fn position(&self) -> Option<(&str, Seq)> {
        self.position.known()
    }

    /// There is a new connection: nothing was delivered on it yet.
    pub(crate) fn opened(&mut self) {
        self.inflight = Inflight::default();
        self.rejects.clear(); // what was not heard comes again, and is rejected again
    }

    /// The server said where the mailbox stands.
    pub(crate) fn connected(&mut self, epoch: &str, acked: Seq) {
        if self.position.connected(epoch, acked) {
            self.recent.forget_lost();
        }
        self.note_position();
    }

    /// A message or receipt came, with its place in the mailbox where it has one; whether it is new.
    pub(crate) fn deliver(&mut self, id: MessageId, seq: Option<Seq>) -> bool {
        if let Some(seq) = seq {
            self.inflight.deliver(seq, id);
        }
        match self.recent.deliver(Key::Id(id)) {
            None => return true,
            // It was not heard: it is said again.
            Some(Known::Done) => self.inflight.done(id),
            Some(Known::Rejected) => self.say_reject(id),
            Some(Known::Handed | Known::Wanted) => {}
        }
        false
    }

    /// A `lost` of the mailbox came; whether it is new.
    pub(crate) fn deliver_lost(&mut self, from: Seq, to: Seq) -> bool {
        self.inflight.deliver_lost(to);
        let known = self.recent.deliver(Key::Lost { from, to });
        if known == Some(Known::Done) {
            self.inflight.done_seq(to);
        }
        known.is_none()
    }

    /// The application is done with something.
    pub(crate) fn ack(&mut self, key: AckKey) {
        match key {
            AckKey::Id(id) => {
                self.recent.set(Key::Id(id), Known::Done);
                self.inflight.done(id);
                self.notes.push(Note::Done(id));
            }
            AckKey::Lost { from, to } => {
                self.recent.set(Key::Lost { from, to }, Known::Done);
                self.inflight.done_seq(to);
            }
        }
    }

    /// The application could not process a message this time: its redelivery is handed over again.
    pub(crate) fn release(&mut self, id: MessageId) {
        self.recent.set(Key::Id(id), Known::Wanted);
    }

    /// The application has failed with a message: with the `most`th time it is rejected, before that released. Whether
    /// it is rejected.
    pub(crate) fn fail(&mut self, id: MessageId, most: Option<u32>) -> bool {
        let failures = self.recent.failed(id);
        if most.is_some_and(|most| most <= failures) {
            self.reject(id);
            return true;
        }
        self.release(id);
        self.notes.push(Note::Failed(id, failures));
        false
    }

    /// The application can never process a message.
    pub(crate) fn reject(&mut self, id: MessageId) {
        self.recent.set(Key::Id(id), Known::Rejected);
        self.notes.push(Note::Rejected(id));
        self.say_reject(id);
    }

    /// Takes what is to be said.
    pub(crate) fn take(&mut self) -> Verdicts {
        let acks = self.inflight.take();
        if let Some(seq) = acks.up_to {
            self.position.acked(seq);
            self.note_position();
        }
        let rejects = std::mem::take(&mut self.rejects);
        Verdicts { rejects, up_to: acks.up_to, ids: acks.ids }
    }

    /// Takes what has changed.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Everything that is worth remembering, oldest first.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let position = self.position.known();
        let position = position.map(|(epoch, seq)| Note::Acked { epoch: epoch.to_owned(), seq });
        let recent = self.recent.iter().filter_map(|(key, entry)| match (key, entry.state) {
            (Key::Id(id), Known::Done) => Some(Note::Done(id)),
            (Key::Id(id), Known::Rejected) => Some(Note::Rejected(id)),
            (Key::Id(id), _) if 0 < entry.failures => Some(Note::Failed(id, entry.failures)),
            _ => None,
        });
        position.into_iter().chain(recent).collect()
    }

    fn say_reject(&mut self, id: MessageId) {
        self.rejects.push(id);
        if let Some(seq) = self.inflight.rejected(id) {
            self.position.rejected(seq);
        }
    }

    fn note_position(&mut self) {
        if let Some((epoch, seq)) = self.position.known() {
            let note = Note::Acked { epoch: epoch.to_owned(), seq };
            match self.notes.last_mut() {
                Some(last @ Note::Acked { .. }) => *last = note,
                _ => self.notes.push(note),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u8) -> MessageId {
        MessageId([number; 16])
    }

    fn connected() -> Reading {
        let mut reading = Reading::default();
        reading.connected("e", 0);
        reading
    }

    fn said(reading: &mut Reading) -> (Vec<MessageId>, Option<Seq>, Vec<MessageId>) {
        let verdicts = reading.take();
        (verdicts.rejects, verdicts.up_to, verdicts.ids)
    }

    #[test]
    fn what_is_done_is_not_handed_over_again_and_acknowledged_again() {
        let mut reading = connected();
        assert!(reading.deliver(id(1), Some(1)));
        reading.ack(AckKey::Id(id(1)));
        assert_eq!(said(&mut reading), (vec![], Some(1), vec![]));
        reading.opened();
        assert!(!reading.deliver(id(1), Some(1)));
        assert_eq!(said(&mut reading), (vec![], Some(1), vec![]));
    }

    #[test]
    fn a_reject_that_was_not_heard_is_repeated_and_never_becomes_an_ack() {
        let mut reading = connected();
        reading.deliver(id(1), Some(1));
        reading.deliver(id(2), Some(2));
        reading.reject(id(1));
        reading.ack(AckKey::Id(id(2)));
        assert_eq!(said(&mut reading), (vec![id(1)], Some(2), vec![]));
        assert_eq!(reading.position(), Some(("e", 0)), "the reject may be lost on its way");
        reading.opened();
        reading.connected("e", 0);
        assert!(!reading.deliver(id(1), Some(1)));
        assert_eq!(said(&mut reading), (vec![id(1)], Some(1), vec![]));
        reading.connected("e", 2);
        assert_eq!(reading.position(), Some(("e", 2)));
    }

    #[test]
    fn with_the_last_failure_a_message_is_rejected() {
        let mut reading = connected();
        for failure in 1..=3 {
            assert!(reading.deliver(id(1), Some(1)), "failure {failure}");
            assert_eq!(reading.fail(id(1), Some(3)), failure == 3);
        }
        assert!(!reading.deliver(id(1), Some(1)));
        assert_eq!(reading.take().rejects, [id(1), id(1)]);
        assert!(reading.deliver(id(2), Some(2)));
        assert!(!reading.fail(id(2), None));
    }

    #[test]
    fn a_lost_is_told_once_in_its_epoch() {
        let mut reading = connected();
        assert!(reading.deliver_lost(2, 9));
        assert!(!reading.deliver_lost(2, 9));
        reading.ack(AckKey::Lost { from: 2, to: 9 });
        assert_eq!(said(&mut reading), (vec![], Some(9), vec![]));
        reading.opened();
        assert!(!reading.deliver_lost(2, 9));
        assert_eq!(said(&mut reading), (vec![], Some(9), vec![]));
        reading.connected("f", 0);
        assert!(reading.deliver_lost(2, 9));
    }

    #[test]
    fn what_is_remembered_restores_what_is_known() {
        let mut reading = connected();
        for number in 1..=5 {
            reading.deliver(id(number), Some(number.into()));
        }
        reading.ack(AckKey::Id(id(1)));
        reading.ack(AckKey::Id(id(2)));
        reading.fail(id(3), None);
        reading.reject(id(4));
        reading.take();
        let mut notes = reading.take_notes();
        assert!(reading.take_notes().is_empty());
        for _ in 0..2 {
            let mut again = Reading::restore(notes);
            assert_eq!(again.position(), Some(("e", 2)));
            again.connected("e", 2);
            let new: Vec<_> = (1..=5).filter(|number| again.deliver(id(*number), None)).collect();
            assert_eq!(new, [3, 5]);
            assert!(again.fail(id(3), Some(2)), "it has failed before");
            // What is written anew says the same as what grew.
            notes = reading.notes();
        }
    }
}

//! Numbered sends and their answers. Pure: knows neither socket nor clock nor file.
//!
//! Every send has a number; what is unanswered is sent again, in order, after a reconnect, and after a refusal that
//! passes. `T` is whatever waits for the answer.

use std::collections::BTreeMap;

use ackd_wire::limits::UNANSWERED_MAX;
use ackd_wire::{ErrorCode, Name};

use crate::outgoing::Outgoing;

/// One outbox: a name, and the sends that the server has not answered.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    name: Name,
    next: u64,
    /// Every number is below `next`, and at most 1,023 beyond the first.
    unanswered: BTreeMap<u64, Unanswered<T>>,
}

#[derive(Debug)]
struct Unanswered<T> {
    outgoing: Outgoing,
    /// Gone after a restart: then nobody asks any more.
    waiting: Option<T>,
    /// Whether it has to go out (again) on this connection.
    due: bool,
}

/// What becomes of a number that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    /// It is sent again after a pause.
    Passing,
    /// Another connection has the outbox: this one is done.
    Taken,
    /// Finally; whoever waits is to be told.
    Final(Option<T>),
}

impl<T> Outbox<T> {
    /// A new outbox.
    pub(crate) fn new(name: Name) -> Self {
        Self { name, next: 1, unanswered: BTreeMap::new() }
    }

    /// An outbox that was remembered, with what was unanswered then.
    pub(crate) fn restore(name: Name, next: u64, unanswered: Vec<(u64, Outgoing)>) -> Self {
        let last = unanswered.last().map_or(0, |(n, _)| *n);
        let entry = |outgoing| Unanswered { outgoing, waiting: None, due: true };
        let unanswered = unanswered.into_iter().map(|(n, outgoing)| (n, entry(outgoing))).collect();
        Self { name, next: next.max(last + 1), unanswered }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// The number that the next send will have.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Whether one more may be numbered: never more than 1,023 beyond the oldest unanswered.
    pub(crate) fn has_room(&self) -> bool {
        self.unanswered.keys().next().is_none_or(|oldest| self.next - oldest < UNANSWERED_MAX)
    }

    /// Whether every send is answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Numbers a send. Only while there is room.
    pub(crate) fn push(&mut self, outgoing: Outgoing, waiting: T) -> u64 {
        assert!(self.has_room(), "the caller asks for room first");
        let n = self.next;
        self.next += 1;
        self.unanswered.insert(n, Unanswered { outgoing, waiting: Some(waiting), due: true });
        n
    }

    /// A new connection: everything unanswered goes out again.
    pub(crate) fn reconnected(&mut self) {
        for send in self.unanswered.values_mut() {
            send.due = true;
        }
    }

    /// Takes what has to go out, in order.
    pub(crate) fn take_due(&mut self) -> impl Iterator<Item = (u64, &Outgoing)> {
        self.unanswered.iter_mut().filter(|(_, send)| send.due).map(|(n, send)| {
            send.due = false;
            (*n, &send.outgoing)
        })
    }

    /// A number was accepted: who waits for it.
    pub(crate) fn accepted(&mut self, n: u64) -> Option<T> {
        self.unanswered.remove(&n)?.waiting
    }

    /// A number was refused.
    pub(crate) fn refused(&mut self, n: u64, code: ErrorCode) -> Refused<T> {
        if code == ErrorCode::OutboxTaken {
            return Refused::Taken;
        }
        if code.is_passing() {
            if let Some(send) = self.unanswered.get_mut(&n) {
                send.due = true;
            }
            return Refused::Passing;
        }
        Refused::Final(self.unanswered.remove(&n).and_then(|send| send.waiting))
    }

    /// Takes everyone who waits; the sends stay unanswered.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = T> {
        self.unanswered.values_mut().filter_map(|send| send.waiting.take())
    }

    /// What is unanswered, in order, to be remembered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = (u64, &Outgoing)> {
        self.unanswered.iter().map(|(n, send)| (*n, &send.outgoing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox<char> {
        Outbox::new(Name::parse_outbox("o").expect("a name"))
    }

    fn outgoing() -> Outgoing {
        Outgoing::to("ann").expect("an ID").text("hello")
    }

    fn due(outbox: &mut Outbox<char>) -> Vec<u64> {
        outbox.take_due().map(|(n, _)| n).collect()
    }

    #[test]
    fn sends_go_out_once_and_again_in_order_after_a_reconnect() {
        let mut outbox = outbox();
        for waiting in ['a', 'b', 'c'] {
            outbox.push(outgoing(), waiting);
        }
        assert_eq!(due(&mut outbox), [1, 2, 3]);
        assert!(due(&mut outbox).is_empty());
        assert_eq!(outbox.accepted(2), Some('b'));
        assert_eq!(outbox.accepted(2), None, "answered once");
        outbox.reconnected();
        assert_eq!(due(&mut outbox), [1, 3]);
    }

    #[test]
    fn a_passing_refusal_repeats_the_number_and_a_final_one_ends_it() {
        let mut outbox = outbox();
        outbox.push(outgoing(), 'a');
        outbox.push(outgoing(), 'b');
        outbox.push(outgoing(), 'c');
        assert_eq!(due(&mut outbox), [1, 2, 3]);
        assert_eq!(outbox.refused(3, ErrorCode::Gap), Refused::Passing);
        assert_eq!(outbox.refused(1, ErrorCode::StoreUnavailable), Refused::Passing);
        assert_eq!(outbox.refused(2, ErrorCode::MailboxFull), Refused::Final(Some('b')));
        assert_eq!(outbox.refused(1, ErrorCode::OutboxTaken), Refused::Taken);
        assert_eq!(due(&mut outbox), [1, 3], "in order");
    }

    #[test]
    fn no_number_runs_more_than_1023_past_the_oldest_unanswered() {
        let mut outbox = outbox();
        while outbox.has_room() {
            outbox.push(outgoing(), 'x');
        }
        assert_eq!(outbox.next(), 1_025, "1 to 1,024 are out: 1,023 past the oldest");
        outbox.accepted(2);
        assert!(!outbox.has_room(), "it is the oldest that counts");
        outbox.accepted(1);
        assert!(outbox.has_room());
    }

    #[test]
    fn a_remembered_outbox_goes_on_with_its_numbers() {
        let name = Name::parse_outbox("o").expect("a name");
        let mut outbox = Outbox::restore(name, 5, vec![(3, outgoing()), (7, outgoing())]);
        assert_eq!(due(&mut outbox), [3, 7]);
        assert_eq!(outbox.push(outgoing(), 'a'), 8);
        assert_eq!(outbox.accepted(3), None, "nobody waits for it");
        assert_eq!(outbox.unanswered().map(|(n, _)| n).collect::<Vec<_>>(), [7, 8]);
    }
}

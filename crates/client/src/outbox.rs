//! Numbered sends and their answers. Pure: knows neither socket nor clock nor file.
//!
//! Every send has a number; what is unanswered is sent again, in order, after a reconnect, and after a refusal that
//! passes. `T` is whatever waits for the answer.

use std::collections::BTreeMap;

use ackd_wire::Name;
use ackd_wire::limits::UNANSWERED_MAX;

use crate::outgoing::Outgoing;

/// One outbox: a name, and the sends that the server has not answered.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    name: Name,
    next: u64,
    /// Every number is below `next`, and at most 1,023 beyond the first.
    unanswered: BTreeMap<u64, Unanswered<T>>,
    /// Bytes of the bodies of those.
    body_bytes: usize,
    /// What has changed since [`Outbox::take_changes`].
    changes: OutboxChanges,
}

/// What has changed: to be written down before anything is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OutboxChanges {
    /// Numbers that were given.
    pub(crate) numbered: Vec<u64>,
    /// Numbers that were answered.
    pub(crate) answered: Vec<u64>,
}

#[derive(Debug)]
struct Unanswered<T> {
    outgoing: Outgoing,
    /// Gone after a restart: then nobody asks any more.
    waiting: Option<T>,
    /// Whether it has to go out (again) on this connection.
    due: bool,
}

/// Who learns of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered<T> {
    /// Whoever waits for it.
    Waiting(T),
    /// Nobody waits: an earlier process has sent it.
    Remembered(Outgoing),
    /// It was answered before.
    Before,
}

impl<T> Outbox<T> {
    /// A new outbox.
    pub(crate) fn new(name: Name) -> Self {
        Self::restore(name, 1, Vec::new())
    }

    /// An outbox that was remembered, with what was unanswered then.
    pub(crate) fn restore(name: Name, next: u64, unanswered: Vec<(u64, Outgoing)>) -> Self {
        let last = unanswered.last().map_or(0, |(n, _)| *n);
        let body_bytes = unanswered.iter().map(|(_, outgoing)| outgoing.body.len()).sum();
        let entry = |outgoing| Unanswered { outgoing, waiting: None, due: true };
        let unanswered = unanswered.into_iter().map(|(n, outgoing)| (n, entry(outgoing))).collect();
        let changes = OutboxChanges::default();
        Self { name, next: next.max(last + 1), unanswered, body_bytes, changes }
    }

    /// The server has accepted numbers up to `sent`. Whether one of them was never given here: the outbox was
    /// remembered anew from something older, or somebody else has used it. Its next number lies behind them all.
    pub(crate) fn is_behind(&mut self, sent: u64) -> bool {
        let is_behind = self.next <= sent;
        self.next = self.next.max(sent + 1);
        is_behind
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
        self.body_bytes += outgoing.body.len();
        self.changes.numbered.push(n);
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

    /// A number is answered for good: who learns of it.
    pub(crate) fn answered(&mut self, n: u64) -> Answered<T> {
        let Some(send) = self.unanswered.remove(&n) else { return Answered::Before };
        self.body_bytes -= send.outgoing.body.len();
        self.changes.answered.push(n);
        send.waiting.map_or(Answered::Remembered(send.outgoing), Answered::Waiting)
    }

    /// A number was refused for a reason that passes: it goes out again.
    pub(crate) fn refused_for_now(&mut self, n: u64) {
        if let Some(send) = self.unanswered.get_mut(&n) {
            send.due = true;
        }
    }

    /// Takes what has changed.
    pub(crate) fn take_changes(&mut self) -> OutboxChanges {
        std::mem::take(&mut self.changes)
    }

    /// Bytes of the bodies of what is unanswered.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// An unanswered send.
    pub(crate) fn get(&self, n: u64) -> Option<&Outgoing> {
        self.unanswered.get(&n).map(|send| &send.outgoing)
    }

    /// Who waits for the answer to a number.
    pub(crate) fn waiting_mut(&mut self, n: u64) -> Option<&mut T> {
        self.unanswered.get_mut(&n)?.waiting.as_mut()
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
        assert_eq!(outbox.answered(2), Answered::Waiting('b'));
        assert_eq!(outbox.answered(2), Answered::Before, "answered once");
        outbox.reconnected();
        assert_eq!(due(&mut outbox), [1, 3]);
    }

    #[test]
    fn a_passing_refusal_repeats_the_number_and_an_answer_ends_it() {
        let mut outbox = outbox();
        outbox.push(outgoing(), 'a');
        outbox.push(outgoing(), 'b');
        outbox.push(outgoing(), 'c');
        assert_eq!(due(&mut outbox), [1, 2, 3]);
        outbox.refused_for_now(3);
        outbox.refused_for_now(1);
        outbox.answered(2);
        outbox.refused_for_now(2);
        assert_eq!(due(&mut outbox), [1, 3], "in order");
    }

    #[test]
    fn no_number_runs_more_than_1023_past_the_oldest_unanswered() {
        let mut outbox = outbox();
        while outbox.has_room() {
            outbox.push(outgoing(), 'x');
        }
        assert_eq!(outbox.next(), 1_025, "1 to 1,024 are out: 1,023 past the oldest");
        outbox.answered(2);
        assert!(!outbox.has_room(), "it is the oldest that counts");
        outbox.answered(1);
        assert!(outbox.has_room());
    }

    #[test]
    fn a_remembered_outbox_goes_on_with_its_numbers() {
        let name = Name::parse_outbox("o").expect("a name");
        let mut outbox = Outbox::restore(name, 5, vec![(3, outgoing()), (7, outgoing())]);
        assert_eq!(due(&mut outbox), [3, 7]);
        assert_eq!(outbox.push(outgoing(), 'a'), 8);
        assert_eq!(outbox.answered(3), Answered::Remembered(outgoing()), "nobody waits for it");
        assert_eq!(outbox.unanswered().map(|(n, _)| n).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn numbers_that_the_server_knows_and_the_outbox_does_not_are_never_given_again() {
        let name = Name::parse_outbox("o").expect("a name");
        let mut outbox = Outbox::restore(name, 5, vec![(3, outgoing())]);
        assert!(!outbox.is_behind(4));
        assert!(outbox.is_behind(9));
        assert_eq!(outbox.push(outgoing(), 'a'), 10);
        assert_eq!(due(&mut outbox), [3, 10]);
    }

    #[test]
    fn changes_are_taken_once() {
        let mut outbox = outbox();
        outbox.push(outgoing(), 'a');
        outbox.push(outgoing(), 'b');
        outbox.answered(1);
        let changes = outbox.take_changes();
        assert_eq!((&changes.numbered[..], &changes.answered[..]), (&[1, 2][..], &[1][..]));
        assert_eq!(outbox.take_changes(), OutboxChanges::default());
        assert_eq!(outbox.body_bytes(), r#""hello""#.len());
    }
}

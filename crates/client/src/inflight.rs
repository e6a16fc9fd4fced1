//! What one connection has been sent and has not acknowledged. Turns what the application is done with into few acks:
//! one for all up to a `seq` where there is no gap, else by ID. Pure; made anew with every connection.

use std::collections::{BTreeMap, HashMap};

use ackd_wire::{MessageId, Seq};

/// Deliveries of one connection.
#[derive(Debug, Default)]
pub(crate) struct Inflight {
    /// Of the mailbox, by the last `seq` of each (a `lost` covers several).
    open: BTreeMap<Seq, Entry>,
    seqs: HashMap<MessageId, Seq>,
    /// Without a place in the mailbox, and done.
    done_ids: Vec<MessageId>,
}

#[derive(Debug)]
struct Entry {
    id: Option<MessageId>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
    /// Acknowledged by ID already.
    Told,
}

/// Acks that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acks {
    /// All of the mailbox up to here.
    pub(crate) up_to: Option<Seq>,
    /// And these.
    pub(crate) ids: Vec<MessageId>,
}

impl Inflight {
    /// A message or receipt of the mailbox came.
    pub(crate) fn deliver(&mut self, seq: Seq, id: MessageId) {
        self.seqs.insert(id, seq);
        let entry = self.open.entry(seq).or_insert(Entry { id: Some(id), state: State::Open });
        // It came again although an ack by ID is under way: tell it again.
        if entry.state == State::Told {
            entry.state = State::Done;
        }
    }

    /// A `lost` that ends with `to` came.
    pub(crate) fn deliver_lost(&mut self, to: Seq) {
        self.open.entry(to).or_insert(Entry { id: None, state: State::Open });
    }

    /// The application is done with a message.
    pub(crate) fn done(&mut self, id: MessageId) {
        match self.seqs.get(&id) {
            Some(seq) => self.done_seq(*seq),
            None => self.done_ids.push(id),
        }
    }

    /// The application is done with what ends at `seq`.
    pub(crate) fn done_seq(&mut self, seq: Seq) {
        if let Some(entry) = self.open.get_mut(&seq)
            && entry.state == State::Open
        {
            entry.state = State::Done;
        }
    }

    /// Takes the acks that are due. A `lost` with something open before it has to wait: only a `seq` settles it.
    pub(crate) fn take(&mut self) -> Acks {
        let mut acks = Acks { up_to: None, ids: std::mem::take(&mut self.done_ids) };
        while let Some(first) = self.open.first_entry() {
            if first.get().state == State::Open {
                break;
            }
            acks.up_to = Some(*first.key());
            if let Some(id) = first.remove().id {
                self.seqs.remove(&id);
            }
        }
        for entry in self.open.values_mut().filter(|entry| entry.state == State::Done) {
            if let Some(id) = entry.id {
                entry.state = State::Told;
                acks.ids.push(id);
            }
        }
        acks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u8) -> MessageId {
        MessageId([number; 16])
    }

    fn acks(up_to: Option<Seq>, ids: &[u8]) -> Acks {
        Acks { up_to, ids: ids.iter().map(|number| id(*number)).collect() }
    }

    fn delivered(seqs: &[u8]) -> Inflight {
        let mut inflight = Inflight::default();
        for seq in seqs {
            inflight.deliver((*seq).into(), id(*seq));
        }
        inflight
    }

    #[test]
    fn what_is_done_in_order_is_acknowledged_at_once() {
        let mut inflight = delivered(&[1, 2, 5, 6]);
        for number in [1, 2, 5] {
            inflight.done(id(number));
        }
        assert_eq!(inflight.take(), acks(Some(5), &[]));
        assert_eq!(inflight.take(), acks(None, &[]));
    }

    #[test]
    fn behind_something_open_acks_go_by_id_until_it_is_done() {
        let mut inflight = delivered(&[1, 2, 3]);
        inflight.done(id(3));
        assert_eq!(inflight.take(), acks(None, &[3]));
        assert_eq!(inflight.take(), acks(None, &[]), "told once");
        inflight.deliver(3, id(3));
        assert_eq!(inflight.take(), acks(None, &[3]), "and again if it comes again");
        inflight.done(id(1));
        inflight.done(id(2));
        assert_eq!(inflight.take(), acks(Some(3), &[]));
    }

    #[test]
    fn a_lost_waits_for_what_is_before_it() {
        let mut inflight = delivered(&[1]);
        inflight.deliver_lost(9);
        inflight.done_seq(9);
        assert_eq!(inflight.take(), acks(None, &[]));
        inflight.done(id(1));
        assert_eq!(inflight.take(), acks(Some(9), &[]));
    }

    #[test]
    fn what_has_no_seq_on_this_connection_is_acknowledged_by_id() {
        let mut inflight = delivered(&[1]);
        inflight.done(id(7));
        assert_eq!(inflight.take(), acks(None, &[7]));
    }
}

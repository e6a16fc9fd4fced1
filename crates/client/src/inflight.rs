//! What one connection has been sent of the mailbox and has not acknowledged. Turns what the application is done with
//! into few acks: one for all up to a `seq` where there is no gap, else by ID. Pure; made anew with every connection.

use std::collections::{BTreeMap, HashMap};

use ackd_wire::{MessageId, Seq};

/// Deliveries of one connection.
#[derive(Debug, Default)]
pub(crate) struct Inflight {
    /// By the last `seq` of each (a `lost` covers several). What is acknowledged by ID is taken out at once.
    open: BTreeMap<Seq, Entry>,
    seqs: HashMap<MessageId, Seq>,
    /// Without a place in the mailbox, and done.
    done_ids: Vec<MessageId>,
    /// Something that is open still was put out of `open`: nothing may be acknowledged "up to" any more.
    by_id_only: bool,
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
    /// The `reject` says it; an ack up to here or beyond changes nothing.
    Rejected,
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
        self.insert(seq, Some(id));
    }

    /// A `lost` that ends with `to` came.
    pub(crate) fn deliver_lost(&mut self, to: Seq) {
        self.insert(to, None);
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
        if let Some(entry) = self.open.get_mut(&seq) {
            entry.state = State::Done;
        }
    }

    /// The application has rejected a message; its place, where it has one on this connection.
    pub(crate) fn rejected(&mut self, id: MessageId) -> Option<Seq> {
        let seq = *self.seqs.get(&id)?;
        self.open.get_mut(&seq)?.state = State::Rejected;
        Some(seq)
    }

    /// Takes the acks that are due. A `lost` with something open before it has to wait: only a `seq` settles it.
    pub(crate) fn take(&mut self) -> Acks {
        let mut acks = Acks { up_to: None, ids: std::mem::take(&mut self.done_ids) };
        while let Some(first) = self.open.first_entry() {
            if first.get().state == State::Open || self.by_id_only {
                break;
            }
            acks.up_to = Some(*first.key());
            if let Some(id) = first.remove().id {
                self.seqs.remove(&id);
            }
        }
        self.open.retain(|_, entry| match (entry.state, entry.id) {
            (State::Open, _) | (_, None) => true,
            (state, Some(id)) => {
                self.seqs.remove(&id);
                if state == State::Done {
                    acks.ids.push(id);
                }
                false
            }
        });
        acks
    }

    fn insert(&mut self, seq: Seq, id: Option<MessageId>) {
        self.open.entry(seq).or_insert(Entry { id, state: State::Open });
        // Only what ended on the server while the application kept it adds up here: it frees its place unseen.
        if OPEN_MAX < self.open.len()
            && let Some((_, entry)) = self.open.pop_first()
        {
            self.by_id_only = true;
            if let Some(id) = entry.id {
                self.seqs.remove(&id);
            }
        }
    }
}

/// Four of the largest windows.
const OPEN_MAX: usize = 4 * ackd_wire::limits::WINDOW_MAX as usize;

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
        inflight.done(id(3));
        assert_eq!(inflight.take(), acks(None, &[3]), "and again if it comes again");
        inflight.done(id(1));
        inflight.done(id(2));
        assert_eq!(inflight.take(), acks(Some(2), &[]));
        assert!(inflight.open.is_empty() && inflight.seqs.is_empty());
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

    #[test]
    fn what_is_rejected_holds_up_nothing() {
        let mut inflight = delivered(&[1, 2, 3, 4]);
        assert_eq!(inflight.rejected(id(1)), Some(1));
        assert_eq!(inflight.rejected(id(9)), None);
        inflight.done(id(2));
        assert_eq!(inflight.rejected(id(4)), Some(4));
        assert_eq!(inflight.take(), acks(Some(2), &[]));
        inflight.done(id(3));
        assert_eq!(inflight.take(), acks(Some(3), &[]));
        assert!(inflight.open.is_empty() && inflight.seqs.is_empty());
    }

    #[test]
    fn what_stays_open_for_good_is_bounded_and_never_acknowledged_by_the_way() {
        let mut inflight = Inflight::default();
        for seq in 1..=OPEN_MAX as u64 + 1 {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&seq.to_be_bytes());
            inflight.deliver(seq, MessageId(bytes));
        }
        assert_eq!((inflight.open.len(), inflight.seqs.len()), (OPEN_MAX, OPEN_MAX));
        let first = inflight.open.values().next().and_then(|entry| entry.id).expect("a message");
        inflight.done(first);
        assert_eq!(inflight.take(), Acks { up_to: None, ids: vec![first] });
    }
}

//! Which messages were handed over lately, so that a redelivery is seen once. Pure.

use std::collections::{HashMap, VecDeque};

use ackd_wire::MessageId;

/// A bounded memory of IDs; the oldest are forgotten.
#[derive(Debug)]
pub(crate) struct Recent {
    states: HashMap<MessageId, Seen>,
    /// `order.len() == states.len() <= IDS_MAX`, oldest first.
    order: VecDeque<MessageId>,
}

/// What is known of a delivery's ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not handed over yet, as far as is remembered.
    New,
    /// Handed over, not acknowledged by the application yet.
    Handed,
    /// Acknowledged by the application.
    Done,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Self { states: HashMap::new(), order: VecDeque::new() }
    }

    /// A delivery came: what was known of it. A new one counts as handed over from now on.
    pub(crate) fn deliver(&mut self, id: MessageId) -> Seen {
        if let Some(state) = self.states.get(&id) {
            return *state;
        }
        self.remember(id, Seen::Handed);
        Seen::New
    }

    /// The application is done with it.
    pub(crate) fn done(&mut self, id: MessageId) {
        match self.states.get_mut(&id) {
            Some(state) => *state = Seen::Done,
            None => self.remember(id, Seen::Done),
        }
    }

    /// The application is not done with it and wants it again: its next delivery is new.
    pub(crate) fn forget(&mut self, id: MessageId) {
        if self.states.remove(&id).is_some() {
            self.order.retain(|known| *known != id);
        }
    }

    fn remember(&mut self, id: MessageId, state: Seen) {
        if self.order.len() == IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
        self.order.push_back(id);
        self.states.insert(id, state);
    }
}

/// Four of the largest windows.
const IDS_MAX: usize = 4 * ackd_wire::limits::WINDOW_MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> MessageId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        MessageId(bytes)
    }

    #[test]
    fn a_message_is_new_once() {
        let mut recent = Recent::new();
        assert_eq!(recent.deliver(id(1)), Seen::New);
        assert_eq!(recent.deliver(id(1)), Seen::Handed);
        recent.done(id(1));
        assert_eq!(recent.deliver(id(1)), Seen::Done);
    }

    #[test]
    fn what_is_forgotten_is_new_again() {
        let mut recent = Recent::new();
        recent.deliver(id(1));
        recent.deliver(id(2));
        recent.forget(id(1));
        assert_eq!(recent.deliver(id(1)), Seen::New);
        assert_eq!(recent.deliver(id(2)), Seen::Handed);
        assert_eq!(recent.order.len(), 2);
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_is_forgotten() {
        let mut recent = Recent::new();
        for number in 0..=IDS_MAX {
            assert_eq!(recent.deliver(id(number)), Seen::New);
        }
        assert_eq!((recent.order.len(), recent.states.len()), (IDS_MAX, IDS_MAX));
        assert_eq!(recent.deliver(id(1)), Seen::Handed);
        assert_eq!(recent.deliver(id(0)), Seen::New);
    }
}

//! Which deliveries were handed over lately, and what became of them, so that a redelivery is seen once. Pure.

use std::collections::{HashMap, VecDeque};

use ackd_wire::{MessageId, Seq};

/// What is delivered, and known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A message or a receipt.
    Id(MessageId),
    /// A `lost` of the mailbox: known by its range.
    Lost {
        /// Its first `seq`.
        from: Seq,
        /// Its last.
        to: Seq,
    },
}

/// A bounded memory; of what is not in the application's hands the oldest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    entries: HashMap<Key, Entry>,
    /// `order.len() == entries.len() <= KEYS_MAX`, oldest first.
    order: VecDeque<Key>,
}

/// What is known of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) state: Known,
    /// How often the application has failed with it.
    pub(crate) failures: u32,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Given back by the application: to be handed over when it comes again.
    Wanted,
    /// Handed over, not acknowledged by the application yet.
    Handed,
    /// Acknowledged by the application.
    Done,
    /// Rejected by the application.
    Rejected,
}

impl Recent {
    /// A delivery came: what was known of it. `None`: it is new, and counts as handed over from now on.
    pub(crate) fn deliver(&mut self, key: Key) -> Option<Known> {
        match self.entries.get_mut(&key) {
            Some(entry) if entry.state != Known::Wanted => return Some(entry.state),
            Some(entry) => entry.state = Known::Handed,
            None => self.set(key, Known::Handed),
        }
        None
    }

    /// What is known of a delivery changes.
    pub(crate) fn set(&mut self, key: Key, state: Known) {
        self.entry(key).state = state;
    }

    /// The application has failed with a message once more; how often that makes.
    pub(crate) fn failed(&mut self, id: MessageId) -> u32 {
        let entry = self.entry(Key::Id(id));
        entry.failures = entry.failures.saturating_add(1);
        entry.failures
    }

    /// A number that a file remembers.
    pub(crate) fn set_failures(&mut self, id: MessageId, failures: u32) {
        let entry = self.entry(Key::Id(id));
        (entry.state, entry.failures) = (Known::Wanted, failures);
    }

    /// Places mean nothing any more: there is another epoch.
    pub(crate) fn forget_lost(&mut self) {
        self.order.retain(|key| matches!(key, Key::Id(_)));
        self.entries.retain(|key, _| matches!(key, Key::Id(_)));
    }

    /// Everything known, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Entry)> {
        self.order.iter().filter_map(|key| Some((*key, *self.entries.get(key)?)))
    }

    fn entry(&mut self, key: Key) -> &mut Entry {
        if !self.entries.contains_key(&key) {
            if self.order.len() == KEYS_MAX {
                self.forget_one();
            }
            self.order.push_back(key);
        }
        self.entries.entry(key).or_insert(Entry { state: Known::Wanted, failures: 0 })
    }

    /// Forgets the oldest that the application does not hold; if it holds all, the oldest.
    fn forget_one(&mut self) {
        let is_held = |key: &Key| self.entries.get(key).is_some_and(|e| e.state == Known::Handed);
        let oldest = self.order.iter().position(|key| !is_held(key)).unwrap_or(0);
        if let Some(key) = self.order.remove(oldest) {
            self.entries.remove(&key);
        }
    }
}

/// Four of the largest windows: what a server delivers again was in a window when it was acknowledged.
pub(crate) const KEYS_MAX: usize = 4 * ackd_wire::limits::WINDOW_MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> MessageId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        MessageId(bytes)
    }

    fn key(number: usize) -> Key {
        Key::Id(id(number))
    }

    #[test]
    fn a_message_is_new_once_and_again_when_it_is_given_back() {
        let mut recent = Recent::default();
        assert_eq!(recent.deliver(key(1)), None);
        assert_eq!(recent.deliver(key(1)), Some(Known::Handed));
        recent.set(key(1), Known::Wanted);
        assert_eq!(recent.deliver(key(1)), None);
        recent.set(key(1), Known::Done);
        assert_eq!(recent.deliver(key(1)), Some(Known::Done));
        assert_eq!(recent.order.len(), 1);
    }

    #[test]
    fn failures_are_counted_for_each_message() {
        let mut recent = Recent::default();
        recent.deliver(key(1));
        assert_eq!([recent.failed(id(1)), recent.failed(id(1)), recent.failed(id(2))], [1, 2, 1]);
        recent.set_failures(id(3), 7);
        assert_eq!(recent.failed(id(3)), 8);
        assert_eq!(recent.deliver(key(3)), None, "it is not in anybody's hands");
    }

    #[test]
    fn the_memory_is_bounded_and_what_is_in_the_applications_hands_stays_longest() {
        let mut recent = Recent::default();
        recent.deliver(key(0));
        for number in 1..=KEYS_MAX {
            assert_eq!(recent.deliver(key(number)), None);
            recent.set(key(number), Known::Done);
        }
        assert_eq!((recent.order.len(), recent.entries.len()), (KEYS_MAX, KEYS_MAX));
        assert_eq!(recent.deliver(key(0)), Some(Known::Handed));
        assert_eq!(recent.deliver(key(2)), Some(Known::Done));
        assert_eq!(recent.deliver(key(1)), None, "forgotten");
    }

    #[test]
    fn a_memory_full_of_what_is_held_forgets_the_oldest() {
        let mut recent = Recent::default();
        for number in 0..=KEYS_MAX {
            assert_eq!(recent.deliver(key(number)), None);
        }
        assert_eq!(recent.order.len(), KEYS_MAX);
        assert_eq!(recent.deliver(key(1)), Some(Known::Handed));
        assert_eq!(recent.deliver(key(0)), None);
    }

    #[test]
    fn ranges_are_forgotten_with_their_epoch() {
        let mut recent = Recent::default();
        let lost = Key::Lost { from: 1, to: 9 };
        recent.deliver(lost);
        recent.deliver(key(1));
        recent.forget_lost();
        assert_eq!(recent.iter().map(|(key, _)| key).collect::<Vec<_>>(), [key(1)]);
        assert_eq!(recent.deliver(lost), None);
    }
}

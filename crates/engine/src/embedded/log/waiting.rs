//! How much waits: messages, their bytes, and how many of each sender.

use super::RECEIPTS;

/// The counts.
#[derive(Debug, Default, Clone)]
pub(in crate::embedded) struct Waiting {
    pub(in crate::embedded) messages: u32,
    pub(in crate::embedded) bytes: u64,
    /// Of those, what receipts take.
    pub(in crate::embedded) receipt_bytes: u64,
    /// Number of each sender and its messages, ascending: nearly every mailbox has mail of few senders, and there may be
    /// millions of mailboxes.
    senders: Vec<(u64, u32)>,
}

impl Waiting {
    pub(in crate::embedded) fn add(&mut self, sender: u64, bytes: u64) {
        self.add_all(sender, 1, bytes);
    }

    pub(in crate::embedded) fn add_all(&mut self, sender: u64, messages: u32, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
        self.receipt_bytes += if sender == RECEIPTS { bytes } else { 0 };
        match self.place(sender) {
            Ok(place) => self.senders[place].1 += messages,
            Err(place) => {
                if self.senders.len() == self.senders.capacity() {
                    self.senders.reserve_exact(self.senders.len().max(1));
                }
                self.senders.insert(place, (sender, messages));
            }
        }
    }

    pub(in crate::embedded) fn remove(&mut self, sender: u64, bytes: u64) {
        self.messages -= 1;
        self.bytes -= bytes;
        self.receipt_bytes -= if sender == RECEIPTS { bytes } else { 0 };
        let Ok(place) = self.place(sender) else { return };
        self.senders[place].1 -= 1;
        if self.senders[place].1 == 0 {
            self.senders.remove(place);
        }
        if self.senders.is_empty() {
            self.senders.shrink_to(1);
        }
    }

    pub(in crate::embedded) fn of(&self, sender: u64) -> u32 {
        self.place(sender).map_or(0, |place| self.senders[place].1)
    }

    /// Each sender with its count, ascending.
    pub(in crate::embedded) fn senders(&self) -> Vec<(u64, u32)> {
        self.senders.clone()
    }

    fn place(&self, sender: u64) -> Result<usize, usize> {
        self.senders.binary_search_by_key(&sender, |(number, _)| *number)
    }

    /// Whether the counts by sender add up.
    pub(in crate::embedded) fn is_consistent(&self) -> bool {
        self.senders.iter().map(|(_, messages)| messages).sum::<u32>() == self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_counted_in_order_and_one_takes_one_place() {
        let mut waiting = Waiting::default();
        waiting.add(7, 10);
        assert_eq!(waiting.senders.capacity(), 1);
        for (sender, messages) in [(3, 2), (9, 1), (7, 4)] {
            waiting.add_all(sender, messages, 1);
        }
        assert_eq!(waiting.senders(), [(3, 2), (7, 5), (9, 1)]);
        assert_eq!((waiting.messages, waiting.bytes, waiting.of(7), waiting.of(8)), (8, 13, 5, 0));
        waiting.remove(9, 1);
        waiting.remove(3, 1);
        assert_eq!(waiting.senders(), [(3, 1), (7, 5)]);
        assert!(waiting.is_consistent());
        waiting.remove(3, 0);
        (0..5).for_each(|_| waiting.remove(7, 0));
        assert_eq!((waiting.messages, waiting.senders()), (0, Vec::new()));
        assert!(
            waiting.senders.capacity() <= 1,
            "an empty mailbox keeps no more than it will need"
        );
    }
}

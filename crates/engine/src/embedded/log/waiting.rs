//! How much waits: messages, their bytes, and how many of each sender.

use rustc_hash::FxHashMap;

/// The counts.
#[derive(Debug, Default, Clone)]
pub(in crate::embedded) struct Waiting {
    pub(in crate::embedded) messages: u32,
    pub(in crate::embedded) bytes: u64,
    /// By number of the sender.
    senders: FxHashMap<u64, u32>,
}

impl Waiting {
    pub(in crate::embedded) fn add(&mut self, sender: u64, bytes: u64) {
        self.add_all(sender, 1, bytes);
    }

    pub(in crate::embedded) fn add_all(&mut self, sender: u64, messages: u32, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
        *self.senders.entry(sender).or_default() += messages;
    }

    pub(in crate::embedded) fn remove(&mut self, sender: u64, bytes: u64) {
        self.messages -= 1;
        self.bytes -= bytes;
        if let Some(count) = self.senders.get_mut(&sender) {
            *count -= 1;
            if *count == 0 {
                self.senders.remove(&sender);
            }
        }
        if self.senders.is_empty() {
            self.senders.shrink_to_fit();
        }
    }

    pub(in crate::embedded) fn of(&self, sender: u64) -> u32 {
        self.senders.get(&sender).copied().unwrap_or(0)
    }

    /// Each sender with its count, ascending, so that the same state gives the same bytes.
    pub(in crate::embedded) fn senders(&self) -> Vec<(u64, u32)> {
        let mut senders: Vec<_> =
            self.senders.iter().map(|(number, count)| (*number, *count)).collect();
        senders.sort_unstable();
        senders
    }

    /// Whether the counts by sender add up.
    pub(in crate::embedded) fn is_consistent(&self) -> bool {
        self.senders.values().sum::<u32>() == self.messages
    }
}

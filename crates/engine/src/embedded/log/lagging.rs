//! Devices that lag: what one of them has settled and others have not. Limits count what no device has; for the others as
//! much again is kept, and beyond that the oldest of it ends.

use ackd_wire::Seq;

use super::{Log, RECEIPTS, Reader};
use crate::embedded::ranges::Ranges;

/// What counts for a mailbox's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Unacked {
    pub(in crate::embedded) messages: u64,
    /// Names and bodies. Of archived ones about right: their share.
    pub(in crate::embedded) bytes: u64,
    /// Those of one sender. Of archived ones at most so many.
    pub(in crate::embedded) sent: u64,
}

impl Log {
    /// Messages that no reader has settled, those of the forming group included; without receipts.
    pub(in crate::embedded) fn unacked(&self, sender: u64) -> Unacked {
        let ((messages, bytes), sent) = (self.messages(), self.sent_by(sender));
        if self.readers.len() < 2 {
            return Unacked { messages, bytes, sent };
        }
        let mut unacked = Unacked { messages: 0, bytes: 0, sent: 0 };
        for (from, to) in self.fresh().iter() {
            self.count_archived(from, to, sender, &mut unacked);
            let start = self.entries.partition_point(|entry| entry.message.seq < from);
            let entries = self.entries.range(start..);
            let messages = entries.filter(|entry| !entry.message.is_receipt());
            for entry in messages.take_while(|entry| entry.message.seq <= to) {
                unacked.messages += 1;
                unacked.bytes += entry.message.bytes();
                unacked.sent += u64::from(entry.sender == sender);
            }
        }
        self.with_forming(unacked, sender)
    }

    /// What is admitted and not stored yet is in no reader's hands. Of its bytes and senders only about is known.
    fn with_forming(&self, mut unacked: Unacked, sender: u64) -> Unacked {
        let (first, last) = (self.end + 1, self.next_seq - 1);
        let forming = last + 1 - first - self.gaps.count_within(first, last);
        let (messages, bytes) = self.in_memory();
        let share = u128::from(bytes) * u128::from(forming) / u128::from(messages.max(1));
        unacked.messages += forming;
        unacked.bytes += share as u64;
        unacked.sent += u64::from(self.in_memory.of(sender)).min(forming);
        unacked
    }

    /// What waits, for any reader.
    pub(in crate::embedded) fn waiting_ranges(&self) -> Ranges {
        let mut waiting = Ranges::default();
        let least = self.readers.iter().map(Reader::passed).min().unwrap_or(0);
        if least < self.end {
            waiting.insert_range(least + 1, self.end);
        }
        self.remove_over(least + 1, &mut waiting);
        waiting
    }

    /// What waits and no reader has settled.
    fn fresh(&self) -> Ranges {
        let mut fresh = self.waiting_ranges();
        for (from, to) in self.acked_by_any().iter() {
            fresh.remove_range(from, to);
        }
        fresh
    }

    /// What some reader has settled and another has not. What was there before a reader came it has not settled.
    fn acked_by_any(&self) -> Ranges {
        let least = self.readers.iter().map(Reader::passed).min().unwrap_or(0);
        let mut acked = Ranges::default();
        for reader in &self.readers {
            let start = reader.start.max(least) + 1;
            if start <= reader.position {
                acked.insert_range(start, reader.position);
            }
            for (from, to) in reader.beyond.within(least + 1, self.end) {
                acked.insert_range(from, to);
            }
        }
        acked
    }

    /// Takes what is over, and what never was, from `start` on out of a set of numbers.
    fn remove_over(&self, start: Seq, numbers: &mut Ranges) {
        for (from, to) in self.over_within(start, self.end).iter() {
            numbers.remove_range(from, to);
        }
        for (from, to) in self.gaps.within(start, self.end) {
            numbers.remove_range(from, to);
        }
    }

    /// What of a range of waiting numbers is in the archive.
    fn count_archived(&self, from: Seq, to: Seq, sender: u64, unacked: &mut Unacked) {
        let Some(archived) = self.archived().filter(|archived| from <= archived.to) else { return };
        let to = to.min(archived.to);
        let waiting = &archived.waiting;
        let there = u64::from(waiting.messages - waiting.of(RECEIPTS)).max(1);
        let messages = to + 1 - from - archived.receipts.count_within(from, to);
        let share = u128::from(waiting.bytes - waiting.receipt_bytes) * u128::from(messages);
        unacked.messages += messages;
        unacked.bytes += (share / u128::from(there)) as u64;
        unacked.sent += u64::from(waiting.of(sender)).min(messages);
    }

    /// The oldest messages, at most so many, that some reader has settled and others have not.
    pub(in crate::embedded) fn oldest_lagging(&self, most: usize) -> Vec<Seq> {
        let mut lagging = self.acked_by_any();
        if let Some(first) = lagging.first() {
            self.remove_over(first, &mut lagging);
        }
        lagging.iter().flat_map(|(from, to)| from..=to).take(most).collect()
    }
}

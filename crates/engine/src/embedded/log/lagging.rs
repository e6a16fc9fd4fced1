//! Devices that lag: what one of them has settled and others have not. Limits count what no device has; for the others as
//! much again is kept, and beyond that the oldest of it ends.

use ackd_wire::Seq;

use super::{Log, RECEIPTS};
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
        let (furthest, acked) = self.acked_by_any();
        let mut unacked = self.archived_unacked(sender, furthest, &acked);
        let start = self.entries.partition_point(|entry| entry.message.seq <= furthest);
        for entry in self.entries.range(start..) {
            if !acked.contains(entry.message.seq) && !entry.message.is_receipt() {
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

    /// Up to where some reader has settled everything, and what beyond some reader has.
    fn acked_by_any(&self) -> (Seq, Ranges) {
        let furthest = self.readers.iter().map(|reader| reader.position).max().unwrap_or(0);
        let mut acked = Ranges::default();
        for reader in &self.readers {
            for (from, to) in reader.beyond.within(furthest + 1, self.end) {
                acked.insert_range(from, to);
            }
        }
        (furthest, acked)
    }

    fn archived_unacked(&self, sender: u64, furthest: Seq, acked: &Ranges) -> Unacked {
        let mut unacked = Unacked { messages: 0, bytes: 0, sent: 0 };
        let Some(archived) = self.archived().filter(|archived| furthest < archived.to) else {
            return unacked;
        };
        let mut over = self.over_within(furthest + 1, archived.to);
        for (from, to) in acked.within(furthest + 1, archived.to) {
            over.insert_range(from, to);
        }
        for (from, to) in self.gaps.within(furthest + 1, archived.to) {
            over.insert_range(from, to);
        }
        let receipts = archived.receipts.within(furthest + 1, archived.to);
        receipts.for_each(|(from, to)| over.insert_range(from, to));
        unacked.messages = archived.to - furthest - over.count_within(furthest + 1, archived.to);
        let there = &archived.waiting;
        let bytes = there.bytes - there.receipt_bytes;
        let there = u64::from(there.messages - there.of(RECEIPTS)).max(1);
        let share = u128::from(bytes) * u128::from(unacked.messages);
        unacked.bytes = (share / u128::from(there)) as u64;
        unacked.sent = u64::from(archived.waiting.of(sender)).min(unacked.messages);
        unacked
    }

    /// The oldest messages, at most so many, that some reader has settled and others have not.
    pub(in crate::embedded) fn oldest_lagging(&self, most: usize) -> Vec<Seq> {
        let positions = || self.readers.iter().map(|reader| reader.position);
        let (Some(least), furthest) = (positions().min(), positions().max().unwrap_or(0)) else {
            return Vec::new();
        };
        let start = least + 1;
        let (_, mut lagging) = self.acked_by_any();
        if start <= furthest {
            lagging.insert_range(start, furthest);
        }
        for (from, to) in self.over_within(start, self.end).iter() {
            lagging.remove_range(from, to);
        }
        for (from, to) in self.gaps.within(start, self.end) {
            lagging.remove_range(from, to);
        }
        lagging.iter().flat_map(|(from, to)| from..=to).take(most).collect()
    }
}

//! The part of a log that is in the archive: how far it reaches, how much waits there, and what is settled there by now
//! and has to be taken out.

use std::collections::{BTreeMap, VecDeque};

use ackd_wire::{Millis, Seq};

use super::{Entry, Log, RECEIPTS, Waiting};
use crate::embedded::ranges::Ranges;
use crate::embedded::records::ArchivedRecord;

/// What has been moved to the archive.
#[derive(Debug, Default, Clone)]
pub(in crate::embedded) struct Archived {
    /// Of the messages up to here none is in memory: what waits of them is in the archive.
    pub(in crate::embedded) to: Seq,
    /// Of the messages up to here none is in the archive any more.
    pub(in crate::embedded) low: Seq,
    /// What is in the archive, what is settled but still there included.
    pub(in crate::embedded) waiting: Waiting,
    /// Numbers that are settled by all; their messages may still be there.
    pub(in crate::embedded) settled: Ranges,
    /// Messages there whose senders want receipts, settled ones included.
    pub(in crate::embedded) wanted: Ranges,
    /// Of those, the ones whose senders were not told that they wait.
    pub(in crate::embedded) untold: Ranges,
    /// Receipts that are there, settled ones included.
    pub(in crate::embedded) receipts: Ranges,
    /// Messages there whose senders were told since that they wait, and the receipts' places, as far as that is known.
    pub(super) told: BTreeMap<Seq, Seq>,
}

/// A message on its way from memory to the archive, or out of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Moved {
    pub(in crate::embedded) seq: Seq,
    pub(in crate::embedded) sender: u64,
    /// Names and body.
    pub(in crate::embedded) bytes: u64,
    /// Whether its sender wants a receipt.
    pub(in crate::embedded) wanted: bool,
    /// Whether its sender was told that it waits.
    pub(in crate::embedded) told: bool,
}

impl Log {
    /// Up to here messages are in the archive, if they wait.
    pub(in crate::embedded) fn archived_to(&self) -> Seq {
        self.archived.as_ref().map_or(0, |archived| archived.to)
    }

    /// Up to here the archive holds nothing of this log; all of it, if it never held anything.
    pub(super) fn archived_low(&self) -> Seq {
        self.archived.as_ref().map_or(Seq::MAX, |archived| archived.low)
    }

    pub(in crate::embedded) fn archived(&self) -> Option<&Archived> {
        self.archived.as_deref()
    }

    /// Archived messages that some reader has not settled: told from numbers alone.
    pub(in crate::embedded) fn archived_waiting(&self) -> u64 {
        let Some(archived) = &self.archived else { return 0 };
        if self.readers.len() == 1 {
            return self.archived_pending(0);
        }
        let (low, to) = (archived.low + 1, archived.to);
        let numbers = (to + 1).saturating_sub(low) - self.gaps.count_within(low, to);
        numbers - self.over_within(low, to).count_within(low, to)
    }

    /// Archived messages that this reader has not settled.
    pub(super) fn archived_pending(&self, index: u16) -> u64 {
        let (Some(archived), Some(reader)) = (&self.archived, self.readers.get(usize::from(index)))
        else {
            return 0;
        };
        let (start, end) = (reader.position.saturating_add(1), archived.to);
        if end < start {
            return 0;
        }
        end + 1
            - start
            - reader.beyond.count_within(start, end)
            - self.gaps.count_within(start, end)
            - self.count_lost_to(index, start, end)
    }

    pub(super) fn archived_bytes(&self) -> u64 {
        let Some(archived) = &self.archived else { return 0 };
        let there = u64::from(archived.waiting.messages);
        if archived.settled.is_empty() || there == 0 {
            return archived.waiting.bytes;
        }
        let waiting = self.archived_waiting().min(there);
        (u128::from(archived.waiting.bytes) * u128::from(waiting) / u128::from(there)) as u64
    }

    /// What of `start..=end` is over: settled by all readers, or lost; gaps are left out.
    pub(super) fn over_within(&self, start: Seq, end: Seq) -> Ranges {
        let mut settled = Ranges::default();
        if start <= end && !self.readers.is_empty() {
            settled.insert_range(start, end);
        }
        for reader in self.readers.iter().filter(|reader| !reader.gone) {
            let mut narrower = Ranges::default();
            for (from, to) in settled.iter() {
                if from <= reader.position {
                    narrower.insert_range(from, to.min(reader.position));
                }
                reader
                    .beyond
                    .within(from, to)
                    .for_each(|(from, to)| narrower.insert_range(from, to));
            }
            settled = narrower;
        }
        for (from, to) in self.lost.iter().flat_map(|lost| lost.within(start, end)) {
            settled.insert_range(from, to);
        }
        for (from, to) in self.gaps.within(start, end) {
            settled.remove_range(from, to);
        }
        settled
    }

    /// Remembers what of `start..=end` is to be taken out of the archive because all have settled it.
    pub(super) fn owe(&mut self, start: Seq, end: Seq) {
        let Some(archived) = &self.archived else { return };
        let (start, end) = (start.max(archived.low + 1), end.min(archived.to));
        if end < start {
            return;
        }
        let mut settled = self.over_within(start, end);
        for (from, to) in self.unreported.within(start, end) {
            settled.remove_range(from, to);
        }
        if let Some(archived) = &mut self.archived {
            settled.iter().for_each(|(from, to)| archived.settled.insert_range(from, to));
        }
    }

    /// Whether settled messages may still be in the archive.
    pub(in crate::embedded) fn owes(&self) -> bool {
        self.archived.as_ref().is_some_and(|archived| !archived.settled.is_empty())
    }

    /// After the journal was read: all that may have to be taken out.
    pub(in crate::embedded) fn owe_all(&mut self) {
        if let Some(archived) = &mut self.archived {
            archived.settled.clear();
            self.owe(0, Seq::MAX);
        }
    }

    /// What its record will say when these, ascending, are in the archive too.
    pub(in crate::embedded) fn archived_with(&self, moved: &[Moved]) -> ArchivedRecord {
        let mut archived = self.archived.as_deref().cloned().unwrap_or_default();
        archived.take(moved);
        archived.record(self.earliest)
    }

    /// These, ascending, are in the archive from now on. Up to the last of them nothing is left in memory.
    pub(in crate::embedded) fn moved(&mut self, moved: &[Moved]) {
        self.archived.get_or_insert_default().take(moved);
        for message in moved {
            let first = self.entries.front();
            if first.is_some_and(|entry| entry.message.seq == message.seq && entry.told != 0)
                && let Some(archived) = &mut self.archived
            {
                archived.untold.remove(message.seq); // it may have been told meanwhile
            }
            let first = self.entries.front();
            if first.is_some_and(|entry: &Entry| entry.message.seq == message.seq) {
                self.drop_entry(0);
            } else {
                // Settled meanwhile.
                self.owe(message.seq, message.seq);
            }
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new(); // whoever was so late may stay away
        }
    }

    /// What its record will say when these are out of the archive again, and nothing up to `low` is there.
    pub(in crate::embedded) fn archived_without(&self, gone: &[Moved], low: Seq) -> ArchivedRecord {
        let mut archived = self.archived.as_deref().cloned().unwrap_or_default();
        archived.give(gone, low);
        archived.record(self.earliest)
    }

    /// Up to where nothing will be in the archive when these settled numbers are out of it.
    pub(in crate::embedded) fn low_without(&self, ranges: &[(Seq, Seq)]) -> Seq {
        let Some(archived) = &self.archived else { return 0 };
        let (start, end) = (archived.low + 1, archived.to);
        let mut settled = self.over_within(start, end);
        for (from, to) in self.gaps.within(start, end) {
            settled.insert_range(from, to);
        }
        let mut left = archived.settled.clone();
        for (from, to) in ranges {
            left.remove_range(*from, *to);
        }
        for (from, to) in left.iter().chain(self.unreported.iter()) {
            settled.remove_range(from, to);
        }
        settled.end_of(start).unwrap_or(archived.low)
    }

    /// These are out of the archive, and of these settled ranges nothing is there.
    pub(in crate::embedded) fn reclaimed(
        &mut self,
        gone: &[Moved],
        ranges: &[(Seq, Seq)],
        low: Seq,
    ) {
        let Some(archived) = &mut self.archived else { return };
        archived.give(gone, low);
        for (start, end) in ranges {
            archived.settled.remove_range(*start, *end);
        }
    }

    /// What the archive said when the store was opened.
    pub(in crate::embedded) fn restore(&mut self, record: &ArchivedRecord) {
        let mut archived = Archived { to: record.to, low: record.low, ..Archived::default() };
        for (sender, messages) in &record.senders {
            archived.waiting.add_all(*sender, *messages, 0);
        }
        (archived.waiting.bytes, archived.waiting.receipt_bytes) =
            (record.bytes, record.receipt_bytes);
        archived.wanted = record.wanted.clone();
        archived.untold = record.untold.clone();
        archived.receipts = record.receipts.clone();
        self.stored_up_to(record.to);
        self.earliest = self.earliest.min(record.earliest);
        // The last one may be there alone.
        self.end = self.end.max(record.to);
        self.archived = (archived.to != 0).then(|| Box::new(archived));
    }

    pub(super) fn audit_archived(&self) -> Result<(), &'static str> {
        let Some(archived) = &self.archived else { return Ok(()) };
        if self.end < archived.to || archived.to < archived.low {
            return Err("the archived part has no right end");
        }
        if !archived.waiting.is_consistent() {
            return Err("the counts by sender of the archive are wrong");
        }
        if u64::from(archived.waiting.messages) < self.archived_waiting() {
            return Err("more messages wait than are in the archive");
        }
        let (low, to) = (archived.low + 1, archived.to);
        if self.over_within(low, to).iter().map(|(a, b)| b - a + 1).sum::<u64>()
            < archived.settled.iter().map(|(a, b)| b - a + 1).sum::<u64>()
        {
            return Err("more is taken for settled than is");
        }
        Ok(())
    }
}

impl Archived {
    fn take(&mut self, moved: &[Moved]) {
        for message in moved {
            self.waiting.add(message.sender, message.bytes);
            self.to = self.to.max(message.seq);
            if message.sender == RECEIPTS {
                self.receipts.insert(message.seq);
            }
            if message.wanted {
                self.wanted.insert(message.seq);
            }
            if message.wanted && !message.told {
                self.untold.insert(message.seq);
            }
        }
    }

    fn give(&mut self, gone: &[Moved], low: Seq) {
        for message in gone {
            self.waiting.remove(message.sender, message.bytes);
            for ranges in [&mut self.receipts, &mut self.wanted, &mut self.untold] {
                ranges.remove(message.seq);
            }
            self.told.remove(&message.seq);
        }
        self.low = self.low.max(low);
    }

    fn record(&self, earliest: Millis) -> ArchivedRecord {
        let Waiting { bytes, receipt_bytes, .. } = self.waiting;
        ArchivedRecord {
            low: self.low,
            to: self.to,
            bytes,
            receipt_bytes,
            earliest,
            senders: self.waiting.senders(),
            wanted: self.wanted.clone(),
            untold: self.untold.clone(),
            receipts: self.receipts.clone(),
        }
    }
}

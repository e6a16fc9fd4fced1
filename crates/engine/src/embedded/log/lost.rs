//! Messages that ended before all readers had them. Their numbers are kept until every reader has passed them, so that
//! each is told of them where they stood.

use ackd_wire::v1::EndReason;
use ackd_wire::{Millis, Seq};

use super::{Log, Reader};
use crate::api;
use crate::embedded::ranges::Ranges;

/// The numbers, by reason; no number has two.
#[derive(Debug, Default, Clone)]
pub(in crate::embedded) struct Lost {
    reasons: Vec<(EndReason, Ranges)>,
}

impl Lost {
    fn contains(&self, seq: Seq) -> bool {
        self.reasons.iter().any(|(_, ranges)| ranges.contains(seq))
    }

    fn insert(&mut self, reason: EndReason, start: Seq, end: Seq) {
        if let Some((_, ranges)) = self.reasons.iter_mut().find(|(other, _)| *other == reason) {
            return ranges.insert_range(start, end);
        }
        let mut ranges = Ranges::default();
        ranges.insert_range(start, end);
        self.reasons.push((reason, ranges));
    }

    /// The parts within `start..=end`.
    pub(super) fn within(&self, start: Seq, end: Seq) -> impl Iterator<Item = (Seq, Seq)> {
        self.reasons.iter().flat_map(move |(_, ranges)| ranges.within(start, end))
    }
}

impl Log {
    /// Whether the message of this number ended before all had it, and some reader has not passed it.
    pub(in crate::embedded) fn is_lost(&self, seq: Seq) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.contains(seq))
    }

    /// Whether nobody is given the message of this number any more.
    pub(in crate::embedded) fn is_over(&self, seq: Seq) -> bool {
        self.is_settled_by_all(seq) || self.is_lost(seq)
    }

    /// Whether anything is kept of what ended.
    pub(in crate::embedded) fn has_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Ends those of these messages that still wait. Which they are.
    pub(in crate::embedded) fn lose(&mut self, seqs: &[Seq], reason: EndReason) -> Vec<Seq> {
        let waits =
            |seq: &Seq| *seq <= self.end && !self.is_over(*seq) && self.gaps.end_of(*seq).is_none();
        let ended: Vec<Seq> = seqs.iter().copied().filter(waits).collect();
        for &seq in &ended {
            self.lost.get_or_insert_default().insert(reason, seq, seq);
            if let Ok(place) = self.place(seq) {
                self.drop_entry(place);
            }
            self.owe(seq, seq);
        }
        ended
    }

    /// A record says that these ended.
    pub(in crate::embedded) fn replay_lost(&mut self, reason: EndReason, which: &Ranges) {
        for (start, end) in which.iter() {
            self.lost.get_or_insert_default().insert(reason, start, end);
            self.drop_over(start, end);
        }
    }

    /// What ended and every reader has passed need not be told any more.
    pub(in crate::embedded) fn forget_lost(&mut self) {
        let Some(lost) = &mut self.lost else { return };
        let Some(passed) = self.readers.iter().map(Reader::passed).min() else { return };
        for (_, ranges) in &mut lost.reasons {
            ranges.remove_up_to(passed);
        }
        lost.reasons.retain(|(_, ranges)| !ranges.is_empty());
        if lost.reasons.is_empty() {
            self.lost = None;
        }
    }

    /// What of `start..=end` ended and this reader has not settled, ascending.
    pub(in crate::embedded) fn lost_to(&self, index: u16, start: Seq, end: Seq) -> Vec<api::Lost> {
        let (Some(lost), Some(reader)) = (&self.lost, self.readers.get(usize::from(index))) else {
            return Vec::new();
        };
        let start = start.max(reader.position.saturating_add(1));
        let mut found = Vec::new();
        for (reason, ranges) in &lost.reasons {
            let mut unsettled = Ranges::default();
            for (from, to) in ranges.within(start, end) {
                unsettled.insert_range(from, to);
            }
            for (from, to) in reader.beyond.within(start, end) {
                unsettled.remove_range(from, to);
            }
            let reason = *reason;
            found.extend(unsettled.iter().map(|(from, to)| api::Lost { from, to, reason }));
        }
        found.sort_unstable_by_key(|lost| lost.from);
        found
    }

    /// How many of `start..=end` ended and are not settled by this reader.
    pub(super) fn count_lost_to(&self, index: u16, start: Seq, end: Seq) -> u64 {
        let (Some(lost), Some(reader)) = (&self.lost, self.readers.get(usize::from(index))) else {
            return 0;
        };
        let start = start.max(reader.position.saturating_add(1));
        let parts = lost.within(start, end);
        parts.map(|(from, to)| to - from + 1 - reader.beyond.count_within(from, to)).sum()
    }

    /// The messages in memory behind `after` whose time is over.
    pub(in crate::embedded) fn expired(&self, after: Seq, now: Millis) -> Vec<Seq> {
        if now < self.earliest {
            return Vec::new();
        }
        let start = self.entries.partition_point(|entry| entry.message.seq <= after);
        let expired = self.entries.range(start..).filter(|entry| entry.message.expires <= now);
        expired.map(|entry| entry.message.seq).collect()
    }

    /// When the first of the messages in memory ends.
    pub(in crate::embedded) fn earliest_in_memory(&self) -> Millis {
        self.entries.iter().map(|entry| entry.message.expires).min().unwrap_or(Millis::MAX)
    }

    /// Why the message of this number ended, if that is still to be told.
    pub(in crate::embedded) fn lost_reason(&self, seq: Seq) -> Option<EndReason> {
        let mut reasons = self.lost.as_ref()?.reasons.iter();
        reasons.find(|(_, ranges)| ranges.contains(seq)).map(|(reason, _)| *reason)
    }

    /// What a record may say: all but what is held back until its receipts are there.
    pub(super) fn lost_record(&self) -> Vec<(EndReason, Ranges)> {
        let mut reasons = self.lost.as_ref().map(|lost| lost.reasons.clone()).unwrap_or_default();
        for (start, end) in self.unreported.iter() {
            for (_, ranges) in &mut reasons {
                ranges.remove_range(start, end);
            }
        }
        reasons.retain(|(_, ranges)| !ranges.is_empty());
        reasons
    }

    pub(super) fn audit_lost(&self) -> Result<(), &'static str> {
        let Some(lost) = &self.lost else { return Ok(()) };
        let count = |ranges: &Ranges| ranges.count_within(0, Seq::MAX);
        let mut all = Ranges::default();
        for (from, to) in lost.within(0, Seq::MAX) {
            all.insert_range(from, to);
        }
        if count(&all) != lost.reasons.iter().map(|(_, ranges)| count(ranges)).sum::<u64>() {
            return Err("a message ended for two reasons");
        }
        if self.entries.iter().any(|entry| lost.contains(entry.message.seq)) {
            return Err("a message is there that has ended");
        }
        Ok(())
    }
}

//! A log and its readers: messages in order of `seq`, each reader with its position and what it has settled beyond. The
//! newest messages are in memory; older ones that still wait are in the archive.
//!
//! Numbers are given without holes but for `gaps`, so whether a number is unsettled can be told from positions alone,
//! wherever its message is.

mod archived;
mod devices;
mod lagging;
mod lost;
mod reader;
mod replay;
mod waiting;
mod wanted;

use std::collections::VecDeque;

use ackd_wire::{Millis, Seq};

use super::ranges::Ranges;
use super::records::{HeaderRecord, PositionRecord, ReaderRecord};
use crate::api::Message;

pub(super) use archived::{Archived, Moved};
use lost::Lost;
pub(super) use reader::Reader;
pub(super) use waiting::Waiting;
pub(super) use wanted::{RECEIPTS, TOLD};

/// A mailbox: a log whose readers are one identity's devices. A message leaves it when all have settled it; with no
/// reader yet, it waits.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// This incarnation.
    pub(super) epoch: u64,
    /// The `seq` that the next message gets.
    pub(super) next_seq: Seq,
    /// The last stored message's `seq` (stored, or settled since): `end < next_seq`.
    pub(super) end: Seq,
    /// Numbers that were never given: each new epoch skips some.
    pub(super) gaps: Ranges,
    /// What ended before all readers had it; `None`: nothing.
    lost: Option<Box<Lost>>,
    /// No message that waits ends before it; [`Millis::MAX`]: none waits.
    pub(super) earliest: Millis,
    /// When the log is looked at for messages that have ended, as the state has it; [`Millis::MAX`]: never.
    pub(super) sweep_at: Millis,
    /// Stored, not settled by all readers and not in the archive, ascending.
    entries: VecDeque<Entry>,
    pub(super) readers: Vec<Reader>,
    /// Of what is in memory, messages of the forming group included.
    in_memory: Waiting,
    /// What has been moved to the archive; `None`: never anything.
    archived: Option<Box<Archived>>,
    /// Messages in memory whose senders want receipts.
    wanted: u32,
    /// Settled here, but not yet on the disk: a receipt is to be made of each.
    unreported: Ranges,
    /// The segment that holds the newest header record.
    pub(super) segment: u64,
    /// The segment that holds the newest message's record.
    pub(super) message_segment: u64,
}

/// One stored message.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) message: Message,
    /// Number of the sender's identity; 0: none known.
    pub(super) sender: u64,
    /// Outbox and number; 0: not numbered.
    pub(super) number: (u64, u64),
    /// Place of the receipt that told its sender that it waits; 0: not told; [`TOLD`]: its place is not known.
    pub(super) told: Seq,
    /// Whether its bytes are a slice of the batch it came in, all of which they keep in memory.
    pub(super) shares_batch: bool,
}

impl Log {
    pub(super) fn new(epoch: u64) -> Self {
        let (earliest, sweep_at) = (Millis::MAX, Millis::MAX);
        Self { epoch, next_seq: 1, earliest, sweep_at, ..Self::default() }
    }

    /// Gives a message that will be stored its place and counts it.
    pub(super) fn admit(&mut self, sender: u64, bytes: u64) -> Seq {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.in_memory.add(sender, bytes);
        seq
    }

    /// Messages that wait, those of the forming group included.
    pub(super) fn waiting(&self) -> u64 {
        u64::from(self.in_memory.messages) + self.archived_waiting()
    }

    /// Their bytes. Of archived ones that were settled lately only about right: their share.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.in_memory.bytes + self.archived_bytes()
    }

    /// What of it is in memory, and its bytes.
    pub(super) fn in_memory(&self) -> (u64, u64) {
        (u64::from(self.in_memory.messages), self.in_memory.bytes)
    }

    /// How many messages of this sender wait. Archived ones that were settled lately are taken for this sender's.
    pub(super) fn sent_by(&self, sender: u64) -> u64 {
        let archived = self.archived.as_ref().map_or(0, |archived| {
            let settled = u64::from(archived.waiting.messages) - self.archived_waiting();
            u64::from(archived.waiting.of(sender)).saturating_sub(settled)
        });
        u64::from(self.in_memory.of(sender)) + archived
    }

    /// An admitted message is stored. It may be settled already: its identity ended while it was on its way.
    pub(super) fn insert(&mut self, mut entry: Entry, segment: u64) {
        self.end = self.end.max(entry.message.seq);
        self.message_segment = segment;
        if self.is_settled_by_all(entry.message.seq) {
            return self.in_memory.remove(entry.sender, entry.message.bytes());
        }
        if entry.shares_batch && SHARED_MAX <= self.entries.len() {
            entry.detach();
        }
        if entry.shares_batch && self.entries.len() == self.entries.capacity() {
            self.entries.reserve(ENTRIES_STEP); // a batch's worth at once
        }
        self.make_place();
        self.count_in(&entry);
        self.entries.push_back(entry);
    }

    /// Makes a place for one entry, or twice as many as there are: of those who are away there may be millions, and few
    /// messages for each.
    fn make_place(&mut self) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(self.entries.len().max(1));
        }
    }

    /// One more reader. Most logs never have a second.
    pub(super) fn push_reader(&mut self, reader: Reader) {
        self.readers.reserve_exact(1);
        self.readers.push(reader);
    }

    pub(super) fn is_settled_by_all(&self, seq: Seq) -> bool {
        !self.readers.is_empty() && self.readers.iter().all(|reader| reader.is_done_with(seq))
    }

    /// Settles for one reader; what all have settled leaves. True if anything changed.
    pub(super) fn settle(&mut self, index: u16, up_to: Option<Seq>, seqs: &[Seq]) -> bool {
        let Some(reader) = self.readers.get_mut(usize::from(index)) else { return false };
        let before = reader.position;
        let mut changed = false;
        if let Some(up_to) = up_to.filter(|up_to| before < *up_to) {
            reader.position = up_to;
            reader.beyond.remove_up_to(up_to);
            changed = true;
        }
        for &seq in seqs {
            if !reader.has_settled(seq) && seq <= self.end {
                reader.beyond.insert(seq);
                changed = true;
            }
        }
        if changed {
            reader.dirty = true;
            let position = reader.position;
            self.drop_over(before + 1, position);
            self.owe(before + 1, position);
            for &seq in seqs {
                self.drop_over(seq, seq);
                self.owe(seq, seq);
            }
            self.advance(index);
            self.forget_lost();
        }
        changed
    }

    /// Takes out what is over, of these. Looks at nothing else: with a device that lags, thousands wait.
    fn drop_over(&mut self, start: Seq, end: Seq) {
        let mut place = self.entries.partition_point(|entry| entry.message.seq < start);
        while let Some(seq) = self.entries.get(place).map(|entry| entry.message.seq)
            && seq <= end
        {
            if self.is_over(seq) { self.drop_entry(place) } else { place += 1 }
        }
    }

    fn drop_entry(&mut self, place: usize) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.count_out(&entry);
        self.in_memory.remove(entry.sender, entry.message.bytes());
        if self.entries.is_empty() {
            self.entries.shrink_to(ENTRIES_SPARE);
        }
    }

    /// Moves a position up to just before the first number that its reader has not settled.
    fn advance(&mut self, index: u16) {
        let (end, gaps) = (self.end, &self.gaps);
        let Some(reader) = self.readers.get_mut(usize::from(index)) else { return };
        let mut position = reader.position;
        while position < end {
            let next = reader.beyond.end_of(position + 1).or_else(|| gaps.end_of(position + 1));
            let Some(next) = next.filter(|next| *next <= end) else { break };
            position = next;
        }
        reader.position = position;
        reader.beyond.remove_up_to(position);
        while reader.attempts.first_key_value().is_some_and(|(seq, _)| *seq <= position) {
            reader.attempts.pop_first();
        }
    }

    fn place(&self, seq: Seq) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&seq, |entry| entry.message.seq)
    }

    /// A message that is in memory.
    pub(super) fn get(&self, seq: Seq) -> Option<&Entry> {
        self.place(seq).ok().and_then(|place| self.entries.get(place))
    }

    /// What of the messages in memory a reader has not settled behind `after`.
    pub(super) fn unsettled(&self, index: u16, after: Seq) -> impl Iterator<Item = &Entry> {
        let reader = self.readers.get(usize::from(index));
        let start = self.entries.partition_point(|entry| entry.message.seq <= after);
        let rest = self.entries.range(start..);
        rest.filter(move |entry| reader.is_some_and(|r| !r.has_settled(entry.message.seq)))
    }

    /// Whether there is nothing more to settle here for this reader; one that does not exist has nothing.
    pub(super) fn has_settled(&self, index: u16, seq: Seq) -> bool {
        self.readers.get(usize::from(index)).is_none_or(|reader| reader.has_settled(seq))
    }

    /// Messages that wait for a reader.
    pub(super) fn pending(&self, index: u16) -> u64 {
        self.archived_pending(index) + self.unsettled(index, 0).count() as u64
    }

    /// Whether this reader's newest record is behind.
    pub(super) fn is_dirty(&self, index: u16) -> bool {
        self.readers.get(usize::from(index)).is_some_and(|reader| reader.dirty)
    }

    /// It is written with the next group.
    pub(super) fn mark_dirty(&mut self, index: u16) {
        if let Some(reader) = self.readers.get_mut(usize::from(index)) {
            reader.dirty = true;
        }
    }

    /// Gives these messages bytes of their own, so that they do not keep the batch they came in.
    pub(super) fn detach(&mut self, seqs: &[Seq]) {
        for &seq in seqs {
            if let Some(entry) = self.place(seq).ok().and_then(|place| self.entries.get_mut(place))
            {
                entry.detach();
            }
        }
    }

    /// The same for all: nobody is here who will settle them soon.
    pub(super) fn detach_all(&mut self) {
        self.entries.iter_mut().for_each(Entry::detach);
        self.entries.shrink_to_fit();
    }

    /// The most that its header record takes.
    pub(super) fn header_bytes(&self) -> u64 {
        let lost = self.lost.as_ref().map_or(0, |lost| lost.within(0, Seq::MAX).count());
        let held_back = self.unreported.iter().len();
        let ranges = 20 * (self.gaps.iter().len() + lost + held_back) as u64;
        64 + ranges + self.positions_bytes()
    }

    /// Says what is wrong: order, what should have left, counts by sender.
    pub(super) fn audit(&self) -> Result<(), &'static str> {
        let seqs = || self.entries.iter().map(|entry| entry.message.seq);
        if seqs().zip(seqs().skip(1)).any(|(seq, next)| next <= seq) {
            return Err("the messages are out of order");
        }
        if seqs().any(|seq| self.end < seq) || self.next_seq <= self.end {
            return Err("the end is wrong");
        }
        if seqs().any(|seq| self.is_settled_by_all(seq)) {
            return Err("a message is there that all have settled");
        }
        if !self.readers.is_empty() && self.devices().next().is_none() {
            return Err("all devices are forgotten");
        }
        self.audit_lost()?;
        if seqs().any(|seq| seq <= self.archived_to()) {
            return Err("a message is in memory and in the archive");
        }
        if !self.in_memory.is_consistent() {
            return Err("the counts by sender are wrong");
        }
        self.audit_wanted()?;
        self.audit_archived()
    }

    /// What is in memory, counted anew: messages and bytes of what is stored.
    pub(super) fn recount(&self) -> (u64, u64) {
        let bytes = self.entries.iter().map(|entry| entry.message.bytes()).sum();
        (self.entries.len() as u64, bytes)
    }

    /// The identity has ended: everything in it is gone, numbering goes on far beyond.
    pub(super) fn empty(&mut self, epoch: u64) {
        self.end = self.next_seq - 1;
        let position = self.end;
        for reader in &mut self.readers {
            reader.position = position;
            reader.beyond.clear();
        }
        self.lost = None;
        self.unreported.clear();
        self.drop_over(0, position);
        self.owe(0, position);
        self.readers.truncate(1);
        self.readers.iter_mut().for_each(|reader| reader.gone = false);
        self.renew(epoch);
    }

    /// A new incarnation: older numbers mean nothing, new ones begin far beyond any that was given.
    pub(super) fn renew(&mut self, epoch: u64) {
        self.epoch = epoch;
        let readers = self.readers.iter().filter(|reader| !reader.gone);
        let passed = readers.map(|reader| self.settled_on_disk(reader).0);
        let passed = passed.min().unwrap_or(0);
        self.gaps.remove_up_to(passed.min(self.archived_low()));
        self.gaps.insert_range(self.next_seq, self.next_seq + EPOCH_SKIP - 1);
        self.next_seq += EPOCH_SKIP;
    }

    pub(super) fn position(&self, number: u64, index: u16) -> Option<PositionRecord> {
        let (position, beyond) = self.settled_on_disk(self.readers.get(usize::from(index))?);
        let readers = self.readers.len() as u16;
        let used = self.used_on_disk(self.readers.get(usize::from(index))?);
        Some(PositionRecord { number, readers, index, position, beyond, used })
    }

    pub(super) fn header(&self, number: u64) -> HeaderRecord {
        let readers = self.readers.iter().map(|reader| {
            let (position, beyond) = self.settled_on_disk(reader);
            let (device, start, gone) = (reader.device.clone(), reader.start, reader.gone);
            let used = self.used_on_disk(reader);
            ReaderRecord { device, start, position, beyond, used, gone }
        });
        let (epoch, next_seq, gaps) = (self.epoch, self.next_seq, self.gaps.clone());
        let lost = self.lost_record();
        HeaderRecord { number, epoch, next_seq, gaps, lost, readers: readers.collect() }
    }
}

impl Entry {
    /// Bytes of its own from now on.
    pub(super) fn detach(&mut self) {
        if std::mem::take(&mut self.shares_batch) {
            self.message = self.message.clone().detached();
        }
    }
}

/// What a new incarnation skips, so that no `seq` is given twice whatever was lost.
pub(super) const EPOCH_SKIP: Seq = 1 << 32;
/// Messages of one mailbox that may keep their batches in memory: a reader that lags further gets copies.
const SHARED_MAX: usize = 64;
/// Places an empty mailbox keeps.
const ENTRIES_SPARE: usize = 8;
/// Places by which a mailbox grows, at least.
const ENTRIES_STEP: usize = 56;

#[cfg(test)]
mod tests;

//! The log of one durable room: messages in order of `seq`, whoever reads them. The newest are in memory, older ones in the
//! archive, of which blocks say how much there is. What ends, ends at the front: the oldest first.

use std::collections::VecDeque;

use ackd_wire::{Millis, Room, Seq};

use super::block::Block;
use crate::embedded::log::{EPOCH_SKIP, Entry};
use crate::embedded::ranges::Ranges;
use crate::embedded::records::{RoomRecord, StoredRoom};

/// A room's log.
#[derive(Debug)]
pub(in crate::embedded) struct RoomLog {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) name: Room,
    /// This incarnation.
    pub(in crate::embedded) epoch: u64,
    /// The `seq` that the next message gets.
    pub(in crate::embedded) next_seq: Seq,
    /// The last stored message's `seq`: `end < next_seq`.
    pub(in crate::embedded) end: Seq,
    /// Numbers that were never given: each new epoch skips some.
    gaps: Ranges,
    /// The oldest message that is kept; where none is, the number after the last.
    pub(in crate::embedded) first: Seq,
    /// What has ended because its time was over, as far as it is remembered; the rest was too much.
    expired: Ranges,
    /// Kept and not in the archive, ascending.
    pub(super) entries: VecDeque<Entry>,
    /// Their names and bodies.
    pub(super) entry_bytes: u64,
    /// Kept in the archive, ascending: before all `entries`.
    pub(super) blocks: VecDeque<Block>,
    /// Their names and bodies.
    pub(super) block_bytes: u64,
    pub(super) stored: StoredRoom,
    /// Identities that are durable members.
    pub(in crate::embedded) members: u64,
    /// Up to here messages may have been delivered before the last restart.
    pub(in crate::embedded) restart: Seq,
    /// When it is looked at for messages that have ended; [`Millis::MAX`]: never.
    pub(super) due: Millis,
}

impl RoomLog {
    pub(in crate::embedded) fn new(number: u64, name: Room, epoch: u64) -> Self {
        Self {
            number,
            name,
            epoch,
            next_seq: 1,
            end: 0,
            gaps: Ranges::default(),
            first: 1,
            expired: Ranges::default(),
            entries: VecDeque::new(),
            entry_bytes: 0,
            blocks: VecDeque::new(),
            block_bytes: 0,
            stored: StoredRoom::default(),
            members: 0,
            restart: 0,
            due: Millis::MAX,
        }
    }

    /// Messages that are kept.
    pub(in crate::embedded) fn messages(&self) -> u64 {
        self.numbers(self.first, self.end)
    }

    /// Their bytes. Of a block that has ended in part only about right: its share.
    pub(in crate::embedded) fn bytes(&self) -> u64 {
        self.entry_bytes + self.block_bytes
    }

    /// Whether nothing is kept, and nothing on its way.
    pub(in crate::embedded) fn is_empty(&self) -> bool {
        self.first == self.next_seq
    }

    /// Numbers given to messages between these, both included.
    pub(super) fn numbers(&self, start: Seq, end: Seq) -> u64 {
        (end + 1).saturating_sub(start) - self.gaps.count_within(start, end)
    }

    /// A message of a group is stored.
    pub(in crate::embedded) fn insert(&mut self, entry: Entry) {
        let seq = entry.message.seq;
        self.end = self.end.max(seq);
        self.next_seq = self.next_seq.max(seq + 1);
        if seq <= self.stored.to || seq < self.first {
            return;
        }
        if self.entries.back().is_some_and(|last| seq <= last.message.seq) {
            return;
        }
        self.entry_bytes += entry.message.bytes();
        self.entries.push_back(entry);
    }

    /// Ends the oldest while there are too many. Whether any has ended.
    pub(in crate::embedded) fn trim(&mut self, messages_max: u64, bytes_max: u64) -> bool {
        let before = self.first;
        let (mut messages, mut bytes) = (self.messages(), self.bytes());
        while 1 < messages && (messages_max < messages || bytes_max < bytes) {
            bytes -= self.end_first();
            messages -= 1;
        }
        before != self.first
    }

    /// Ends what is over at the front. Whether any has ended.
    pub(in crate::embedded) fn expire(&mut self, now: Millis) -> bool {
        let before = self.first;
        while self.front_expires() <= now {
            let start = self.first;
            if let Some(block) = self.blocks.pop_front() {
                self.block_bytes -= block.bytes;
                self.pass(block.last);
            } else {
                self.end_first();
            }
            self.expired.insert_range(start, self.first - 1);
        }
        while EXPIRED_RANGES < self.expired.iter().len() {
            let end = self.expired.iter().next().map_or(0, |range| range.1);
            self.expired.remove_up_to(end);
        }
        before != self.first
    }

    /// When the front of it is over.
    pub(super) fn front_expires(&self) -> Millis {
        match (self.blocks.front(), self.entries.front()) {
            (Some(block), _) => block.expires,
            (None, Some(entry)) => entry.message.expires,
            (None, None) => Millis::MAX,
        }
    }

    /// Ends the oldest message. Its bytes.
    fn end_first(&mut self) -> u64 {
        if let Some(block) = self.blocks.front_mut() {
            let bytes = block.end_first();
            self.block_bytes -= bytes;
            if block.messages == 0 {
                self.blocks.pop_front();
            }
            self.pass(self.first);
            return bytes;
        }
        let Some(entry) = self.entries.pop_front() else { return 0 };
        let bytes = entry.message.bytes();
        self.entry_bytes -= bytes;
        self.pass(entry.message.seq);
        bytes
    }

    /// All up to here has ended.
    fn pass(&mut self, seq: Seq) {
        let next = seq + 1;
        self.first = self.gaps.end_of(next).map_or(next, |end| end + 1);
    }

    /// What has ended of `start..=end`, cut where the reason changes.
    pub(super) fn ended_within(&self, start: Seq, end: Seq) -> Vec<(Seq, Seq, bool)> {
        let mut parts = Vec::new();
        let mut next = start;
        let end = end.min(self.first - 1);
        let cuts = self.expired.within(start, end).map(|range| (range, true));
        let full = |from: Seq, to: Seq| (from <= to).then_some((from, to, false));
        for ((from, to), expired) in cuts {
            parts.extend(full(next, from - 1));
            parts.push((from, to, expired));
            next = to + 1;
        }
        parts.extend(full(next, end));
        let mut without_gaps = Vec::new();
        for (from, to, expired) in parts {
            let mut from = from;
            for (gap, gap_end) in self.gaps.within(from, to) {
                if from < gap {
                    without_gaps.push((from, gap - 1, expired));
                }
                from = gap_end + 1;
            }
            if from <= to {
                without_gaps.push((from, to, expired));
            }
        }
        without_gaps
    }

    /// A kept message that is in memory.
    pub(in crate::embedded) fn get(&self, seq: Seq) -> Option<&Entry> {
        let place = self.entries.binary_search_by_key(&seq, |entry| entry.message.seq).ok()?;
        self.entries.get(place)
    }

    /// What is in memory behind `after`.
    pub(super) fn after(&self, after: Seq) -> impl Iterator<Item = &Entry> {
        let start = self.entries.partition_point(|entry| entry.message.seq <= after);
        self.entries.range(start..)
    }

    /// Up to here messages are in the archive, if they are kept.
    pub(super) fn archived_to(&self) -> Seq {
        self.stored.to
    }

    /// A new incarnation: older numbers mean nothing, new ones begin far beyond any that was given.
    pub(in crate::embedded) fn renew(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.gaps.insert_range(self.next_seq, self.next_seq + EPOCH_SKIP - 1);
        self.next_seq += EPOCH_SKIP;
        self.pass(self.first - 1);
    }

    /// After damage: of the numbers behind the archive, those whose messages are gone were never given.
    pub(in crate::embedded) fn close_holes(&mut self) {
        let start = self.first.max(self.stored.to + 1);
        if self.end < start {
            return;
        }
        let mut holes = Ranges::default();
        holes.insert_range(start, self.end);
        self.entries.iter().for_each(|entry| holes.remove(entry.message.seq));
        holes.iter().for_each(|(from, to)| self.gaps.insert_range(from, to));
        self.pass(self.first - 1);
    }

    pub(in crate::embedded) fn record(&self) -> RoomRecord {
        RoomRecord {
            number: self.number,
            name: self.name.clone(),
            epoch: self.epoch,
            next_seq: self.next_seq,
            gaps: self.gaps.clone(),
            first: self.first,
            expired: self.expired.clone(),
        }
    }

    /// The most that its record takes.
    pub(in crate::embedded) fn record_bytes(&self) -> u64 {
        256 + 20 * (self.gaps.iter().len() + self.expired.iter().len()) as u64
    }

    /// Takes over what a record says.
    pub(in crate::embedded) fn replay(&mut self, record: &RoomRecord) {
        self.epoch = record.epoch;
        self.next_seq = self.next_seq.max(record.next_seq);
        record.gaps.iter().for_each(|(start, end)| self.gaps.insert_range(start, end));
        record.expired.iter().for_each(|(start, end)| self.expired.insert_range(start, end));
        while self.entries.front().is_some_and(|entry| entry.message.seq < record.first) {
            if let Some(entry) = self.entries.pop_front() {
                self.entry_bytes -= entry.message.bytes();
            }
        }
        self.first = self.first.max(record.first);
        // All before it was given, and has been stored or lost.
        self.end = self.end.max(self.first.min(self.next_seq) - 1);
    }

    /// Says what is wrong: order, and what is kept.
    pub(super) fn audit(&self) -> Result<(), &'static str> {
        let seqs = || self.entries.iter().map(|entry| entry.message.seq);
        if seqs().zip(seqs().skip(1)).any(|(seq, next)| next <= seq) {
            return Err("the messages are out of order");
        }
        if self.end < seqs().next_back().unwrap_or(0) || self.next_seq <= self.end {
            return Err("the end is wrong");
        }
        if seqs().any(|seq| seq <= self.stored.to || seq < self.first) {
            return Err("a message is in memory that is archived or has ended");
        }
        let archived: u64 = self.blocks.iter().map(|block| block.messages).sum();
        if self.messages() != archived + self.entries.len() as u64 {
            return Err("not all that is kept is there");
        }
        if self.blocks.iter().map(|block| block.bytes).sum::<u64>() != self.block_bytes {
            return Err("the bytes in the archive are wrong");
        }
        let bytes: u64 = self.entries.iter().map(|entry| entry.message.bytes()).sum();
        if bytes != self.entry_bytes {
            return Err("the bytes in memory are wrong");
        }
        Ok(())
    }
}

/// Runs of expired messages that are told from those that were too many.
const EXPIRED_RANGES: usize = 64;

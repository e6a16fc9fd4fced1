//! A log and its readers: messages in order of `seq`, each reader with its position and what it has settled beyond.

use std::collections::{BTreeMap, VecDeque};

use ackd_wire::{Name, Seq};
use rustc_hash::FxHashMap;

use super::ranges::Ranges;
use super::records::{HeaderRecord, PositionRecord, ReaderRecord};
use crate::api::Message;

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
    /// Stored and not settled by all readers, ascending.
    entries: VecDeque<Entry>,
    pub(super) readers: Vec<Reader>,
    /// Messages that wait, those of the forming group included, and their bytes.
    pub(super) waiting: u32,
    pub(super) bytes: u64,
    /// Of those, by sender.
    senders: FxHashMap<u64, u32>,
    /// The segment that holds the newest header record.
    pub(super) segment: u64,
}

/// One stored message.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) message: Message,
    pub(super) sender: u64,
    /// Outbox and number, for the record's next copy.
    pub(super) number: (u64, u64),
    /// The segment that holds its newest record.
    pub(super) segment: u64,
    /// Whether its bytes are a slice of the batch it came in, all of which they keep in memory.
    pub(super) shares_batch: bool,
}

/// One device.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) device: Name,
    /// All up to here is settled.
    pub(super) position: Seq,
    /// And these beyond it.
    pub(super) beyond: Ranges,
    /// Deliveries of what came back without an ack.
    attempts: BTreeMap<Seq, u16>,
    /// Up to here messages may have been delivered before the last restart.
    pub(super) restart: Seq,
    /// Whether it has settled more than its newest record says.
    pub(super) dirty: bool,
    /// The segment that holds the newest position record.
    pub(super) segment: u64,
}

impl Log {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, next_seq: 1, ..Self::default() }
    }

    /// Gives a message that will be stored its place and counts it.
    pub(super) fn admit(&mut self, sender: u64, bytes: u64) -> Seq {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.count(sender, bytes);
        seq
    }

    fn count(&mut self, sender: u64, bytes: u64) {
        self.waiting += 1;
        self.bytes += bytes;
        *self.senders.entry(sender).or_default() += 1;
    }

    /// How many messages of this sender wait.
    pub(super) fn sent_by(&self, sender: u64) -> u32 {
        self.senders.get(&sender).copied().unwrap_or(0)
    }

    /// An admitted message is stored. It may be settled already: its identity ended while it was on its way.
    pub(super) fn insert(&mut self, mut entry: Entry) {
        self.end = self.end.max(entry.message.seq);
        if self.is_settled_by_all(entry.message.seq) {
            return self.forget(entry.sender, entry.message.bytes());
        }
        if entry.shares_batch && SHARED_MAX <= self.entries.len() {
            entry.detach();
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve(ENTRIES_STEP); // a batch's worth at once
        }
        self.entries.push_back(entry);
    }

    /// A record says that this message was stored. It may be a copy, or settled since.
    pub(super) fn replay(&mut self, entry: Entry) {
        let seq = entry.message.seq;
        self.end = self.end.max(seq);
        self.next_seq = self.next_seq.max(seq + 1);
        if self.is_settled_by_all(seq) {
            return;
        }
        let place = self.entries.partition_point(|other| other.message.seq < seq);
        if let Some(other) = self.entries.get_mut(place)
            && other.message.seq == seq
        {
            other.segment = entry.segment;
            return;
        }
        self.count(entry.sender, entry.message.bytes());
        self.entries.insert(place, entry);
    }

    fn is_settled_by_all(&self, seq: Seq) -> bool {
        !self.readers.is_empty() && self.readers.iter().all(|reader| reader.has_settled(seq))
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
            self.drop_settled(before + 1, position);
            for &seq in seqs {
                self.drop_settled(seq, seq);
            }
            self.advance(index);
        }
        changed
    }

    /// Takes out what every reader has settled, of these. Looks at nothing else: with a device that lags, thousands wait.
    fn drop_settled(&mut self, start: Seq, end: Seq) {
        let mut place = self.entries.partition_point(|entry| entry.message.seq < start);
        while let Some(seq) = self.entries.get(place).map(|entry| entry.message.seq)
            && seq <= end
        {
            if self.is_settled_by_all(seq) { self.drop_entry(place) } else { place += 1 }
        }
    }

    fn drop_entry(&mut self, place: usize) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.forget(entry.sender, entry.message.bytes());
        if self.entries.is_empty() {
            self.entries.shrink_to(ENTRIES_SPARE);
        }
    }

    /// A message that was admitted does not wait any more.
    fn forget(&mut self, sender: u64, bytes: u64) {
        self.waiting -= 1;
        self.bytes -= bytes;
        if let Some(count) = self.senders.get_mut(&sender) {
            *count -= 1;
            if *count == 0 {
                self.senders.remove(&sender);
            }
        }
    }

    /// Moves a position up to just before the first message that its reader has not settled.
    fn advance(&mut self, index: u16) {
        let Some(position) = self.readers.get(usize::from(index)).map(|reader| reader.position)
        else {
            return;
        };
        let first = self.unsettled(index, position).next().map(|entry| entry.message.seq);
        let position = first.map_or(self.end, |first| first - 1).max(position);
        let reader = &mut self.readers[usize::from(index)];
        reader.position = position;
        reader.beyond.remove_up_to(position);
        while reader.attempts.first_key_value().is_some_and(|(seq, _)| *seq <= position) {
            reader.attempts.pop_first();
        }
    }

    fn place(&self, seq: Seq) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&seq, |entry| entry.message.seq)
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Entry> {
        self.place(seq).ok().and_then(|place| self.entries.get(place))
    }

    pub(super) fn get_mut(&mut self, seq: Seq) -> Option<&mut Entry> {
        self.place(seq).ok().and_then(|place| self.entries.get_mut(place))
    }

    /// What a reader has not settled behind `after`.
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

    /// Whether this reader's newest record is behind.
    pub(super) fn is_dirty(&self, index: u16) -> bool {
        self.readers.get(usize::from(index)).is_some_and(|reader| reader.dirty)
    }

    /// Gives these messages bytes of their own, so that they do not keep the batch they came in.
    pub(super) fn detach(&mut self, seqs: &[Seq]) {
        for &seq in seqs {
            if let Some(entry) = self.get_mut(seq) {
                entry.detach();
            }
        }
    }

    /// The same for all: nobody is here who will settle them soon.
    pub(super) fn detach_all(&mut self) {
        self.entries.iter_mut().for_each(Entry::detach);
    }

    /// The most that its header record takes.
    pub(super) fn header_bytes(&self) -> u64 {
        64 + self.readers.iter().map(Reader::record_bytes).sum::<u64>()
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
        if self.senders.values().sum::<u32>() != self.waiting {
            return Err("the counts by sender are wrong");
        }
        Ok(())
    }

    /// What is waiting, counted anew: messages and bytes of what is stored.
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
        self.drop_settled(0, position);
        self.readers.truncate(1);
        self.renew(epoch);
    }

    /// A new incarnation: older numbers mean nothing, new ones begin far beyond any that was given.
    pub(super) fn renew(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.next_seq += EPOCH_SKIP;
    }

    pub(super) fn position(&self, number: u64, index: u16) -> Option<PositionRecord> {
        let Reader { position, beyond, .. } = self.readers.get(usize::from(index))?;
        let (readers, position, beyond) = (self.readers.len() as u16, *position, beyond.clone());
        Some(PositionRecord { number, readers, index, position, beyond })
    }

    pub(super) fn header(&self, number: u64) -> HeaderRecord {
        let readers = self.readers.iter().map(|reader| ReaderRecord {
            device: reader.device.clone(),
            position: reader.position,
            beyond: reader.beyond.clone(),
        });
        let (epoch, next_seq) = (self.epoch, self.next_seq);
        HeaderRecord { number, epoch, next_seq, readers: readers.collect() }
    }

    /// Takes over what a header record says; positions never go back.
    pub(super) fn replay_header(&mut self, record: HeaderRecord, segment: u64) {
        self.epoch = record.epoch;
        self.next_seq = self.next_seq.max(record.next_seq);
        self.segment = segment;
        // A header lists all readers there are: those of a claim that has ended are not.
        self.readers.truncate(record.readers.len());
        while self.readers.len() < record.readers.len() {
            self.readers.push(Reader::new(Name::default(), 0));
        }
        for (index, known) in record.readers.into_iter().enumerate() {
            self.readers[index].device = known.device;
            self.replay_position(index, known.position, &known.beyond, segment);
        }
        self.drop_settled(0, Seq::MAX);
    }

    /// Takes over a position record. Readers may not be known yet: the header that lists them lies behind, if this one's
    /// segment was not the oldest when it was copied. Each stands for one that has settled nothing until then.
    pub(super) fn replay_reader(&mut self, record: &PositionRecord, segment: u64) {
        let PositionRecord { readers, index, position, beyond, .. } = record;
        while self.readers.len() < usize::from(*readers).max(usize::from(*index) + 1) {
            self.readers.push(Reader::new(Name::default(), 0));
        }
        self.replay_position(usize::from(*index), *position, beyond, segment);
    }

    fn replay_position(&mut self, index: usize, position: Seq, beyond: &Ranges, segment: u64) {
        let reader = &mut self.readers[index];
        reader.segment = segment;
        let before = reader.position;
        reader.position = before.max(position);
        beyond.iter().for_each(|(start, end)| reader.beyond.insert_range(start, end));
        reader.beyond.remove_up_to(reader.position);
        self.end = self.end.max(position);
        self.next_seq = self.next_seq.max(position.saturating_add(1));
        self.drop_settled(before.saturating_add(1), position);
        for (start, end) in beyond.iter() {
            self.drop_settled(start, end);
        }
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

impl Reader {
    pub(super) fn new(device: Name, position: Seq) -> Self {
        Self {
            device,
            position,
            beyond: Ranges::default(),
            attempts: BTreeMap::new(),
            restart: 0,
            dirty: false,
            segment: 0,
        }
    }

    /// The most that its position record, or its part of a header, takes.
    pub(super) fn record_bytes(&self) -> u64 {
        96 + 20 * self.beyond.iter().len() as u64
    }

    pub(super) fn has_settled(&self, seq: Seq) -> bool {
        seq <= self.position || self.beyond.contains(seq)
    }

    /// Deliveries of this message to this reader that are known of.
    pub(super) fn attempts(&self, seq: Seq) -> u16 {
        let before_restart = u16::from(seq <= self.restart);
        self.attempts.get(&seq).copied().unwrap_or(before_restart)
    }

    /// A connection ends without an ack for a message that it delivered so often.
    pub(super) fn came_back(&mut self, seq: Seq, attempts: u16) {
        if !self.has_settled(seq) {
            let known = self.attempts.entry(seq).or_default();
            *known = attempts.max(*known);
        }
    }
}

/// What a new incarnation skips, so that no `seq` is given twice whatever was lost.
const EPOCH_SKIP: Seq = 1 << 32;
/// Messages of one mailbox that may keep their batches in memory: a reader that lags further gets copies.
const SHARED_MAX: usize = 64;
/// Places an empty mailbox keeps.
const ENTRIES_SPARE: usize = 8;
/// Places by which a mailbox grows, at least.
const ENTRIES_STEP: usize = 56;

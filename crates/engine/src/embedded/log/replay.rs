//! Taking over what the journal's records and the archive say: in any order, several times over; positions never go back,
//! and nothing is settled before all readers are known to have settled it.

use ackd_wire::{Name, Seq};

use super::{Entry, Log, Reader};
use crate::embedded::ranges::Ranges;
use crate::embedded::records::{HeaderRecord, PositionRecord};

impl Log {
    /// A record says that this message was stored. It may be archived, or settled since.
    pub(in crate::embedded) fn replay(&mut self, entry: Entry, segment: u64) {
        let seq = entry.message.seq;
        self.stored_up_to(seq);
        self.message_segment = segment;
        self.earliest = self.earliest.min(entry.message.expires);
        if seq <= self.archived_to() || self.is_over(seq) {
            return;
        }
        let place = self.entries.partition_point(|other| other.message.seq < seq);
        if self.entries.get(place).is_some_and(|other| other.message.seq == seq) {
            return;
        }
        self.in_memory.add(entry.sender, entry.message.bytes());
        self.make_place();
        self.count_in(&entry);
        self.entries.insert(place, entry);
    }

    /// Something says that the message with this number was stored, whatever became of it since. Its own record may be
    /// gone with its segment.
    pub(super) fn stored_up_to(&mut self, seq: Seq) {
        self.end = self.end.max(seq);
        self.next_seq = self.next_seq.max(seq.saturating_add(1));
    }

    /// Takes over what a header record says.
    pub(in crate::embedded) fn replay_header(&mut self, record: HeaderRecord, segment: u64) {
        self.epoch = record.epoch;
        self.next_seq = self.next_seq.max(record.next_seq);
        record.gaps.iter().for_each(|(start, end)| self.gaps.insert_range(start, end));
        // The journal may know none of these messages any more.
        let given = record.next_seq.saturating_sub(1);
        let last = record.gaps.start_of(given).map_or(given, |start| start - 1);
        self.end = self.end.max(last);
        for (reason, which) in &record.lost {
            self.replay_lost(*reason, which);
        }
        self.end = self.end.max(self.last_given());
        self.segment = segment;
        // A header lists all readers there are: those of a claim that has ended are not.
        self.readers.truncate(record.readers.len());
        while self.readers.len() < record.readers.len() {
            self.push_reader(Reader::new(Name::default(), 0));
        }
        for (index, known) in record.readers.into_iter().enumerate() {
            let reader = &mut self.readers[index];
            (reader.device, reader.start, reader.gone) = (known.device, known.start, known.gone);
            reader.used = known.used;
            self.replay_position(index, known.position, &known.beyond, segment);
        }
        self.drop_over(0, Seq::MAX);
    }

    /// The last number that a message got. Its own record may be gone: it is in the archive, or settled.
    fn last_given(&self) -> Seq {
        let mut gaps: Vec<(Seq, Seq)> = self.gaps.iter().collect();
        let mut last = self.next_seq.saturating_sub(1);
        while let Some((start, end)) = gaps.pop() {
            if start <= last && last <= end {
                last = start.saturating_sub(1);
            }
        }
        last
    }

    /// Takes over a position record. Readers may not be known yet: the header that lists them lies behind. Each stands for
    /// one that has settled nothing until then.
    pub(in crate::embedded) fn replay_reader(&mut self, record: &PositionRecord, segment: u64) {
        let PositionRecord { readers, index, position, beyond, used, .. } = record;
        while self.readers.len() < usize::from(*readers).max(usize::from(*index) + 1) {
            self.push_reader(Reader::new(Name::default(), 0));
        }
        self.readers[usize::from(*index)].used = *used;
        self.replay_position(usize::from(*index), *position, beyond, segment);
    }

    /// After damage: of the numbers behind the archive, those whose messages are gone are settled.
    pub(in crate::embedded) fn close_holes(&mut self) {
        let passed = self.readers.iter().map(Reader::passed).min().unwrap_or(0);
        let start = passed.max(self.archived_to()) + 1;
        if self.end < start {
            return;
        }
        let mut holes = Ranges::default();
        holes.insert_range(start, self.end);
        self.entries.iter().for_each(|entry| holes.remove(entry.message.seq));
        self.gaps.iter().for_each(|(from, to)| holes.remove_range(from, to));
        if self.readers.is_empty() {
            holes.iter().for_each(|(from, to)| self.gaps.insert_range(from, to));
        }
        for index in 0..self.readers.len() {
            let reader = &mut self.readers[index];
            let mut open = holes.clone();
            open.remove_up_to(reader.position);
            open.iter().for_each(|(from, to)| reader.beyond.insert_range(from, to));
            self.advance(index as u16);
        }
    }

    fn replay_position(&mut self, index: usize, position: Seq, beyond: &Ranges, segment: u64) {
        let reader = &mut self.readers[index];
        reader.segment = segment;
        let before = reader.position;
        reader.position = before.max(position);
        beyond.iter().for_each(|(start, end)| reader.beyond.insert_range(start, end));
        reader.beyond.remove_up_to(reader.position);
        let last = beyond.iter().last().map_or(position, |(_, end)| end.max(position));
        self.stored_up_to(last);
        self.drop_over(before.saturating_add(1), position);
        for (start, end) in beyond.iter() {
            self.drop_over(start, end);
        }
    }
}

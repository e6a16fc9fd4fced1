//! What a log knows of the receipts that its messages' senders want: which messages, who was told what, and what is
//! settled here but not yet on the disk, because the receipt is to be in the same batch.

use ackd_wire::Seq;

use super::{Entry, Log, Reader};
use crate::embedded::ranges::Ranges;

/// Marks a message whose sender is about to be told that it waits, or was told by a receipt that is not known any more.
pub(in crate::embedded) const TOLD: Seq = Seq::MAX;
/// Stands for the sender of receipts where messages are counted by sender; no identity has this number.
pub(in crate::embedded) const RECEIPTS: u64 = u64::MAX;

impl Log {
    /// Whether the sender of anything that waits here wants a receipt.
    pub(in crate::embedded) fn has_wanted(&self) -> bool {
        self.wanted != 0 || self.archived.as_ref().is_some_and(|a| !a.wanted.is_empty())
    }

    /// Whether the sender of this message was told what became of it, or is about to be: a reader that it was for has
    /// settled it, or it has ended.
    pub(in crate::embedded) fn is_final(&self, seq: Seq) -> bool {
        self.unreported.contains(seq)
            || self.is_lost(seq)
            || self.readers.iter().any(|reader| reader.start < seq && reader.has_settled(seq))
    }

    /// The messages of which a receipt is to be made if this reader settles these now, ascending.
    pub(in crate::embedded) fn reportable(
        &self,
        index: u16,
        up_to: Option<Seq>,
        seqs: &[Seq],
    ) -> Vec<Seq> {
        let Some(reader) = self.readers.get(usize::from(index)).filter(|_| self.has_wanted())
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Some(up_to) = up_to {
            self.wanted_within(reader.position.saturating_add(1), up_to, &mut found);
        }
        for &seq in seqs {
            self.wanted_within(seq, seq, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|seq| !self.is_final(*seq));
        found
    }

    fn wanted_within(&self, start: Seq, end: Seq, found: &mut Vec<Seq>) {
        if let Some(archived) = &self.archived {
            found.extend(archived.wanted.within(start, end).flat_map(|(from, to)| from..=to));
        }
        if self.wanted != 0 {
            let place = self.entries.partition_point(|entry| entry.message.seq < start);
            let entries = self.entries.range(place..);
            let entries = entries.take_while(|entry| entry.message.seq <= end);
            found.extend(entries.filter(|e| e.message.receipt).map(|entry| entry.message.seq));
        }
    }

    /// All that waits in memory and whose sender wants a receipt.
    pub(in crate::embedded) fn wanted_in_memory(&self) -> impl Iterator<Item = &Entry> {
        let some = if self.wanted == 0 { 0 } else { self.entries.len() };
        self.entries.range(..some).filter(|entry| entry.message.receipt)
    }

    /// What was not told yet to wait, all of it or these: from now on it is. What of it is archived, and what is not.
    pub(in crate::embedded) fn tell(&mut self, seqs: Option<&[Seq]>) -> (Vec<Seq>, Vec<Entry>) {
        if !self.has_wanted() {
            return (Vec::new(), Vec::new());
        }
        let mut archived = Vec::new();
        if let Some(part) = &mut self.archived {
            let asked = |seq: &Seq| seqs.is_none_or(|seqs| seqs.contains(seq));
            archived = part.untold.iter().flat_map(|(from, to)| from..=to).filter(asked).collect();
            for &seq in &archived {
                part.untold.remove(seq);
            }
        }
        let mut asked: Vec<Seq> = match seqs {
            Some(seqs) => seqs.to_vec(),
            None => self.wanted_in_memory().map(|entry| entry.message.seq).collect(),
        };
        archived.retain(|seq| !self.is_final(*seq));
        asked.retain(|seq| !self.is_final(*seq));
        let mut told = Vec::new();
        for seq in asked {
            let place = self.place(seq).ok().and_then(|place| self.entries.get_mut(place));
            let Some(entry) = place.filter(|e| e.message.receipt && e.told == 0) else { continue };
            entry.told = TOLD;
            told.push(entry.clone());
        }
        (archived, told)
    }

    /// This receipt has told the message's sender that it waits.
    pub(in crate::embedded) fn told(&mut self, seq: Seq, receipt: Seq) {
        if let Some(entry) = self.place(seq).ok().and_then(|place| self.entries.get_mut(place)) {
            entry.told = receipt;
        } else if let Some(archived) = &mut self.archived {
            archived.untold.remove(seq);
            if archived.wanted.contains(seq) {
                archived.told.insert(seq, receipt);
            }
        }
    }

    /// Place of the receipt that has told the sender of an archived message that it waits; 0: not known.
    pub(in crate::embedded) fn told_in_archive(&self, seq: Seq) -> Seq {
        let told = self.archived.as_ref().and_then(|archived| archived.told.get(&seq));
        told.copied().unwrap_or_default()
    }

    /// Whether the sender of this message, which waits, wants a receipt, and whether the message is in memory.
    pub(in crate::embedded) fn is_wanted(&self, seq: Seq) -> bool {
        match self.get(seq) {
            Some(entry) => entry.message.receipt,
            None => self.archived.as_ref().is_some_and(|a| a.wanted.contains(seq)),
        }
    }

    /// Whether what has happened to this message is not on the disk yet.
    pub(in crate::embedded) fn is_held_back(&self, seq: Seq) -> bool {
        self.unreported.contains(seq)
    }

    /// From now on this message counts as settled here; on the disk it does when its receipt is there.
    pub(in crate::embedded) fn hold_back(&mut self, seq: Seq) {
        self.unreported.insert(seq);
    }

    /// Its receipt goes to the disk together with what is written of the readers next.
    pub(in crate::embedded) fn release(&mut self, seq: Seq) {
        if self.unreported.contains(seq) {
            self.unreported.remove(seq);
            self.owe(seq, seq);
        }
    }

    /// What a record may say of a reader: all but what is held back.
    pub(super) fn settled_on_disk(&self, reader: &Reader) -> (Seq, Ranges) {
        let (mut position, mut beyond) = (reader.position, reader.beyond.clone());
        if let Some(first) = self.unreported.first().filter(|first| *first <= position) {
            beyond.insert_range(first, position);
            position = first - 1;
        }
        for (start, end) in self.unreported.iter() {
            beyond.remove_range(start, end);
        }
        (position, beyond)
    }

    /// The most that position records of all readers take.
    pub(in crate::embedded) fn positions_bytes(&self) -> u64 {
        let held_back = 20 * (1 + self.unreported.iter().len() as u64);
        self.readers.iter().map(|reader| reader.record_bytes() + held_back).sum()
    }

    /// Receipts that wait here. Archived ones that were settled lately are taken for receipts.
    pub(in crate::embedded) fn receipts(&self) -> u64 {
        self.sent_by(RECEIPTS)
    }

    /// Messages that wait here, without receipts, and their bytes. Archived ones that were settled lately are taken
    /// for receipts as far as there are any.
    pub(in crate::embedded) fn messages(&self) -> (u64, u64) {
        let in_memory = u64::from(self.in_memory.messages - self.in_memory.of(RECEIPTS));
        let bytes = self.in_memory.bytes - self.in_memory.receipt_bytes;
        let Some(archived) = &self.archived else { return (in_memory, bytes) };
        let there = &archived.waiting;
        let messages = u64::from(there.messages - there.of(RECEIPTS));
        let archived_bytes = self.archived_bytes().min(there.bytes - there.receipt_bytes);
        (in_memory + messages.min(self.archived_waiting()), bytes + archived_bytes)
    }

    /// The oldest receipt that waits here.
    pub(in crate::embedded) fn oldest_receipt(&self) -> Option<Seq> {
        let mut archived = self
            .archived
            .iter()
            .flat_map(|archived| archived.receipts.iter())
            .flat_map(|(from, to)| from..=to);
        archived.find(|seq| !self.is_over(*seq)).or_else(|| {
            let mut entries = self.entries.iter().filter(|entry| entry.message.is_receipt());
            entries.next().map(|entry| entry.message.seq)
        })
    }

    /// An entry is in memory from now on.
    pub(super) fn count_in(&mut self, entry: &Entry) {
        self.wanted += u32::from(entry.message.receipt);
    }

    /// It is not any more.
    pub(super) fn count_out(&mut self, entry: &Entry) {
        self.wanted -= u32::from(entry.message.receipt);
    }

    /// Says what is wrong.
    pub(super) fn audit_wanted(&self) -> Result<(), &'static str> {
        let wanted = self.entries.iter().filter(|entry| entry.message.receipt).count();
        if wanted != self.wanted as usize {
            return Err("the count of wanted receipts is wrong");
        }
        let receipts = self.entries.iter().filter(|entry| entry.sender == RECEIPTS);
        if receipts.clone().any(|entry| !entry.message.is_receipt()) {
            return Err("a receipt is none");
        }
        if (self.in_memory.of(RECEIPTS) as usize) < receipts.count() {
            return Err("receipts are counted wrongly");
        }
        Ok(())
    }
}

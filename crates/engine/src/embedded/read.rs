//! Reading: the next unsettled messages of a reader, or given ones again. What is in memory is answered at once.

use ackd_wire::Seq;

use super::log::{Entry, Log};
use super::page::{Asked, Page};
use super::submit::Step;
use crate::api::{Answer, Delivery, Read, ReaderKey, Refusal};
use crate::disk::Disk;

/// What a page may still hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    messages: u16,
    bytes: u64,
}

impl<D: Disk> Step<'_, D> {
    pub(super) fn read(&mut self, read: Read) {
        let ReaderKey { log, index } = read.reader;
        let Some(log) = self.shared.state.log(log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let position =
            log.readers.get(usize::from(index)).map_or(Seq::MAX, |reader| reader.position);
        if read.after.max(position) < log.archived_to() {
            self.pages.push(Page::new(self.tag, Asked::Next(read), log, index));
            return;
        }
        let (mut messages, end) = (Vec::new(), log.end);
        let read_to = page_in_memory(log, index, read.after, Budget::of(&read), &mut messages);
        self.answer(Answer::Page { messages, read_to, end });
    }

    pub(super) fn fetch(&mut self, reader: ReaderKey, seqs: Vec<Seq>) {
        let Some(log) = self.shared.state.log(reader.log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let archived_to = log.archived_to();
        let unsettled = |seq: &&Seq| !log.has_settled(reader.index, **seq);
        if seqs.iter().filter(unsettled).any(|seq| *seq <= archived_to) {
            let asked = Asked::These { reader, seqs };
            self.pages.push(Page::new(self.tag, asked, log, reader.index));
            return;
        }
        let entries = seqs.iter().filter(unsettled).filter_map(|seq| log.get(*seq));
        let messages = entries.map(|entry| delivery(log, reader.index, entry)).collect();
        let end = log.end;
        self.answer(Answer::Page { messages, read_to: end, end });
    }
}

/// Adds what is in memory behind `after`. How far all was looked at.
pub(super) fn page_in_memory(
    log: &Log,
    index: u16,
    after: Seq,
    mut budget: Budget,
    messages: &mut Vec<Delivery>,
) -> Seq {
    for entry in log.unsettled(index, after) {
        messages.push(delivery(log, index, entry));
        if !budget.take(entry.message.bytes()) {
            return entry.message.seq;
        }
    }
    log.end
}

pub(super) fn delivery(log: &Log, index: u16, entry: &Entry) -> Delivery {
    let reader = log.readers.get(usize::from(index));
    let attempts = reader.map_or(0, |reader| reader.attempts(entry.message.seq));
    Delivery { message: entry.message.clone(), attempts }
}

impl Budget {
    pub(super) fn of(read: &Read) -> Self {
        Self { messages: read.messages, bytes: u64::from(read.bytes) }
    }

    /// One more message. Whether another one may follow.
    pub(super) fn take(&mut self, bytes: u64) -> bool {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        !self.is_spent()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

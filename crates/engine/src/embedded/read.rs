//! Reading: the next unsettled messages of a reader, and what was lost between them, or given ones again. What is in memory
//! is answered at once.

use ackd_wire::Seq;
use ackd_wire::v1::EndReason;

use super::log::{Entry, Log};
use super::page::{Asked, Page};
use super::submit::Step;
use super::sweep::AT_ONCE;
use crate::api::{Answer, Delivery, LogKey, Read, ReaderKey, Refusal};
use crate::disk::Disk;

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) messages: Vec<Delivery>,
}

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
            let page = Page::new((self.tag, self.now), Asked::Next(read), log, index);
            return self.pages.push(page);
        }
        let expired = log.expired(read.after, self.now);
        self.end_expired(read.reader.log, &expired);
        let Some(log) = self.shared.state.log(read.reader.log) else { return };
        let mut contents = Contents::default();
        let read_to = page_in_memory(log, index, read.after, Budget::of(&read), &mut contents);
        let end = log.end;
        let answer = contents.page((log, index), (read.after, read_to), read.messages, end);
        self.answer(answer);
    }

    pub(super) fn fetch(&mut self, reader: ReaderKey, seqs: Vec<Seq>) {
        let Some(log) = self.shared.state.log(reader.log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let expired = log.expired(0, self.now);
        self.end_expired(reader.log, &expired);
        let Some(log) = self.shared.state.log(reader.log) else { return };
        let archived_to = log.archived_to();
        let unsettled = |seq: &&Seq| !log.has_settled(reader.index, **seq);
        if seqs.iter().filter(unsettled).any(|seq| *seq <= archived_to) {
            let asked = Asked::These { reader, seqs };
            let page = Page::new((self.tag, self.now), asked, log, reader.index);
            return self.pages.push(page);
        }
        let entries = seqs.iter().filter(unsettled).filter_map(|seq| log.get(*seq));
        let messages = entries.map(|entry| delivery(log, reader.index, entry)).collect();
        let (lost, end) = (Vec::new(), log.end);
        self.answer(Answer::Page { messages, lost, read_to: end, end });
    }

    /// What is read now and has expired by now ends now. Where that cannot be recorded it is still delivered.
    fn end_expired(&mut self, LogKey(number): LogKey, expired: &[Seq]) {
        for seqs in expired.chunks(AT_ONCE) {
            let lost = (number, seqs, EndReason::Expired);
            self.engine.lose(self.shared, lost, self.outcome);
        }
    }
}

/// Adds what is in memory behind `after`. How far all was looked at.
pub(super) fn page_in_memory(
    log: &Log,
    index: u16,
    after: Seq,
    mut budget: Budget,
    contents: &mut Contents,
) -> Seq {
    for entry in log.unsettled(index, after) {
        contents.messages.push(delivery(log, index, entry));
        if !budget.take(entry.message.bytes()) {
            return entry.message.seq;
        }
    }
    log.end
}

impl Contents {
    /// The page of these messages, with what was lost in `after..=read_to` between them: no more than `places` in all.
    pub(super) fn page(
        self,
        (log, index): (&Log, u16),
        (after, mut read_to): (Seq, Seq),
        places: u16,
        end: Seq,
    ) -> Answer {
        let Self { mut messages } = self;
        let mut lost = log.lost_to(index, after.saturating_add(1), read_to);
        let places = usize::from(places.max(1));
        if places < messages.len() + lost.len() {
            let froms = messages.iter().map(|delivery| delivery.message.seq);
            let mut ends: Vec<(Seq, Seq)> = froms.map(|seq| (seq, seq)).collect();
            ends.extend(lost.iter().map(|lost| (lost.from, lost.to)));
            ends.sort_unstable();
            read_to = ends[places - 1].1;
            messages.retain(|delivery| delivery.message.seq <= read_to);
            lost.retain(|lost| lost.to <= read_to);
        }
        Answer::Page { messages, lost, read_to, end }
    }
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

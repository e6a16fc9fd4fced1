//! Pages of what is in the archive: read without the engine's lock, by a thread of their own, and answered when they are
//! there. A session has one such page open at a time, so there are no more than sessions.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use ackd_wire::v1::EndReason;
use ackd_wire::{Millis, Seq};

use super::log::{Entry, Log};
use super::ranges::Ranges;
use super::read::{Budget, Contents, delivery, page_in_memory};
use super::records::MessageRecord;
use super::sweep::AT_ONCE;
use super::{Embedded, Mode, keys, recover};
use crate::api::{Answer, Delivery, Outcome, Read, ReaderKey, Refusal, Tag};
use crate::disk::Disk;

/// A page to be read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) tag: Tag,
    /// When it was asked for.
    pub(super) now: Millis,
    pub(super) asked: Asked,
    /// How far the archive reached when it was asked for.
    pub(super) archived_to: Seq,
    /// What the reader had settled then.
    pub(super) position: Seq,
    pub(super) beyond: Ranges,
}

/// What is to be read.
#[derive(Debug)]
pub(super) enum Asked {
    Next(Read),
    These { reader: ReaderKey, seqs: Vec<Seq> },
    Room(super::rooms::Asked),
}

/// What was found in the archive.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    /// Messages whose time is over.
    expired: Vec<Seq>,
    /// It was looked at up to here only.
    cut: Option<Seq>,
}

/// Pages that wait to be read.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) due: VecDeque<Page>,
    /// A thread reads them; otherwise whoever asks does.
    pub(super) thread: bool,
    pub(super) closing: bool,
}

impl Page {
    pub(super) fn new((tag, now): (Tag, Millis), asked: Asked, log: &Log, index: u16) -> Self {
        let reader = log.readers.get(usize::from(index));
        let position = reader.map_or(0, |reader| reader.position);
        let beyond = reader.map(|reader| reader.beyond.clone()).unwrap_or_default();
        Self { tag, now, asked, archived_to: log.archived_to(), position, beyond }
    }

    fn is_settled(&self, seq: Seq) -> bool {
        seq <= self.position || self.beyond.contains(seq)
    }
}

impl<D: Disk + Clone> Embedded<D> {
    /// Has pages read by the thread; without one reads them here, in [`Mode::Manual`] with the next commit.
    pub(super) fn read_pages(&self, pages: Vec<Page>) {
        if pages.is_empty() {
            return;
        }
        let mut waiting = self.pages.lock();
        if waiting.thread || self.settings.mode == Mode::Manual {
            waiting.due.extend(pages);
            drop(waiting);
            self.pages_due.notify_one();
            return;
        }
        drop(waiting);
        self.read_now(pages);
    }

    /// Reads the pages that wait. For [`Mode::Manual`]: otherwise a thread does, or whoever asks.
    pub fn read_waiting(&self) {
        let due = std::mem::take(&mut self.pages.lock().due);
        if !due.is_empty() {
            self.read_now(due.into());
        }
    }

    pub(super) fn run_pages(&self) {
        loop {
            let mut waiting = self.pages.lock();
            while waiting.due.is_empty() && !waiting.closing {
                self.pages_due.wait(&mut waiting);
            }
            if waiting.due.is_empty() {
                waiting.thread = false;
                return;
            }
            let some = waiting.due.len().min(PAGES_AT_ONCE);
            let pages = waiting.due.drain(..some).collect();
            drop(waiting);
            self.read_now(pages);
        }
    }

    fn read_now(&self, pages: Vec<Page>) {
        let mut outcome = Outcome::default();
        for page in pages {
            let answer = match &page.asked {
                Asked::Next(read) => self.read_next(&page, *read, &mut outcome),
                Asked::These { reader, seqs } => self.read_these(&page, *reader, seqs),
                Asked::Room(asked) => super::rooms::room_page(self, &page, asked),
            };
            outcome.answers.push((page.tag, answer.unwrap_or_else(Answer::Refused)));
        }
        self.sink.deliver(&mut outcome);
    }

    fn read_next(&self, page: &Page, read: Read, outcome: &mut Outcome) -> Result<Answer, Refusal> {
        let (number, index) = (read.reader.log.0, read.reader.index);
        let mut budget = Budget::of(&read);
        let Found { entries, expired, cut } = self.find_next(page, read, &mut budget)?;
        let shared = &mut *self.shared.lock();
        for seqs in expired.chunks(AT_ONCE) {
            // Where that cannot be recorded they come again on the next connection.
            self.lose(shared, (number, seqs, EndReason::Expired), outcome);
        }
        let log = shared.state.log(read.reader.log).ok_or(Refusal::UnknownIdentity)?;
        let mut contents = Contents { messages: deliveries(log, index, &entries) };
        let end = log.end;
        let read_to = match cut {
            Some(cut) => cut,
            // What has been moved meanwhile is for the next page.
            None if log.archived_to() != page.archived_to => page.archived_to,
            None => {
                let after = page.archived_to.max(read.after);
                page_in_memory(log, index, after, budget, &mut contents)
            }
        };
        Ok(contents.page((log, index), (read.after, read_to), read.messages, end))
    }

    /// What is next in the archive, within the budget.
    fn find_next(&self, page: &Page, read: Read, budget: &mut Budget) -> Result<Found, Refusal> {
        let number = read.reader.log.0;
        let mut found = Found::default();
        let start = read.after.max(page.position) + 1;
        let from = keys::placed(keys::MESSAGE, number, start);
        let to = keys::placed(keys::MESSAGE, number, page.archived_to + 1);
        let scanned = self.archive.scan(&from, &to, &mut |_, value| {
            let Ok(record) = MessageRecord::decode(value) else { return ControlFlow::Continue(()) };
            if page.is_settled(record.seq) {
                return ControlFlow::Continue(());
            }
            let more = if record.at.saturating_add(record.ttl_ms) <= page.now {
                found.expired.push(record.seq);
                found.expired.len() < EXPIRED
            } else {
                found.entries.push(recover::entry(&record));
                budget.take(record.text_bytes() as u64)
            };
            if more {
                return ControlFlow::Continue(());
            }
            found.cut = Some(record.seq);
            ControlFlow::Break(())
        });
        scanned.map_err(|error| self.page_failed(error))?;
        Ok(found)
    }

    fn read_these(&self, page: &Page, reader: ReaderKey, seqs: &[Seq]) -> Result<Answer, Refusal> {
        let mut found = Vec::new();
        for &seq in seqs.iter().filter(|seq| !page.is_settled(**seq)) {
            let value = self.archive.get(&keys::placed(keys::MESSAGE, reader.log.0, seq));
            let Some(value) = value.map_err(|error| self.page_failed(error))? else { continue };
            let record = MessageRecord::decode(&value).ok();
            // One that has expired frees its place; it ends when it is next looked for.
            let record = record.filter(|r| page.now < r.at.saturating_add(r.ttl_ms));
            found.extend(record.map(|record| recover::entry(&record)));
        }
        let shared = &mut *self.shared.lock();
        let log = shared.state.log(reader.log).ok_or(Refusal::UnknownIdentity)?;
        let mut messages = deliveries(log, reader.index, &found);
        for &seq in seqs.iter().filter(|seq| !log.has_settled(reader.index, **seq)) {
            messages.extend(log.get(seq).map(|entry| delivery(log, reader.index, entry)));
        }
        messages.sort_by_key(|delivery| delivery.message.seq);
        messages.dedup_by_key(|delivery| delivery.message.seq);
        let (lost, end) = (Vec::new(), log.end);
        Ok(Answer::Page { messages, lost, read_to: end, end })
    }

    fn page_failed(&self, error: crate::archive::ArchiveError) -> Refusal {
        self.archive_failed(error);
        Refusal::StoreUnavailable
    }
}

/// What is still unsettled.
fn deliveries(log: &Log, index: u16, found: &[Entry]) -> Vec<Delivery> {
    let waits = |seq| !log.has_settled(index, seq) && !log.is_lost(seq);
    let unsettled = found.iter().filter(|entry| waits(entry.message.seq));
    unsettled.map(|entry| delivery(log, index, entry)).collect()
}

/// Pages that are read before they are answered together.
const PAGES_AT_ONCE: usize = 16;
/// Expired messages that one page ends.
const EXPIRED: usize = 16 * 1024;

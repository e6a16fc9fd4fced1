//! Receipts: mail to the sender of a message about what became of it. They are owed first, and written when the forming
//! group is committed, in one batch with what caused them: until then what is settled is held back from the disk. So
//! neither is ever there without the other, however many there are and however full the disk is.
//!
//! Whoever ends a message calls [`State::owe_receipt`] before it leaves its log.

use std::collections::VecDeque;

use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, MessageId, Millis, Seq};

use super::archive::Halt;
use super::group::{Group, Placed};
use super::log::{Entry, RECEIPTS, TOLD};
use super::ranges::Ranges;
use super::records::{LostRecord, MessageRecord, kind};
use super::state::State;
use super::{Embedded, Shared, append, keys, recover};
use crate::api::{
    Address, Encoding, Lengths, LogKey, Notice, Outcome, ReaderKey, ReceiptBody, ReceiptState,
    SessionKey,
};
use crate::disk::Disk;

/// What is owed and not written yet. Bounded by the messages that waited: each had its place in a mailbox until now.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// In the order of their causes.
    due: VecDeque<Owed>,
    /// Of messages in the archive, which are to be read from it first.
    unread: VecDeque<Unread>,
    /// How many have left `due`, ever.
    taken: u64,
}

/// A receipt to be written.
#[derive(Debug)]
pub(super) struct Owed {
    /// Where the message was, or waits.
    log: u64,
    seq: Seq,
    /// Number of its sender.
    sender: u64,
    of: MessageId,
    n: u64,
    mark: Option<Box<[u8]>>,
    /// The recipient.
    to: ClientId,
    state: ReceiptState,
    at: Millis,
    /// Place of the receipt that has told before that it waits; 0 or [`TOLD`]: not known.
    told: Seq,
}

#[derive(Debug)]
struct Unread {
    log: u64,
    seq: Seq,
    to: ClientId,
    state: ReceiptState,
    at: Millis,
}

impl Receipts {
    /// Whether any can be written now.
    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether the archive is to be read for any.
    pub(super) fn is_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// How many have been written or dropped, and how many will have been when all that are due now are.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.taken, self.taken + self.due.len() as u64)
    }
}

impl Owed {
    fn text_bytes(&self) -> u64 {
        let mark = self.mark.as_ref().map_or(0, |mark| mark.len());
        (self.to.as_str().len() + mark + ReceiptBody::BYTES) as u64
    }

    /// The most that its record takes.
    fn bytes(&self) -> u64 {
        self.text_bytes() + RECORD_BYTES
    }
}

impl State {
    /// Owes the sender of a message that ends now (or, `Archived`, is known to wait) a receipt, if that is wanted and no
    /// final one was made before. To be called before the message is settled or taken out of its log; its end reaches
    /// the disk with the receipt, as far as readers' positions say it.
    pub(super) fn owe_receipt(&mut self, log: u64, entry: &Entry, state: ReceiptState, at: Millis) {
        let Some(identity) = self.identities.get_mut(&log).filter(|_| entry.message.receipt) else {
            return;
        };
        if identity.mailbox.is_final(entry.message.seq) {
            return;
        }
        if state.is_final() {
            identity.mailbox.hold_back(entry.message.seq);
        }
        let to = identity.id.clone();
        self.receipts.due.push_back(owed((log, to), entry, state, at));
    }

    /// Owes the receipts for what this reader is about to settle.
    pub(super) fn owe_acked(
        &mut self,
        reader: ReaderKey,
        up_to: Option<Seq>,
        seqs: &[Seq],
        at: Millis,
    ) {
        let log = reader.log.0;
        let Some(identity) = self.identities.get_mut(&log) else { return };
        for seq in identity.mailbox.reportable(reader.index, up_to, seqs) {
            let (to, state) = (identity.id.clone(), ReceiptState::Acked);
            match identity.mailbox.get(seq) {
                Some(entry) => self.receipts.due.push_back(owed((log, to), entry, state, at)),
                None => self.receipts.unread.push_back(Unread { log, seq, to, state, at }),
            }
            identity.mailbox.hold_back(seq);
        }
    }

    /// Owes the senders of what waits in a log, all of it or these, the receipt that says so, once for each.
    pub(super) fn owe_archived(&mut self, log: u64, seqs: Option<&[Seq]>, at: Millis) {
        let Some(identity) = self.identities.get_mut(&log) else { return };
        let (archived, entries) = identity.mailbox.tell(seqs);
        let (to, state) = (&identity.id, ReceiptState::Archived);
        for seq in archived {
            self.receipts.unread.push_back(Unread { log, seq, to: to.clone(), state, at });
        }
        for entry in &entries {
            self.receipts.due.push_back(owed((log, to.clone()), entry, state, at));
        }
    }

    /// Owes the senders of all that waits in a log that ends now their receipts.
    pub(super) fn owe_ended(&mut self, log: u64, state: ReceiptState, at: Millis) {
        let Some(identity) = self.identities.get(&log) else { return };
        let (mailbox, id) = (&identity.mailbox, &identity.id);
        let archived = mailbox.archived().into_iter().flat_map(|archived| archived.wanted.iter());
        for seq in archived.flat_map(|(from, to)| from..=to).filter(|seq| !mailbox.is_final(*seq)) {
            self.receipts.unread.push_back(Unread { log, seq, to: id.clone(), state, at });
        }
        let entries = mailbox.wanted_in_memory();
        for entry in entries.filter(|entry| !mailbox.is_final(entry.message.seq)) {
            self.receipts.due.push_back(owed((log, id.clone()), entry, state, at));
        }
    }

    /// Owes the receipts for messages that are about to end as `lost`, if they still wait. Those that end as `full` were
    /// acknowledged on some device, and of those that are dead whoever gave them up has said so.
    pub(super) fn owe_lost(&mut self, log: u64, seqs: &[Seq], reason: EndReason) {
        let Some(identity) = self.identities.get_mut(&log) else { return };
        let (state, now) = match reason {
            EndReason::Expired => (ReceiptState::Expired, Millis::MAX),
            EndReason::Purged => (ReceiptState::Purged, self.now),
            EndReason::Dead | EndReason::Full => return,
        };
        if !identity.mailbox.has_wanted() {
            return;
        }
        for &seq in seqs {
            let mailbox = &mut identity.mailbox;
            if !mailbox.is_wanted(seq) || mailbox.is_final(seq) || mailbox.is_over(seq) {
                continue;
            }
            let to = identity.id.clone();
            if let Some(entry) = mailbox.get(seq) {
                let at = now.min(entry.message.expires);
                self.receipts.due.push_back(owed((log, to), entry, state, at));
            } else {
                let at = now; // at most when its time was over, as the message says
                self.receipts.unread.push_back(Unread { log, seq, to, state, at });
            }
            mailbox.hold_back(seq);
        }
    }

    /// After the journal was read: nobody is here, so all waits that nobody was told of.
    pub(super) fn owe_recovered(&mut self, at: Millis) {
        let wanting = self.identities.values().filter(|identity| identity.mailbox.has_wanted());
        let mut logs: Vec<u64> = wanting.map(|identity| identity.number).collect();
        logs.sort_unstable();
        for log in logs {
            self.owe_archived(log, None, at);
        }
    }

    /// Whether an `Archived` receipt would say something new: the message waits still.
    fn waits(&self, owed: &Owed) -> bool {
        let identity = self.identities.get(&owed.log);
        identity.is_some_and(|identity| !identity.mailbox.is_final(owed.seq))
    }
}

fn owed((log, to): (u64, ClientId), entry: &Entry, state: ReceiptState, at: Millis) -> Owed {
    let message = &entry.message;
    let (seq, of, mark) = (message.seq, message.id, message.mark().map(Into::into));
    let (sender, n, told) = (entry.sender, entry.number.1, entry.told);
    Owed { log, seq, sender, of, n, mark, to, state, at, told }
}

impl<D: Disk> Embedded<D> {
    /// Writes what is owed to the forming group, as far as it fits. Whether anything was.
    pub(super) fn write_receipts(&self, shared: &mut Shared, outcome: &mut Outcome) -> bool {
        let before = shared.state.receipts.taken;
        while let Some(first) = shared.state.receipts.due.front() {
            let log = first.log;
            let Some(run) = self.take_fitting(shared, log) else { break };
            let Shared { state, group, .. } = &mut *shared;
            let news = run.iter().filter(|owed| owed.state.is_final() || state.waits(owed));
            let news: Vec<&Owed> = news.collect();
            let owners: Vec<u64> =
                news.iter().filter_map(|owed| write((state, group), owed, outcome)).collect();
            write_causes((state, group), log, &run);
            for owner in owners {
                self.limit_receipts(shared, owner, outcome);
            }
        }
        before != shared.state.receipts.taken
    }

    /// Beyond their own limit the oldest receipts in a mailbox end.
    pub(super) fn limit_receipts(&self, shared: &mut Shared, log: u64, outcome: &mut Outcome) {
        let State { identities, limits, .. } = &shared.state;
        let full = identities
            .get(&log)
            .filter(|identity| u64::from(limits.mailbox_messages) < identity.mailbox.receipts());
        if let Some(oldest) = full.and_then(|identity| identity.mailbox.oldest_receipt()) {
            // Where there is no room to say so, with one of the next.
            self.lose(shared, (log, &[oldest], EndReason::Full), outcome);
        }
    }

    /// The next receipts about messages of one log, as many as fit in the group with that log's positions. `None`: no more
    /// fit now.
    fn take_fitting(&self, shared: &mut Shared, log: u64) -> Option<Vec<Owed>> {
        let Shared { state, group, .. } = shared;
        let identity = state.identities.get(&log);
        let positions = identity.map_or(0, |identity| identity.mailbox.positions_bytes());
        let mut bytes = positions + REASONS * LOST_BYTES;
        let mut count = 0;
        for owed in state.receipts.due.iter().take_while(|owed| owed.log == log).take(RUN) {
            bytes += owed.bytes();
            if !self.admits(group, bytes) {
                break;
            }
            count += 1;
        }
        state.receipts.taken += count as u64;
        (count != 0).then(|| state.receipts.due.drain(..count).collect())
    }
}

/// What the receipts report on is settled on the disk from this batch on.
fn write_causes((state, group): (&mut State, &mut Group), log: u64, run: &[Owed]) {
    let mut ended = run.iter().filter(|owed| owed.state.is_final()).peekable();
    if ended.peek().is_none() {
        return;
    }
    state.change_log(log, |log| ended.for_each(|owed| log.release(owed.seq)));
    let Some(identity) = state.identities.get_mut(&log).filter(|i| i.stored) else { return };
    let mailbox = &mut identity.mailbox;
    for reason in [EndReason::Expired, EndReason::Purged, EndReason::Dead] {
        let mut which = Ranges::default();
        let seqs = run.iter().map(|owed| owed.seq);
        for seq in seqs.filter(|seq| mailbox.lost_reason(*seq) == Some(reason)) {
            which.insert(seq);
        }
        if !which.is_empty() {
            let record = LostRecord { number: log, reason, which };
            group.record(kind::LOST, None, |into| record.encode(into));
        }
    }
    for index in 0..mailbox.readers.len() as u16 {
        mailbox.readers[usize::from(index)].dirty = false;
        let Some(record) = mailbox.position(log, index) else { continue };
        let placed = Some(Placed::Position(log, index));
        group.record(kind::POSITION, placed, |into| record.encode(into));
    }
}

/// Puts one receipt in its owner's mailbox. Whose mailbox has one more.
pub(super) fn write(
    (state, group): (&mut State, &mut Group),
    owed: &Owed,
    outcome: &mut Outcome,
) -> Option<u64> {
    let mut held = state.identities.get(&owed.sender).into_iter();
    held.find(|identity| identity.stored && !identity.ended && identity.secret.is_some())?;
    let bytes = owed.text_bytes();
    let seq = state.change_log(owed.sender, |log| log.admit(RECEIPTS, bytes))?;
    let Owed { log, seq: place, of, n, state: became, .. } = *owed;
    let body = ReceiptBody { state: became, of, n, log, seq: place }.encode();
    let (to, mark) = (owed.to.as_str().as_bytes(), owed.mark.as_deref());
    let mark_bytes = mark.map(|mark| mark.len() as u16);
    let record = MessageRecord {
        log: owed.sender,
        seq,
        id: state.message_id(owed.at),
        at: owed.at,
        // It lives from now on, however long ago that was which it reports.
        ttl_ms: state.limits.message_ttl_ms.saturating_add(state.now.saturating_sub(owed.at)),
        sender: RECEIPTS,
        outbox: 0,
        n: 0,
        encoding: Encoding::Binary,
        address: Address::Receipt,
        receipt: false,
        told: 0,
        lengths: Lengths { from: to.len() as u8, room: 0, mark: mark_bytes },
        text: [to, &[], mark.unwrap_or_default(), &body],
    };
    append::write(group, &record);
    if !became.is_final() {
        told(state, group, owed, seq);
    } else if owed.told != 0 && owed.told != TOLD {
        end((state, group), owed.sender, owed.told, outcome);
    }
    Some(owed.sender)
}

/// The message's sender has been told, by the receipt with this `seq`, that it waits.
fn told(state: &mut State, group: &mut Group, owed: &Owed, seq: Seq) {
    let mut forming = group.appended.iter_mut().rev().take(2);
    if let Some(appended) = forming.find(|a| a.log == owed.log && a.message.seq == owed.seq) {
        appended.told = seq;
    } else if let Some(identity) = state.identities.get_mut(&owed.log) {
        identity.mailbox.told(owed.seq, seq);
    }
}

/// A receipt ends for all devices of its owner, unread or not: a newer one says more.
fn end((state, group): (&mut State, &mut Group), log: u64, seq: Seq, outcome: &mut Outcome) {
    let Some(identity) = state.identities.get(&log) else { return };
    let here = 0 < identity.connections;
    for index in 0..identity.mailbox.readers.len() as u16 {
        let settled =
            state.change_log(log, |log| (log.is_dirty(index), log.settle(index, None, &[seq])));
        let Some((was_dirty, true)) = settled else { continue };
        if !was_dirty {
            group.dirty.push((log, index));
        }
        if here {
            let reader = ReaderKey { log: LogKey(log), index };
            let (by, up_to, seqs) = (SessionKey::NOBODY, None, vec![seq]);
            outcome.notices.push(Notice::Settled { reader, by, up_to, seqs });
        }
    }
}

/// A receipt that says at once that the message waits; the most that its record takes is [`told_bytes`].
pub(super) fn told_at_once(
    (log, seq, of): (u64, Seq, MessageId),
    (sender, n, mark): (u64, u64, Option<&str>),
    to: ClientId,
    at: Millis,
) -> Owed {
    let (mark, state, told) = (mark.map(|mark| mark.as_bytes().into()), ReceiptState::Archived, 0);
    Owed { log, seq, sender, of, n, mark, to, state, at, told }
}

/// The most that a receipt takes whose send had this `ref`.
pub(super) fn told_bytes(mark: Option<&str>) -> u64 {
    RECORD_BYTES + NAME_BYTES + mark.map_or(0, str::len) as u64 + ReceiptBody::BYTES as u64
}

impl<D: Disk + Clone> Embedded<D> {
    /// Reads from the archive what the receipts say that are owed for messages there, and has them written.
    pub(super) fn read_owed(&self) -> Result<(), Halt> {
        loop {
            let some: Vec<Unread> = {
                let unread = &mut self.shared.lock().state.receipts.unread;
                let some = unread.len().min(RUN);
                unread.drain(..some).collect()
            };
            if some.is_empty() {
                if self.shared.lock().state.receipts.is_due() {
                    self.commit_all();
                }
                return Ok(());
            }
            let mut found = Vec::with_capacity(some.len());
            for (index, unread) in some.iter().enumerate() {
                let value = self.archive.get(&keys::placed(keys::MESSAGE, unread.log, unread.seq));
                match value {
                    Ok(value) => found.push(value),
                    Err(error) => {
                        let rest = some.into_iter().skip(index);
                        self.shared.lock().state.receipts.unread.extend(rest);
                        return Err(self.archive_failed(error));
                    }
                }
            }
            self.owe_found(some, &found);
            self.commit_with(true);
        }
    }

    fn owe_found(&self, some: Vec<Unread>, found: &[Option<Vec<u8>>]) {
        let state = &mut self.shared.lock().state;
        for (Unread { log, seq, to, state: became, at }, value) in some.into_iter().zip(found) {
            let record = value.as_deref().map(MessageRecord::decode);
            if let Some(Ok(record)) = record {
                let mut entry = recover::entry(&record);
                let identity = state.identities.get(&log);
                let told = identity.map_or(0, |identity| identity.mailbox.told_in_archive(seq));
                entry.told = if told == 0 { entry.told } else { told };
                let at = at.min(entry.message.expires);
                state.receipts.due.push_back(owed((log, to), &entry, became, at));
            } else {
                debug_assert!(false, "what waits in the archive is there");
                state.change_log(log, |log| log.release(seq));
            }
        }
    }
}

/// Receipts that are read, or written, at a time.
const RUN: usize = 1024;
/// What a receipt's record takes beside its text, and the number of the message among those that ended.
const RECORD_BYTES: u64 = 192;
/// What a record of messages that ended takes beside their numbers, and how many of them there may be.
const LOST_BYTES: u64 = 64;
const REASONS: u64 = 3;
/// The longest ID.
const NAME_BYTES: u64 = 128;

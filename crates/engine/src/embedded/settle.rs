//! What a reader has processed (`settle`), will never process (`reject`), or has not acknowledged in time (`archive`).

use ackd_wire::Seq;
use ackd_wire::v1::EndReason;

use super::group::Placed;
use super::log::Entry;
use super::records::{DeadRecord, MessageRecord, kind};
use super::state::Dead;
use super::submit::Step;
use super::sweep::AT_ONCE;
use super::{Shared, keys, recover};
use crate::api::{Answer, GivenUp, Notice, ReaderKey, ReceiptState, Refusal, Settle};
use crate::disk::Disk;

impl<D: Disk> Step<'_, D> {
    pub(super) fn settle(&mut self, settle: Settle) {
        let Settle { reader, up_to, seqs } = settle;
        let Some(log) = self.shared.state.log(reader.log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        if up_to.is_some_and(|up_to| log.end < up_to) {
            return self.refuse(Refusal::BadAck);
        }
        self.settle_in_memory(reader, up_to, seqs);
        self.answer(Answer::Done);
    }

    /// The record trails: it is written with the next group.
    pub(super) fn settle_in_memory(
        &mut self,
        reader: ReaderKey,
        up_to: Option<Seq>,
        seqs: Vec<Seq>,
    ) {
        self.shared.state.owe_acked(reader, up_to, &seqs, self.now);
        self.have_receipts_written();
        self.settle_only(reader, up_to, seqs);
    }

    /// What is owed is written with the group that forms; for what is to be read first somebody is woken.
    pub(super) fn have_receipts_written(&mut self) {
        let Shared { state, group, house_due, .. } = &mut *self.shared;
        group.sync |= state.receipts.is_due();
        if state.receipts.is_unread() && !std::mem::replace(house_due, true) {
            self.engine.house.notify_one();
        }
    }

    fn settle_only(&mut self, reader: ReaderKey, up_to: Option<Seq>, seqs: Vec<Seq>) {
        let Shared { state, group, .. } = &mut *self.shared;
        let log = reader.log.0;
        let settled = state.change_log(log, |log| {
            (log.is_dirty(reader.index), log.settle(reader.index, up_to, &seqs))
        });
        let Some((was_dirty, true)) = settled else { return };
        if !was_dirty {
            group.dirty.push((log, reader.index));
        }
        if state.identities.get(&log).is_some_and(|identity| 1 < identity.connections) {
            let by = self.tag.session;
            self.outcome.notices.push(Notice::Settled { reader, by, up_to, seqs });
        }
    }

    /// Before anybody has acknowledged it a message is dead for all devices, after that for this one.
    pub(super) fn reject(&mut self, reader: ReaderKey, mut seqs: Vec<Seq>, by: GivenUp) {
        seqs.sort_unstable();
        seqs.dedup();
        let (mut own, mut ended) = (Vec::new(), Vec::new());
        for seq in seqs {
            let Some(entry) = self.unsettled(reader, seq) else { continue };
            let Some(log) = self.shared.state.log(reader.log) else { return };
            if log.is_final(seq) {
                own.push(seq);
            } else {
                ended.push(seq);
            }
            self.shared.state.owe_receipt(reader.log.0, &entry, ReceiptState::Dead, self.now);
            self.bury(reader, entry);
        }
        self.have_receipts_written();
        if by == GivenUp::Reader {
            own.extend(&ended);
        }
        self.end_dead(reader, &ended, by);
        self.settle_only(reader, None, own);
    }

    /// Ends messages that nobody has acknowledged. Whoever did not give them up finds `lost` in their place; where the
    /// journal has no room to say so, they are settled instead.
    fn end_dead(&mut self, reader: ReaderKey, seqs: &[Seq], by: GivenUp) {
        let readers = self.shared.state.log(reader.log).map_or(0, |log| log.readers.len());
        if by == GivenUp::Reader && readers < 2 {
            return;
        }
        for seqs in seqs.chunks(AT_ONCE) {
            let ended = (reader.log.0, seqs, EndReason::Dead);
            let told = self.engine.lose(self.shared, ended, self.outcome);
            for index in (0..readers as u16).filter(|_| !told) {
                self.settle_only(ReaderKey { index, ..reader }, None, seqs.to_vec());
            }
        }
    }

    /// Keeps a copy of what is rejected, unless it is a receipt.
    fn bury(&mut self, reader: ReaderKey, mut entry: Entry) {
        if entry.message.is_receipt() {
            return;
        }
        let (now, seq) = (self.now, entry.message.seq);
        entry.detach();
        let writable = self.admits(entry.message.bytes() as usize + DEAD_BYTES);
        let log = reader.log.0;
        let Shared { state, group, .. } = &mut *self.shared;
        let dead = Dead { log, at: now, entry, segment: 0 };
        if writable {
            let record = DeadRecord { at: now, message: MessageRecord::of(log, &dead.entry) };
            group.record(kind::DEAD, Some(Placed::Dead(log, seq)), |into| record.encode(into));
        }
        state.bury(dead);
    }

    /// A message that its reader has not settled, from memory or from the archive. It is rejected seldom enough to be
    /// read there and then.
    fn unsettled(&mut self, reader: ReaderKey, seq: Seq) -> Option<Entry> {
        let log = self.shared.state.log(reader.log)?;
        if log.has_settled(reader.index, seq) {
            return None;
        }
        if log.archived_to() < seq {
            return log.get(seq).cloned();
        }
        let value = self.engine.archive.get(&keys::placed(keys::MESSAGE, reader.log.0, seq));
        let value = value.ok().flatten()?;
        MessageRecord::decode(&value).ok().map(|record| recover::entry(&record))
    }

    /// What is known to wait keeps bytes of its own, not the whole batch it came in.
    pub(super) fn archive(&mut self, reader: ReaderKey, seqs: &[Seq]) {
        if let Some(log) = self.shared.state.log(reader.log) {
            log.detach(seqs);
            self.engine.note_archived(seqs.len() as u64);
        }
        self.shared.state.owe_archived(reader.log.0, Some(seqs), self.now);
        self.have_receipts_written();
    }
}

/// What a dead letter's record takes beside its text.
const DEAD_BYTES: usize = 256;

//! What a reader has processed (`settle`), will never process (`reject`), or has not acknowledged in time (`archive`).

use ackd_wire::Seq;

use super::group::Placed;
use super::log::Entry;
use super::records::{DeadRecord, MessageRecord, kind};
use super::state::Dead;
use super::submit::Step;
use super::{Shared, keys, recover};
use crate::api::{Answer, Notice, ReaderKey, Refusal, Settle};
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

    pub(super) fn reject(&mut self, reader: ReaderKey, seqs: &[Seq]) {
        for &seq in seqs {
            self.bury(reader, seq);
        }
        self.settle_in_memory(reader, None, seqs.to_vec());
    }

    /// Keeps a copy of what is rejected.
    fn bury(&mut self, reader: ReaderKey, seq: Seq) {
        let now = self.now;
        let Some(mut entry) = self.unsettled(reader, seq) else { return };
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
    }
}

/// What a dead letter's record takes beside its text.
const DEAD_BYTES: usize = 256;

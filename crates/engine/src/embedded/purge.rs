//! What an operator takes away: the messages of a mailbox, or an identity with all it has.

use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, Seq};

use super::group::{Group, Pending};
use super::records::{EndedRecord, kind};
use super::state::State;
use super::submit::Step;
use super::sweep::AT_ONCE;
use super::{Shared, rooms};
use crate::api::{Answer, LogKey, Notice, ReceiptState, Refusal};
use crate::disk::Disk;

impl<D: Disk> Step<'_, D> {
    pub(super) fn purge(&mut self, id: &ClientId) {
        self.end_if_due(id);
        let found = self.shared.state.by_name(id.as_str());
        let Some(identity) = found.filter(|identity| !identity.ended) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let number = identity.number;
        let seqs = identity.mailbox.waiting_seqs();
        for seqs in seqs.chunks(AT_ONCE) {
            let purged = (number, seqs, EndReason::Purged);
            if !self.engine.lose(self.shared, purged, self.outcome) {
                return self.refuse(self.no_room(0));
            }
        }
        self.have_receipts_written();
        let answer = Answer::Purged(seqs.len() as u64);
        self.shared.group.answer(self.tag, Pending::Ready(answer));
    }

    /// The name is free again: of a claimed one not even its hash is kept.
    pub(super) fn delete(&mut self, id: &ClientId) {
        let Some(number) = self.shared.state.by_name(id.as_str()).map(|identity| identity.number)
        else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        if !self.admits(DELETE_BYTES) {
            return self.refuse(self.no_room(DELETE_BYTES));
        }
        rooms::end_memberships(self.shared, number);
        let Shared { state, group, .. } = &mut *self.shared;
        state.owe_ended(number, ReceiptState::Purged, self.now);
        if remove(state, group, number) {
            self.outcome.notices.push(Notice::Ended { log: LogKey(number) });
        }
        self.have_receipts_written();
        self.shared.group.answer(self.tag, Pending::Ready(Answer::Done));
    }
}

/// Whether somebody was here as it.
fn remove(state: &mut State, group: &mut Group, number: u64) -> bool {
    let Some(identity) = state.identities.get(&number) else { return false };
    let (here, stored) = (identity.connections != 0, identity.stored);
    state.remove(number);
    if stored {
        let record = EndedRecord { number };
        group.record(kind::ENDED, None, |into| record.encode(into));
    }
    here
}

impl super::log::Log {
    /// All that waits for any reader, ascending.
    fn waiting_seqs(&self) -> Vec<Seq> {
        self.waiting_ranges().iter().flat_map(|(from, to)| from..=to).collect()
    }
}

/// What the records of one deletion take.
const DELETE_BYTES: usize = 1024;

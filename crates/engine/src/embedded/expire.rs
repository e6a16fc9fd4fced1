//! Identities end when nobody has been there for their time. A claimed name keeps its hash, so that only its old holder
//! gets it again.

use ackd_wire::Millis;

use super::group::Placed;
use super::records::{EndedRecord, kind};
use super::{Embedded, Shared};
use crate::api::ReceiptState;
use crate::disk::Disk;

impl<D: Disk> Embedded<D> {
    /// Ends what is due, a bounded number at a time. True if more may be due.
    pub(super) fn expire(&self, now: Millis) -> bool {
        let shared = &mut *self.shared.lock();
        for step in 0..STEP {
            let due = shared.state.ends.first().filter(|(end, _)| *end <= now).copied();
            let Some((_, number)) = due else { return false };
            if !self.admits(&mut shared.group, END_BYTES) {
                // With room in the next group it goes on; where nothing fits, the disk is full.
                return 0 < step;
            }
            end(shared, number, now);
        }
        true
    }
}

/// When the next identity ends, or the oldest message of a room.
pub(super) fn next(shared: &Shared) -> Option<Millis> {
    let identities = shared.state.ends.first().map(|(end, _)| *end);
    let rooms = shared.state.rooms.next_due().map(|(due, _)| due);
    identities.into_iter().chain(rooms).min()
}

/// Ends one identity: its mailbox and outboxes are gone.
pub(super) fn end(shared: &mut Shared, number: u64, now: Millis) {
    super::rooms::end_memberships(shared, number);
    let Shared { state, group, .. } = shared;
    state.owe_ended(number, ReceiptState::Expired, now);
    let epoch = state.random_u64();
    let Some(identity) = state.identities.get_mut(&number) else { return };
    state.ends.remove(&(identity.end(&state.limits), number));
    if !identity.claimed {
        state.remove(number);
        let record = EndedRecord { number };
        group.record(kind::ENDED, None, |into| record.encode(into));
        return;
    }
    identity.ended = true;
    identity.outboxes_from = state.counters.next_number;
    for outbox in std::mem::take(&mut identity.outboxes) {
        state.remove_outbox(outbox);
    }
    state.change_log(number, |log| log.empty(epoch));
    let Some(identity) = state.identities.get_mut(&number) else { return };
    let (record, header) = (identity.record(), identity.mailbox.header(number));
    group.record(kind::IDENTITY, Some(Placed::Identity(number)), |into| record.encode(into));
    group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
}

/// What the records of one end take: an identity, and a header with one reader.
const END_BYTES: u64 = 1024;
/// Identities ended in one step.
const STEP: usize = 100;

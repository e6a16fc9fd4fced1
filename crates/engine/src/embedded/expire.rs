//! Identities end when nobody has been there for their time. A claimed name keeps its hash, so that only its old holder
//! gets it again.

use ackd_wire::Millis;

use super::Shared;
use super::group::Placed;
use super::records::{EndedRecord, kind};

/// Ends what is due, a bounded number at a time. True if more is due.
pub(super) fn step(shared: &mut Shared, now: Millis, fits: bool) -> bool {
    for _ in 0..STEP {
        let due = shared.state.ends.first().filter(|(end, _)| *end <= now).copied();
        let (Some((_, number)), true) = (due, fits) else { return false };
        end(shared, number);
    }
    true
}

/// When the next identity ends.
pub(super) fn next(shared: &Shared) -> Option<Millis> {
    shared.state.ends.first().map(|(end, _)| *end)
}

/// Ends one identity: its mailbox and outboxes are gone.
pub(super) fn end(shared: &mut Shared, number: u64) {
    let Shared { state, group, .. } = shared;
    let epoch = state.random_u64();
    let Some(identity) = state.identities.get_mut(&number) else { return };
    state.ends.remove(&(identity.end(&state.limits), number));
    if !identity.claimed {
        state.remove(number);
        let record = EndedRecord { number };
        group.record(kind::ENDED, None, |into| record.encode(into));
        return;
    }
    for outbox in std::mem::take(&mut identity.outboxes) {
        state.outboxes.remove(&outbox);
    }
    identity.ended = true;
    identity.mailbox.empty(epoch);
    let (record, header) = (identity.record(), identity.mailbox.header(number));
    group.record(kind::IDENTITY, Some(Placed::Identity(number)), |into| record.encode(into));
    group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
}

/// Identities ended in one step.
const STEP: usize = 100;

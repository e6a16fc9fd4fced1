//! Counters against what they count: whoever tests or simulates the engine asks after every step. It changes nothing and
//! holds the engine's lock while it looks at everything, so nobody else calls it.

use std::ops::ControlFlow;

use ackd_wire::Millis;
use rustc_hash::FxHashMap;

use super::records::MessageRecord;
use super::state::{Identity, Removal, State};
use super::{Embedded, Shared, keys};
use crate::disk::Disk;

impl<D: Disk> Embedded<D> {
    /// Says what is wrong with the engine's own bookkeeping, if anything is. Only while no commit runs.
    pub fn audit(&self) -> Result<(), String> {
        let shared = self.shared.lock();
        let Shared { state, group, .. } = &*shared;
        if group.poisoned {
            return Ok(()); // what was on its way is neither there nor gone until the store is opened anew
        }
        let mut pending = FxHashMap::<u64, (u64, u64)>::default();
        for appended in group.appended.iter().filter(|a| state.identities.contains_key(&a.log)) {
            let counts = pending.entry(appended.log).or_default();
            *counts = (counts.0 + 1, counts.1 + appended.text.len() as u64);
        }
        let (mut sums, mut in_memory) = ((0, 0, 0), (0, 0));
        for identity in state.identities.values() {
            let mailbox = &identity.mailbox;
            let on_their_way = pending.get(&identity.number).copied().unwrap_or_default();
            let (waiting, bytes) = mailbox.recount();
            let counted = (waiting + on_their_way.0, bytes + on_their_way.1);
            let kept = mailbox.in_memory();
            if counted != kept && !identity.ended {
                return Err(format!(
                    "{}: {counted:?} are in memory, kept are {kept:?}",
                    identity.id
                ));
            }
            sums.0 += mailbox.waiting();
            sums.1 += mailbox.waiting_bytes();
            sums.2 += identity.unclaimed_bytes();
            in_memory.0 += kept.0;
            in_memory.1 += kept.1;
            audit_identity(state, identity)?;
        }
        let kept = (state.waiting, state.waiting_bytes, state.unclaimed_bytes);
        if kept != sums {
            return Err(format!("the sums are {sums:?}, kept are {kept:?}"));
        }
        if in_memory != (state.in_memory, state.in_memory_bytes) {
            return Err("the sums of what is in memory are wrong".into());
        }
        let outboxes: usize = state.identities.values().map(|i| i.outboxes.len()).sum();
        if outboxes != state.outboxes.len() || state.names.len() != state.identities.len() {
            return Err("an outbox or a name belongs to nobody".into());
        }
        state.rooms.audit()?;
        self.audit_archive(state)
    }

    /// What is in the archive, counted anew.
    fn audit_archive(&self, state: &State) -> Result<(), String> {
        let mut there = FxHashMap::<u64, (u64, u64, u64)>::default();
        let mut wrong = None;
        let scanned =
            self.archive.scan(&[keys::MESSAGE], &[keys::MESSAGE + 1], &mut |key, value| {
                let record = MessageRecord::decode(value);
                let (Ok(record), Some(log)) = (record, keys::number_of(key)) else {
                    wrong = Some(format!("{key:?} is no message"));
                    return ControlFlow::Break(());
                };
                let counts = there.entry(log).or_default();
                let mailbox = state.identities.get(&log).map(|identity| &identity.mailbox);
                let settled = match state.rooms.get(log) {
                    Some(room) => record.seq < room.first,
                    None => mailbox.is_none_or(|mailbox| mailbox.is_over(record.seq)),
                };
                *counts = (
                    counts.0 + 1,
                    counts.1 + record.text[0].len() as u64,
                    counts.2 + u64::from(!settled),
                );
                ControlFlow::Continue(())
            });
        if scanned.is_err() {
            return Ok(()); // the power is off
        }
        for identity in state.identities.values() {
            let (messages, bytes, unsettled) = there.remove(&identity.number).unwrap_or_default();
            let archived = identity.mailbox.archived();
            let kept =
                archived.map_or((0, 0), |a| (u64::from(a.waiting.messages), a.waiting.bytes));
            if kept != (messages, bytes) || unsettled != identity.mailbox.archived_waiting() {
                wrong = Some(format!(
                    "{}: {:?} are archived, kept are {kept:?} and {}",
                    identity.id,
                    (messages, bytes, unsettled),
                    identity.mailbox.archived_waiting()
                ));
            }
        }
        for number in state.rooms.numbers() {
            let (_, _, kept) = there.remove(&number).unwrap_or_default();
            if kept != state.rooms.archived(number) {
                wrong = Some(format!("room {number}: {kept} messages are archived"));
            }
        }
        let is_ended = |log: u64| {
            [Removal::Identity(log), Removal::Room(log)]
                .iter()
                .any(|removal| state.removals.contains(removal))
        };
        there.retain(|log, _| !is_ended(*log));
        if !there.is_empty() {
            wrong = Some(format!("messages are archived for nobody: {there:?}"));
        }
        wrong.map_or(Ok(()), Err)
    }
}

fn audit_identity(state: &State, identity: &Identity) -> Result<(), String> {
    let Identity { id, number, mailbox, outboxes, .. } = identity;
    mailbox.audit().map_err(|what| format!("{id}: {what}"))?;
    if outboxes.iter().any(|key| state.outboxes.get(key).is_none_or(|o| o.identity != *number)) {
        return Err(format!("{id}: an outbox that is not its own"));
    }
    let registered = state.sweeps.contains(&(mailbox.sweep_at, *number));
    if registered != (mailbox.sweep_at != Millis::MAX) {
        return Err(format!("{id}: when to look for what has ended is kept wrongly"));
    }
    if state.names.get(id.as_str()) != Some(number) {
        return Err(format!("{id}: not found by its name"));
    }
    let due = identity.stored && identity.connections == 0 && !identity.ended;
    if due != state.ends.contains(&(identity.end(&state.limits), *number)) {
        return Err(format!("{id}: its end is kept wrongly"));
    }
    Ok(())
}

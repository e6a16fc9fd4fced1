//! Counters against what they count: whoever tests or simulates the engine asks after every step. It changes nothing and
//! holds the engine's lock while it looks at everything, so nobody else calls it.

use rustc_hash::FxHashMap;

use super::state::{Identity, State};
use super::{Embedded, Shared};
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
        let mut sums = (0, 0, 0);
        for identity in state.identities.values() {
            let mailbox = &identity.mailbox;
            let on_their_way = pending.get(&identity.number).copied().unwrap_or_default();
            let (waiting, bytes) = mailbox.recount();
            let counted = (waiting + on_their_way.0, bytes + on_their_way.1);
            if counted != (u64::from(mailbox.waiting), mailbox.bytes) && !identity.ended {
                let kept = (mailbox.waiting, mailbox.bytes);
                return Err(format!("{}: {counted:?} wait, kept are {kept:?}", identity.id));
            }
            sums.0 += u64::from(mailbox.waiting);
            sums.1 += mailbox.bytes;
            sums.2 += identity.unclaimed_bytes();
            audit_identity(state, identity)?;
        }
        let kept = (state.waiting, state.waiting_bytes, state.unclaimed_bytes);
        if kept != sums {
            return Err(format!("the sums are {sums:?}, kept are {kept:?}"));
        }
        let outboxes: usize = state.identities.values().map(|i| i.outboxes.len()).sum();
        if outboxes != state.outboxes.len() || state.names.len() != state.identities.len() {
            return Err("an outbox or a name belongs to nobody".into());
        }
        Ok(())
    }
}

fn audit_identity(state: &State, identity: &Identity) -> Result<(), String> {
    let Identity { id, number, mailbox, outboxes, .. } = identity;
    mailbox.audit().map_err(|what| format!("{id}: {what}"))?;
    if outboxes.iter().any(|key| state.outboxes.get(key).is_none_or(|o| o.identity != *number)) {
        return Err(format!("{id}: an outbox that is not its own"));
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

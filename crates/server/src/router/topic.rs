//! What is told of one watched identity or room: the newest change of each identity, kept once for all who watch, and how
//! far each of them has looked.

use std::collections::{BTreeMap, BTreeSet};

use ackd_engine::SessionKey;
use ackd_wire::{ClientId, Millis};
use rustc_hash::FxHashMap;

/// Changes that some watcher has not seen yet.
#[derive(Debug, Default)]
pub(super) struct Topic {
    /// Each has seen all changes up to this generation.
    watchers: FxHashMap<SessionKey, u64>,
    /// Those of them who have seen all, or know of none that they have not seen.
    content: BTreeSet<SessionKey>,
    /// The newest of each identity, by generation.
    changes: BTreeMap<u64, Change>,
    /// Generations of the changes.
    newest: FxHashMap<ClientId, u64>,
    /// Changes up to here may be forgotten although somebody has not seen them.
    forgotten: u64,
    /// With so many changes it is worth looking which all have seen.
    trim_at: usize,
    away: FxHashMap<ClientId, Away>,
}

/// What has become of an identity.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: ClientId,
    pub(super) online: bool,
    pub(super) at: Millis,
}

/// An identity that is away, and not yet told to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Away {
    /// Its place among all that are away.
    pub(super) place: Place,
    pub(super) since: Millis,
}

/// When it is told, and a number that makes the place unique.
pub(super) type Place = (Millis, u64);

/// How a look has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// Everything is seen.
    Done,
    /// There is more.
    HasMore,
    /// Something is forgotten that was not seen.
    Behind,
}

impl Topic {
    /// Whoever watches from now on, or anew, sees what comes after this generation.
    pub(super) fn watch(&mut self, key: SessionKey, generation: u64) {
        self.watchers.insert(key, generation);
        self.content.insert(key);
    }

    /// Whether nobody watches any more.
    pub(super) fn unwatch(&mut self, key: SessionKey) -> bool {
        self.watchers.remove(&key);
        self.content.remove(&key);
        self.watchers.is_empty()
    }

    /// Notes a change. Who is to be told that there is one.
    pub(super) fn change(&mut self, generation: u64, change: Change) -> BTreeSet<SessionKey> {
        if let Some(older) = self.newest.insert(change.id.clone(), generation) {
            self.changes.remove(&older);
        }
        self.changes.insert(generation, change);
        if self.trim_at < self.changes.len() {
            self.trim();
        }
        std::mem::take(&mut self.content)
    }

    /// Gives a watcher what it has not seen, at most `limit` changes.
    pub(super) fn look(
        &mut self,
        key: SessionKey,
        limit: usize,
        mut give: impl FnMut(u64, &Change),
    ) -> Looked {
        let Some(seen) = self.watchers.get_mut(&key) else { return Looked::Done };
        if *seen < self.forgotten {
            return Looked::Behind;
        }
        let mut unseen = self.changes.range(*seen + 1..);
        for (generation, change) in unseen.by_ref().take(limit) {
            give(*generation, change);
            *seen = *generation;
        }
        if unseen.next().is_some() {
            return Looked::HasMore;
        }
        self.content.insert(key);
        Looked::Done
    }

    /// Forgets what all have seen; beyond the limit the oldest, seen or not.
    fn trim(&mut self) {
        let seen = self.watchers.values().copied().min().unwrap_or_default();
        while let Some(oldest) = self.changes.first_entry()
            && (*oldest.key() <= seen || CHANGES_MAX < self.newest.len())
        {
            self.forgotten = *oldest.key();
            self.newest.remove(&oldest.remove().id);
        }
        self.trim_at = (2 * self.changes.len()).clamp(CHANGES_MIN, CHANGES_MAX);
    }

    pub(super) fn put_away(&mut self, id: &ClientId, away: Away) {
        self.away.insert(id.clone(), away);
    }

    pub(super) fn take_away(&mut self, id: &ClientId) -> Option<Away> {
        self.away.remove(id)
    }

    /// Whether this one is away and not yet told to be.
    pub(super) fn is_awaited(&self, id: &ClientId) -> bool {
        self.away.contains_key(id)
    }

    /// All who are.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &ClientId> {
        self.away.keys()
    }

    /// Their places among all that are away.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.away.values().map(|away| away.place)
    }
}

/// Changes worth a look at who has seen them.
const CHANGES_MIN: usize = 64;
/// Changes of one topic: whoever lags behind more is not told, but sent away to ask anew.
const CHANGES_MAX: usize = 16 * 1024;

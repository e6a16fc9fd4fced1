//! Presence: who watches whom, and what has changed since a watcher looked. A change is kept once for all watchers of its
//! subject, and only the newest of each identity; a watcher is told that there is one, and looks when its client reads. So
//! a slow reader costs a few numbers a subject, gets the newest state, and holds up nobody.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use ackd_engine::SessionKey;
use ackd_wire::limits::WATCHED_MAX;
use ackd_wire::{ClientId, Millis, Room};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Inbox;
use super::topic::{Away, Change, Looked, Place, Topic};
use crate::session::{PresenceChange, Signal};

/// All that is watched. Nothing is kept of what nobody watches.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// How long somebody may be away before that is told.
    grace_ms: Millis,
    /// The generation of the newest change.
    generation: u64,
    identities: FxHashMap<ClientId, Topic>,
    rooms: FxHashMap<Room, Topic>,
    watchers: FxHashMap<SessionKey, Watcher>,
    /// Who is away, by when that is to be told.
    away: BTreeMap<Place, (Subject, ClientId)>,
    /// The number in the last place of `away`.
    number: u64,
    /// Whom to wake when `away` is empty no more.
    waker: Option<Waker>,
}

/// Whose presence is watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// One identity's.
    Identity(ClientId),
    /// That of a room's members.
    Room(Room),
}

/// One session that watches.
#[derive(Debug)]
struct Watcher {
    inbox: Arc<Inbox>,
    /// At most [`WATCHED_MAX`].
    subjects: FxHashSet<Subject>,
    /// Those of them in which something has changed, each once. Not empty: it has been told.
    changed: VecDeque<Subject>,
}

/// What has happened to an identity, or to a member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is here.
    Came,
    /// Its connection has ended: told after the grace, unless it comes back.
    Lost,
    /// It has left by its own wish: told at once.
    Left,
}

/// A watcher has missed a change that is forgotten.
#[derive(Debug)]
pub(super) struct Behind;

impl Presence {
    /// How long a reconnect may take, and the generation after which all changes come.
    pub(super) fn set_up(&mut self, grace_ms: Millis, generation: u64) {
        (self.grace_ms, self.generation) = (grace_ms, generation);
    }

    /// All changes from now on come after this generation, which another node knows.
    pub(super) fn raise(&mut self, generation: u64) {
        self.generation = self.generation.max(generation);
    }

    /// The generation of the newest change.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// A session watches these from now on. False: it would watch too many; nothing is changed.
    pub(super) fn watch(
        &mut self,
        key: SessionKey,
        inbox: &Arc<Inbox>,
        subjects: impl Iterator<Item = Subject> + Clone,
    ) -> bool {
        let known = self.watchers.get(&key).map(|watcher| &watcher.subjects);
        let is_new = |subject: &Subject| known.is_none_or(|known| !known.contains(subject));
        let new: FxHashSet<_> = subjects.clone().filter(is_new).collect();
        if WATCHED_MAX < known.map_or(0, FxHashSet::len) + new.len() {
            return false;
        }
        let generation = self.generation;
        for subject in subjects {
            self.topic_or_new(&subject).watch(key, generation);
            let watcher = self.watchers.entry(key).or_insert_with(|| Watcher::new(inbox.clone()));
            watcher.changed.retain(|changed| *changed != subject);
            watcher.subjects.insert(subject);
        }
        true
    }

    /// Whether an identity is away and not yet told to be: to watchers it is here.
    pub(super) fn is_awaited(&self, id: &ClientId) -> bool {
        self.identities.get(id).is_some_and(|topic| topic.is_awaited(id))
    }

    /// The same of a room: all who are.
    pub(super) fn awaited(&self, room: &Room) -> Vec<ClientId> {
        let topic = self.rooms.get(room);
        let mut awaited: Vec<_> = topic.into_iter().flat_map(Topic::awaited).cloned().collect();
        awaited.sort_unstable();
        awaited
    }

    /// A session watches this no more.
    pub(super) fn unwatch(&mut self, key: SessionKey, subject: &Subject) {
        let Some(watcher) = self.watchers.get_mut(&key) else { return };
        if watcher.subjects.remove(subject) {
            watcher.changed.retain(|changed| changed != subject);
            if watcher.subjects.is_empty() {
                self.watchers.remove(&key);
            }
            self.forget(key, subject);
        }
    }

    /// The session is over.
    pub(super) fn close(&mut self, key: SessionKey) {
        let Some(watcher) = self.watchers.remove(&key) else { return };
        for subject in &watcher.subjects {
            self.forget(key, subject);
        }
    }

    /// An identity has its first connection, or none any more.
    pub(super) fn identity(
        &mut self,
        id: &ClientId,
        (turn, now): (Turn, Millis),
        wakers: &mut Vec<Waker>,
    ) {
        if self.identities.contains_key(id) {
            self.turn(&Subject::Identity(id.clone()), id, (turn, now), wakers);
        }
    }

    /// An identity is a member of a room, or no more.
    pub(super) fn member(
        &mut self,
        room: &Room,
        id: &ClientId,
        (turn, now): (Turn, Millis),
        wakers: &mut Vec<Waker>,
    ) {
        if self.rooms.contains_key(room) {
            self.turn(&Subject::Room(room.clone()), id, (turn, now), wakers);
        }
    }

    fn turn(
        &mut self,
        subject: &Subject,
        id: &ClientId,
        (turn, now): (Turn, Millis),
        wakers: &mut Vec<Waker>,
    ) {
        let Some(topic) = self.topic_mut(subject) else { return };
        let awaited = topic.take_away(id);
        if let Some(Away { place, .. }) = awaited {
            self.away.remove(&place);
        }
        match turn {
            Turn::Came if awaited.is_some() => {}
            Turn::Came => self.change(subject, id, (true, now), wakers),
            Turn::Left => self.change(subject, id, (false, now), wakers),
            Turn::Lost => {
                self.number += 1;
                let place = (now.saturating_add(self.grace_ms), self.number);
                self.away.insert(place, (subject.clone(), id.clone()));
                if let Some(topic) = self.topic_mut(subject) {
                    topic.put_away(id, Away { place, since: now });
                }
                wakers.extend(self.waker.take());
            }
        }
    }

    /// Tells of those whose grace is over. When the next one's is; `None`: nobody is away, and `waker` is woken as soon as
    /// somebody is.
    pub(super) fn tick(
        &mut self,
        now: Millis,
        waker: &Waker,
        wakers: &mut Vec<Waker>,
    ) -> Option<Millis> {
        while let Some(entry) = self.away.first_entry() {
            let (at, _) = *entry.key();
            if now < at {
                return Some(at);
            }
            let (subject, id) = entry.remove();
            let away = self.topic_mut(&subject).and_then(|topic| topic.take_away(&id));
            if let Some(Away { since, .. }) = away {
                self.change(&subject, &id, (false, since), wakers);
            }
        }
        self.waker = Some(waker.clone());
        None
    }

    /// Notes a change, and tells whoever watches and does not know yet that there is one.
    fn change(
        &mut self,
        subject: &Subject,
        id: &ClientId,
        (online, at): (bool, Millis),
        wakers: &mut Vec<Waker>,
    ) {
        self.generation += 1;
        let generation = self.generation;
        let Some(topic) = self.topic_mut(subject) else { return };
        for key in topic.change(generation, Change { id: id.clone(), online, at }) {
            let Some(watcher) = self.watchers.get_mut(&key) else { continue };
            if watcher.changed.is_empty() {
                wakers.extend(watcher.inbox.push(Signal::PresenceChanged));
            }
            watcher.changed.push_back(subject.clone());
        }
    }

    /// What has changed for a session since it last looked. What is too much for once is announced again.
    pub(super) fn look(
        &mut self,
        key: SessionKey,
        wakers: &mut Vec<Waker>,
    ) -> Result<Vec<PresenceChange>, Behind> {
        let Some(mut watcher) = self.watchers.remove(&key) else { return Ok(Vec::new()) };
        let mut changes = Vec::new();
        let mut behind = false;
        while changes.len() < CHANGES_AT_ONCE
            && let Some(subject) = watcher.changed.pop_front()
        {
            match self.look_at(key, &subject, &mut changes) {
                Looked::Done => {}
                Looked::HasMore => watcher.changed.push_back(subject),
                Looked::Behind => behind = true,
            }
        }
        if !watcher.changed.is_empty() {
            wakers.extend(watcher.inbox.push(Signal::PresenceChanged));
        }
        self.watchers.insert(key, watcher);
        if behind { Err(Behind) } else { Ok(changes) }
    }

    fn look_at(
        &mut self,
        key: SessionKey,
        subject: &Subject,
        changes: &mut Vec<PresenceChange>,
    ) -> Looked {
        let limit = CHANGES_AT_ONCE - changes.len();
        let room = match subject {
            Subject::Identity(_) => None,
            Subject::Room(room) => Some(room),
        };
        let Some(topic) = self.topic_mut(subject) else { return Looked::Done };
        topic.look(key, limit, |generation, change| {
            let Change { id, online, at } = change;
            let (id, room) = (id.clone(), room.cloned());
            changes.push(PresenceChange { id, online: *online, generation, at: *at, room });
        })
    }

    fn topic_mut(&mut self, subject: &Subject) -> Option<&mut Topic> {
        match subject {
            Subject::Identity(id) => self.identities.get_mut(id),
            Subject::Room(room) => self.rooms.get_mut(room),
        }
    }

    fn topic_or_new(&mut self, subject: &Subject) -> &mut Topic {
        match subject {
            Subject::Identity(id) => self.identities.entry(id.clone()).or_default(),
            Subject::Room(room) => self.rooms.entry(room.clone()).or_default(),
        }
    }

    /// Forgets a watcher; the last one's going takes the topic with it.
    fn forget(&mut self, key: SessionKey, subject: &Subject) {
        if !self.topic_mut(subject).is_some_and(|topic| topic.unwatch(key)) {
            return;
        }
        let topic = match subject {
            Subject::Identity(id) => self.identities.remove(id),
            Subject::Room(room) => self.rooms.remove(room),
        };
        for place in topic.iter().flat_map(Topic::places) {
            self.away.remove(&place);
        }
    }
}

impl Watcher {
    fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, subjects: FxHashSet::default(), changed: VecDeque::new() }
    }
}

/// Changes that a session takes at once.
const CHANGES_AT_ONCE: usize = 256;

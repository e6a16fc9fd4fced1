//! Watching as sessions ask for it, and the door of whoever keeps the time for it.

use std::task::Waker;

use ackd_engine::SessionKey;
use ackd_wire::limits::WATCHED_MEMBERS_MAX;
use ackd_wire::{ClientId, Millis};

use super::presence::{Behind, Subject};
use super::rooms::Members;
use super::switchboard::{State, wake};
use super::{Router, Switchboard};
use crate::session::{Signal, Unwatchable, Watched};

impl Switchboard {
    /// How long a reconnect may take before it is told that somebody is away, and the generation after which all changes
    /// of presence come. To be called before anybody is here.
    pub fn set_up_presence(&self, grace_ms: Millis, generation: u64) {
        self.state.lock().presence.set_up(grace_ms, generation);
    }
}

impl Router {
    /// Tells of those who have been away for longer than the grace. When the next one has, and the generation of the
    /// newest change. No next: `waker` is woken as soon as somebody is away.
    pub fn tick_presence(&self, now: Millis, waker: &Waker) -> (Option<Millis>, u64) {
        let mut wakers = Vec::new();
        let mut state = self.switchboard().state.lock();
        state.tell_time(now);
        let next = state.presence.tick(now, waker, &mut wakers);
        let generation = state.presence.generation();
        drop(state);
        wake(wakers);
        (next, generation)
    }
}

impl State {
    /// It goes only forward: connections tell it in any order.
    pub(super) fn tell_time(&mut self, now: Millis) {
        self.now = self.now.max(now);
    }

    pub(super) fn watch(
        &mut self,
        key: SessionKey,
        slot: u32,
        watched: &Watched,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(inbox) = self.sessions.get(&key).map(|seat| seat.inbox.clone()) else { return };
        let present = self.present(watched);
        let present = present.and_then(|present| {
            let is_watched = match watched {
                Watched::Ids(ids) => {
                    let subjects = ids.iter().map(|id| Subject::Identity(id.clone()));
                    self.presence.watch(key, &inbox, subjects)
                }
                Watched::Room(room) => {
                    self.presence.watch(key, &inbox, std::iter::once(Subject::Room(room.clone())))
                }
            };
            if is_watched { Ok(present) } else { Err(Unwatchable::TooMany) }
        });
        wakers.extend(inbox.push(Signal::Watching(slot, present)));
    }

    /// Who of them is here, or was a moment ago.
    fn present(&self, watched: &Watched) -> Result<Vec<ClientId>, Unwatchable> {
        let room = match watched {
            Watched::Ids(ids) => {
                let is_here = |id: &&ClientId| {
                    self.online.contains_key(*id)
                        || self.nodes.has(id)
                        || self.presence.is_awaited(id)
                };
                let mut present: Vec<_> = ids.iter().filter(is_here).cloned().collect();
                present.sort_unstable();
                present.dedup();
                return Ok(present);
            }
            Watched::Room(room) => room,
        };
        let members = self.rooms.get(room).map(Members::ids).unwrap_or_default();
        let present = [members, self.presence.awaited(room)].concat();
        if WATCHED_MEMBERS_MAX < present.len() {
            return Err(Unwatchable::TooLarge);
        }
        Ok(present)
    }

    pub(super) fn unwatch(
        &mut self,
        key: SessionKey,
        slot: u32,
        watched: &Watched,
        wakers: &mut Vec<Waker>,
    ) {
        match watched {
            Watched::Ids(ids) => {
                for id in ids {
                    self.presence.unwatch(key, &Subject::Identity(id.clone()));
                }
            }
            Watched::Room(room) => self.presence.unwatch(key, &Subject::Room(room.clone())),
        }
        let Some(seat) = self.sessions.get(&key) else { return };
        wakers.extend(seat.inbox.push(Signal::Watching(slot, Ok(Vec::new()))));
    }

    /// A session has heard that something has changed.
    pub(super) fn look(&mut self, key: SessionKey, wakers: &mut Vec<Waker>) {
        let Some(inbox) = self.sessions.get(&key).map(|seat| seat.inbox.clone()) else { return };
        let signal = match self.presence.look(key, wakers) {
            Ok(changes) => Signal::Presence(changes),
            Err(Behind) => Signal::PresenceMissed,
        };
        wakers.extend(inbox.push(signal));
    }
}

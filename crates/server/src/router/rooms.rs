//! Rooms: which sessions are in which room, and as whom; and which rooms have durable members, so that what is sent there
//! is stored. A session's place in a room ends with the session.

use std::sync::Arc;

use ackd_engine::{LogKey, SessionKey};
use ackd_wire::{ClientId, Room};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Inbox;

/// All rooms. A room exists while somebody is in it, or while it has durable members.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: FxHashMap<Room, Members>,
    /// Rooms with durable members, by their logs.
    logs: FxHashMap<LogKey, Room>,
}

/// Those in one room, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Members {
    here: Vec<Member>,
    /// Sessions of each identity.
    identities: FxHashMap<ClientId, u32>,
    /// Of those, the identities that are durable members.
    durable_here: FxHashSet<ClientId>,
    /// The log, and how many identities are durable members, here or not.
    durable: Option<(LogKey, u64)>,
}

/// One session in a room.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) session: SessionKey,
    pub(super) id: ClientId,
    /// Told about others who come and go.
    pub(super) classic: bool,
    /// Its identity is a durable member.
    pub(super) durable: bool,
    pub(super) inbox: Arc<Inbox>,
}

impl Rooms {
    pub(super) fn get(&self, room: &Room) -> Option<&Members> {
        self.rooms.get(room)
    }

    /// Whether the session was not in already, and whether its identity was not.
    pub(super) fn join(&mut self, room: &Room, member: Member) -> [bool; 2] {
        let members = self.rooms.entry(room.clone()).or_default();
        if member.durable {
            members.durable_here.insert(member.id.clone());
        }
        if members.iter().any(|other| other.session == member.session) {
            return [false, false];
        }
        let is_new = members.count_in(&member.id);
        members.here.push(member);
        [true, is_new]
    }

    /// The member that has left, if it was one, and whether its identity is in the room no more.
    pub(super) fn leave(&mut self, room: &Room, session: SessionKey) -> Option<(Member, bool)> {
        let members = self.rooms.get_mut(room)?;
        let place = members.here.iter().position(|member| member.session == session)?;
        let member = members.here.remove(place);
        let is_gone = members.count_out(&member.id);
        if is_gone {
            members.durable_here.remove(&member.id);
        }
        if members.is_useless() {
            self.rooms.remove(room);
        }
        Some((member, is_gone))
    }

    /// The session goes by another ID from now on. Its old one, whether that is in the room no more, and whether the new
    /// one was not.
    pub(super) fn rename(
        &mut self,
        room: &Room,
        session: SessionKey,
        id: &ClientId,
    ) -> Option<(ClientId, [bool; 2])> {
        let members = self.rooms.get_mut(room)?;
        let member = members.here.iter_mut().find(|member| member.session == session)?;
        let old = std::mem::replace(&mut member.id, id.clone());
        let is_new = members.count_in(id);
        let is_gone = members.count_out(&old);
        if is_gone {
            members.durable_here.remove(&old);
        }
        Some((old, [is_gone, is_new]))
    }

    /// Identities in the room: here, or durable members.
    pub(super) fn count(&self, room: &Room) -> u64 {
        self.rooms.get(room).map_or(0, |members| {
            let passing = members.identities.len() - members.durable_here.len();
            passing as u64 + members.durable.map_or(0, |(_, members)| members)
        })
    }

    /// So many identities are durable members of a room.
    pub(super) fn set_durable(&mut self, room: &Room, log: LogKey, count: u64) {
        let members = self.rooms.entry(room.clone()).or_default();
        if count == 0 {
            members.durable = None;
            members.durable_here.clear();
            self.logs.remove(&log);
            if members.is_useless() {
                self.rooms.remove(room);
            }
            return;
        }
        members.durable = Some((log, count));
        self.logs.insert(log, room.clone());
    }

    /// An identity is a durable member no more.
    pub(super) fn end_durable(&mut self, room: &Room, id: &ClientId) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.durable_here.remove(id);
        }
    }

    /// The room that has this log.
    pub(super) fn by_log(&self, log: LogKey) -> Option<&Members> {
        self.get(self.logs.get(&log)?)
    }
}

impl Members {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.here.iter()
    }

    fn is_useless(&self) -> bool {
        self.here.is_empty() && self.durable.is_none()
    }

    /// Identities, each once, in order of arrival of their first session that is here.
    pub(super) fn ids(&self) -> Vec<ClientId> {
        let mut seen = FxHashSet::default();
        let ids = self.here.iter().map(|member| &member.id);
        ids.filter(|id| seen.insert(*id)).cloned().collect()
    }

    /// One session more; whether it is the identity's first.
    fn count_in(&mut self, id: &ClientId) -> bool {
        let sessions = self.identities.entry(id.clone()).or_default();
        *sessions += 1;
        *sessions == 1
    }

    /// One session less; whether it was the identity's last.
    fn count_out(&mut self, id: &ClientId) -> bool {
        let Some(sessions) = self.identities.get_mut(id) else { return false };
        *sessions -= 1;
        let is_gone = *sessions == 0;
        if is_gone {
            self.identities.remove(id);
        }
        is_gone
    }
}

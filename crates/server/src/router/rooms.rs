//! Live rooms: which sessions are in which room, and as whom. Membership ends with the session.

use std::sync::Arc;

use ackd_engine::SessionKey;
use ackd_wire::{ClientId, Room};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Inbox;

/// All live rooms. A room exists while somebody is in it.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: FxHashMap<Room, Members>,
}

/// Those in one room, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Members {
    members: Vec<Member>,
    /// Sessions of each identity.
    identities: FxHashMap<ClientId, u32>,
}

/// One session in a room.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) session: SessionKey,
    pub(super) id: ClientId,
    /// Told about others who come and go.
    pub(super) classic: bool,
    pub(super) inbox: Arc<Inbox>,
}

impl Rooms {
    pub(super) fn get(&self, room: &Room) -> Option<&Members> {
        self.rooms.get(room)
    }

    /// Whether the session was not in already, and whether its identity was not.
    pub(super) fn join(&mut self, room: &Room, member: Member) -> [bool; 2] {
        let members = self.rooms.entry(room.clone()).or_default();
        if members.iter().any(|other| other.session == member.session) {
            return [false, false];
        }
        let is_new = members.count_in(&member.id);
        members.members.push(member);
        [true, is_new]
    }

    /// The member that has left, if it was one, and whether its identity is in the room no more.
    pub(super) fn leave(&mut self, room: &Room, session: SessionKey) -> Option<(Member, bool)> {
        let members = self.rooms.get_mut(room)?;
        let place = members.members.iter().position(|member| member.session == session)?;
        let member = members.members.remove(place);
        let is_gone = members.count_out(&member.id);
        if members.members.is_empty() {
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
        let member = members.members.iter_mut().find(|member| member.session == session)?;
        let old = std::mem::replace(&mut member.id, id.clone());
        let is_new = members.count_in(id);
        let is_gone = members.count_out(&old);
        Some((old, [is_gone, is_new]))
    }

    /// Identities in the room.
    pub(super) fn count(&self, room: &Room) -> u64 {
        self.rooms.get(room).map_or(0, |members| members.identities.len() as u64)
    }
}

impl Members {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Identities, each once, in order of arrival of their first session that is here.
    pub(super) fn ids(&self) -> Vec<ClientId> {
        let mut seen = FxHashSet::default();
        let ids = self.members.iter().map(|member| &member.id);
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

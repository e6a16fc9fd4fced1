//! Live rooms: which sessions are in which room, and as whom. Membership ends with the session.

use std::sync::Arc;

use ackd_engine::SessionKey;
use ackd_wire::{ClientId, Room};
use rustc_hash::FxHashMap;

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

    /// False if the session was in already.
    pub(super) fn join(&mut self, room: &Room, member: Member) -> bool {
        let members = self.rooms.entry(room.clone()).or_default();
        let new = members.iter().all(|other| other.session != member.session);
        if new {
            *members.identities.entry(member.id.clone()).or_default() += 1;
            members.members.push(member);
        }
        new
    }

    /// The member that has left, if it was one.
    pub(super) fn leave(&mut self, room: &Room, session: SessionKey) -> Option<Member> {
        let members = self.rooms.get_mut(room)?;
        let place = members.members.iter().position(|member| member.session == session)?;
        let member = members.members.remove(place);
        members.forget(&member.id);
        if members.members.is_empty() {
            self.rooms.remove(room);
        }
        Some(member)
    }

    /// The session goes by another ID from now on.
    pub(super) fn rename(&mut self, room: &Room, session: SessionKey, id: &ClientId) {
        let Some(members) = self.rooms.get_mut(room) else { return };
        let Some(member) = members.members.iter_mut().find(|member| member.session == session)
        else {
            return;
        };
        let old = std::mem::replace(&mut member.id, id.clone());
        members.forget(&old);
        *members.identities.entry(id.clone()).or_default() += 1;
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

    fn forget(&mut self, id: &ClientId) {
        if let Some(sessions) = self.identities.get_mut(id) {
            *sessions -= 1;
            if *sessions == 0 {
                self.identities.remove(id);
            }
        }
    }
}

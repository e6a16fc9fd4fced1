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
    /// Identities in it, and how often each is.
    identities: FxHashMap<ClientId, Times>,
    /// Of those, the identities that are durable members.
    durable_here: FxHashSet<ClientId>,
    /// The log, and how many identities are durable members, here or not.
    durable: Option<(LogKey, u64)>,
}

/// How often an identity is in a room.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// By sessions of this node.
    here: u32,
    /// On other nodes.
    elsewhere: u32,
}

/// What one session more has changed in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entered {
    /// The session was not in already.
    pub(super) session: bool,
    /// Its identity was not, on any node.
    pub(super) identity: bool,
    /// Other nodes do not know yet that the identity is in here, or as a durable member.
    pub(super) untold: bool,
}

/// What one session less has changed in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// The identity is in it no more, on any node.
    pub(super) everywhere: bool,
    /// The identity is in it no more on this node.
    pub(super) here: bool,
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

    /// One session more.
    pub(super) fn join(&mut self, room: &Room, member: Member) -> Entered {
        let members = self.rooms.entry(room.clone()).or_default();
        let untold = member.durable && members.durable_here.insert(member.id.clone());
        if members.iter().any(|other| other.session == member.session) {
            return Entered { untold, ..Entered::default() };
        }
        let times = members.count_in(&member.id);
        members.here.push(member);
        let identity = times.here + times.elsewhere == 1;
        Entered { session: true, identity, untold: untold || times.here == 1 }
    }

    /// An identity is in a room on another node. `is_in`: that was so before. Whether it was on no node.
    pub(super) fn join_there(
        &mut self,
        room: &Room,
        id: &ClientId,
        (is_in, durable): (bool, bool),
    ) -> bool {
        let members = self.rooms.entry(room.clone()).or_default();
        if durable {
            members.durable_here.insert(id.clone());
        }
        if is_in {
            return false;
        }
        let times = members.identities.entry(id.clone()).or_default();
        times.elsewhere += 1;
        times.here + times.elsewhere == 1
    }

    /// It is not any more. Whether it is on no node.
    pub(super) fn leave_there(&mut self, room: &Room, id: &ClientId) -> bool {
        let Some(members) = self.rooms.get_mut(room) else { return false };
        let Some(times) = members.identities.get_mut(id) else { return false };
        times.elsewhere = times.elsewhere.saturating_sub(1);
        let is_gone = members.is_gone(id);
        if members.is_useless() {
            self.rooms.remove(room);
        }
        is_gone
    }

    /// Every identity that is in a room here: whether as a durable member, and with how many sessions of the classic
    /// dialect.
    pub(super) fn each_here(&self, mut each: impl FnMut(&Room, &ClientId, bool, u32)) {
        for (room, members) in &self.rooms {
            for id in members.identities.iter().filter(|(_, times)| times.here != 0).map(first) {
                let own = members.iter().filter(|member| member.classic && member.id == *id);
                each(room, id, members.durable_here.contains(id), own.count() as u32);
            }
        }
    }

    /// The member that has left, if it was one.
    pub(super) fn leave(&mut self, room: &Room, session: SessionKey) -> Option<(Member, Left)> {
        let members = self.rooms.get_mut(room)?;
        let place = members.here.iter().position(|member| member.session == session)?;
        let member = members.here.remove(place);
        let left = members.count_out(&member.id);
        if members.is_useless() {
            self.rooms.remove(room);
        }
        Some((member, left))
    }

    /// The session goes by another ID from now on. Its old one, what has become of that, and of the new one.
    pub(super) fn rename(
        &mut self,
        room: &Room,
        session: SessionKey,
        id: &ClientId,
    ) -> Option<(ClientId, Left, Entered)> {
        let members = self.rooms.get_mut(room)?;
        let member = members.here.iter_mut().find(|member| member.session == session)?;
        let old = std::mem::replace(&mut member.id, id.clone());
        let times = members.count_in(id);
        let identity = times.here + times.elsewhere == 1;
        let entered = Entered { session: false, identity, untold: times.here == 1 };
        let left = members.count_out(&old);
        Some((old, left, entered))
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
        self.here.is_empty() && self.identities.is_empty() && self.durable.is_none()
    }

    /// Identities, each once: those here in order of arrival of their first session, then those of other nodes.
    pub(super) fn ids(&self) -> Vec<ClientId> {
        let mut seen = FxHashSet::default();
        let ids = self.here.iter().map(|member| &member.id);
        let mut all: Vec<_> = ids.filter(|id| seen.insert(*id)).cloned().collect();
        let mut elsewhere: Vec<_> =
            self.identities.keys().filter(|id| !seen.contains(id)).cloned().collect();
        elsewhere.sort_unstable();
        all.append(&mut elsewhere);
        all
    }

    /// Whether an identity is a durable member, as far as those in the room are known.
    pub(super) fn is_durable(&self, id: &ClientId) -> bool {
        self.durable_here.contains(id)
    }

    /// Whether an identity is in the room by a session of this node.
    pub(super) fn is_here(&self, id: &ClientId) -> bool {
        self.identities.get(id).is_some_and(|times| times.here != 0)
    }

    /// One session more.
    fn count_in(&mut self, id: &ClientId) -> Times {
        let times = self.identities.entry(id.clone()).or_default();
        times.here += 1;
        *times
    }

    /// One session less.
    fn count_out(&mut self, id: &ClientId) -> Left {
        let Some(times) = self.identities.get_mut(id) else { return Left::default() };
        times.here = times.here.saturating_sub(1);
        let here = times.here == 0;
        Left { here, everywhere: self.is_gone(id) }
    }

    /// Whether an identity is in the room no more: then nothing is kept of it.
    fn is_gone(&mut self, id: &ClientId) -> bool {
        let is_gone =
            self.identities.get(id).is_some_and(|times| times.here + times.elsewhere == 0);
        if is_gone {
            self.identities.remove(id);
            self.durable_here.remove(id);
        }
        is_gone
    }
}

fn first<V>((id, _): (&ClientId, V)) -> &ClientId {
    id
}

//! Another node: the link to it, and who is there.

use ackd_wire::{ClientId, Millis, Room};
use rustc_hash::{FxHashMap, FxHashSet};

use super::frame::{self, Head, Item};
use super::link::{Link, Packet};
use super::{Bus, NodeId};

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) link: Link,
    /// When it was heard last.
    pub(super) heard: Millis,
    /// When something was sent to it last.
    pub(super) told: Millis,
    /// Items for the next packet.
    gathered: Vec<u8>,
    /// Identities that have a connection there.
    pub(super) online: FxHashSet<ClientId>,
    /// Identities in rooms there.
    pub(super) rooms: FxHashMap<Room, FxHashMap<ClientId, There>>,
    /// Who has lost its connection here, which it may not know yet.
    parting: Vec<Parting>,
    /// Who has lost its connection there, while packets of ours may not have come there.
    departed: Vec<Departed>,
}

/// Somebody who is not there any more, but was when messages were sent there.
#[derive(Debug)]
struct Departed {
    id: ClientId,
    /// The room that it was in; `None`: it has no connection any more.
    room: Option<Room>,
    /// Up to this packet it was there.
    last: (u64, u64),
}

/// Somebody who is here no more, while messages may be on the way that were sent when it was.
#[derive(Debug)]
struct Parting {
    id: ClientId,
    /// The room that it was in; `None`: it has no connection any more.
    room: Option<Room>,
    /// The packet that tells it.
    packet: (u64, u64),
    /// What was sent after that was known comes behind this packet.
    until: Option<u64>,
}

/// As what an identity is in a room on another node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct There {
    /// Sessions of the classic dialect.
    pub(super) classic: u32,
}

impl Peer {
    pub(super) fn new(link: u64, now: Millis) -> Self {
        Self {
            link: Link::new(link),
            heard: now,
            told: 0,
            gathered: Vec::new(),
            online: FxHashSet::default(),
            rooms: FxHashMap::default(),
            parting: Vec::new(),
            departed: Vec::new(),
        }
    }

    /// An identity has lost its connection there.
    pub(super) fn depart(&mut self, id: &ClientId, room: Option<&Room>) {
        let last = self.newest();
        if !self.link.has(last) {
            self.departed.push(Departed { id: id.clone(), room: room.cloned(), last });
        }
    }

    /// Those who were in this room there, or connected, when a packet was sent, and are not any more.
    pub(super) fn departed<'p>(
        &'p self,
        room: Option<&'p Room>,
        packet: u64,
    ) -> impl Iterator<Item = &'p ClientId> + 'p {
        let was_there = move |departed: &&Departed| packet <= departed.last.1;
        let departed = self.departed.iter().filter(was_there);
        departed.filter(move |departed| departed.room.as_ref() == room).map(|departed| &departed.id)
    }

    /// An identity has lost its connection here.
    pub(super) fn part(&mut self, id: &ClientId, room: Option<&Room>) {
        let (id, room, packet) = (id.clone(), room.cloned(), self.link.next());
        self.parting.push(Parting { id, room, packet, until: None });
    }

    /// Those who were in this room, or connected, when a message was sent that comes now; each once.
    pub(super) fn parted<'p>(
        &'p self,
        room: Option<&'p Room>,
    ) -> impl Iterator<Item = &'p ClientId> + 'p {
        let mut seen = FxHashSet::default();
        let parting = self.parting.iter().filter(move |parting| parting.room.as_ref() == room);
        parting.map(|parting| &parting.id).filter(move |id| seen.insert(*id))
    }

    /// A frame has come, and its items are taken. `sent`: the last packet that had been sent before it.
    pub(super) fn settle_parted(&mut self, sent: u64) {
        let link = &self.link;
        self.parting.retain_mut(|parting| {
            if parting.until.is_none() && link.has(parting.packet) {
                parting.until = Some(sent);
            }
            parting.until.is_none_or(|until| !link.has_received(until))
        });
        self.departed.retain(|departed| !link.has(departed.last));
    }

    /// The link starts anew: what was on the way is stored by the other side.
    pub(super) fn forget_parted(&mut self) {
        self.parting.clear();
        self.departed.clear();
    }

    /// Has an item go with the next packet.
    pub(super) fn tell(&mut self, item: &Item<'_>) {
        frame::push(&mut self.gathered, item);
    }

    /// The packet with which it knows all that it was told so far.
    pub(super) fn newest(&self) -> (u64, u64) {
        let (link, next) = self.link.next();
        (link, if self.gathered.is_empty() { next - 1 } else { next })
    }

    /// Forgets what was to be told: the link starts anew.
    pub(super) fn forget_gathered(&mut self) -> Packet {
        (u64::MAX, std::mem::take(&mut self.gathered))
    }

    /// Bytes that wait to reach it.
    pub(super) fn bytes(&self) -> usize {
        self.link.bytes() + self.gathered.len()
    }

    /// Whether somebody there, other than `but`, is in a room.
    pub(super) fn has_members(&self, room: &Room, but: Option<&ClientId>) -> bool {
        self.rooms.get(room).is_some_and(|members| members.keys().any(|id| Some(id) != but))
    }

    /// Sends what has gathered, or what is owed.
    pub(super) fn flush(&mut self, now: Millis, route: Route, bus: &dyn Bus) {
        if !self.gathered.is_empty() {
            let items = std::mem::take(&mut self.gathered);
            let head = self.link.send(now, items);
            send(head, self.link.last(), route, bus);
        } else if self.link.owes_ack() {
            send(self.link.bare(), &[], route, bus);
        } else {
            return;
        }
        self.told = now;
    }

    /// Sends again what is unanswered, and says that this node lives.
    pub(super) fn keep_up(&mut self, now: Millis, route: Route, bus: &dyn Bus) {
        let Self { link, told, .. } = self;
        link.resend(now, |head, items| {
            send(head, items, route, bus);
            *told = now;
        });
        if self.told.saturating_add(BEAT_MS) <= now {
            send(self.link.bare(), &[], route, bus);
            self.told = now;
        }
    }
}

/// From, to, and the newest generation.
type Route = (NodeId, NodeId, u64);

fn send(head: Head, items: &[u8], (from, to, generation): Route, bus: &dyn Bus) {
    let head = Head { from: from.0, to: to.0, generation, ..head };
    bus.send(to, frame::write(&head, items));
}

/// A node says so often that it lives.
const BEAT_MS: Millis = 1_000;

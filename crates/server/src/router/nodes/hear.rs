//! What the others tell this node.

use std::task::Waker;

use ackd_engine::Message;
use ackd_wire::{ClientId, MessageId, Millis, Room};

use super::super::presence::Turn;
use super::super::submit::{Mail, Missed};
use super::super::switchboard::State;
use super::NodeId;
use super::frame::{self, Head, Item};
use super::link::Verdict;
use super::peer::{Peer, There};
use crate::session::{Audience, Signal};

impl State {
    /// Takes a frame of another node.
    pub(in super::super) fn hear(
        &mut self,
        now: Millis,
        bytes: &[u8],
        missed: &mut Missed,
        wakers: &mut Vec<Waker>,
    ) {
        let Some((head, items)) = frame::read(bytes) else { return };
        if !self.nodes.me.as_ref().is_some_and(|(me, _)| me.0 == head.to && me.0 != head.from) {
            return;
        }
        let node = NodeId(head.from);
        self.meet(now, node);
        self.presence.raise(head.generation);
        match self.received(now, node, &head) {
            Verdict::Skip => {}
            Verdict::Take => self.take(node, items, missed, wakers),
            Verdict::Renewed => {
                self.forget(node, wakers);
                self.take(node, items, missed, wakers);
            }
            Verdict::Lost(undelivered) => {
                self.undelivered(node, &undelivered, missed);
                self.forget(node, wakers);
                self.introduce(node);
                self.send_away_members(wakers);
            }
        }
        if let Some(peer) = self.nodes.peers.get_mut(&node) {
            peer.settle_parted(head.sent);
        }
        self.tell_joined(wakers);
    }

    fn received(&mut self, now: Millis, node: NodeId, head: &Head) -> Verdict {
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return Verdict::Skip };
        peer.heard = now;
        match peer.link.receive(head) {
            Verdict::Lost(mut undelivered) => {
                undelivered.push(peer.forget_gathered());
                Verdict::Lost(undelivered)
            }
            verdict => verdict,
        }
    }

    /// Knows a node from now on, and tells it who is here.
    pub(in super::super) fn meet(&mut self, now: Millis, node: NodeId) {
        let nodes = &mut self.nodes;
        if nodes.peers.contains_key(&node) || nodes.me.as_ref().is_none_or(|(me, _)| *me == node) {
            return;
        }
        nodes.links += LINKS;
        nodes.peers.insert(node, Peer::new(nodes.links, now));
        self.introduce(node);
    }

    /// Tells a node everything.
    pub(super) fn introduce(&mut self, node: NodeId) {
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return };
        for id in self.online.keys() {
            peer.tell(&Item::Online { id: id.as_str() });
        }
        self.rooms.each_here(|room, id, durable, classic| {
            peer.tell(&Item::Joined { room: room.as_str(), id: id.as_str(), durable, classic });
        });
    }

    fn take(&mut self, node: NodeId, items: &[u8], missed: &mut Missed, wakers: &mut Vec<Waker>) {
        for item in frame::items(items) {
            match item {
                Item::Online { id } => self.online_there(node, id, wakers),
                Item::Offline { id } => self.offline_there(node, id, wakers),
                Item::Joined { room, id, durable, classic } => {
                    let Some((room, id)) = parse(room, id) else { continue };
                    self.joined_there(node, (&room, &id), (durable, classic), wakers);
                }
                Item::Parted { room, id, left } => {
                    let Some((room, id)) = parse(room, id) else { continue };
                    let turn = if left { Turn::Left } else { Turn::Lost };
                    let there = self.parted_there(node, &room, &id, turn, wakers);
                    if there.is_some() && !left {
                        self.departed(node, &room, &id);
                    }
                }
                Item::Roommate { room, id, came } => {
                    let Some((room, id)) = parse(room, id) else { continue };
                    self.roommate_there(node, &room, &id, came);
                    self.tell_roommates_here(&room, &id, came, wakers);
                }
                Item::Live(live) => {
                    let Some((audience, from, message)) = live.parse() else { continue };
                    self.deliver(&audience, &from, (&message, live.ack), missed, wakers);
                    if live.ack {
                        self.deliver_parted(node, (&audience, &from), &message, missed);
                    }
                }
                Item::Over { id, messages } => self.over_there(id, &messages, wakers),
            }
        }
    }

    /// Who lost its connection while the message was on the way has missed it.
    fn deliver_parted(
        &self,
        node: NodeId,
        (audience, from): (&Audience, &ClientId),
        message: &Message,
        missed: &mut Missed,
    ) {
        let Some(peer) = self.nodes.peers.get(&node) else { return };
        let room = match audience {
            Audience::Room(room) | Audience::RoomAndSender(room) => Some(room),
            Audience::All => None,
            Audience::Id(_) => return,
        };
        for id in peer.parted(room).filter(|id| *id != from) {
            let is_back = match room {
                Some(room) => self.rooms.get(room).is_some_and(|members| members.is_here(id)),
                None => self.online.contains_key(id),
            };
            if !is_back {
                missed.push((Mail::For(id.clone()), message.clone()));
            }
        }
    }

    fn departed(&mut self, node: NodeId, room: &Room, id: &ClientId) {
        if let Some(peer) = self.nodes.peers.get_mut(&node) {
            peer.depart(id, Some(room));
        }
    }

    fn online_there(&mut self, node: NodeId, id: &str, wakers: &mut Vec<Waker>) {
        let Ok(id) = ClientId::parse(id) else { return };
        let is_new = !self.online.contains_key(&id) && !self.nodes.has(&id);
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return };
        peer.online.insert(id.clone());
        if is_new {
            self.presence.identity(&id, (Turn::Came, self.now), wakers);
        }
    }

    fn offline_there(&mut self, node: NodeId, id: &str, wakers: &mut Vec<Waker>) {
        let Ok(id) = ClientId::parse(id) else { return };
        let peer = self.nodes.peers.get_mut(&node);
        if let Some(peer) = peer
            && peer.online.remove(&id)
        {
            peer.depart(&id, None);
            self.gone_there(&id, wakers);
        }
    }

    /// An identity has a connection less on another node.
    pub(super) fn gone_there(&mut self, id: &ClientId, wakers: &mut Vec<Waker>) {
        if !self.online.contains_key(id) && !self.nodes.has(id) {
            self.presence.identity(id, (Turn::Lost, self.now), wakers);
        }
    }

    fn joined_there(
        &mut self,
        node: NodeId,
        (room, id): (&Room, &ClientId),
        (durable, classic): (bool, u32),
        wakers: &mut Vec<Waker>,
    ) {
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return };
        let members = peer.rooms.entry(room.clone()).or_default();
        let is_in = members.contains_key(id);
        members.entry(id.clone()).or_default().classic += classic;
        if self.rooms.join_there(room, id, (is_in, durable)) {
            self.presence.member(room, id, (Turn::Came, self.now), wakers);
        }
    }

    pub(super) fn parted_there(
        &mut self,
        node: NodeId,
        room: &Room,
        id: &ClientId,
        turn: Turn,
        wakers: &mut Vec<Waker>,
    ) -> Option<There> {
        let peer = self.nodes.peers.get_mut(&node)?;
        let members = peer.rooms.get_mut(room)?;
        let there = members.remove(id)?;
        if members.is_empty() {
            peer.rooms.remove(room);
        }
        if self.rooms.leave_there(room, id) {
            self.presence.member(room, id, (turn, self.now), wakers);
        }
        Some(there)
    }

    fn roommate_there(&mut self, node: NodeId, room: &Room, id: &ClientId, came: bool) {
        let members = self.nodes.peers.get_mut(&node).and_then(|peer| peer.rooms.get_mut(room));
        if let Some(there) = members.and_then(|members| members.get_mut(id)) {
            let classic = there.classic;
            there.classic = if came { classic + 1 } else { classic.saturating_sub(1) };
        }
    }

    /// Another node has settled or stored live messages.
    fn over_there(&mut self, id: &str, messages: &[[u8; 16]], wakers: &mut Vec<Waker>) {
        let log = ClientId::parse(id).ok().and_then(|id| self.online.get(&id).copied());
        let Some(log) = log else { return };
        for id in messages.iter().map(|bytes| MessageId(*bytes)) {
            if self.live.take(log, id).is_some() {
                for (_, inbox) in self.here(log) {
                    wakers.extend(inbox.push(Signal::LiveOver(id)));
                }
            }
        }
    }

    /// Tells those who have joined a room, now that every node knows.
    pub(super) fn tell_joined(&mut self, wakers: &mut Vec<Waker>) {
        for waiting in self.nodes.joined() {
            let Some(seat) = self.sessions.get(&waiting.tag.session) else { continue };
            let members = Signal::Members(waiting.tag.slot, self.rooms.count(&waiting.room));
            wakers.extend(seat.inbox.push(members));
        }
    }
}

fn parse(room: &str, id: &str) -> Option<(Room, ClientId)> {
    Some((Room::parse(room).ok()?, ClientId::parse(id).ok()?))
}

/// A link that starts anew adds one to its number; one with a node that had been let go of begins beyond all of those.
const LINKS: u64 = 1 << 32;

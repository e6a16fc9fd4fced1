//! A node that is gone, or has forgotten: who was there counts as away, and what had not reached it is stored for them by
//! this node, whose clients sent it.

use std::task::Waker;

use ackd_wire::{ClientId, Millis};

use super::super::presence::Turn;
use super::super::submit::{Mail, Missed};
use super::super::switchboard::State;
use super::NodeId;
use super::frame::{self, Item};
use super::link::Packet;
use super::peer::Peer;
use crate::session::{Audience, Signal};

impl State {
    /// A node is heard no more.
    pub(super) fn drop_node(&mut self, node: NodeId, missed: &mut Missed, wakers: &mut Vec<Waker>) {
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return };
        let gathered = peer.forget_gathered();
        let mut undelivered = peer.link.restart();
        undelivered.push(gathered);
        self.undelivered(node, &undelivered, missed);
        self.forget(node, wakers);
        self.nodes.peers.remove(&node);
        self.tell_joined(wakers);
    }

    /// Forgets who is on a node: to all here they are away, unless they are elsewhere too.
    pub(super) fn forget(&mut self, node: NodeId, wakers: &mut Vec<Waker>) {
        let Some(peer) = self.nodes.peers.get_mut(&node) else { return };
        peer.forget_parted();
        let online = std::mem::take(&mut peer.online);
        let rooms = peer.rooms.iter();
        let members: Vec<_> =
            rooms.flat_map(|(room, ids)| ids.keys().map(|id| (room.clone(), id.clone()))).collect();
        for (room, id) in members {
            let there = self.parted_there(node, &room, &id, Turn::Lost, wakers);
            if there.is_some_and(|there| there.classic != 0) {
                self.tell_roommates_here(&room, &id, false, wakers);
            }
        }
        for id in online {
            self.gone_there(&id, wakers);
        }
    }

    /// Another node had let go of this one, which it could not hear: to its clients those who are in rooms here had gone,
    /// and may have missed what they sent. So they go, come back, and join anew.
    pub(super) fn send_away_members(&self, wakers: &mut Vec<Waker>) {
        for (key, seat) in self.sessions.iter().filter(|(_, seat)| !seat.rooms.is_empty()) {
            let reconnect_after_ms = key.0.wrapping_mul(SPREAD_STEP) % SPREAD_MS;
            wakers.extend(seat.inbox.push(Signal::Drain { reconnect_after_ms }));
        }
    }

    /// Stores what had not reached a node for those who were there. Some of it may have reached them: they get it again
    /// under the same ID.
    pub(super) fn undelivered(&self, node: NodeId, packets: &[Packet], missed: &mut Missed) {
        let Some(peer) = self.nodes.peers.get(&node) else { return };
        let items = packets
            .iter()
            .flat_map(|(packet, items)| frame::items(items).map(move |item| (*packet, item)));
        for (packet, item) in items {
            let Item::Live(live) = item else { continue };
            let Some((audience, from, message)) = live.parse().filter(|_| live.ack) else {
                continue;
            };
            for id in recipients((peer, packet), &audience, &from) {
                missed.push((Mail::For(id), message.clone()));
            }
        }
    }
}

/// Those on a node that a message is for which went there in this packet.
fn recipients((peer, packet): (&Peer, u64), to: &Audience, from: &ClientId) -> Vec<ClientId> {
    let members = |room| {
        let there = peer.rooms.get(room).into_iter().flat_map(|members| members.keys());
        there.chain(peer.departed(Some(room), packet))
    };
    match to {
        Audience::Room(room) => members(room).filter(|id| *id != from).cloned().collect(),
        Audience::RoomAndSender(room) => members(room).cloned().collect(),
        Audience::All => {
            let all = peer.online.iter().chain(peer.departed(None, packet));
            all.filter(|id| *id != from).cloned().collect()
        }
        Audience::Id(id) => ClientId::parse(id).into_iter().collect(),
    }
}

/// Those who are sent away come back within this time, one after the other.
const SPREAD_MS: Millis = 2_000;
/// Has no divisor in common with [`SPREAD_MS`].
const SPREAD_STEP: u64 = 619;

//! The other nodes of a cluster. Each tells every other one, over a link, who is with it and in which rooms, so each knows
//! where everybody is; a message delivered from memory goes to the nodes that have somebody to take it. A node that is
//! heard no more counts as gone: its sessions' identities are away, and what had not reached it is stored for them.
//!
//! What is stored needs nothing of this: it goes through the store. Without a bus there are no other nodes, and all of this
//! costs a look at an empty list.

mod bus;
mod frame;
mod hear;
mod leave;
mod link;
mod peer;
mod tell;
mod tick;

pub use bus::{Bus, NodeId};
pub(super) use tell::Way;

use std::collections::BTreeMap;
use std::sync::Arc;

use ackd_engine::{SessionKey, Tag};
use ackd_wire::{ClientId, Millis, Room};

use self::frame::Item;
use self::peer::Peer;

/// The other nodes, as this one knows them. Empty without a bus.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    me: Option<(NodeId, Arc<dyn Bus>)>,
    peers: BTreeMap<NodeId, Peer>,
    /// Who has joined a room and is told so when every node knows: at most one for each open request.
    waiting: Vec<Waiting>,
    /// Numbers of links: each is higher than all before.
    links: u64,
}

/// A session that waits to be told that it has joined.
#[derive(Debug)]
struct Waiting {
    tag: Tag,
    room: Room,
    /// The packets that tell it, and whom.
    packets: Vec<(NodeId, (u64, u64))>,
}

impl Nodes {
    /// Whether an identity has a connection on another node.
    pub(super) fn has(&self, id: &ClientId) -> bool {
        self.peers.values().any(|peer| peer.online.contains(id))
    }

    /// Whether there is any other node.
    pub(super) fn is_alone(&self) -> bool {
        self.peers.is_empty()
    }

    /// Tells every other node.
    fn tell_all(&mut self, item: &Item<'_>) {
        for peer in self.peers.values_mut() {
            peer.tell(item);
        }
    }

    /// Tells those where an identity is.
    fn tell_where(&mut self, id: &ClientId, item: &Item<'_>) {
        for peer in self.peers.values_mut().filter(|peer| peer.online.contains(id)) {
            peer.tell(item);
        }
    }

    /// A session is told that it is in a room when every node that is there now knows it. Whether that is now.
    pub(super) fn joins(&mut self, session: SessionKey, slot: u32, room: &Room) -> bool {
        if self.peers.is_empty() {
            return true;
        }
        let packets = self.peers.iter().map(|(node, peer)| (*node, peer.newest()));
        let (tag, packets) = (session.tag(slot), packets.collect());
        self.waiting.push(Waiting { tag, room: room.clone(), packets });
        false
    }

    /// Those who wait no more.
    fn joined(&mut self) -> Vec<Waiting> {
        let peers = &self.peers;
        let is_due = |waiting: &mut Waiting| {
            waiting.packets.retain(|(node, packet)| {
                peers.get(node).is_some_and(|peer| !peer.link.has(*packet))
            });
            waiting.packets.is_empty()
        };
        self.waiting.extract_if(.., is_due).collect()
    }

    /// Sends what has gathered. `generation`: the newest of presence.
    pub(super) fn flush(&mut self, now: Millis, generation: u64) {
        let Some((me, bus)) = &self.me else { return };
        for (node, peer) in &mut self.peers {
            peer.flush(now, (*me, *node, generation), &**bus);
        }
    }
}

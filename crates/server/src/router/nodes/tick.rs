//! The doors of whoever carries the frames and keeps the time.

use std::sync::Arc;

use ackd_wire::Millis;

use super::super::switchboard::{Switchboard, wake};
use super::super::{Missed, Router};
use super::{Bus, NodeId};

impl Switchboard {
    /// This is a node of a cluster from now on. To be called before anybody is here.
    pub fn set_up_nodes(&self, me: NodeId, bus: Arc<dyn Bus>) {
        self.state.lock().nodes.me = Some((me, bus));
    }
}

impl Router {
    /// These nodes are there, as somebody else knows; those that are known already stay.
    pub fn meet(&self, now: Millis, nodes: impl IntoIterator<Item = NodeId>) {
        let mut state = self.switchboard().state.lock();
        state.tell_time(now);
        for node in nodes {
            state.meet(now, node);
        }
        state.flush();
    }

    /// A frame of another node has come.
    pub fn hear(&self, now: Millis, frame: &[u8]) {
        let (mut missed, mut wakers) = (Missed::new(), Vec::new());
        let mut state = self.switchboard().state.lock();
        state.tell_time(now);
        state.hear(now, frame, &mut missed, &mut wakers);
        state.flush();
        drop(state);
        wake(wakers);
        self.store(now, &missed);
    }

    /// Sends again what is unanswered, says that this node lives, and lets go of nodes that are not heard any more. To be
    /// called several times a second.
    pub fn tick_nodes(&self, now: Millis) {
        let (mut missed, mut wakers) = (Missed::new(), Vec::new());
        let mut state = self.switchboard().state.lock();
        state.tell_time(now);
        let generation = state.presence.generation();
        let Some((me, bus)) = state.nodes.me.clone() else { return };
        let is_up = bus.is_up();
        let mut silent = Vec::new();
        for (node, peer) in &mut state.nodes.peers {
            if is_up {
                peer.keep_up(now, (me, *node, generation), &*bus);
            } else {
                peer.heard = now; // it may be heard again once the bus is back
            }
            if peer.heard.saturating_add(SILENCE_MS_MAX) < now || LINK_BYTES_MAX < peer.bytes() {
                silent.push(*node);
            }
        }
        for node in &silent {
            state.drop_node(*node, &mut missed, &mut wakers);
        }
        state.flush();
        drop(state);
        wake(wakers);
        self.store(now, &missed);
    }

    /// Whether every node that is known has told who is there, and knows who is here.
    pub fn is_even(&self) -> bool {
        self.switchboard().state.lock().nodes.peers.values().all(|peer| peer.link.is_even())
    }

    /// How many other nodes are known.
    pub fn nodes(&self) -> usize {
        self.switchboard().state.lock().nodes.peers.len()
    }
}

/// A node that has been silent for so long is gone.
const SILENCE_MS_MAX: Millis = 10_000;
/// What may wait for one node; then it is let go of and meets this one anew.
const LINK_BYTES_MAX: usize = 128 << 20;

//! What carries frames between nodes. It may lose frames, send them twice or late: links make up for it.

use std::fmt;

/// One run of one node. Drawn at random at each start, so that a node that comes back is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

/// The way to the other nodes.
pub trait Bus: Send + Sync + fmt::Debug {
    /// Sends a frame to one node. Called under the switchboard's lock: it queues the frame, or drops it where its queue is
    /// full, and neither blocks nor calls the router.
    fn send(&self, to: NodeId, frame: Vec<u8>);

    /// Whether frames get through now, as far as is known. While they do not, silence says nothing about another node.
    fn is_up(&self) -> bool;
}

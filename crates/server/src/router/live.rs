//! Messages delivered from memory that wait for an ack: one entry for each message and recipient identity, whatever the
//! number of its connections. The first ack ends it, the first miss has it stored; whichever comes first.

use ackd_engine::{LogKey, Message};
use ackd_wire::MessageId;
use rustc_hash::FxHashMap;

/// Live messages without an ack yet. Bounded by the windows of the sessions that they are in flight on.
#[derive(Debug, Default)]
pub(super) struct LiveMessages {
    waiting: FxHashMap<(LogKey, MessageId), Message>,
}

impl LiveMessages {
    /// The message is on its way to a connection of the identity that owns `log`.
    pub(super) fn insert(&mut self, log: LogKey, message: &Message) {
        self.waiting.entry((log, message.id)).or_insert_with(|| message.clone());
    }

    /// Takes the message out, if it still waits.
    pub(super) fn take(&mut self, log: LogKey, id: MessageId) -> Option<Message> {
        self.waiting.remove(&(log, id))
    }
}

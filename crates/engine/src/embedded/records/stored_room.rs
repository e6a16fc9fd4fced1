//! What of a room's log is in the archive: where it begins and ends there, and its blocks. Kept there only, and changed
//! together with the messages.
//!
//! Behind the room's record: `low` · `to`. A block: `last` · `messages` · `bytes` · `expires`.

use ackd_wire::{Millis, Seq};

use super::codec::{Damaged, Parts, put_number};

/// How far the archive has the room's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::embedded) struct StoredRoom {
    /// Before it no message is in the archive any more.
    pub(in crate::embedded) low: Seq,
    /// Up to here every message that was kept was moved to the archive.
    pub(in crate::embedded) to: Seq,
}

/// Archived messages of a room that lie one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct BlockRecord {
    pub(in crate::embedded) last: Seq,
    pub(in crate::embedded) messages: u64,
    /// Names and bodies.
    pub(in crate::embedded) bytes: u64,
    /// When the last of them has ended.
    pub(in crate::embedded) expires: Millis,
}

impl StoredRoom {
    pub(in crate::embedded) fn encode(self, into: &mut Vec<u8>) {
        put_number(into, self.low);
        put_number(into, self.to);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        Ok(Self { low: parts.number()?, to: parts.number()? })
    }
}

impl BlockRecord {
    pub(in crate::embedded) fn encode(self, into: &mut Vec<u8>) {
        for number in [self.last, self.messages, self.bytes, self.expires] {
            put_number(into, number);
        }
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (last, messages) = (parts.number()?, parts.number()?);
        Ok(Self { last, messages, bytes: parts.number()?, expires: parts.number()? })
    }
}

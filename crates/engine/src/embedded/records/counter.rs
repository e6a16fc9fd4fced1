//! The counters of the store: the next number for identities and outboxes, and the last room number given.
//!
//! `next number` · `room number`.

use super::codec::{Damaged, Parts, put_number};

/// The record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::embedded) struct CounterRecord {
    pub(in crate::embedded) next_number: u64,
    pub(in crate::embedded) room_number: u64,
}

impl CounterRecord {
    pub(in crate::embedded) fn encode(self, into: &mut Vec<u8>) {
        put_number(into, self.next_number);
        put_number(into, self.room_number);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        Ok(Self { next_number: parts.number()?, room_number: parts.number()? })
    }
}

//! An identity came or went. One without a recorded end counts as connected until the restart.
//!
//! `number` · online u8 · `at` u64 le.

use ackd_wire::Millis;

use super::codec::{Damaged, Parts, put_number};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct SeenRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) online: bool,
    pub(in crate::embedded) at: Millis,
}

impl SeenRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        into.push(u8::from(self.online));
        into.extend_from_slice(&self.at.to_le_bytes());
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        Ok(Self { number: parts.number()?, online: parts.byte()? != 0, at: parts.u64()? })
    }
}

//! A dead letter: the message as it was, kept aside for the operator.
//!
//! `at` u64 le · the message's record.

use ackd_wire::Millis;

use super::MessageRecord;
use super::codec::{Damaged, Parts};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct DeadRecord<'a> {
    pub(in crate::embedded) at: Millis,
    pub(in crate::embedded) message: MessageRecord<'a>,
}

impl<'a> DeadRecord<'a> {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.at.to_le_bytes());
        self.message.encode(into);
    }

    pub(in crate::embedded) fn decode(record: &'a [u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        Ok(Self { at: parts.u64()?, message: MessageRecord::decode(parts.0)? })
    }
}

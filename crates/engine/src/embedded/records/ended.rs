//! An identity has ended: it, its mailbox and its outboxes are gone. (A claimed name that ends keeps an identity record.)
//!
//! `number`.

use super::codec::{Damaged, Parts, put_number};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct EndedRecord {
    pub(in crate::embedded) number: u64,
}

impl EndedRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        Ok(Self { number: Parts(record).number()? })
    }
}

//! What one reader has settled by now.
//!
//! `number` of the log · `index` of the reader · `position` · settled beyond (ranges).

use ackd_wire::Seq;

use super::codec::{Damaged, Parts, put_number, put_ranges};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct PositionRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) index: u16,
    pub(in crate::embedded) position: Seq,
    pub(in crate::embedded) beyond: Ranges,
}

impl PositionRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        put_number(into, u64::from(self.index));
        put_number(into, self.position);
        put_ranges(into, &self.beyond);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let number = parts.number()?;
        let index = u16::try_from(parts.number()?).map_err(|_| "a reader's index is too large")?;
        Ok(Self { number, index, position: parts.number()?, beyond: parts.ranges()? })
    }
}

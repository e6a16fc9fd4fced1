//! What one reader has settled by now, and how many readers there are: the header that lists them may lie behind, and
//! until it is read no message may count as settled by all.
//!
//! `number` of the log · `readers` of the log · `index` of the reader · `position` · settled beyond (ranges) · `used`.

use ackd_wire::{Millis, Seq};

use super::codec::{Damaged, Parts, put_number, put_ranges};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct PositionRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) readers: u16,
    pub(in crate::embedded) index: u16,
    pub(in crate::embedded) position: Seq,
    pub(in crate::embedded) beyond: Ranges,
    /// As in a header.
    pub(in crate::embedded) used: Millis,
}

impl PositionRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        put_number(into, u64::from(self.readers));
        put_number(into, u64::from(self.index));
        put_number(into, self.position);
        put_ranges(into, &self.beyond);
        put_number(into, self.used);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let number = parts.number()?;
        let mut reader = || u16::try_from(parts.number()?).map_err(|_| "a reader is none");
        let (readers, index) = (reader()?, reader()?);
        let (position, beyond, used) = (parts.number()?, parts.ranges()?, parts.number()?);
        Ok(Self { number, readers, index, position, beyond, used })
    }
}

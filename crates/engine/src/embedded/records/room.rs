//! A room with a log: its name and incarnation, its next `seq`, the numbers that were never given, and what has ended.
//!
//! `number` · name (text) · epoch u64 le · `next seq` · gaps (ranges) · `first` · ended by their time (ranges).

use ackd_wire::{Room, Seq};

use super::codec::{Damaged, Parts, put_number, put_ranges, put_text};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct RoomRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) name: Room,
    pub(in crate::embedded) epoch: u64,
    pub(in crate::embedded) next_seq: Seq,
    /// Numbers below it that no message has.
    pub(in crate::embedded) gaps: Ranges,
    /// All before it has ended.
    pub(in crate::embedded) first: Seq,
    /// Those of them whose time was over; the others were too many.
    pub(in crate::embedded) expired: Ranges,
}

impl RoomRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        put_text(into, self.name.as_str());
        into.extend_from_slice(&self.epoch.to_le_bytes());
        put_number(into, self.next_seq);
        put_ranges(into, &self.gaps);
        put_number(into, self.first);
        put_ranges(into, &self.expired);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let number = parts.number()?;
        let name = Room::parse(parts.text()?).map_err(|_| "a room has no name")?;
        let (epoch, next_seq, gaps) = (parts.u64()?, parts.number()?, parts.ranges()?);
        let (first, expired) = (parts.number()?, parts.ranges()?);
        Ok(Self { number, name, epoch, next_seq, gaps, first, expired })
    }
}

//! A durable member of a room: where one of its devices stands. The newest record of a device says all; a `left` record
//! ends those of all its devices.
//!
//! Member: `identity` · `room` · `device` · `position` · settled beyond (ranges) · `seen`. Left: `identity` · `room`.

use ackd_wire::Seq;

use super::codec::{Damaged, Parts, put_number, put_ranges};
use crate::embedded::ranges::Ranges;

/// Where a device stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct MemberRecord {
    pub(in crate::embedded) identity: u64,
    pub(in crate::embedded) room: u64,
    pub(in crate::embedded) device: u16,
    pub(in crate::embedded) position: Seq,
    pub(in crate::embedded) beyond: Ranges,
    /// Up to here messages were delivered on a connection that has ended.
    pub(in crate::embedded) seen: Seq,
}

/// An identity is no member of a room any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct LeftRecord {
    pub(in crate::embedded) identity: u64,
    pub(in crate::embedded) room: u64,
}

impl MemberRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        for number in [self.identity, self.room, u64::from(self.device), self.position] {
            put_number(into, number);
        }
        put_ranges(into, &self.beyond);
        put_number(into, self.seen);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (identity, room) = (parts.number()?, parts.number()?);
        let device = u16::try_from(parts.number()?).map_err(|_| "a device is none")?;
        let (position, beyond, seen) = (parts.number()?, parts.ranges()?, parts.number()?);
        Ok(Self { identity, room, device, position, beyond, seen })
    }
}

impl LeftRecord {
    pub(in crate::embedded) fn encode(self, into: &mut Vec<u8>) {
        put_number(into, self.identity);
        put_number(into, self.room);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        Ok(Self { identity: parts.number()?, room: parts.number()? })
    }
}

//! Messages of a log that ended before all its readers had them.
//!
//! `number` of the log · reason u8 (0 expired, 1 purged, 2 dead, 3 full) · which (ranges).

use ackd_wire::v1::EndReason;

use super::codec::{Damaged, Parts, put_number, put_ranges};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct LostRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) reason: EndReason,
    pub(in crate::embedded) which: Ranges,
}

impl LostRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        into.push(ordinal(self.reason));
        put_ranges(into, &self.which);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (number, reason) = (parts.number()?, reason_of(parts.byte()?)?);
        Ok(Self { number, reason, which: parts.ranges()? })
    }
}

/// Persisted: keep stable.
pub(super) fn ordinal(reason: EndReason) -> u8 {
    match reason {
        EndReason::Expired => 0,
        EndReason::Purged => 1,
        EndReason::Dead => 2,
        EndReason::Full => 3,
    }
}

pub(super) fn reason_of(ordinal: u8) -> Result<EndReason, Damaged> {
    match ordinal {
        0 => Ok(EndReason::Expired),
        1 => Ok(EndReason::Purged),
        2 => Ok(EndReason::Dead),
        3 => Ok(EndReason::Full),
        _ => Err("messages ended for a reason of a later version"),
    }
}

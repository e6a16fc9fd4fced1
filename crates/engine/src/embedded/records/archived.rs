//! What of a log is in the archive. Kept there only, behind the log's header, and changed together with the messages.
//!
//! `low` · `to` · `bytes` · `receipt bytes` · earliest u64 le · `senders` × { `number` · `messages` } · wanted (ranges) ·
//! untold (ranges) · receipts (ranges).

use ackd_wire::{Millis, Seq};

use super::codec::{Damaged, Parts, put_number, put_ranges};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct ArchivedRecord {
    /// Up to here no message is in the archive any more.
    pub(in crate::embedded) low: Seq,
    /// Up to here every message was moved to the archive, if it waited.
    pub(in crate::embedded) to: Seq,
    /// Names and bodies of what is there.
    pub(in crate::embedded) bytes: u64,
    /// No message of the log that waits ends before it.
    pub(in crate::embedded) earliest: Millis,
    /// Of those, what receipts take.
    pub(in crate::embedded) receipt_bytes: u64,
    /// Messages that are there, by sender, ascending.
    pub(in crate::embedded) senders: Vec<(u64, u32)>,
    /// Messages there whose senders want receipts.
    pub(in crate::embedded) wanted: Ranges,
    /// Of those, the ones whose senders were not told that they wait.
    pub(in crate::embedded) untold: Ranges,
    /// Receipts that are there.
    pub(in crate::embedded) receipts: Ranges,
}

impl ArchivedRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        for number in [self.low, self.to, self.bytes, self.receipt_bytes] {
            put_number(into, number);
        }
        into.extend_from_slice(&self.earliest.to_le_bytes());
        put_number(into, self.senders.len() as u64);
        for (sender, messages) in &self.senders {
            put_number(into, *sender);
            put_number(into, u64::from(*messages));
        }
        for ranges in [&self.wanted, &self.untold, &self.receipts] {
            put_ranges(into, ranges);
        }
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (low, to) = (parts.number()?, parts.number()?);
        let (bytes, receipt_bytes) = (parts.number()?, parts.number()?);
        let earliest = parts.u64()?;
        let mut senders = Vec::new();
        for _ in 0..parts.number()? {
            let sender = parts.number()?;
            let messages = u32::try_from(parts.number()?).map_err(|_| "a count is too large")?;
            senders.push((sender, messages));
        }
        let (wanted, untold, receipts) = (parts.ranges()?, parts.ranges()?, parts.ranges()?);
        Ok(Self { low, to, bytes, earliest, receipt_bytes, senders, wanted, untold, receipts })
    }
}

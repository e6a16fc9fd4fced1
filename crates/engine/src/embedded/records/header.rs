//! A log's header: its incarnation, its next `seq`, the numbers that were never given, those whose messages ended before
//! all readers had them, and all its readers with their positions.
//!
//! `number` · epoch u64 le · `next seq` · gaps (ranges) · `reasons` × { reason u8 · lost (ranges) } ·
//! `readers` × { device (text) · `start` · `position` · settled beyond (ranges) · `used` · gone u8 }.

use ackd_wire::v1::EndReason;
use ackd_wire::{Millis, Name, Seq};

use super::codec::{Damaged, Parts, put_number, put_ranges, put_text};
use super::lost::{ordinal, reason_of};
use crate::embedded::ranges::Ranges;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct HeaderRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) epoch: u64,
    pub(in crate::embedded) next_seq: Seq,
    /// Numbers below it that no message has.
    pub(in crate::embedded) gaps: Ranges,
    /// What ended unread, each reason once.
    pub(in crate::embedded) lost: Vec<(EndReason, Ranges)>,
    pub(in crate::embedded) readers: Vec<ReaderRecord>,
}

/// One reader in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct ReaderRecord {
    pub(in crate::embedded) device: Name,
    /// It got nothing up to here: other devices did.
    pub(in crate::embedded) start: Seq,
    pub(in crate::embedded) position: Seq,
    pub(in crate::embedded) beyond: Ranges,
    /// When its last connection ended; [`Millis::MAX`]: it is here; 0: the identity has no other.
    pub(in crate::embedded) used: Millis,
    /// Nothing waits for it any more.
    pub(in crate::embedded) gone: bool,
}

impl HeaderRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        into.extend_from_slice(&self.epoch.to_le_bytes());
        put_number(into, self.next_seq);
        put_ranges(into, &self.gaps);
        put_number(into, self.lost.len() as u64);
        for (reason, lost) in &self.lost {
            into.push(ordinal(*reason));
            put_ranges(into, lost);
        }
        put_number(into, self.readers.len() as u64);
        for reader in &self.readers {
            put_text(into, reader.device.as_str());
            put_number(into, reader.start);
            put_number(into, reader.position);
            put_ranges(into, &reader.beyond);
            put_number(into, reader.used);
            into.push(u8::from(reader.gone));
        }
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (number, epoch, next_seq) = (parts.number()?, parts.u64()?, parts.number()?);
        let gaps = parts.ranges()?;
        let mut lost = Vec::new();
        for _ in 0..parts.number()? {
            lost.push((reason_of(parts.byte()?)?, parts.ranges()?));
        }
        let mut readers = Vec::new();
        for _ in 0..parts.number()? {
            let device = Name::parse_device(parts.text()?).map_err(|_| "a device has no name")?;
            let (start, position, beyond) = (parts.number()?, parts.number()?, parts.ranges()?);
            let (used, gone) = (parts.number()?, parts.byte()? != 0);
            readers.push(ReaderRecord { device, start, position, beyond, used, gone });
        }
        Ok(Self { number, epoch, next_seq, gaps, lost, readers })
    }
}

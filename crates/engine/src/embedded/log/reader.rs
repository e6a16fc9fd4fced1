//! One device of a mailbox: up to where it has settled, what beyond, and how often what came back was delivered.

use std::collections::BTreeMap;

use ackd_wire::{Millis, Name, Seq};

use crate::embedded::ranges::Ranges;

/// One device.
#[derive(Debug)]
pub(in crate::embedded) struct Reader {
    pub(in crate::embedded) device: Name,
    /// It began behind this one: what stands before was for other devices.
    pub(in crate::embedded) start: Seq,
    /// All up to here is settled.
    pub(in crate::embedded) position: Seq,
    /// And these beyond it.
    pub(in crate::embedded) beyond: Ranges,
    /// Deliveries of what came back without an ack.
    pub(super) attempts: BTreeMap<Seq, u16>,
    /// Up to here messages may have been delivered before the last restart.
    pub(in crate::embedded) restart: Seq,
    /// Its connections.
    pub(in crate::embedded) here: u32,
    /// When the last of them ended; [`Millis::MAX`]: it is here; 0: before that was recorded.
    pub(in crate::embedded) used: Millis,
    /// It was unused for so long that it is forgotten: nothing waits for it. What it had settled stays known, and its index
    /// is never given again.
    pub(in crate::embedded) gone: bool,
    /// Whether it has settled more than its newest record says.
    pub(in crate::embedded) dirty: bool,
    /// The segment that holds the newest position record.
    pub(in crate::embedded) segment: u64,
}

impl Reader {
    /// One that begins behind `start`.
    pub(in crate::embedded) fn new(device: Name, start: Seq) -> Self {
        Self {
            device,
            start,
            position: start,
            beyond: Ranges::default(),
            attempts: BTreeMap::new(),
            restart: 0,
            here: 0,
            used: 0,
            gone: false,
            dirty: false,
            segment: 0,
        }
    }

    /// The most that its position record, or its part of a header, takes.
    pub(in crate::embedded) fn record_bytes(&self) -> u64 {
        112 + 20 * self.beyond.iter().len() as u64
    }

    pub(in crate::embedded) fn has_settled(&self, seq: Seq) -> bool {
        seq <= self.position || self.beyond.contains(seq)
    }

    /// Whether this message need not wait for it.
    pub(super) fn is_done_with(&self, seq: Seq) -> bool {
        self.gone || self.has_settled(seq)
    }

    /// Up to here nothing waits for it.
    pub(in crate::embedded) fn passed(&self) -> Seq {
        if self.gone { Seq::MAX } else { self.position }
    }

    /// Deliveries of this message to this reader that are known of.
    pub(in crate::embedded) fn attempts(&self, seq: Seq) -> u16 {
        let before_restart = u16::from(seq <= self.restart);
        self.attempts.get(&seq).copied().unwrap_or(before_restart)
    }

    /// A connection ends without an ack for a message that it delivered so often.
    pub(in crate::embedded) fn came_back(&mut self, seq: Seq, attempts: u16) {
        if !self.has_settled(seq) {
            let known = self.attempts.entry(seq).or_default();
            *known = attempts.max(*known);
        }
    }
}

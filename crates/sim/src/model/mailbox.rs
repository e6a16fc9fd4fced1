//! A mailbox as the model knows it: what stands where, and what each device has settled.

use std::collections::{BTreeMap, BTreeSet};

use ackd_wire::{MessageId, Name, Seq};

use super::settled::Settled;

/// The mailbox of one identity.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// Its incarnation, once it was told.
    pub(super) epoch: Option<String>,
    /// The one before, and until which connect it may still be told.
    pub(super) old_epoch: Option<(String, u64)>,
    /// A client has claimed to have processed what was never there: a new epoch is due.
    pub(super) renewable: bool,
    /// What was seen where.
    pub(super) places: BTreeMap<Seq, u64>,
    /// Of each outbox (its identity, its name): numbers by place.
    pub(super) orders: BTreeMap<(usize, Name), BTreeMap<Seq, u64>>,
    pub(super) devices: BTreeMap<Name, Device>,
    /// So much has waited for a device that lags that the oldest of it may have ended, in flight too.
    pub(super) overflowed: bool,
}

/// One device of an identity.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// The position that its first entry was told; what stands behind it is owed. `None`: it was never told to be in.
    pub(super) start: Option<Seq>,
    /// What the server has been told to settle and has not forgotten since.
    pub(super) settled: Settled,
    /// The same one commit ago, and two: what surely is on the disk.
    pub(super) written: Settled,
    pub(super) durable: Settled,
    /// What the server was ever told to settle: a crash may have kept it or not.
    pub(super) perhaps: Settled,
    /// Live messages that it has acknowledged.
    pub(super) acked_live: BTreeSet<MessageId>,
    /// What it was told to have lost.
    pub(super) lost: BTreeSet<Seq>,
    /// What was delivered on connections that are over, and how many `connect`s had been heard by their end.
    pub(super) delivered: BTreeMap<Seq, u64>,
}

impl Mailbox {
    /// The number before and the number after a place, of those that this outbox has seen here.
    pub(super) fn neighbours(
        &self,
        outbox: &(usize, Name),
        seq: Seq,
    ) -> (Option<u64>, Option<u64>) {
        let Some(order) = self.orders.get(outbox) else { return (None, None) };
        let before = order.range(..seq).next_back().map(|(_, n)| *n);
        let after = order.range(seq + 1..).next().map(|(_, n)| *n);
        (before, after)
    }
}

impl Device {
    /// Everything up to here is settled.
    pub(super) fn settle_up_to(&mut self, seq: Seq) {
        self.settled.add_up_to(seq);
        self.perhaps.add_up_to(seq);
    }

    /// This one is settled.
    pub(super) fn settle(&mut self, seq: Seq) {
        self.settled.add(seq);
        self.perhaps.add(seq);
    }

    /// A commit has succeeded. What does not fit in it is in the next one.
    pub(super) fn committed(&mut self) {
        self.durable = std::mem::replace(&mut self.written, self.settled.clone());
    }

    /// The server is gone: it knows what is on the disk, and perhaps more.
    pub(super) fn crashed(&mut self) {
        self.settled = self.durable.clone();
        self.written = self.durable.clone();
    }
}

//! What one device has settled: everything up to a place, and single places beyond it.

use std::collections::BTreeSet;

use ackd_wire::Seq;

/// A set of settled places.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    pub(super) up_to: Seq,
    seqs: BTreeSet<Seq>,
}

impl Settled {
    /// Whether this place is settled.
    pub(super) fn has(&self, seq: Seq) -> bool {
        seq <= self.up_to || self.seqs.contains(&seq)
    }

    /// Everything up to here is.
    pub(super) fn add_up_to(&mut self, seq: Seq) {
        self.up_to = self.up_to.max(seq);
        self.seqs = self.seqs.split_off(&(self.up_to + 1));
    }

    /// This one is.
    pub(super) fn add(&mut self, seq: Seq) {
        if self.up_to < seq {
            self.seqs.insert(seq);
        }
    }
}

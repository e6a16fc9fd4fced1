//! An outbox: whose it is, and which numbers were accepted from it lately.
//!
//! `number` · `identity` · name (text) · `forgotten` (highest number that is no longer listed) ·
//! `runs` × { `first n` · `count` · `log` } · last used u64 le.

use ackd_wire::{Millis, Name};

use super::codec::{Damaged, Parts, put_number, put_text};
use crate::embedded::outbox::Run;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct OutboxRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) identity: u64,
    pub(in crate::embedded) name: Name,
    pub(in crate::embedded) forgotten: u64,
    pub(in crate::embedded) runs: Vec<Run>,
    pub(in crate::embedded) last_used: Millis,
}

impl OutboxRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        put_number(into, self.identity);
        put_text(into, self.name.as_str());
        put_number(into, self.forgotten);
        put_number(into, self.runs.len() as u64);
        for run in &self.runs {
            put_number(into, run.first);
            put_number(into, run.count);
            put_number(into, run.scope);
        }
        into.extend_from_slice(&self.last_used.to_le_bytes());
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (number, identity) = (parts.number()?, parts.number()?);
        let name = Name::parse_outbox(parts.text()?).map_err(|_| "an outbox has no name")?;
        let forgotten = parts.number()?;
        let mut runs = Vec::new();
        for _ in 0..parts.number()? {
            let (first, count, scope) = (parts.number()?, parts.number()?, parts.number()?);
            runs.push(Run { first, count, scope });
        }
        Ok(Self { number, identity, name, forgotten, runs, last_used: parts.u64()? })
    }
}

//! An identity: everything about it but its mailbox and when it was last here.
//!
//! `number` · ID (text) · flags u8 (1 claimed, 2 ended, 4 has a secret, 8 has a next secret) · secret (32 bytes) ·
//! next secret (32 bytes), each if the flags say so · `created` u64 le · `outboxes from`.

use ackd_wire::{ClientId, Millis, TokenHash};

use super::codec::{Damaged, Parts, put_number, put_text};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct IdentityRecord {
    pub(in crate::embedded) number: u64,
    pub(in crate::embedded) id: ClientId,
    pub(in crate::embedded) claimed: bool,
    pub(in crate::embedded) ended: bool,
    pub(in crate::embedded) secret: Option<TokenHash>,
    pub(in crate::embedded) next_secret: Option<TokenHash>,
    pub(in crate::embedded) created: Millis,
    /// Outboxes with smaller numbers ended with an earlier claim.
    pub(in crate::embedded) outboxes_from: u64,
}

impl IdentityRecord {
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.number);
        put_text(into, self.id.as_str());
        let flags = u8::from(self.claimed)
            | u8::from(self.ended) << 1
            | u8::from(self.secret.is_some()) << 2
            | u8::from(self.next_secret.is_some()) << 3;
        into.push(flags);
        for hash in [self.secret, self.next_secret].into_iter().flatten() {
            into.extend_from_slice(&hash.0);
        }
        into.extend_from_slice(&self.created.to_le_bytes());
        put_number(into, self.outboxes_from);
    }

    pub(in crate::embedded) fn decode(record: &[u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let number = parts.number()?;
        let id = ClientId::parse(parts.text()?).map_err(|_| "a stored ID is none")?;
        let flags = parts.byte()?;
        let mut hash = |flag| match flags & flag {
            0 => Ok(None),
            _ => parts.array().map(|hash| Some(TokenHash(hash))),
        };
        let (secret, next_secret) = (hash(4)?, hash(8)?);
        let (created, outboxes_from) = (parts.u64()?, parts.number()?);
        let (claimed, ended) = (flags & 1 != 0, flags & 2 != 0);
        Ok(Self { number, id, claimed, ended, secret, next_secret, created, outboxes_from })
    }
}

//! A message in its log.
//!
//! `number` of the log · `seq` · ID (16 bytes) · `at` u64 le · `ttl` · `sender` (its number; 0: none known) ·
//! `outbox` (its number; 0: not numbered) · `n` · encoding u8 · address u8 · flags u8 (1 receipt) ·
//! length of the sender's ID u8 · length of the room's name u8 · sender's ID, room's name, body to the end.

use ackd_wire::{MessageId, Millis, Seq};

use super::codec::{Damaged, Parts, put_number};
use crate::api::{Address, Encoding};
use crate::embedded::log::Entry;

/// The record. Texts are borrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct MessageRecord<'a> {
    pub(in crate::embedded) log: u64,
    pub(in crate::embedded) seq: Seq,
    pub(in crate::embedded) id: MessageId,
    pub(in crate::embedded) at: Millis,
    pub(in crate::embedded) ttl_ms: Millis,
    pub(in crate::embedded) sender: u64,
    /// Outbox and number.
    pub(in crate::embedded) outbox: u64,
    pub(in crate::embedded) n: u64,
    pub(in crate::embedded) encoding: Encoding,
    pub(in crate::embedded) address: Address,
    pub(in crate::embedded) receipt: bool,
    pub(in crate::embedded) from_bytes: u8,
    pub(in crate::embedded) room_bytes: u8,
    /// Sender, room and body; in parts where it is encoded, whole where it was decoded.
    pub(in crate::embedded) text: [&'a [u8]; 3],
}

impl<'a> MessageRecord<'a> {
    /// Appends the record; its text is the last part of it.
    pub(in crate::embedded) fn encode(&self, into: &mut Vec<u8>) {
        put_number(into, self.log);
        put_number(into, self.seq);
        into.extend_from_slice(&self.id.0);
        into.extend_from_slice(&self.at.to_le_bytes());
        for number in [self.ttl_ms, self.sender, self.outbox, self.n] {
            put_number(into, number);
        }
        let flags = u8::from(self.receipt);
        let (encoding, address) = (self.encoding as u8, self.address as u8);
        into.extend_from_slice(&[encoding, address, flags, self.from_bytes, self.room_bytes]);
        for part in self.text {
            into.extend_from_slice(part);
        }
    }

    /// The record of a message that is stored already.
    pub(in crate::embedded) fn of(log: u64, entry: &'a Entry) -> Self {
        let message = &entry.message;
        let (from, room, body) = (message.from(), message.room(), message.body());
        Self {
            log,
            seq: message.seq,
            id: message.id,
            at: message.at,
            ttl_ms: message.expires - message.at,
            sender: entry.sender,
            outbox: entry.number.0,
            n: entry.number.1,
            encoding: message.encoding,
            address: message.address,
            receipt: message.receipt,
            from_bytes: from.len() as u8,
            room_bytes: room.len() as u8,
            text: [from, room, body],
        }
    }

    /// Bytes of the text.
    pub(in crate::embedded) fn text_bytes(&self) -> usize {
        self.text.iter().map(|part| part.len()).sum()
    }

    pub(in crate::embedded) fn decode(record: &'a [u8]) -> Result<Self, Damaged> {
        let mut parts = Parts(record);
        let (log, seq) = (parts.number()?, parts.number()?);
        let (id, at) = (MessageId(parts.array()?), parts.u64()?);
        let (ttl_ms, sender) = (parts.number()?, parts.number()?);
        let (outbox, n) = (parts.number()?, parts.number()?);
        let [encoding, address, flags, from_bytes, room_bytes] = parts.array()?;
        if parts.0.len() < usize::from(from_bytes) + usize::from(room_bytes) {
            return Err(super::codec::SHORT);
        }
        Ok(Self {
            log,
            seq,
            id,
            at,
            ttl_ms,
            sender,
            outbox,
            n,
            encoding: encoding_of(encoding)?,
            address: address_of(address)?,
            receipt: flags & 1 != 0,
            from_bytes,
            room_bytes,
            text: [parts.0, &[], &[]],
        })
    }
}

fn encoding_of(ordinal: u8) -> Result<Encoding, Damaged> {
    match ordinal {
        0 => Ok(Encoding::Json),
        1 => Ok(Encoding::MessagePack),
        2 => Ok(Encoding::Binary),
        _ => Err("a body is in an encoding of a later version"),
    }
}

fn address_of(ordinal: u8) -> Result<Address, Damaged> {
    match ordinal {
        0 => Ok(Address::Direct),
        1 => Ok(Address::Room),
        2 => Ok(Address::All),
        _ => Err("a message is addressed as in a later version"),
    }
}

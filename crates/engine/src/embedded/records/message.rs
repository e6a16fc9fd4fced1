//! A message in its log.
//!
//! `number` of the log · `seq` · ID (16 bytes) · `at` u64 le · `ttl` · `sender` (its number; 0: none known) ·
//! `outbox` (its number; 0: not numbered) · `n` · encoding u8 · address u8 · flags u8 (1 receipt wanted, 2 has a `ref`,
//! 4 its sender was told that it waits) · length of the sender's ID u8 · length of the room's name u8 · length of the
//! `ref` (if flag 2) · `seq` of the receipt that told it (if flag 4) · sender's ID, room's name, `ref`, body to the end.

use ackd_wire::{MessageId, Millis, Seq};

use super::codec::{Damaged, Parts, put_number};
use crate::api::{Address, Encoding, Lengths};
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
    /// Place of the receipt that told its sender that it waits; 0: not told.
    pub(in crate::embedded) told: Seq,
    pub(in crate::embedded) lengths: Lengths,
    /// Sender, room, `ref` and body; in parts where it is encoded, whole where it was decoded.
    pub(in crate::embedded) text: [&'a [u8]; 4],
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
        let Lengths { from, room, mark } = self.lengths;
        let flags =
            u8::from(self.receipt) | u8::from(mark.is_some()) << 1 | u8::from(self.told != 0) << 2;
        let (encoding, address) = (self.encoding as u8, self.address as u8);
        into.extend_from_slice(&[encoding, address, flags, from, room]);
        if let Some(mark) = mark {
            put_number(into, mark.into());
        }
        if self.told != 0 {
            put_number(into, self.told);
        }
        for part in self.text {
            into.extend_from_slice(part);
        }
    }

    /// The record of a message that is stored already.
    pub(in crate::embedded) fn of(log: u64, entry: &'a Entry) -> Self {
        let message = &entry.message;
        let (from, room, body) = (message.from(), message.room(), message.body());
        let mark = message.mark().unwrap_or_default();
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
            told: entry.told,
            lengths: message.lengths(),
            text: [from, room, mark, body],
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
        let mut number = |flag| if flags & flag == 0 { Ok(None) } else { parts.number().map(Some) };
        let (mark, told) = (number(2)?, number(4)?.unwrap_or_default());
        let mark = mark.map(u16::try_from).transpose().map_err(|_| "a ref is too long")?;
        let lengths = Lengths { from: from_bytes, room: room_bytes, mark };
        let before = usize::from(from_bytes) + usize::from(room_bytes);
        if parts.0.len() < before + usize::from(mark.unwrap_or_default()) || mark == Some(u16::MAX)
        {
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
            told,
            lengths,
            text: [parts.0, &[], &[], &[]],
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
        3 => Ok(Address::Receipt),
        _ => Err("a message is addressed as in a later version"),
    }
}

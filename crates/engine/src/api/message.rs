//! A stored (or live) message: fixed fields, and one slice that holds sender, room, `ref` and body.

use ackd_wire::{MessageId, Millis, Seq};
use bytes::Bytes;

/// In which encoding a body came. Persisted: keep the ordinals stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// Raw JSON text, byte for byte as it was sent.
    Json = 0,
    /// MessagePack bytes, as they were sent.
    MessagePack = 1,
    /// Bytes that came as `body_base64` (or MessagePack binary).
    Binary = 2,
}

/// To whom a message was addressed. Persisted: keep the ordinals stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Address {
    /// To an identity.
    Direct = 0,
    /// To a room, whose name the message carries.
    Room = 1,
    /// To everyone connected at that moment.
    All = 2,
    /// To the sender of another message: a receipt.
    Receipt = 3,
}

/// How long the parts of a message's text are that stand before its body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) from: u8,
    pub(crate) room: u8,
    /// Of the send's `ref`; kept only where a receipt is wanted, and in the receipt.
    pub(crate) mark: Option<u16>,
}

/// One message of one log. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Message {
    /// Place in its log; 0 for a live message, which has none.
    pub seq: Seq,
    /// The same on every delivery and for every recipient.
    pub id: MessageId,
    /// When the server accepted it.
    pub at: Millis,
    /// When it ends unread.
    pub expires: Millis,
    /// In which encoding the body is.
    pub encoding: Encoding,
    /// To whom it was addressed.
    pub address: Address,
    /// Whether its sender asked for a receipt.
    pub receipt: bool,
    /// `from_len + room_len` and the length of the `ref` are at most `text.len()`.
    from_len: u8,
    room_len: u8,
    /// One more than the length of the `ref`; 0: none.
    mark_len: u16,
    /// Sender, room (empty unless `address` is `Room`), `ref` and body, one after the other.
    text: Bytes,
}

impl Message {
    /// A live message (no place in any log) from its parts. `None` if a name is over 255 bytes long.
    pub fn live(
        id: MessageId,
        at: Millis,
        from: &str,
        room: Option<&str>,
        (encoding, body): (Encoding, &[u8]),
    ) -> Option<Self> {
        let room_name = room.unwrap_or_default();
        let from_len = u8::try_from(from.len()).ok()?;
        let room_len = u8::try_from(room_name.len()).ok()?;
        let mut text = Vec::with_capacity(from.len() + room_name.len() + body.len());
        text.extend_from_slice(from.as_bytes());
        text.extend_from_slice(room_name.as_bytes());
        text.extend_from_slice(body);
        Some(Self {
            seq: 0,
            id,
            at,
            expires: Millis::MAX,
            encoding,
            address: if room.is_some() { Address::Room } else { Address::All },
            receipt: false,
            from_len,
            room_len,
            mark_len: 0,
            text: text.into(),
        })
    }

    /// A stored message whose text is still to come.
    pub(crate) fn without_text(
        (seq, id): (Seq, MessageId),
        (at, expires): (Millis, Millis),
        (encoding, address): (Encoding, Address),
        receipt: bool,
    ) -> Self {
        let (from_len, room_len, mark_len, text) = (0, 0, 0, Bytes::new());
        Self {
            seq,
            id,
            at,
            expires,
            encoding,
            address,
            receipt,
            from_len,
            room_len,
            mark_len,
            text,
        }
    }

    /// Replaces the bytes: sender, room, `ref` and body, of which the lengths say where each begins.
    pub(crate) fn with_text(mut self, lengths: Lengths, text: Bytes) -> Self {
        (self.from_len, self.room_len) = (lengths.from, lengths.room);
        self.mark_len = lengths.mark.map_or(0, |bytes| bytes + 1);
        self.text = text;
        assert!(self.body_start() <= self.text.len());
        self
    }

    pub(crate) fn lengths(&self) -> Lengths {
        let mark = self.mark_len.checked_sub(1);
        Lengths { from: self.from_len, room: self.room_len, mark }
    }

    fn body_start(&self) -> usize {
        let names = usize::from(self.from_len) + usize::from(self.room_len);
        names + usize::from(self.mark_len.saturating_sub(1))
    }

    /// The same message, addressed otherwise.
    #[must_use]
    pub fn addressed(mut self, address: Address) -> Self {
        self.address = address;
        self
    }

    /// The sender's ID, as ASCII bytes.
    pub fn from(&self) -> &[u8] {
        &self.text[..usize::from(self.from_len)]
    }

    /// The room's name, as ASCII bytes; empty unless the message was addressed to a room.
    pub fn room(&self) -> &[u8] {
        let start = usize::from(self.from_len);
        &self.text[start..start + usize::from(self.room_len)]
    }

    /// `ref` of the send, as UTF-8: kept only where its sender asked for a receipt, and in the receipt.
    pub fn mark(&self) -> Option<&[u8]> {
        let start = usize::from(self.from_len) + usize::from(self.room_len);
        (self.mark_len != 0).then(|| &self.text[start..self.body_start()])
    }

    /// The body, in its encoding.
    pub fn body(&self) -> &[u8] {
        &self.text[self.body_start()..]
    }

    /// Whether it is a receipt.
    pub fn is_receipt(&self) -> bool {
        self.address == Address::Receipt
    }

    /// What the message counts against `mailbox_bytes`: names, `ref` where it is kept, and body.
    pub fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// The same message in bytes of its own, so that it no longer keeps the batch it came in.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.text = Bytes::copy_from_slice(&self.text);
        self
    }
}

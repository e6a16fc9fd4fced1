//! A receipt: mail to a message's sender that says what became of it. It is stored as a message addressed
//! [`Address::Receipt`], from the recipient, with the send's `ref` and a body of fixed layout.

use ackd_wire::MessageId;
pub use ackd_wire::v1::ReceiptState;

use super::{Address, Message};

/// What a receipt says. When it was made is the message's `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt<'m> {
    /// The message it reports on.
    pub of: MessageId,
    /// `ref` of the send.
    pub mark: Option<&'m str>,
    /// Number of the send.
    pub n: Option<u64>,
    /// The recipient's ID.
    pub to: &'m str,
    /// What became of the message.
    pub state: ReceiptState,
}

impl Message {
    /// What it says, where it is a receipt.
    pub fn as_receipt(&self) -> Option<Receipt<'_>> {
        if self.address != Address::Receipt {
            return None;
        }
        let ReceiptBody { state, of, n, .. } = ReceiptBody::decode(self.body())?;
        let mark = self.mark().and_then(|mark| std::str::from_utf8(mark).ok());
        let to = std::str::from_utf8(self.from()).ok()?;
        Some(Receipt { of, mark, n: (n != 0).then_some(n), to, state })
    }
}

/// A receipt's body as it is stored: state u8 · ID of the message (16 bytes) · its number (0: none) · the number of the
/// log it was in · its `seq` there, each u64 little-endian. Persisted: keep stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptBody {
    pub(crate) state: ReceiptState,
    pub(crate) of: MessageId,
    pub(crate) n: u64,
    pub(crate) log: u64,
    pub(crate) seq: u64,
}

impl ReceiptBody {
    /// Its bytes.
    pub(crate) const BYTES: usize = 1 + 16 + 3 * 8;

    pub(crate) fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = ordinal(self.state);
        bytes[1..17].copy_from_slice(&self.of.0);
        bytes[17..25].copy_from_slice(&self.n.to_le_bytes());
        bytes[25..33].copy_from_slice(&self.log.to_le_bytes());
        bytes[33..].copy_from_slice(&self.seq.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let number =
            |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let mut of = [0; 16];
        of.copy_from_slice(&bytes[1..17]);
        let state = STATES.into_iter().find(|state| ordinal(*state) == bytes[0])?;
        let (n, log, seq) = (number(17), number(25), number(33));
        Some(Self { state, of: MessageId(of), n, log, seq })
    }
}

const STATES: [ReceiptState; 5] = [
    ReceiptState::Archived,
    ReceiptState::Acked,
    ReceiptState::Expired,
    ReceiptState::Dead,
    ReceiptState::Purged,
];

const fn ordinal(state: ReceiptState) -> u8 {
    match state {
        ReceiptState::Archived => 0,
        ReceiptState::Acked => 1,
        ReceiptState::Expired => 2,
        ReceiptState::Dead => 3,
        ReceiptState::Purged => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip_and_nothing_else_is_one() {
        for state in STATES {
            let body = ReceiptBody { state, of: MessageId([7; 16]), n: 42, log: 3, seq: 1 << 40 };
            assert_eq!(ReceiptBody::decode(&body.encode()), Some(body));
        }
        let mut unknown = [0; ReceiptBody::BYTES];
        unknown[0] = 5;
        assert_eq!(ReceiptBody::decode(&unknown), None);
        assert_eq!(ReceiptBody::decode(&unknown[1..]), None);
    }
}

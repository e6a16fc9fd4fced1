//! A message as the model knows it: who wrote it to whom, and what became of it so far.

use ackd_wire::{MessageId, Name, Seq};

/// One message, known by the key in its body.
#[derive(Debug)]
pub(crate) struct Letter {
    /// The sender's identity.
    pub(crate) from: usize,
    /// The recipient's.
    pub(crate) to: usize,
    /// Byte for byte.
    pub(crate) body: String,
    /// Outbox and number.
    pub(crate) number: Option<(Name, u64)>,
    /// How often the server was asked to take it.
    pub(crate) heard: u32,
    /// What the server has said to it.
    pub(super) verdict: Verdict,
    /// No answer may say any more that it is accepted for the first time: one has, or those who waited for it are gone.
    pub(super) told: bool,
    /// A device has rejected it: it is owed to nobody any more.
    pub(crate) rejected: bool,
    /// As which it was accepted or delivered.
    pub(super) id: Option<MessageId>,
    /// Where it was delivered.
    pub(crate) place: Option<Seq>,
}

/// What the server has said to a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing, or nothing final.
    Open,
    /// It is accepted: it must not get lost.
    Accepted,
    /// It is refused for good.
    Refused,
}

/// The body that carries a key.
pub(crate) fn body(key: u64, padding: usize) -> String {
    format!(r#"{{"k":{key},"p":"{}"}}"#, "x".repeat(padding))
}

/// The key in a body.
pub(crate) fn letter_key(body: &str) -> Option<u64> {
    let digits = body.strip_prefix(r#"{"k":"#)?;
    digits.split_once(',')?.0.parse().ok()
}

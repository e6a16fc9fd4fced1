//! A message as the model knows it: who wrote it to whom, and what became of it so far.

use std::collections::BTreeMap;

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
    /// It was said in this room.
    pub(super) room: Option<&'static str>,
    /// Its sender was a member of that room.
    pub(super) admitted: bool,
    /// Who was in the room, the sender apart.
    pub(super) copies: BTreeMap<usize, Copy>,
}

/// What became of a message in a room, for one recipient.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// Where it stands in the recipient's mailbox, if it was missed and has come from there.
    pub(super) place: Option<Seq>,
    /// A device has rejected it.
    pub(super) rejected: bool,
    /// It must reach the recipient: nothing has happened that it may be lost by.
    pub(super) owed: bool,
}

impl Letter {
    /// Whether it is for this one.
    pub(super) fn is_for(&self, person: usize) -> bool {
        match self.room {
            None => self.to == person,
            Some(_) => self.copies.contains_key(&person),
        }
    }

    /// Where it stands in this one's mailbox.
    pub(super) fn place_of(&mut self, person: usize) -> Option<&mut Option<Seq>> {
        match self.room {
            None => Some(&mut self.place),
            Some(_) => self.copies.get_mut(&person).map(|copy| &mut copy.place),
        }
    }

    /// Whether it is owed to no device of this one any more, since one has rejected it.
    pub(super) fn is_rejected_by(&self, person: usize) -> bool {
        match self.room {
            None => self.rejected,
            Some(_) => self.copies.get(&person).is_some_and(|copy| copy.rejected),
        }
    }

    /// One of this one's devices rejects it.
    pub(super) fn reject(&mut self, person: usize) {
        match self.room {
            None => self.rejected = true,
            Some(_) => {
                if let Some(copy) = self.copies.get_mut(&person) {
                    copy.rejected = true;
                }
            }
        }
    }
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

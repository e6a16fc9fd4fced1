//! The requests of one session that wait for their answer, by slot. Answers may come in any order.

use std::collections::VecDeque;

use ackd_engine::{Encoding, LogKey, Tag};
use ackd_wire::{ClientId, MessageId, Ref, Room, Seq, Token};

use super::{Audience, Persist};

/// Open requests. Slots grow; the oldest open one is at the front.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Slot of the first entry.
    base: u32,
    entries: VecDeque<Option<Open>>,
}

/// What is remembered of a request until its answer comes.
#[derive(Debug)]
pub(super) enum Open {
    /// The first `connect` of the connection, or a change of identity (classic).
    Connect(Entry),
    /// A send that the engine decides.
    Send { r#ref: Option<Ref>, n: Option<u64> },
    /// A numbered frame that could not be read.
    Bad { r#ref: Option<Ref>, n: u64, message: Box<str> },
    /// A send whose message is delivered from memory once its answer is known.
    Held(Box<Held>),
    /// A new secret.
    Rotate { r#ref: Option<Ref> },
    /// Classic `newID`: the fresh identity is being stored.
    Keep,
    /// Entering a room.
    Join { r#ref: Option<Ref>, room: Room },
    /// Leaving it.
    Leave { r#ref: Option<Ref>, room: Room },
    /// Being a durable member no more.
    LeaveRoom { r#ref: Option<Ref>, room: Room },
    /// An ack of a room beyond its end as it is known here.
    AckRoom { r#ref: Option<Ref>, log: LogKey, up_to: Seq },
    /// The next part of a room's log.
    ReadRoom { log: LogKey },
    /// Messages of a room that are due again.
    FetchRoom { log: LogKey, seqs: Vec<Seq> },
    /// Watching, or no longer.
    Watch { r#ref: Option<Ref> },
    /// An ack beyond the end as it is known here.
    Ack { r#ref: Option<Ref>, up_to: Seq },
    /// The next part of the mailbox.
    Read,
    /// Messages that are due again.
    Fetch { seqs: Vec<Seq> },
}

/// How an entry was asked for.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) r#ref: Option<Ref>,
    /// On a connection that has an identity already (classic `setID`).
    pub(super) adopt: bool,
    /// Most unacknowledged messages in flight.
    pub(super) window: usize,
    /// The secret that the client brought for a claim.
    pub(super) own: Option<Token>,
}

/// A message that waits in memory for the engine's word on its number or its recipient.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) r#ref: Option<Ref>,
    pub(super) n: Option<u64>,
    pub(super) audience: Audience,
    pub(super) encoding: Encoding,
    pub(super) body: Box<[u8]>,
    pub(super) persist: Persist,
    /// Classic `sendMessage` with a `to`: published only if nobody holds that ID.
    pub(super) only_if_unheld: bool,
    /// To a room: published only if that has no durable members.
    pub(super) only_if_live: bool,
}

impl Requests {
    /// Remembers a request and gives it a slot.
    pub(super) fn open(&mut self, request: Open) -> u32 {
        if self.next() == Tag::QUIET {
            self.entries.push_back(None);
        }
        let slot = self.next();
        if self.entries.len() == self.entries.capacity() {
            // Little for whoever only connects; then a batch's worth at once.
            self.entries.reserve(if self.entries.capacity() < SPARE { SPARE } else { STEP });
        }
        self.entries.push_back(Some(request));
        slot
    }

    /// Takes the request that this answer belongs to.
    pub(super) fn take(&mut self, slot: u32) -> Option<Open> {
        let index = slot.wrapping_sub(self.base) as usize;
        let request = self.entries.get_mut(index)?.take();
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
            self.base = self.base.wrapping_add(1);
        }
        if self.entries.is_empty() {
            self.entries.shrink_to(SPARE);
        }
        request
    }

    /// Whether so many answers are owed that the client must wait.
    pub(super) fn is_full(&self) -> bool {
        OPEN_MAX <= self.entries.len()
    }

    fn next(&self) -> u32 {
        self.base.wrapping_add(self.entries.len() as u32)
    }
}

/// The ID of a message that the session itself names: a UUID version 7 (RFC 9562) of the time and the session's own
/// sequence of random numbers.
#[derive(Debug)]
pub(super) struct MessageIds {
    state: u64,
}

impl MessageIds {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) fn next(&mut self, now: u64) -> MessageId {
        let (high, low) = (self.random(), self.random());
        let mut id = [0; 16];
        id[..6].copy_from_slice(&now.to_be_bytes()[2..]);
        id[6..8].copy_from_slice(&high.to_be_bytes()[..2]);
        id[8..].copy_from_slice(&low.to_be_bytes());
        id[6] = id[6] & 0x0f | 0x70;
        id[8] = id[8] & 0x3f | 0x80;
        MessageId(id)
    }

    /// Splitmix64 (Steele, Lea, Flood 2014): an ID has to be unique, not secret.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

impl Held {
    /// To whom, as the sender, `from`, publishes it.
    pub(super) fn publish(self, id: MessageId, from: ClientId) -> super::Publish<'static> {
        super::Publish {
            id,
            from,
            audience: self.audience,
            encoding: self.encoding,
            body: self.body.into_vec().into(),
            persist: self.persist,
        }
    }
}

/// Open requests of one connection: twice the 1,024 numbers that an outbox may have unanswered.
const OPEN_MAX: usize = 2048;
/// Entries a momentarily empty table keeps.
const SPARE: usize = 2;
/// Entries by which a table grows, at least.
const STEP: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_any_order() {
        let mut requests = Requests::default();
        let slots: Vec<_> = (0..3).map(|_| requests.open(Open::Read)).collect();
        assert!(requests.take(slots[1]).is_some());
        assert!(requests.take(slots[1]).is_none());
        assert!(requests.take(slots[0]).is_some() && requests.take(slots[2]).is_some());
        assert!(requests.take(99).is_none());
        assert!(requests.entries.is_empty());
    }

    #[test]
    fn an_idle_table_keeps_little_memory() {
        let mut requests = Requests::default();
        let once = requests.open(Open::Read);
        assert!(requests.take(once).is_some() && requests.entries.capacity() <= 2 * SPARE);
        let slots: Vec<_> = (0..500).map(|_| requests.open(Open::Read)).collect();
        assert!(slots.iter().all(|slot| requests.take(*slot).is_some()));
        assert!(requests.entries.capacity() <= 2 * SPARE, "{}", requests.entries.capacity());
    }

    #[test]
    fn the_quiet_slot_is_never_given() {
        let mut requests = Requests { base: Tag::QUIET - 1, entries: VecDeque::new() };
        assert_eq!(requests.open(Open::Read), Tag::QUIET - 1);
        assert_eq!(requests.open(Open::Read), 0);
        assert!(requests.take(Tag::QUIET - 1).is_some());
        assert!(requests.take(0).is_some());
    }

    #[test]
    fn message_ids_are_uuids_version_7_and_differ() {
        let mut ids = MessageIds::new(1);
        let (a, b) = (ids.next(0x0193_a1b2_c3d4), ids.next(0x0193_a1b2_c3d4));
        assert_ne!(a, b);
        assert!(a.to_string().starts_with("0193a1b2c3d47"), "{a}");
        assert!(matches!(a.0[8] >> 6, 0b10));
    }
}

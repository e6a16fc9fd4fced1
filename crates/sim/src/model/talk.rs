//! A connection as the model knows it: as whom, what was delivered on it, what is in flight.

use std::collections::{BTreeMap, BTreeSet};

use ackd_wire::{MessageId, Millis, Name, Seq};

use super::presence::{Asked, Watched};
use super::settled::Settled;

/// One connection of one client.
#[derive(Debug)]
pub(super) struct Talk {
    /// Of which identity.
    pub(super) person: usize,
    /// Which device.
    pub(super) device: Name,
    /// The outbox that it named.
    pub(super) outbox: Option<Name>,
    /// The window in force.
    pub(super) window: usize,
    /// When its `connect` was heard, among all.
    pub(super) order: u64,
    /// It was told to be in.
    pub(super) entered: bool,
    /// The epoch in which it has claimed to have processed what was never there: it must end.
    pub(super) refuted: Option<String>,
    /// Its device's first.
    pub(super) first: bool,
    /// Settled before its `connect` was heard, or by itself since: must not come.
    pub(super) gone: Settled,
    /// The last known place of the mailbox, and the highest number accepted from the outbox, when its `connect` was heard.
    pub(super) end: Seq,
    pub(super) sent: u64,
    /// All up to here was settled when it came in.
    pub(super) start: Seq,
    /// Delivered on this connection.
    pub(super) delivered: BTreeSet<Seq>,
    /// Delivered and not settled: when it was last said, and how often.
    pub(super) in_flight: BTreeMap<Seq, (Millis, u32)>,
    /// Where ranges end that it was told to have lost and has not acknowledged.
    pub(super) lost: BTreeSet<Seq>,
    /// Numbers whose last answer was a passing refusal, and whether they were repeated since.
    pub(super) passing: BTreeMap<u64, bool>,
    /// When each number was heard last, among all sends of this connection.
    pub(super) heard: BTreeMap<u64, u64>,
    /// Unnumbered sends without an answer: the letters' keys by their ref.
    pub(super) refs: BTreeMap<String, u64>,
    /// Acks beyond the end without an answer.
    pub(super) bad_acks: u64,
    /// Rooms that it is a member of.
    pub(super) rooms: BTreeSet<String>,
    /// Delivered from memory without an ack: when.
    pub(super) live: BTreeMap<MessageId, Millis>,
    /// What it has asked of rooms and presence without an answer, by `ref`.
    pub(super) asked: BTreeMap<String, Asked>,
    /// Whom it watches, and what it was told of them last.
    pub(super) watched: Watched,
    /// It is over: nothing more is heard on it.
    pub(super) parted: bool,
}

impl Talk {
    /// A connection that has said its `connect`.
    pub(super) fn new(person: usize, device: Name, outbox: Option<Name>, order: u64) -> Self {
        Self {
            person,
            device,
            outbox,
            window: 0,
            order,
            entered: false,
            refuted: None,
            first: false,
            gone: Settled::default(),
            end: 0,
            sent: 0,
            start: 0,
            delivered: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            lost: BTreeSet::new(),
            passing: BTreeMap::new(),
            heard: BTreeMap::new(),
            refs: BTreeMap::new(),
            bad_acks: 0,
            rooms: BTreeSet::new(),
            live: BTreeMap::new(),
            asked: BTreeMap::new(),
            watched: Watched::default(),
            parted: false,
        }
    }
}

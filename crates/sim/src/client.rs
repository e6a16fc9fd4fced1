//! A client: what it keeps, what it has sent without an answer, what it has received without an ack. It follows the
//! contract as the protocol's guide says, and has a manner of its own.

mod hear;
mod roam;
mod speak;

use std::collections::{BTreeMap, BTreeSet};

use ackd_wire::{ClientId, MessageId, Millis, Name, Seq, Token};

use crate::random::Random;
pub(crate) use hear::Next;

/// One client program of one device.
#[derive(Debug)]
pub(crate) struct Client {
    /// For the log.
    pub(crate) label: String,
    /// Whose it is.
    pub(crate) person: usize,
    pub(crate) id: ClientId,
    pub(crate) token: Token,
    pub(crate) device: Name,
    pub(crate) outbox: Option<Name>,
    pub(crate) manner: Manner,
    pub(crate) stage: Stage,
    /// Its connection's link.
    pub(crate) link: Option<u64>,
    /// Sends without an answer, by number; kept over its own restarts.
    pub(crate) unanswered: BTreeMap<u64, u64>,
    last_n: u64,
    last_ref: u64,
    /// Incarnation and position that it remembers.
    epoch: Option<String>,
    acked: Seq,
    /// The highest `seq` that it has received: everything before that it has received too.
    highest: Seq,
    /// What was received on this connection and not acknowledged, in order.
    pub(crate) received: Vec<(Seq, MessageId)>,
    /// Where ranges end that it was told to have lost on this connection, and has not acknowledged.
    pub(crate) lost: Vec<Seq>,
    /// Live messages that were received on this connection and not acknowledged.
    pub(crate) live: Vec<MessageId>,
    /// Rooms that it has joined on this connection.
    rooms: BTreeSet<&'static str>,
    /// The keys of all letters that it has processed.
    pub(crate) processed: BTreeSet<u64>,
    /// It reads nothing before this.
    pub(crate) reads_at: Millis,
    /// It comes back then.
    pub(crate) returns_at: Millis,
    /// It repeats what is unanswered then.
    pub(crate) repeats_at: Option<Millis>,
    /// Frames that are not on their way yet.
    outgoing: Vec<String>,
}

/// Where a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No connection.
    Away,
    /// It has said `connect`.
    Entering,
    /// It was told to be in.
    Here,
}

/// How a client behaves.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(crate) struct Manner {
    /// Window asked for.
    window: Option<u64>,
    ack: AckBy,
    /// It rejects one in so many; 0: none.
    rejects: u64,
    /// It says at `connect` what it has processed.
    remembers: bool,
    /// It takes part in sending.
    pub(crate) sends: bool,
    /// Several frames in one WebSocket message.
    batches: bool,
    /// Its frames are MessagePack.
    pub(crate) msgpack: bool,
    /// It watches who comes and goes.
    watches: bool,
}

/// How a client acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AckBy {
    /// All up to a `seq`.
    Seq,
    /// IDs, in any order.
    Ids,
    /// Now so, now so.
    Either,
}

impl Manner {
    /// Any manner.
    pub(crate) fn new(random: &mut Random) -> Self {
        let window = match random.below(4) {
            0 => None,
            1 => Some(1),
            2 => Some(random.between(2, 6)),
            _ => Some(random.between(1, 40)),
        };
        let ack = match random.below(3) {
            0 => AckBy::Seq,
            1 => AckBy::Ids,
            _ => AckBy::Either,
        };
        let rejects = if random.one_in(3) { random.between(3, 20) } else { 0 };
        let (remembers, batches) = (ack == AckBy::Seq && random.one_in(2), random.one_in(2));
        let (msgpack, watches) = (random.one_in(3), random.one_in(3));
        Self {
            window,
            ack,
            rejects,
            remembers,
            sends: !random.one_in(5),
            batches,
            msgpack,
            watches,
        }
    }
}

impl Client {
    /// A client that has never been here.
    pub(crate) fn new(
        (person, id, token): (usize, ClientId, Token),
        device: Name,
        outbox: Option<Name>,
        manner: Manner,
    ) -> Self {
        let label = if device.as_str().is_empty() {
            id.to_string()
        } else {
            format!("{id}/{}", device.as_str())
        };
        Self {
            label,
            person,
            id,
            token,
            device,
            outbox,
            manner,
            stage: Stage::Away,
            link: None,
            unanswered: BTreeMap::new(),
            last_n: 0,
            last_ref: 0,
            epoch: None,
            acked: 0,
            highest: 0,
            received: Vec::new(),
            live: Vec::new(),
            rooms: BTreeSet::new(),
            lost: Vec::new(),
            processed: BTreeSet::new(),
            reads_at: 0,
            returns_at: 0,
            repeats_at: None,
            outgoing: Vec::new(),
        }
    }

    /// The connection is gone; it comes back after a pause.
    pub(crate) fn lose_connection(&mut self, now: Millis, random: &mut Random) {
        self.stage = Stage::Away;
        self.link = None;
        self.received.clear();
        self.live.clear();
        self.rooms.clear();
        self.lost.clear();
        self.outgoing.clear();
        self.repeats_at = None;
        self.returns_at = now + random.below(400);
    }
}

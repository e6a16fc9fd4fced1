//! Everything the engine knows, in memory: identities with their mailboxes and outboxes. It does no I/O; what changes
//! here is written to the journal by whoever changes it.

use std::collections::{BTreeSet, VecDeque};

use ackd_wire::{ClientId, MessageId, Millis, Seq, TokenHash};
use rustc_hash::FxHashMap;

use super::log::{Entry, Log};
use super::outbox::Outbox;
use super::receipts::Receipts;
use super::records::{CounterRecord, IdentityRecord, SeenRecord};
use super::rooms::{Rooms, Seat};
use crate::api::{Entropy, IdentityKey, Limits, LogKey, OutboxKey};

/// The state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) limits: Limits,
    pub(super) identities: FxHashMap<u64, Box<Identity>>,
    pub(super) names: FxHashMap<ClientId, u64>,
    pub(super) outboxes: FxHashMap<u64, Outbox>,
    /// Identities that are away, by when they end.
    pub(super) ends: BTreeSet<(Millis, u64)>,
    /// Logs with messages that wait, by when to look for what has ended.
    pub(super) sweeps: BTreeSet<(Millis, u64)>,
    /// The first of `sweeps` has become an earlier one.
    pub(super) sweeps_sooner: bool,
    pub(super) counters: CounterRecord,
    /// Segment of the newest counter record.
    pub(super) counter_segment: u64,
    /// Bytes that wait for names nobody holds.
    pub(super) unclaimed_bytes: u64,
    /// Messages that wait, and their bytes, those of groups on their way included: the sums over all logs.
    pub(super) waiting: u64,
    pub(super) waiting_bytes: u64,
    /// Of those, what is in memory.
    pub(super) in_memory: u64,
    pub(super) in_memory_bytes: u64,
    /// Logs of which settled messages are still in the archive.
    pub(super) owing: BTreeSet<u64>,
    /// What is to be taken out of the archive because it has ended.
    pub(super) removals: Vec<Removal>,
    pub(super) rooms: Rooms,
    /// What was rejected, newest last: at most [`DEAD_MAX`].
    pub(super) dead: VecDeque<Dead>,
    pub(super) receipts: Receipts,
    /// The latest time that the engine was told.
    pub(super) now: Millis,
    pub(super) entropy: Box<dyn Entropy>,
}

/// Who, and what waits for them. Its number is never given again.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them go together"
)]
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) number: u64,
    pub(super) id: ClientId,
    /// `None`: nobody holds the name; mail waits for whoever claims it.
    pub(super) secret: Option<TokenHash>,
    /// After a rotation, until it is used.
    pub(super) next_secret: Option<TokenHash>,
    /// The client chose the name: when it ends, ID and hash stay.
    pub(super) claimed: bool,
    pub(super) ended: bool,
    /// Whether the journal knows it; a fresh identity of the classic dialect is not known until it is needed.
    pub(super) stored: bool,
    pub(super) created: Millis,
    pub(super) connections: u32,
    pub(super) last_seen: Millis,
    pub(super) mailbox: Log,
    pub(super) outboxes: Vec<u64>,
    /// Outboxes with smaller numbers ended with an earlier claim.
    pub(super) outboxes_from: u64,
    /// Whether the archive knows it or its log.
    pub(super) archived: bool,
    /// Segments of the newest identity record and the newest seen record.
    pub(super) segment: u64,
    pub(super) seen_segment: u64,
}

/// A dead letter.
#[derive(Debug)]
pub(super) struct Dead {
    pub(super) log: u64,
    pub(super) at: Millis,
    pub(super) entry: Entry,
    /// The segment that holds its record; 0: the archive does.
    pub(super) segment: u64,
}

/// What has ended and is to be taken out of the archive, once the journal says durably that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// With its log and all messages in it.
    Identity(u64),
    Outbox(u64),
    /// Log and `seq`.
    Dead(u64, Seq),
    /// A room, with its messages.
    Room(u64),
    /// A device of a room's member, unless it is one again.
    Seat(Seat),
}

impl State {
    pub(super) fn new(limits: Limits, entropy: Box<dyn Entropy>) -> Self {
        Self {
            limits,
            identities: FxHashMap::default(),
            names: FxHashMap::default(),
            outboxes: FxHashMap::default(),
            ends: BTreeSet::new(),
            sweeps: BTreeSet::new(),
            sweeps_sooner: false,
            counters: CounterRecord { next_number: 1, room_number: 0 },
            counter_segment: 0,
            unclaimed_bytes: 0,
            waiting: 0,
            waiting_bytes: 0,
            in_memory: 0,
            in_memory_bytes: 0,
            owing: BTreeSet::new(),
            removals: Vec::new(),
            rooms: Rooms::default(),
            dead: VecDeque::new(),
            receipts: Receipts::default(),
            now: 0,
            entropy,
        }
    }

    /// It is so late. Time goes only forward here, whoever tells it.
    pub(super) fn tell_time(&mut self, now: Millis) {
        self.now = self.now.max(now);
    }

    /// A number for an identity or an outbox.
    pub(super) fn next_number(&mut self) -> u64 {
        let number = self.counters.next_number;
        self.counters.next_number += 1;
        number
    }

    pub(super) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    pub(super) fn random_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.random())
    }

    /// A UUID version 7 (RFC 9562) for a message without a number.
    pub(super) fn message_id(&mut self, now: Millis) -> MessageId {
        let random = self.random();
        MessageId(*uuid::Builder::from_unix_timestamp_millis(now, &random).as_uuid().as_bytes())
    }

    pub(super) fn by_name(&mut self, id: &str) -> Option<&mut Box<Identity>> {
        let number = self.names.get(id)?;
        self.identities.get_mut(number)
    }

    pub(super) fn identity(&mut self, key: IdentityKey) -> Option<&mut Box<Identity>> {
        self.identities.get_mut(&key.0)
    }

    pub(super) fn log(&mut self, key: LogKey) -> Option<&mut Log> {
        self.identities.get_mut(&key.0).map(|identity| &mut identity.mailbox)
    }

    pub(super) fn outbox(&mut self, key: OutboxKey) -> Option<&mut Outbox> {
        self.outboxes.get_mut(&key.0)
    }

    /// Enters a new identity.
    pub(super) fn insert(&mut self, id: ClientId, now: Millis) -> &mut Identity {
        let number = self.next_number();
        let epoch = self.random_u64();
        self.names.insert(id.clone(), number);
        let identity = Box::new(Identity::new(number, id, epoch, now));
        self.identities.entry(number).or_insert(identity)
    }

    /// Takes an identity out, with all it has.
    pub(super) fn remove(&mut self, number: u64) {
        let Some(identity) = self.take_out(number) else { return };
        self.unclaimed_bytes -= identity.unclaimed_bytes();
        self.waiting -= identity.mailbox.waiting();
        self.waiting_bytes -= identity.mailbox.waiting_bytes();
        let (messages, bytes) = identity.mailbox.in_memory();
        self.in_memory -= messages;
        self.in_memory_bytes -= bytes;
    }

    /// The same, but for the sums: while the journal is read they are not kept yet.
    pub(super) fn take_out(&mut self, number: u64) -> Option<Box<Identity>> {
        let identity = self.identities.remove(&number)?;
        if self.names.get(identity.id.as_str()) == Some(&number) {
            self.names.remove(identity.id.as_str());
        }
        self.ends.remove(&(identity.end(&self.limits), number));
        self.owing.remove(&number);
        self.sweeps.remove(&(identity.mailbox.sweep_at, number));
        if identity.archived {
            self.removals.push(Removal::Identity(number));
        }
        for outbox in &identity.outboxes {
            self.remove_outbox(*outbox);
        }
        Some(identity)
    }

    pub(super) fn remove_outbox(&mut self, number: u64) {
        if self.outboxes.remove(&number).is_some_and(|outbox| outbox.archived) {
            self.removals.push(Removal::Outbox(number));
        }
    }

    /// Changes a log; the sums over all logs follow.
    pub(super) fn change_log<T>(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut Log) -> T,
    ) -> Option<T> {
        let identity = self.identities.get_mut(&number)?;
        let unclaimed = identity.secret.is_none();
        let log = &mut identity.mailbox;
        let (waiting, bytes) = (log.waiting(), log.waiting_bytes());
        let in_memory = log.in_memory();
        let result = change(log);
        self.waiting = self.waiting + log.waiting() - waiting;
        self.waiting_bytes = self.waiting_bytes + log.waiting_bytes() - bytes;
        if unclaimed {
            self.unclaimed_bytes = self.unclaimed_bytes + log.waiting_bytes() - bytes;
        }
        self.in_memory = self.in_memory + log.in_memory().0 - in_memory.0;
        self.in_memory_bytes = self.in_memory_bytes + log.in_memory().1 - in_memory.1;
        if log.owes() {
            self.owing.insert(number);
        }
        Some(result)
    }

    /// A message of this log ends then: the log is looked at in time.
    pub(super) fn expect_end(&mut self, number: u64, expires: Millis) {
        let Some(identity) = self.identities.get_mut(&number) else { return };
        let log = &mut identity.mailbox;
        log.earliest = log.earliest.min(expires);
        if expires < log.sweep_at {
            self.sweep_at(number, expires);
        }
    }

    /// Looks at this log then; never, if that is [`Millis::MAX`].
    pub(super) fn sweep_at(&mut self, number: u64, at: Millis) {
        let Some(identity) = self.identities.get_mut(&number) else { return };
        let before = std::mem::replace(&mut identity.mailbox.sweep_at, at);
        self.sweeps.remove(&(before, number));
        if at != Millis::MAX {
            self.sweeps_sooner |= self.sweeps.first().is_none_or(|(first, _)| at < *first);
            self.sweeps.insert((at, number));
        }
    }

    /// Whether this message waits, or is kept in its room, and is in memory.
    pub(super) fn is_in_memory(&self, log: u64, seq: Seq) -> bool {
        match self.rooms.get(log) {
            Some(room) => room.get(seq).is_some(),
            None => self.identities.get(&log).is_some_and(|i| i.mailbox.get(seq).is_some()),
        }
    }

    /// Bytes that the messages in memory take, about.
    pub(super) fn index_bytes(&self) -> u64 {
        let (messages, bytes) = self.rooms.in_memory();
        self.in_memory_bytes + bytes + (self.in_memory + messages) * ENTRY_BYTES
    }

    /// Forgets those outboxes of an identity that nothing depends on any more.
    pub(super) fn forget_outboxes(&mut self, number: u64, now: Millis) {
        let Self { identities, outboxes, limits, .. } = self;
        let Some(identity) = identities.get_mut(&number) else { return };
        let mut forgotten = Vec::new();
        identity.outboxes.retain(|key| {
            let outbox = outboxes.get(key);
            let kept = outbox.is_some_and(|o| !o.is_forgettable(now, limits.dedup_window_ms));
            if !kept {
                forgotten.push(*key);
            }
            kept
        });
        for key in forgotten {
            self.remove_outbox(key);
        }
    }

    pub(super) fn bury(&mut self, dead: Dead) {
        if self.dead.len() == DEAD_MAX
            && let Some(oldest) = self.dead.pop_front()
        {
            self.removals.push(Removal::Dead(oldest.log, oldest.entry.message.seq));
        }
        self.dead.push_back(dead);
    }
}

impl Identity {
    pub(super) fn new(number: u64, id: ClientId, epoch: u64, now: Millis) -> Self {
        Self {
            number,
            id,
            secret: None,
            next_secret: None,
            claimed: false,
            ended: false,
            stored: false,
            created: now,
            connections: 0,
            last_seen: now,
            mailbox: Log::new(epoch),
            outboxes: Vec::new(),
            outboxes_from: 0,
            archived: false,
            segment: 0,
            seen_segment: 0,
        }
    }

    /// When it ends if it stays away.
    pub(super) fn end(&self, limits: &Limits) -> Millis {
        let ttl =
            if self.secret.is_some() { limits.identity_ttl_ms } else { limits.message_ttl_ms };
        self.last_seen.saturating_add(ttl)
    }

    /// What of its mail counts as mail to nobody.
    pub(super) fn unclaimed_bytes(&self) -> u64 {
        if self.secret.is_none() { self.mailbox.waiting_bytes() } else { 0 }
    }

    /// Whether it is here, or when it was.
    pub(super) fn seen(&self) -> SeenRecord {
        SeenRecord { number: self.number, online: 0 < self.connections, at: self.last_seen }
    }

    pub(super) fn record(&self) -> IdentityRecord {
        IdentityRecord {
            number: self.number,
            id: self.id.clone(),
            claimed: self.claimed,
            ended: self.ended,
            secret: self.secret,
            next_secret: self.next_secret,
            created: self.created,
            outboxes_from: self.outboxes_from,
        }
    }
}

/// What a message takes in memory beside its names and body: its entry, the allocation's overhead, its sender's count.
const ENTRY_BYTES: u64 = 168;
/// Dead letters that are kept.
const DEAD_MAX: usize = 1000;

//! The promises as a small model. It hears what the server's sessions were told and what they said, in the order in which
//! that happened, and compares: everything a server says must follow from what it was told and said before.

mod deliver;
mod hear;
mod letter;
mod lost;
mod mailbox;
mod presence;
mod room;
mod say;
mod settled;
mod talk;

use std::collections::BTreeMap;

use ackd_wire::{ClientId, Millis, Name};

pub(crate) use letter::{Letter, letter_key};
use letter::{Verdict, body};
use mailbox::Mailbox;
use talk::Talk;

use crate::shelf::ArchiveCounts;
use crate::violation::{Promise, Violation};

/// What was promised, and whether it was kept so far.
#[derive(Debug, Default)]
pub(crate) struct Model {
    people: Vec<Person>,
    names: BTreeMap<String, usize>,
    letters: BTreeMap<u64, Letter>,
    talks: BTreeMap<u64, Talk>,
    /// Grows with each `connect`.
    order: u64,
    /// Grows with each numbered send.
    sends: u64,
    /// The time.
    pub(crate) now: Millis,
    /// When a connection was over last.
    pub(crate) parted_at: Millis,
    limits: Bounds,
    presence: presence::Told,
    violation: Option<Violation>,
    pub(crate) figures: Figures,
}

/// One identity.
#[derive(Debug)]
struct Person {
    id: ClientId,
    /// It was told to be in: it exists from then on.
    known: bool,
    mailbox: Mailbox,
    outboxes: BTreeMap<Name, Outbox>,
}

/// One outbox of one identity.
#[derive(Debug, Default)]
struct Outbox {
    /// The letters' keys.
    numbers: BTreeMap<u64, u64>,
    /// Highest number that the server was told, and that it has accepted.
    heard: u64,
    accepted: u64,
    /// When the newest `connect` that named it was heard.
    taken: u64,
}

/// The limits of a mailbox.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounds {
    /// Messages that wait in it.
    pub(crate) messages: u64,
    /// Of those, from one sender.
    pub(crate) sender_messages: u64,
    /// Bytes of them.
    pub(crate) bytes: u64,
}

/// What happened in a run, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages accepted.
    pub accepted: u64,
    /// Repeats that were known as such.
    pub repeats: u64,
    /// Sends refused for good.
    pub refused: u64,
    /// Sends to be repeated.
    pub passing: u64,
    /// Deliveries.
    pub delivered: u64,
    /// Of those, not the first.
    pub redelivered: u64,
    /// Connections that were let in.
    pub connects: u64,
    /// Lives of the server that ended without a goodbye.
    pub crashes: u64,
    /// Lives that ended with one.
    pub restarts: u64,
    /// Ranges that devices were told to have lost.
    pub lost: u64,
    /// Times that the store could not be written.
    pub poisoned: u64,
    /// Connections whose frames are MessagePack.
    pub binary: u64,
    /// Deliveries from memory.
    pub live: u64,
    /// Messages said in a room that came from the mailbox.
    pub missed: u64,
    /// Changes of presence that were told.
    pub presence: u64,
    /// What was done with the archive.
    pub archive: ArchiveCounts,
}

impl Figures {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            repeats: self.repeats + other.repeats,
            refused: self.refused + other.refused,
            passing: self.passing + other.passing,
            delivered: self.delivered + other.delivered,
            redelivered: self.redelivered + other.redelivered,
            connects: self.connects + other.connects,
            crashes: self.crashes + other.crashes,
            restarts: self.restarts + other.restarts,
            lost: self.lost + other.lost,
            poisoned: self.poisoned + other.poisoned,
            binary: self.binary + other.binary,
            live: self.live + other.live,
            missed: self.missed + other.missed,
            presence: self.presence + other.presence,
            archive: self.archive.plus(&other.archive),
        }
    }
}

impl Model {
    /// A model of a server with these limits.
    pub(crate) fn new(limits: Bounds) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Somebody who may come.
    pub(crate) fn add_person(&mut self, id: &ClientId) {
        self.names.insert(id.to_string(), self.people.len());
        let (mailbox, outboxes) = (Mailbox::default(), BTreeMap::new());
        self.people.push(Person { id: id.clone(), known: false, mailbox, outboxes });
    }

    /// A client has written a letter; nobody has heard of it yet. Its key.
    pub(crate) fn write(
        &mut self,
        (from, to): (usize, usize),
        number: Option<(Name, u64)>,
        padding: usize,
    ) -> u64 {
        let key = self.letters.len() as u64;
        if let Some((outbox, n)) = &number {
            let outbox = self.people[from].outboxes.entry(outbox.clone()).or_default();
            outbox.numbers.insert(*n, key);
        }
        let body = body(key, padding);
        let (heard, verdict, told, rejected) = (0, Verdict::Open, false, false);
        let (id, place) = (None, None);
        let (room, admitted, copies) = (None, false, BTreeMap::new());
        let letter = Letter {
            from,
            to,
            body,
            number,
            heard,
            verdict,
            told,
            rejected,
            id,
            place,
            room,
            admitted,
            copies,
        };
        self.letters.insert(key, letter);
        key
    }

    /// A letter by its key.
    pub(crate) fn letter(&self, key: u64) -> &Letter {
        &self.letters[&key]
    }

    /// The first promise that was broken.
    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Notes that a promise was broken; the first one counts.
    pub(crate) fn broken(&mut self, promise: Promise, what: String) {
        self.violation.get_or_insert(Violation { promise, what });
    }

    /// A connection takes so many signals from its inbox at once.
    pub(crate) fn drained(&mut self, signals: usize) {
        if SIGNALS_MAX < signals {
            self.broken(Promise::Window, format!("{signals} signals waited in one inbox"));
        }
    }

    /// So many bytes wait to be taken by a client.
    pub(crate) fn unsent(&mut self, connection: u64, bytes: usize) {
        if UNSENT_BYTES_MAX < bytes {
            self.broken(Promise::Window, format!("#{connection} is owed {bytes} bytes"));
        }
    }

    /// A commit has succeeded.
    pub(crate) fn committed(&mut self) {
        for person in &mut self.people {
            person.mailbox.devices.values_mut().for_each(mailbox::Device::committed);
        }
    }

    /// The server's side of a connection is over.
    pub(crate) fn parted(&mut self, connection: u64) {
        let Some(talk) = self.talks.get_mut(&connection) else { return };
        talk.parted = true;
        self.parted_at = self.now;
        let mailbox = &mut self.people[talk.person].mailbox;
        let device = mailbox.devices.entry(talk.device.clone()).or_default();
        for seq in &talk.delivered {
            device.delivered.entry(*seq).or_insert(self.order);
        }
    }

    /// The server has ended, with a goodbye or without: what it knew is what is on the disk.
    pub(crate) fn server_ended(&mut self) {
        let connections: Vec<u64> = self.talks.keys().copied().collect();
        for connection in connections {
            self.parted(connection);
        }
        self.talks.clear();
        self.presence.server_ended();
        for letter in self.letters.values_mut() {
            letter.told |= letter.verdict == Verdict::Accepted;
        }
        for person in &mut self.people {
            person.mailbox.devices.values_mut().for_each(mailbox::Device::crashed);
        }
    }

    /// What is in flight on a connection has come again when its pause was over: the first as long as `ack_timeout_ms`,
    /// each twice as long as the one before.
    pub(crate) fn come_again(&mut self, ack_timeout_ms: Millis, slack_ms: Millis) {
        let now = self.now;
        let late = |(at, times): &(Millis, u32)| {
            let pause = (ack_timeout_ms << (times - 1).min(20)).min(PAUSE_MS_MAX);
            at + pause + slack_ms < now
        };
        let overflowed = |talk: &Talk| self.people[talk.person].mailbox.overflowed;
        let waits =
            |talk: &Talk| !talk.parted && !overflowed(talk) && talk.in_flight.values().any(late);
        if let Some((connection, talk)) = self.talks.iter().find(|(_, talk)| waits(talk)) {
            let what = format!("#{connection} was last told {:?}; it is {now}", talk.in_flight);
            self.broken(Promise::Again, what);
        }
    }

    /// The letters that a device is owed: accepted, behind its start, and rejected by nobody.
    pub(crate) fn owed(&self, person: usize, device: &Name) -> impl Iterator<Item = u64> {
        let known = self.people[person].mailbox.devices.get(device);
        let start = known.and_then(|device| device.start);
        let owed = self.letters.iter().filter(move |(_, letter)| {
            let behind = start.is_some_and(|start| letter.place.is_none_or(|seq| start < seq));
            let accepted = letter.verdict == Verdict::Accepted;
            let lost = letter
                .place
                .is_some_and(|seq| known.is_some_and(|known| known.lost.contains(&seq)));
            let mail = letter.room.is_none() && letter.to == person;
            mail && accepted && !letter.rejected && behind && !lost
        });
        owed.map(|(key, _)| *key)
    }
}

/// The longest pause between two deliveries on one connection.
const PAUSE_MS_MAX: Millis = 5 * 60 * 1000;
/// News (1,024) and answers to open requests (2,048), and a few that come once.
const SIGNALS_MAX: usize = 1024 + 2048 + 16;
/// Where the server stops (64 KiB), and what one page or one batch of answers may bring beyond that.
const UNSENT_BYTES_MAX: usize = 64 * 1024 + 96 * 1024;

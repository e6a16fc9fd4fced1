//! The recipient's half of the model: connections, deliveries, acks, and what an ack has settled for good.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use super::{Answer, Message, Model, Number, What};

/// What is known of one mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    epoch: Option<String>,
    pub(super) by_seq: BTreeMap<u64, Number>,
    /// Delivered, and not acknowledged since.
    pub(crate) unacked: BTreeSet<u64>,
    /// How many are known to be accepted and have not come yet.
    pub(super) owed: usize,
    connections: Vec<Connection>,
}

/// One connection of a recipient.
#[derive(Debug)]
struct Connection {
    run: usize,
    opened: Duration,
    ended: Option<Duration>,
    /// The highest place delivered on it, and all of them.
    highest: u64,
    seen: HashSet<u64>,
}

/// An ack as its client sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ack {
    connection: usize,
    at: Duration,
}

/// What `connected` told a recipient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// Of which run of the server, from 0.
    pub(crate) run: usize,
    pub(crate) epoch: &'a str,
    pub(crate) acked: u64,
    /// The `acked` of the `connect` itself: an ack, too.
    pub(crate) claimed: u64,
    /// When `connect` was sent.
    pub(crate) opened: Duration,
}

/// A `message` frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) number: Number,
    pub(crate) id: &'a str,
    pub(crate) seq: u64,
    pub(crate) attempt: u32,
    pub(crate) at: Duration,
}

impl Model {
    /// A recipient has connected.
    pub(crate) fn opened(&mut self, recipient: usize, told: Moment<'_>) -> Result<(), String> {
        self.figures.connections += 1;
        let mailbox = &mut self.mailboxes[recipient];
        let epoch = mailbox.epoch.get_or_insert_with(|| told.epoch.to_owned());
        if epoch != told.epoch {
            return Err(format!(
                "mailbox {recipient}: the epoch was {epoch} and is {} now, though nothing was rolled back",
                told.epoch
            ));
        }
        // An ack that crossed a redelivery counts: what matters is that there was one.
        let first = told.acked.saturating_add(1);
        let beyond = first.min(told.claimed + 1)..first;
        let is_unasked = |seq: &&u64| !self.messages[mailbox.by_seq[seq]].was_acked;
        if let Some(&seq) = mailbox.unacked.range(beyond).find(is_unasked) {
            let number = mailbox.by_seq[&seq];
            let what = format!("`acked` is {}, but it was never acknowledged", told.acked);
            return Err(self.broken(number, &what));
        }
        let connection = Connection {
            run: told.run,
            opened: told.opened,
            ended: None,
            highest: 0,
            seen: HashSet::new(),
        };
        mailbox.connections.push(connection);
        self.acked_up_to(recipient, told.claimed, told.opened);
        self.check_position(recipient, told)
    }

    /// The position must not end right before what was settled for good.
    fn check_position(&self, recipient: usize, told: Moment<'_>) -> Result<(), String> {
        let mailbox = &self.mailboxes[recipient];
        let connection = mailbox.connections.last().expect("just opened");
        if told.acked < told.claimed {
            return Err(format!("recipient {recipient}: less than the client knows: {told:?}"));
        }
        let Some(&number) = mailbox.by_seq.get(&(told.acked + 1)) else { return Ok(()) };
        match self.messages[number].acked {
            Some(ack) if self.is_settled(recipient, ack, connection) => {
                Err(self.broken(number, &format!("`acked` is {} and leaves it out", told.acked)))
            }
            _ => Ok(()),
        }
    }

    /// A recipient's connection is over.
    pub(crate) fn ended(&mut self, recipient: usize, at: Duration) {
        if let Some(connection) = self.mailboxes[recipient].connections.last_mut() {
            connection.ended.get_or_insert(at);
            connection.seen = HashSet::new();
        }
    }

    /// A message has come.
    pub(crate) fn delivered(
        &mut self,
        recipient: usize,
        arrival: Arrival<'_>,
    ) -> Result<(), String> {
        let Arrival { number, id, seq, attempt, at } = arrival;
        if self.messages.len() <= number {
            return Err(format!("mailbox {recipient}: message {number} was never made"));
        }
        let connection = self.mailboxes[recipient].connections.len() - 1;
        let what = What::Delivered { connection: connection as u32, seq, attempt };
        self.note(number, at, what);
        self.known_id(number, id)?;
        self.check_place(recipient, number, seq)?;
        self.check_connection(recipient, number, seq)?;
        self.check_return(recipient, number, attempt)?;
        let message = &mut self.messages[number];
        message.acked = None;
        message.deliveries += 1;
        message.delivered_on = connection;
        if message.deliveries == 1 {
            self.mailboxes[recipient].owed -= usize::from(message.answer == Answer::Accepted);
            self.figures.delivered += 1;
        } else {
            self.figures.redelivered += 1;
        }
        self.figures.seq_max = self.figures.seq_max.max(seq);
        self.mailboxes[recipient].unacked.insert(seq);
        Ok(())
    }

    /// Right mailbox, one place for a message, one message in a place, in the order of the outbox.
    fn check_place(&mut self, recipient: usize, number: Number, seq: u64) -> Result<(), String> {
        let message = &mut self.messages[number];
        if message.recipient != recipient {
            return Err(self.broken(number, &format!("it came to recipient {recipient}")));
        }
        if message.answer == Answer::Refused {
            return Err(self.broken(number, "it was refused finally, and is delivered"));
        }
        let known = *message.seq.get_or_insert(seq);
        if known != seq {
            return Err(self.broken(number, &format!("its place was {known} and is {seq} now")));
        }
        let holder = *self.mailboxes[recipient].by_seq.entry(seq).or_insert(number);
        if holder != number {
            let what = format!("place {seq} is also that of another:\n{}", self.history(holder));
            return Err(self.broken(number, &what));
        }
        self.place(number, seq)
    }

    /// What a mailbox still waits for, for who has to find out why.
    pub(crate) fn waiting(&self, recipient: usize) -> String {
        let mailbox = &self.mailboxes[recipient];
        let waits = |message: &&Message| {
            message.recipient == recipient
                && message.answer == Answer::Accepted
                && message.deliveries == 0
        };
        let owed = self.messages.iter().find(waits).map(|message| message.id);
        let connection = mailbox.connections.last();
        format!(
            "recipient {recipient} waits for {} accepted messages, the first {owed:?}; {} of {} places are not \
             acknowledged, the first {:?}, the last {:?}; connection {} of run {:?} is ended {:?}, its highest place {:?}",
            mailbox.owed,
            mailbox.unacked.len(),
            mailbox.by_seq.len(),
            mailbox.unacked.first(),
            mailbox.unacked.last(),
            mailbox.connections.len(),
            connection.map(|connection| connection.run),
            connection.and_then(|connection| connection.ended),
            connection.map(|connection| connection.highest),
        )
    }

    /// Once on a connection (nothing here waits for `ack_timeout`), and in the order of places.
    fn check_connection(
        &mut self,
        recipient: usize,
        number: Number,
        seq: u64,
    ) -> Result<(), String> {
        let connection = self.mailboxes[recipient].connections.last_mut().expect("it is open");
        if !connection.seen.insert(seq) {
            return Err(self.broken(number, "it came twice on one connection"));
        }
        if seq <= connection.highest {
            let what = format!("it came after place {}", connection.highest);
            return Err(self.broken(number, &what));
        }
        connection.highest = seq;
        Ok(())
    }

    /// What comes again says so, and was not settled.
    fn check_return(&self, recipient: usize, number: Number, attempt: u32) -> Result<(), String> {
        let message = &self.messages[number];
        let connections = &self.mailboxes[recipient].connections;
        let connection = connections.last().expect("it is open");
        let before = &connections[message.delivered_on];
        // As long as the server takes the old connection for open, the new one is a second tab: copies to several tabs
        // count as one delivery.
        let ended = before.ended.is_some_and(|ended| ended + SETTLE_WITHIN <= connection.opened);
        if 0 < message.deliveries && attempt < 2 && (before.run != connection.run || ended) {
            return Err(self.broken(number, "it came again without an `attempt` that says so"));
        }
        match message.acked {
            Some(ack) if self.is_settled(recipient, ack, connection) => {
                Err(self.broken(number, "it was settled, and came again"))
            }
            _ => Ok(()),
        }
    }

    /// Whether an ack had the time that the server may take (socket, 5 ms to write it) before its connection ended, by
    /// the kill or otherwise; and, within one run, before the new connection opened. Over a kill it also takes that
    /// something was accepted well after it: else the disk stood still, and nothing could be written.
    fn is_settled(&self, recipient: usize, ack: Ack, now: &Connection) -> bool {
        let before = &self.mailboxes[recipient].connections[ack.connection];
        let killed = self.kills.get(before.run).copied();
        let ended = before.ended.into_iter().chain(killed).min().unwrap_or(now.opened);
        if before.run == now.run {
            return ack.at + SETTLE_WITHIN <= ended.min(now.opened);
        }
        let stored = self.stored.get(&before.run).copied().unwrap_or_default();
        ack.at + SETTLE_WITHIN <= ended && ack.at + SETTLE_WITHIN / 2 <= stored
    }

    /// A recipient has sent an ack of all up to `seq`; to be told before it is sent.
    pub(crate) fn acked_up_to(&mut self, recipient: usize, seq: u64, at: Duration) {
        let mailbox = &mut self.mailboxes[recipient];
        let rest = mailbox.unacked.split_off(&(seq + 1));
        let settled = std::mem::replace(&mut mailbox.unacked, rest);
        for seq in settled {
            self.acked(recipient, seq, at);
        }
    }

    /// A recipient has sent an ack of just this message; to be told before it is sent.
    pub(crate) fn acked_one(&mut self, recipient: usize, seq: u64, at: Duration) {
        self.mailboxes[recipient].unacked.remove(&seq);
        self.acked(recipient, seq, at);
    }

    fn acked(&mut self, recipient: usize, seq: u64, at: Duration) {
        let mailbox = &self.mailboxes[recipient];
        let connection = mailbox.connections.len() - 1;
        let number = mailbox.by_seq[&seq];
        self.note(number, at, What::Acked { connection: connection as u32 });
        self.messages[number].acked = Some(Ack { connection, at });
        self.messages[number].was_acked = true;
    }
}

/// The promise is 5 ms in the server; two busy cores and the way through the socket take the rest.
pub(crate) const SETTLE_WITHIN: Duration = Duration::from_millis(200);

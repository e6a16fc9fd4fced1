//! Messages on their way to a client: each has one place, each connection gets them in order, nothing is left out,
//! nothing settled comes.

use ackd_wire::v1::{Body, MessageFrame, Place, Target};
use ackd_wire::{MessageId, Seq};

use super::letter::Verdict;
use super::{Letter, Model, letter_key};
use crate::server::ACK_TIMEOUT_MS;
use crate::violation::Promise;

impl Model {
    pub(super) fn said_message(&mut self, connection: u64, frame: &MessageFrame<'_>) {
        let Place::Mailbox(seq) = frame.place else {
            return self.said_live(connection, frame);
        };
        let entered = self.talks.get(&connection).is_some_and(|talk| talk.entered);
        let Body::Json(body) = frame.body else {
            return self.broken(Promise::Answers, format!("#{connection} {frame:?} was not sent"));
        };
        let known = letter_key(body).filter(|key| self.letters.contains_key(key));
        let (Some(key), true) = (known, entered) else {
            return self.broken(Promise::Answers, format!("#{connection} {frame:?} was not sent"));
        };
        self.figures.delivered += 1;
        let found = [
            self.content(connection, key, frame, body),
            self.identity(key, frame.id),
            self.place(connection, key, seq),
            self.attempt(connection, seq, frame.attempt),
            self.sequence(connection, seq),
        ];
        for (promise, what) in found.into_iter().flatten() {
            self.broken(promise, format!("#{connection} seq {seq}, letter {key}: {what}"));
        }
    }

    /// It is what was sent, to whom it was sent.
    pub(super) fn content(
        &self,
        connection: u64,
        key: u64,
        frame: &MessageFrame<'_>,
        body: &str,
    ) -> Option<Fault> {
        let letter = &self.letters[&key];
        let talk = &self.talks[&connection];
        let sender = self.people[letter.from].id.as_str();
        let target = match (&frame.target, letter.room) {
            (Target::To(to), None) => *to == *self.people[letter.to].id.as_str(),
            (Target::Room(room), Some(name)) => *room == *name,
            _ => false,
        };
        let right = letter.is_for(talk.person) && *frame.from == *sender && letter.body == body;
        let right = right && target;
        if !right || letter.heard == 0 {
            return Some((Promise::Answers, format!("it was {letter:?}")));
        }
        let undone = letter.verdict == Verdict::Refused;
        undone.then(|| (Promise::Answers, "it was refused for good".into()))
    }

    pub(super) fn identity(&mut self, key: u64, id: MessageId) -> Option<Fault> {
        let Self { letters, people, .. } = self;
        let letter = letters.get_mut(&key)?;
        let sender = people[letter.from].id.as_str();
        let number = letter.number.as_ref();
        let derived = number.map(|(outbox, n)| MessageId::derive(sender, outbox.as_str(), *n));
        let known = *letter.id.get_or_insert(id);
        let wrong = known != id || derived.is_some_and(|derived| derived != id);
        wrong.then(|| (Promise::Once, format!("its ID is {id}, was {known}")))
    }

    /// One place for one letter, one letter in one place, the outbox's numbers in order.
    fn place(&mut self, connection: u64, key: u64, seq: Seq) -> Option<Fault> {
        let Self { letters, people, talks, .. } = self;
        let talk = talks.get_mut(&connection)?;
        let mailbox = &mut people[talk.person].mailbox;
        let letter = letters.get_mut(&key)?;
        if letter.room.is_some() {
            self.figures.missed += 1;
            letter.id.and_then(|id| talk.live.remove(&id));
            for device in mailbox.devices.values_mut() {
                if letter.id.is_some_and(|id| device.acked_live.contains(&id)) {
                    device.perhaps.add(seq);
                }
            }
        }
        let there = *mailbox.places.entry(seq).or_insert(key);
        if there != key {
            return Some((Promise::Kept, format!("letter {there} stood there")));
        }
        let place = letter.place_of(talk.person)?;
        match *place {
            Some(place) if place == seq => return None,
            Some(place) => return Some((Promise::Once, format!("it stood at {place}"))),
            None => *place = Some(seq),
        }
        let Letter { from, number: Some((outbox, n)), .. } = letter else { return None };
        let outbox = (*from, outbox.clone());
        let (before, after) = mailbox.neighbours(&outbox, seq);
        let wrong = before.is_some_and(|other| *n <= other) || after.is_some_and(|o| o <= *n);
        mailbox.orders.entry(outbox).or_default().insert(seq, *n);
        wrong.then(|| {
            (Promise::Order, format!("number {n} stands between {before:?} and {after:?}"))
        })
    }

    /// First deliveries on a connection ascend and leave out nothing that is known and unsettled; what is settled does
    /// not come; the window is kept.
    fn sequence(&mut self, connection: u64, seq: Seq) -> Option<Fault> {
        let talk = self.talks.get_mut(&connection)?;
        if talk.gone.has(seq) {
            return Some((Promise::Again, "it was settled".into()));
        }
        let mailbox = &self.people[talk.person].mailbox;
        let device = mailbox.devices.get(&talk.device)?;
        let last = talk.delivered.last().copied().unwrap_or(talk.start);
        if !talk.delivered.contains(&seq) {
            if seq <= last {
                return Some((Promise::Order, format!("{last} was delivered before it")));
            }
            let between = mailbox.places.range(last + 1..seq);
            let mut waits = between.filter(|(seq, key)| {
                !device.perhaps.has(**seq) && !self.letters[key].is_rejected_by(talk.person)
            });
            if let Some((skipped, _)) = waits.next() {
                return Some((Promise::Order, format!("{skipped} waits and was not delivered")));
            }
        }
        talk.delivered.insert(seq);
        if !device.perhaps.has(seq) {
            let said = talk.in_flight.entry(seq).or_default();
            *said = (self.now, said.1 + 1);
        }
        self.window(connection)
    }

    /// No more than the window is in flight. Live messages count where no other connection of the identity may have ended
    /// them, as long as they surely are not given up.
    pub(super) fn window(&self, connection: u64) -> Option<Fault> {
        let talk = self.talks.get(&connection)?;
        let live = talk.live.values().filter(|since| self.now < **since + ACK_TIMEOUT_MS).count();
        let (in_flight, window) = (talk.in_flight.len() + talk.lost.len() + live, talk.window);
        let overflowed = self.people[talk.person].mailbox.overflowed;
        (!overflowed && window < in_flight)
            .then(|| (Promise::Window, format!("{in_flight} in flight, the window is {window}")))
    }

    /// What may have been seen says so.
    fn attempt(&mut self, connection: u64, seq: Seq, attempt: u32) -> Option<Fault> {
        let talk = &self.talks[&connection];
        let device = self.people[talk.person].mailbox.devices.get(&talk.device)?;
        let parted = device.delivered.get(&seq).is_some_and(|order| *order < talk.order);
        let before = parted || talk.delivered.contains(&seq);
        if 1 < attempt {
            self.figures.redelivered += 1;
        }
        (attempt == 0 || before && attempt == 1)
            .then(|| (Promise::Again, format!("attempt {attempt}, though it was delivered before")))
    }
}

pub(super) type Fault = (Promise, String);

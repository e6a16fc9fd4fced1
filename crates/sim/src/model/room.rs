//! Live rooms: what is said there reaches everybody who was in, from memory or from the mailbox; only a crash, a store that
//! takes nothing, or a full mailbox may lose it.

use std::collections::BTreeSet;

use ackd_wire::v1::{Body, MessageFrame, Place};
use ackd_wire::{MessageId, Millis};

use super::letter::Copy;
use super::{Letter, Model, letter_key};
use crate::violation::Promise;

impl Model {
    /// A client has written something for a room; nobody has heard of it yet. Its key.
    pub(crate) fn write_in_room(&mut self, from: usize, room: &'static str, padding: usize) -> u64 {
        let key = self.write((from, from), None, padding);
        if let Some(letter) = self.letters.get_mut(&key) {
            letter.room = Some(room);
        }
        key
    }

    /// A member says something: it is for everybody who is in at this moment.
    pub(super) fn heard_in_room(&mut self, connection: u64, key: u64, room: &str) {
        let Self { talks, letters, .. } = self;
        let (Some(talk), Some(letter)) = (talks.get(&connection), letters.get_mut(&key)) else {
            return;
        };
        letter.admitted = talk.rooms.contains(room);
        if !letter.admitted {
            return;
        }
        let members = talks.values().filter(|other| !other.parted && other.rooms.contains(room));
        let others: BTreeSet<usize> = members.map(|other| other.person).collect();
        for person in others.into_iter().filter(|person| *person != talk.person) {
            letter.copies.insert(person, Copy { owed: true, ..Copy::default() });
        }
    }

    /// A message comes from memory.
    pub(super) fn said_live(&mut self, connection: u64, frame: &MessageFrame<'_>) {
        let entered = self.talks.get(&connection).is_some_and(|talk| talk.entered);
        let body = if let Body::Json(body) = frame.body { body } else { "" };
        let known = letter_key(body)
            .filter(|key| self.letters.get(key).is_some_and(|letter| letter.room.is_some()));
        let (Some(key), true, Place::Live) = (known, entered, frame.place) else {
            return self.broken(Promise::Answers, format!("#{connection} {frame:?} was not sent"));
        };
        self.figures.live += 1;
        let since = if self.is_alone(connection) { self.now } else { NEVER };
        let again =
            self.talks.get_mut(&connection).and_then(|talk| talk.live.insert(frame.id, since));
        let found = [
            self.content(connection, key, frame, body),
            self.identity(key, frame.id),
            again.map(|_| (Promise::Again, "it comes from memory twice".into())),
            self.window(connection),
        ];
        for (promise, what) in found.into_iter().flatten() {
            self.broken(promise, format!("#{connection} live, letter {key}: {what}"));
        }
    }

    /// Whether no other connection of its identity is open.
    fn is_alone(&self, connection: u64) -> bool {
        let person = self.talks.get(&connection).map(|talk| talk.person);
        let open = self.talks.values().filter(|talk| !talk.parted && Some(talk.person) == person);
        open.count() <= 1
    }

    /// Another connection of this one: it may end what is live on the others.
    pub(super) fn joined_by_another(&mut self, person: usize) {
        for talk in self.talks.values_mut().filter(|talk| talk.person == person) {
            talk.live.values_mut().for_each(|since| *since = NEVER);
        }
    }

    /// Of these some may be live.
    pub(super) fn heard_live_acks(&mut self, connection: u64, ids: &[MessageId]) {
        let Some(talk) = self.talks.get_mut(&connection) else { return };
        talk.live.retain(|id, _| !ids.contains(id));
        let mailbox = &mut self.people[talk.person].mailbox;
        let Some(device) = mailbox.devices.get_mut(&talk.device) else { return };
        for letter in self.letters.values().filter(|letter| letter.room.is_some()) {
            if let Some(id) = letter.id.filter(|id| ids.contains(id)) {
                // It may cross with the storing of the message, and settles that then.
                device.acked_live.insert(id);
                let copy = letter.copies.get(&talk.person);
                copy.and_then(|copy| copy.place)
                    .into_iter()
                    .for_each(|seq| device.perhaps.add(seq));
            }
        }
    }

    /// What is in memory is lost, or may be: nobody is owed it any more.
    pub(crate) fn live_lost(&mut self) {
        for letter in self.letters.values_mut().filter(|letter| letter.room.is_some()) {
            for copy in letter.copies.values_mut().filter(|copy| copy.place.is_none()) {
                copy.owed = false;
            }
        }
    }

    /// Where a mailbox may be full, what is missed may be lost.
    pub(crate) fn live_crowded(&mut self) {
        for person in 0..self.people.len() {
            let owed = |letter: &Letter| {
                letter.copies.get(&person).is_some_and(|copy| copy.owed && copy.place.is_none())
            };
            if !self.letters.values().any(owed) || self.has_room_for_live(person) {
                continue;
            }
            for letter in self.letters.values_mut() {
                if let Some(copy) = letter.copies.get_mut(&person) {
                    copy.owed &= copy.place.is_some();
                }
            }
        }
    }

    /// Whether all that may wait for this one, what is in memory included, surely fits.
    fn has_room_for_live(&self, person: usize) -> bool {
        let mut senders = vec![0; self.people.len()];
        let (mut all, mut bytes) = (0, 0);
        for letter in self.letters.values().filter(|letter| self.perhaps_waits(letter, person)) {
            all += 1;
            senders[letter.from] += 1;
            bytes += letter.body.len() as u64 + NAMES_BYTES;
        }
        all < self.limits.messages
            && bytes < self.limits.bytes
            && senders.iter().all(|sent| *sent < self.limits.sender_messages)
    }

    /// What was said in rooms and must have reached somebody: whom, and the letters' keys.
    pub(crate) fn owed_live(&self) -> impl Iterator<Item = (usize, u64)> {
        let accepted = self.letters.iter().filter(|(_, letter)| letter.admitted);
        accepted.flat_map(|(key, letter)| {
            let owed = letter.copies.iter().filter(|(_, copy)| copy.owed);
            owed.map(|(person, _)| (*person, *key))
        })
    }
}

/// The place of a live message may be free at any time.
const NEVER: Millis = 0;
/// What the names of a message's sender and room take, at most.
const NAMES_BYTES: u64 = 16;

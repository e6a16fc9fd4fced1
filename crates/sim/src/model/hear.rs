//! What the server is told: from here on it may have done it.

use ackd_engine::Encoding;
use ackd_server::session::{Command, Connect, Credential, Destination, Send, Which};
use ackd_wire::v1::Body;
use ackd_wire::{MessageId, Name, Seq};

use super::letter::Verdict;
use super::talk::Talk;
use super::{Model, letter_key};

impl Model {
    /// A session takes a command.
    pub(crate) fn heard(&mut self, connection: u64, command: &Command<'_>) {
        if let Command::Connect(connect) = command {
            return self.heard_connect(connection, connect);
        }
        let entered = self.talks.get(&connection).is_some_and(|talk| talk.entered);
        if !entered {
            return; // refused as a whole
        }
        match command {
            Command::Join { .. }
            | Command::Leave { .. }
            | Command::Watch { .. }
            | Command::Unwatch { .. } => self.heard_roaming(connection, command),
            Command::Send(send) => self.heard_send(connection, send),
            Command::Ack { which: Which::UpTo(seq), .. } => self.heard_ack(connection, *seq),
            Command::Ack { which: Which::Ids(ids), .. } => {
                self.heard_live_acks(connection, ids);
                for seq in self.seqs(connection, ids) {
                    self.settle(connection, seq);
                }
            }
            Command::Reject { ids } => {
                self.heard_live_acks(connection, ids);
                for seq in self.seqs(connection, ids) {
                    let person = self.talks[&connection].person;
                    let key = self.people[person].mailbox.places.get(&seq);
                    if let Some(letter) = key.and_then(|key| self.letters.get_mut(key)) {
                        letter.reject(person);
                    }
                    self.settle(connection, seq);
                    self.end_for_all(person, seq);
                }
            }
            _ => {}
        }
    }

    fn heard_connect(&mut self, connection: u64, connect: &Connect) {
        let (Credential::Claim(id, _) | Credential::Token(id, _)) = &connect.credential else {
            return;
        };
        let Some(person) = self.names.get(id.as_str()).copied() else { return };
        self.order += 1;
        let (device, outbox) = (connect.device.clone(), connect.outbox.clone());
        let mut talk = Talk::new(person, device.clone(), outbox, self.order);
        talk.window = connect.window.unwrap_or(64).clamp(1, 1024) as usize;
        let Self { people, order, .. } = self;
        let person = &mut people[person];
        if let Some(name) = &talk.outbox {
            let outbox = person.outboxes.entry(name.clone()).or_default();
            outbox.taken = *order;
            talk.sent = outbox.accepted;
        }
        let mailbox = &mut person.mailbox;
        let end = mailbox.places.last_key_value().map_or(0, |(seq, _)| *seq);
        talk.first = !mailbox.devices.contains_key(&device);
        let device = mailbox.devices.entry(device).or_default();
        talk.gone = device.settled.clone();
        talk.end = end;
        if let Some((epoch, acked)) = &connect.acked
            && mailbox.epoch.as_deref() == Some(&**epoch)
        {
            if end < *acked {
                mailbox.renewable = true;
                talk.refuted = Some(epoch.to_string());
            } else {
                device.perhaps.add_up_to(*acked);
                let (person, device) = (talk.person, talk.device.clone());
                self.land_up_to((person, &device), *acked);
            }
        }
        self.joined_by_another(talk.person);
        self.talks.insert(connection, talk);
    }

    fn heard_send(&mut self, connection: u64, send: &Send<'_>) {
        let mut text = String::new();
        let body = match send.encoding {
            Encoding::MessagePack => {
                Body::MessagePack(&send.body).in_json(&mut text);
                &text
            }
            _ => std::str::from_utf8(&send.body).unwrap_or_default(),
        };
        let Some(key) = letter_key(body) else { return };
        if let Destination::Room(room) = &send.to {
            self.heard_in_room(connection, key, room.as_str());
        }
        let (Some(talk), Some(letter)) =
            (self.talks.get_mut(&connection), self.letters.get_mut(&key))
        else {
            return;
        };
        letter.heard += 1;
        let to = letter.to;
        if letter.verdict == Verdict::Refused {
            letter.verdict = Verdict::Open; // it is decided anew
        }
        if let Some(n) = send.n {
            if let Some(repeated) = talk.passing.get_mut(&n) {
                *repeated = true;
            }
            self.sends += 1;
            talk.heard.insert(n, self.sends);
            let outboxes = &mut self.people[talk.person].outboxes;
            if let Some(outbox) = talk.outbox.as_ref().and_then(|name| outboxes.get_mut(name)) {
                outbox.heard = outbox.heard.max(n);
            }
        } else if let Some(mark) = &send.r#ref {
            talk.refs.insert(mark.as_str().to_owned(), key);
        }
        self.note_lag(to);
    }

    fn heard_ack(&mut self, connection: u64, seq: Seq) {
        let Some(talk) = self.talks.get_mut(&connection) else { return };
        let mailbox = &mut self.people[talk.person].mailbox;
        let end = mailbox.places.last_key_value().map_or(0, |(seq, _)| *seq);
        if end < seq {
            talk.bad_acks += 1;
            return;
        }
        mailbox.devices.entry(talk.device.clone()).or_default().settle_up_to(seq);
        talk.gone.add_up_to(seq);
        let (person, device) = (talk.person, talk.device.clone());
        self.land_up_to((person, &device), seq);
    }

    /// Nothing up to here is in flight any more, on any of the device's connections.
    fn land_up_to(&mut self, (person, device): (usize, &Name), seq: Seq) {
        for talk in self.talks.values_mut() {
            if talk.person == person && talk.device == *device {
                talk.in_flight = talk.in_flight.split_off(&(seq + 1));
                talk.lost = talk.lost.split_off(&(seq + 1));
            }
        }
    }

    /// The places of those IDs that were delivered on this connection: no others count.
    fn seqs(&self, connection: u64, ids: &[MessageId]) -> Vec<Seq> {
        let talk = &self.talks[&connection];
        let places = &self.people[talk.person].mailbox.places;
        let delivered = talk.delivered.iter().copied().filter(|seq| {
            let letter = places.get(seq).and_then(|key| self.letters.get(key));
            letter.and_then(|letter| letter.id).is_some_and(|id| ids.contains(&id))
        });
        delivered.collect()
    }

    /// What is rejected before anybody has acknowledged it ends for all devices.
    fn end_for_all(&mut self, person: usize, seq: Seq) {
        for device in self.people[person].mailbox.devices.values_mut() {
            device.perhaps.add(seq);
        }
        for talk in self.talks.values_mut().filter(|talk| talk.person == person) {
            talk.in_flight.remove(&seq);
        }
    }

    fn settle(&mut self, connection: u64, seq: Seq) {
        let Some(talk) = self.talks.get_mut(&connection) else { return };
        talk.gone.add(seq);
        let (person, name) = (talk.person, talk.device.clone());
        let devices = &mut self.people[person].mailbox.devices;
        devices.entry(name.clone()).or_default().settle(seq);
        for talk in self.talks.values_mut() {
            if talk.person == person && talk.device == name {
                talk.in_flight.remove(&seq);
            }
        }
    }
}

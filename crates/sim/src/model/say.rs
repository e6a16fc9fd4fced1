//! What the server says, but for messages: whether it may say so, and what it has promised by it.

use ackd_wire::v1::{AcceptedFrame, ConnectedFrame, ErrorFrame, ServerFrame, json};
use ackd_wire::{ErrorCode, MessageId};

use super::letter::Verdict;
use super::mailbox::Device;
use super::{Model, Person};
use crate::violation::Promise;

impl Model {
    /// A session has said this.
    pub(crate) fn said(&mut self, connection: u64, text: &str) {
        for frame in json::decode_server(text) {
            match frame {
                Ok(ServerFrame::Connected(frame)) => self.said_connected(connection, &frame),
                Ok(ServerFrame::Accepted(frame)) => self.said_accepted(connection, &frame),
                Ok(ServerFrame::Error(frame)) => self.said_error(connection, &frame),
                Ok(ServerFrame::Message(frame)) => self.said_message(connection, &frame),
                Ok(ServerFrame::Lost(frame)) => self.said_lost(connection, &frame),
                Ok(
                    frame @ (ServerFrame::Joined(_)
                    | ServerFrame::Left { .. }
                    | ServerFrame::Watching { .. }
                    | ServerFrame::Presence(_)),
                ) => self.said_roaming(connection, &frame),
                Ok(ServerFrame::Pong { .. } | ServerFrame::Goaway(_)) => {}
                Ok(frame) => {
                    self.broken(Promise::Answers, format!("nobody asked for {frame:?}"));
                }
                Err(error) => self.broken(Promise::Answers, format!("{error}: {text}")),
            }
        }
    }

    fn said_connected(&mut self, connection: u64, frame: &ConnectedFrame<'_>) {
        let Some(talk) = self.talks.get_mut(&connection) else {
            return self.broken(Promise::Answers, "connected, without a connect".into());
        };
        talk.entered = true;
        talk.start = frame.acked;
        self.figures.connects += 1;
        let person = &mut self.people[talk.person];
        person.known = true;
        let mut faults = vec![epoch(person, &frame.epoch, talk.order)];
        if *frame.id != *person.id.as_str() {
            faults.push(Some(format!("{} is told to be {}", person.id, frame.id)));
        }
        if let Some(outbox) = talk.outbox.as_ref().and_then(|name| person.outboxes.get(name))
            && (frame.sent < talk.sent || outbox.heard < frame.sent)
        {
            let (low, high) = (talk.sent, outbox.heard);
            faults.push(Some(format!("sent is {}, not in {low}..={high}", frame.sent)));
        }
        let mailbox = &mut person.mailbox;
        let only = mailbox.devices.len() == 1;
        let device = mailbox.devices.entry(talk.device.clone()).or_default();
        let start = *device.start.get_or_insert(if only { 0 } else { frame.acked });
        if talk.refuted.as_deref() == Some(&*frame.epoch) {
            faults.push(Some(format!("the epoch is {}, in which the end was passed", frame.epoch)));
        }
        if talk.first && !only && frame.acked < talk.end {
            faults.push(Some(format!("a later device starts at {}, not at the end", frame.acked)));
        }
        if frame.acked < talk.gone.up_to {
            let settled = talk.gone.up_to;
            faults.push(Some(format!("acked is {}, settled is {settled}", frame.acked)));
        }
        let behind = mailbox.places.range(start + 1..).map(|(seq, _)| *seq);
        let unsettled: Vec<_> = behind.filter(|seq| !device.perhaps.has(*seq)).collect();
        if let Some(seq) = unsettled.first().filter(|seq| **seq <= frame.acked) {
            let what = format!("acked is {}, but {seq} was never settled", frame.acked);
            faults.push(Some(what));
        }
        let known = unsettled.iter().filter(|seq| **seq <= talk.end).count();
        // What a device that lags has lost does not wait for it.
        if only && frame.pending < known as u64 {
            faults.push(Some(format!("{} pending, {known} are known to wait", frame.pending)));
        }
        for what in faults.into_iter().flatten() {
            self.broken(Promise::Answers, format!("#{connection} {what}"));
        }
    }

    fn said_accepted(&mut self, connection: u64, frame: &AcceptedFrame<'_>) {
        let Some(key) = self.asked(connection, frame.n, frame.r#ref.as_deref()) else {
            return self.broken(Promise::Answers, format!("{frame:?} answers nothing"));
        };
        let Some(letter) = self.letters.get_mut(&key) else { return };
        let repeat = letter.verdict == Verdict::Accepted || 1 < letter.heard;
        let known = letter.id.get_or_insert(frame.id);
        let mut faults = Vec::new();
        if *known != frame.id {
            faults.push(format!("letter {key} was {known}, and is {} now", frame.id));
        }
        letter.verdict = Verdict::Accepted;
        let told = letter.told;
        letter.told |= !frame.dup;
        match &letter.number {
            Some((outbox, n)) => {
                let id = self.people[letter.from].id.as_str();
                if MessageId::derive(id, outbox.as_str(), *n) != frame.id {
                    faults.push(format!("number {n} has the ID {}", frame.id));
                }
                if let Some(outbox) = self.people[letter.from].outboxes.get_mut(outbox) {
                    outbox.accepted = outbox.accepted.max(*n);
                }
                if !frame.dup && told {
                    faults.push(format!("number {n} was accepted before, and is again"));
                }
                if frame.dup && !repeat {
                    faults.push(format!("number {n} is no repeat"));
                }
            }
            None if frame.dup => faults.push(format!("letter {key} has no number")),
            None => {}
        }
        if frame.dup {
            self.figures.repeats += 1;
        } else {
            self.figures.accepted += 1;
            if self.letters[&key].room.is_none() && self.surely_full(key) {
                let what =
                    format!("#{connection} letter {key} is accepted, but the mailbox is full");
                self.broken(Promise::Window, what);
            }
        }
        if let (Some(talk), Some(n)) = (self.talks.get_mut(&connection), frame.n) {
            talk.passing.remove(&n);
            let heard = talk.heard.get(&n);
            let overtaken = talk.passing.iter().find(|(other, repeated)| {
                **other < n && !**repeated && talk.heard.get(other) < heard
            });
            if let Some((other, _)) = overtaken.filter(|_| !frame.dup) {
                let what = format!("#{connection} number {n} overtakes {other}, which is open");
                self.broken(Promise::Order, what);
            }
        }
        for what in faults {
            self.broken(Promise::Once, format!("#{connection} {what}"));
        }
    }

    fn said_error(&mut self, connection: u64, frame: &ErrorFrame<'_>) {
        if frame.code == ErrorCode::BadAck {
            let asked = self.talks.get_mut(&connection).filter(|talk| 0 < talk.bad_acks);
            return match asked {
                Some(talk) => talk.bad_acks -= 1,
                None => self.broken(Promise::Answers, format!("#{connection} no ack was bad")),
            };
        }
        if let Some(mark) = frame.r#ref.as_deref().filter(|mark| mark.starts_with('w')) {
            return self.refused_roaming(connection, mark, frame.code);
        }
        let Some(key) = self.asked(connection, frame.n, frame.r#ref.as_deref()) else { return };
        if let Some(what) = self.refusal(connection, key, frame) {
            self.broken(Promise::Answers, format!("#{connection} letter {key}: {what}"));
        }
    }

    /// A send is refused: what is wrong with that, if anything is.
    fn refusal(&mut self, connection: u64, key: u64, frame: &ErrorFrame<'_>) -> Option<String> {
        let mailbox_has_room = self.surely_has_room(key);
        let letter = self.letters.get_mut(&key)?;
        let talk = self.talks.get_mut(&connection)?;
        let code = frame.code;
        if code == ErrorCode::OutboxTaken {
            let outbox = self.people[talk.person].outboxes.get(talk.outbox.as_ref()?)?;
            return (outbox.taken <= talk.order).then(|| "nobody else has its outbox".into());
        }
        if code.is_passing() {
            self.figures.passing += 1;
            let n = frame.n?;
            let first = talk.passing.iter().find(|(_, repeated)| !**repeated).map(|(n, _)| *n);
            let is_open = |expected| talk.passing.contains_key(&expected) && expected < n;
            let wrong = frame.expected.is_some_and(|expected| {
                !is_open(expected) || first.is_some_and(|first| first < expected)
            });
            let open = format!("{:?} are open, {:?} is expected", talk.passing, frame.expected);
            talk.passing.insert(n, false);
            return wrong.then_some(open);
        }
        self.figures.refused += 1;
        let accepted = letter.verdict == Verdict::Accepted;
        if !accepted {
            letter.verdict = Verdict::Refused;
        }
        if let Some(n) = frame.n {
            talk.passing.remove(&n);
        }
        if accepted && code != ErrorCode::OutcomeUnknown {
            return Some(format!("it was accepted, and is refused now: {code}"));
        }
        let recipient = &self.people[letter.to];
        match code {
            ErrorCode::NotAMember if letter.room.is_some() && !letter.admitted => None,
            ErrorCode::UnknownRecipient if recipient.known => Some("the recipient exists".into()),
            ErrorCode::MailboxFull if mailbox_has_room => Some("the mailbox has room".into()),
            ErrorCode::UnknownRecipient | ErrorCode::MailboxFull | ErrorCode::Refused => None,
            _ => Some(format!("there is no reason for {code}")),
        }
    }

    /// The letter that an answer is about.
    fn asked(&mut self, connection: u64, n: Option<u64>, mark: Option<&str>) -> Option<u64> {
        let talk = self.talks.get_mut(&connection)?;
        match n {
            Some(n) => {
                let outbox = self.people[talk.person].outboxes.get(talk.outbox.as_ref()?)?;
                outbox.numbers.get(&n).copied()
            }
            None => talk.refs.remove(mark?),
        }
    }

    /// Whether the mailbox that a letter was accepted in holds more than it may: of what was accepted before, more has
    /// surely been settled by no device.
    fn surely_full(&self, key: u64) -> bool {
        let to = self.letters[&key].to;
        let devices = &self.people[to].mailbox.devices;
        let waits = |letter: &&super::Letter| {
            let settled = letter.place.is_some_and(|seq| {
                let never_its = |device: &Device| device.start.is_none_or(|start| seq <= start);
                devices.values().any(|device| device.perhaps.has(seq))
                    || devices.values().all(never_its)
            });
            let mail = letter.room.is_none() && letter.to == to;
            mail && letter.verdict == Verdict::Accepted && !settled && !letter.rejected
        };
        self.limits.messages < self.letters.values().filter(waits).count() as u64
    }

    /// Whether the mailbox that a letter is for cannot be full: of all that may wait there too little is.
    fn surely_has_room(&self, key: u64) -> bool {
        let (from, to) = (self.letters[&key].from, self.letters[&key].to);
        let waits = |letter: &&super::Letter| self.perhaps_waits(letter, to);
        let (mut all, mut senders, mut bytes) = (0, 0, 0);
        for letter in self.letters.values().filter(waits) {
            all += 1;
            senders += u64::from(letter.from == from);
            bytes += (letter.body.len() + self.people[letter.from].id.as_str().len()) as u64;
        }
        // The letter itself is among them.
        if 1 < self.people[to].mailbox.devices.len() {
            senders = all; // of devices that lag only about is known who sent what
        }
        all <= self.limits.messages
            && senders <= self.limits.sender_messages
            && bytes <= self.limits.bytes
    }
}

impl Model {
    /// Whether a letter may wait in this one's mailbox.
    pub(super) fn perhaps_waits(&self, letter: &super::Letter, person: usize) -> bool {
        let devices = &self.people[person].mailbox.devices;
        let place = match letter.room {
            None => letter.place,
            Some(_) => letter.copies.get(&person).and_then(|copy| copy.place),
        };
        let settled = place.is_some_and(|seq| {
            devices.values().all(|device| device.settled.has(seq) || device.start.is_none())
        });
        let taken = 0 < letter.heard && letter.verdict != Verdict::Refused;
        letter.is_for(person) && taken && !settled
    }
}

/// A mailbox's epoch stays what it was, unless a client has claimed what cannot be.
fn epoch(person: &mut Person, told: &str, order: u64) -> Option<String> {
    let mailbox = &mut person.mailbox;
    let known = mailbox.epoch.get_or_insert_with(|| told.to_owned());
    if known == told {
        return None;
    }
    if mailbox.old_epoch.as_ref().is_some_and(|(old, until)| old == told && order < *until) {
        return None; // decided before the change, told after it
    }
    if !std::mem::take(&mut mailbox.renewable) {
        return Some(format!("the epoch was {known} and is {told}"));
    }
    let old = std::mem::replace(known, told.to_owned());
    mailbox.old_epoch = Some((old, order));
    None
}

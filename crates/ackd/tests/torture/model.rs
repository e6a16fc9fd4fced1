//! What was promised, checked as it happens: every answer and delivery that a client sees is told to the model, and the
//! first that breaks a promise is an error with the history of its message. It knows no socket; the time is a parameter.

mod history;
mod mailbox;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ackd_wire::MessageId;

pub(crate) use history::{Event, What};
pub(crate) use mailbox::{Ack, Arrival, Mailbox, Moment};

/// The index of a message in the model; its body carries it.
pub(crate) type Number = usize;

/// All that clients were told so far.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) messages: Vec<Message>,
    pub(crate) mailboxes: Vec<Mailbox>,
    outboxes: Vec<Outbox>,
    /// When the server was killed, by the number of the kill; kill 0 ends the first run.
    pub(crate) kills: Vec<Duration>,
    /// By run: when the answer to the last message that was new to the server came.
    stored: BTreeMap<usize, Duration>,
    pub(crate) figures: Figures,
}

/// Counts for the verdict.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) accepted: u64,
    pub(crate) dups: u64,
    pub(crate) delivered: u64,
    pub(crate) redelivered: u64,
    pub(crate) refused: u64,
    pub(crate) passing: u64,
    pub(crate) connections: u64,
    pub(crate) seq_max: u64,
}

/// One message that a client made.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) sender: usize,
    pub(crate) recipient: usize,
    /// Its number in the sender's outbox, if it has one.
    pub(crate) n: Option<u64>,
    id: Option<MessageId>,
    seq: Option<u64>,
    answer: Answer,
    /// The newest ack that covered it, unless it has come again since.
    pub(crate) acked: Option<Ack>,
    pub(crate) was_acked: bool,
    pub(crate) deliveries: u32,
    /// The recipient's connection of the newest delivery.
    pub(crate) delivered_on: usize,
    history: Vec<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Open,
    Accepted,
    /// Finally: it must never be delivered.
    Refused,
}

/// What is known of a sender's outbox.
#[derive(Debug, Default)]
struct Outbox {
    identity: String,
    name: String,
    /// The highest number used, the highest that was answered `accepted`, the highest `sent` seen.
    used: u64,
    accepted: u64,
    sent: u64,
    /// By recipient: the place each number got.
    places: BTreeMap<(usize, u64), (u64, Number)>,
}

impl Model {
    /// A model of `pairs` senders and as many recipients.
    pub(crate) fn new(pairs: usize) -> Self {
        let mut model = Self::default();
        model.mailboxes.resize_with(pairs, Mailbox::default);
        model.outboxes.resize_with(pairs, Outbox::default);
        model
    }

    /// The number of kills so far, which is the number of the present run.
    pub(crate) fn run(&self) -> usize {
        self.kills.len()
    }

    /// A sender has its identity.
    pub(crate) fn name_outbox(&mut self, sender: usize, identity: &str, outbox: &str) {
        identity.clone_into(&mut self.outboxes[sender].identity);
        outbox.clone_into(&mut self.outboxes[sender].name);
    }

    /// A sender has made a message; `n` if it is numbered.
    pub(crate) fn make(&mut self, sender: usize, recipient: usize, n: Option<u64>) -> Number {
        if let Some(n) = n {
            self.outboxes[sender].used = n;
        }
        self.messages.push(Message {
            sender,
            recipient,
            n,
            id: None,
            seq: None,
            answer: Answer::Open,
            acked: None,
            was_acked: false,
            deliveries: 0,
            delivered_on: 0,
            history: Vec::new(),
        });
        self.messages.len() - 1
    }

    /// Something happened to a message.
    pub(crate) fn note(&mut self, number: Number, at: Duration, what: What) {
        let run = self.run();
        self.messages[number].history.push(Event::new(at, run, what));
    }

    /// A sender has reconnected and was told `sent`.
    pub(crate) fn outbox_resumed(&mut self, sender: usize, sent: u64) -> Result<(), String> {
        let outbox = &mut self.outboxes[sender];
        let low = outbox.accepted.max(outbox.sent);
        if sent < low || outbox.used < sent {
            return Err(format!(
                "outbox {} of sender {sender}: `sent` is {sent}, but {low} was accepted and {} is the last made",
                outbox.name, outbox.used
            ));
        }
        outbox.sent = sent;
        Ok(())
    }

    /// `accepted`.
    pub(crate) fn accepted(
        &mut self,
        number: Number,
        id: &str,
        dup: bool,
        at: Duration,
    ) -> Result<(), String> {
        self.note(number, at, What::Accepted { dup });
        let id = self.known_id(number, id)?;
        let message = &mut self.messages[number];
        if message.answer == Answer::Refused {
            return Err(self.broken(number, "it was refused finally, and is accepted now"));
        }
        if message.answer == Answer::Open {
            self.figures.accepted += 1;
            self.mailboxes[message.recipient].owed += usize::from(message.deliveries == 0);
        }
        message.answer = Answer::Accepted;
        self.figures.dups += u64::from(dup);
        if !dup {
            self.stored.insert(self.kills.len(), at);
        }
        let (sender, n) = (message.sender, message.n);
        let Some(n) = n else { return Ok(()) };
        let outbox = &mut self.outboxes[sender];
        outbox.accepted = outbox.accepted.max(n);
        let derived = MessageId::derive(&outbox.identity, &outbox.name, n);
        if derived == id {
            Ok(())
        } else {
            Err(self.broken(number, &format!("its ID must be {derived}")))
        }
    }

    /// A refusal: final, or one after which the same number is repeated.
    pub(crate) fn refused(
        &mut self,
        number: Number,
        is_final: bool,
        at: Duration,
    ) -> Result<(), String> {
        self.note(number, at, What::Refused { is_final });
        if !is_final {
            self.figures.passing += 1;
            return Ok(());
        }
        self.figures.refused += 1;
        let message = &mut self.messages[number];
        if message.answer == Answer::Accepted || 0 < message.deliveries {
            return Err(self.broken(number, "it was accepted or delivered, and is refused now"));
        }
        message.answer = Answer::Refused;
        Ok(())
    }

    /// The ID under which a message is known, which must be the only one.
    fn known_id(&mut self, number: Number, id: &str) -> Result<MessageId, String> {
        let id = MessageId::parse(id).map_err(|error| format!("ID {id:?}: {error}"))?;
        match *self.messages[number].id.get_or_insert(id) {
            known if known == id => Ok(id),
            known => Err(self.broken(number, &format!("it had ID {known}, and has {id} now"))),
        }
    }

    /// The places of what one outbox sent to one recipient must be in the order of the numbers.
    fn place(&mut self, number: Number, seq: u64) -> Result<(), String> {
        let message = &self.messages[number];
        let (recipient, Some(n)) = (message.recipient, message.n) else { return Ok(()) };
        let places = &mut self.outboxes[message.sender].places;
        places.insert((recipient, n), (seq, number));
        let before = places.range((recipient, 0)..(recipient, n)).next_back();
        let after = places.range((recipient, n + 1)..=(recipient, u64::MAX)).next();
        let wrong = before
            .filter(|(_, (place, _))| seq <= *place)
            .or(after.filter(|(_, (place, _))| *place <= seq));
        let Some((_, &(_, other))) = wrong else { return Ok(()) };
        let first = self.broken(number, "numbers and places of one outbox disagree");
        Err(format!("{first}\n{}", self.history(other)))
    }

    /// What must hold when all has settled: whatever was accepted has been delivered and acknowledged.
    pub(crate) fn check_end(&self) -> Result<(), String> {
        for (number, message) in self.messages.iter().enumerate() {
            if message.answer == Answer::Accepted && message.deliveries == 0 {
                return Err(self.broken(number, "it was accepted and never delivered"));
            }
            if message.answer == Answer::Open && message.n.is_some() {
                return Err(self.broken(number, "it is numbered and was never answered"));
            }
        }
        Ok(())
    }

    /// Whether all that is known to be in a mailbox has been delivered and acknowledged.
    pub(crate) fn is_drained(&self, recipient: usize) -> bool {
        let mailbox = &self.mailboxes[recipient];
        mailbox.unacked.is_empty() && mailbox.owed == 0
    }

    /// A broken promise, with all that is known of the message and of those that stand behind it in the mailbox.
    fn broken(&self, number: Number, what: &str) -> String {
        let mut text = format!("message {number}: {what}\n{}", self.history(number));
        let message = &self.messages[number];
        let behind = message.seq.map_or(u64::MAX, |seq| seq + 1);
        for (_, next) in self.mailboxes[message.recipient].by_seq.range(behind..).take(3) {
            write!(text, "\n  behind it\n{}", self.history(*next)).expect("a String takes all");
        }
        text
    }

    fn history(&self, number: Number) -> String {
        let message = &self.messages[number];
        let mut text = format!(
            "  message {number}: sender {} to recipient {}, n {:?}, id {:?}, seq {:?}, {:?}",
            message.sender, message.recipient, message.n, message.id, message.seq, message.answer
        );
        for event in &message.history {
            write!(text, "\n    {event}").expect("a String takes all");
        }
        text
    }
}

//! A sender: keeps its identity, its outbox and what is unanswered over every kill, repeats that in order, and tells the
//! model each answer. A few of its messages are unnumbered, and are not repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::link::Link;
use crate::model::{Number, What};
use crate::receiver::{Identity, is_first_refusal_fatal, text_of};
use crate::rng::Rng;
use crate::world::{Stop, World};

/// One sender and what it remembers.
pub(crate) struct Sender<'w> {
    index: usize,
    world: &'w World,
    rng: Rng,
    identity: Identity,
    outbox: String,
    recipients: Vec<String>,
    /// By number less one: the message, and the frame that sends it.
    made: Vec<(Number, String)>,
    unanswered: BTreeSet<u64>,
    /// Those of `unanswered` that were sent on this connection and wait for its answer.
    awaiting: BTreeSet<u64>,
    /// The last refusal by recipient, as a count of what to make before it is tried again.
    pauses: BTreeMap<usize, u32>,
    last_accepted: u64,
}

impl<'w> Sender<'w> {
    /// A sender without an identity yet.
    pub(crate) fn new(index: usize, world: &'w World, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 100 + index as u64);
        let outbox = format!("o{:016x}", rng.next());
        let identity = Identity::new(&format!("sender-{index}"), index, &mut rng);
        Self {
            index,
            world,
            rng,
            identity,
            outbox,
            recipients: Vec::new(),
            made: Vec::new(),
            unanswered: BTreeSet::new(),
            awaiting: BTreeSet::new(),
            pauses: BTreeMap::new(),
            last_accepted: 0,
        }
    }

    /// Sends until the load ends and everything is answered.
    pub(crate) fn run(&mut self) {
        while let Ok((address, _)) = self.world.address() {
            let session = Link::open(address).map_err(Stop::from).and_then(|mut link| {
                self.enter(&mut link)?;
                self.repeat(&mut link)?;
                self.load(&mut link)
            });
            match session {
                Ok(()) => return self.world.sender_done(),
                Err(Stop::Failed) => return,
                Err(Stop::Link) => {}
            }
        }
    }

    /// After a clean stop and a start: the outbox is where it was, and a repeat is known as one.
    pub(crate) fn audit(&mut self, link: &mut Link) -> Result<(), Stop> {
        self.enter(link)?;
        let n = self.last_accepted;
        if n == 0 {
            return Ok(());
        }
        let (number, frame) = self.made[n as usize - 1].clone();
        link.push(&frame);
        link.flush()?;
        let answer = link.wait_for(|frame| frame["n"] == n)?.unwrap_or_default();
        self.world.tell(|model, at| {
            if answer["dup"] != true {
                return Err(format!("a repeat of message {number} is no dup: {answer}"));
            }
            model.accepted(number, text_of(&answer, "id")?, true, at)
        })
    }

    fn enter(&mut self, link: &mut Link) -> Result<(), Stop> {
        let mut connect = self.identity.connect();
        connect["outbox"] = json!(self.outbox);
        link.push(&connect.to_string());
        link.flush()?;
        let connected = wait_for_connected(link, self.world, &self.identity)?;
        let sent = connected["sent"].as_u64().unwrap_or(0);
        self.identity.entered(&connected, self.world)?;
        self.world.tell(|model, _| {
            model.name_outbox(self.index, &self.identity.id, &self.outbox);
            model.figures.connections += 1;
            model.outbox_resumed(self.index, sent)
        })?;
        self.awaiting.clear();
        self.recipients = self.world.recipients()?;
        Ok(())
    }

    /// Sends everything unanswered again, in order.
    fn repeat(&mut self, link: &mut Link) -> Result<(), Stop> {
        self.awaiting = self.unanswered.clone();
        for n in &self.unanswered {
            let (number, frame) = &self.made[*n as usize - 1];
            self.note_sent(*number)?;
            link.push(frame);
        }
        Ok(link.flush()?)
    }

    fn load(&mut self, link: &mut Link) -> Result<(), Stop> {
        let window = WINDOWS[self.index % WINDOWS.len()];
        loop {
            self.world.check()?;
            if self.awaiting.is_empty() && !self.unanswered.is_empty() {
                self.repeat(link)?; // refused for now
            }
            if self.world.is_settling() {
                if self.unanswered.is_empty() {
                    return Ok(());
                }
            } else if self.awaiting.len() == self.unanswered.len() {
                while self.unanswered.len() < window {
                    self.make(link)?;
                }
                if self.rng.one_in(400) {
                    return Err(Stop::Link); // leaves without a word
                }
            }
            link.flush()?;
            for frame in link.receive(PATIENCE)? {
                self.answer(&frame)?;
            }
        }
    }

    /// Makes the next message and puts it among those to send.
    fn make(&mut self, link: &mut Link) -> Result<(), Stop> {
        let recipient = self.choose();
        let to = self.recipients[recipient].clone();
        let (index, n) = (self.index, self.made.len() as u64 + 1);
        let is_numbered = !self.rng.one_in(12);
        let padding = "·".repeat(self.rng.between(0, 40) as usize);
        let number = self.world.tell(|model, at| {
            let number = model.make(index, recipient, is_numbered.then_some(n));
            model.note(number, at, What::Sent);
            Ok(number)
        })?;
        let body = format!(r#"{{"m": {number}, "x":"{padding}"}}"#);
        if is_numbered {
            let frame = format!(r#"{{"op":"send","n":{n},"to":"{to}","body":{body}}}"#);
            link.push(&frame);
            self.made.push((number, frame));
            self.unanswered.insert(n);
            self.awaiting.insert(n);
        } else {
            link.push(&format!(r#"{{"op":"send","ref":"{number}","to":"{to}","body":{body}}}"#));
        }
        Ok(())
    }

    /// Mostly the own recipient, sometimes the next; one whose mailbox was full is left alone for a while.
    fn choose(&mut self) -> usize {
        let count = self.recipients.len();
        let first = if self.rng.one_in(5) { self.index + 1 } else { self.index } % count;
        match self.pauses.get_mut(&first) {
            Some(pause) if 0 < *pause => {
                *pause -= 1;
                (self.index + 2) % (count - 1) // never the laziest
            }
            _ => first,
        }
    }

    fn answer(&mut self, frame: &Value) -> Result<(), Stop> {
        let Some(number) = self.message_of(frame) else {
            return match frame["op"].as_str() {
                Some("goaway") => Ok(()),
                _ => Err(self.world.fail(&format!("sender {}: unexpected {frame}", self.index))),
            };
        };
        match frame["op"].as_str() {
            Some("accepted") => {
                let dup = frame["dup"] == true;
                self.world
                    .tell(|model, at| model.accepted(number, text_of(frame, "id")?, dup, at))?;
                self.settle_number(frame, true);
            }
            Some("error") => self.refused(number, frame)?,
            _ => return Err(self.world.fail(&format!("an answer of an unknown kind: {frame}"))),
        }
        Ok(())
    }

    fn refused(&mut self, number: Number, frame: &Value) -> Result<(), Stop> {
        let code = frame["code"].as_str().unwrap_or_default();
        let is_final = match code {
            "mailbox_full" | "refused" => true,
            "store_unavailable" | "internal" | "rate_limited" | "gap" => false,
            _ => return Err(self.world.fail(&format!("sender {}: {frame}", self.index))),
        };
        self.world.tell(|model, at| model.refused(number, is_final, at))?;
        if is_final {
            let recipient = self.world.model().messages[number].recipient;
            self.pauses.insert(recipient, 100);
            self.settle_number(frame, true);
        } else {
            self.settle_number(frame, false);
        }
        Ok(())
    }

    /// The number of an answer no longer waits on this connection, nor at all if the answer was final.
    fn settle_number(&mut self, frame: &Value, is_final: bool) {
        let Some(n) = frame["n"].as_u64() else { return };
        self.awaiting.remove(&n);
        if is_final {
            self.unanswered.remove(&n);
        }
        if frame["op"] == "accepted" {
            self.last_accepted = self.last_accepted.max(n);
        }
    }

    fn message_of(&self, frame: &Value) -> Option<Number> {
        if let Some(n) = frame["n"].as_u64() {
            return self.made.get(n as usize - 1).map(|made| made.0);
        }
        frame["ref"].as_str()?.parse().ok()
    }

    fn note_sent(&self, number: Number) -> Result<(), Stop> {
        self.world.note(|model, at| model.note(number, at, What::Sent))
    }
}

/// Waits for the answer to `connect`; that an identity is no longer known is a broken promise.
pub(crate) fn wait_for_connected(
    link: &mut Link,
    world: &World,
    identity: &Identity,
) -> Result<Value, Stop> {
    for _ in 0..20 {
        world.check()?;
        let is_answer = |frame: &Value| matches!(frame["op"].as_str(), Some("connected" | "error"));
        match link.wait_for(is_answer)? {
            Some(frame) if frame["op"] == "connected" => return Ok(frame),
            Some(frame) if is_first_refusal_fatal(&frame) => {
                return Err(world.fail(&format!("{identity:?} is not let in: {frame}")));
            }
            _ => {}
        }
    }
    Err(world.fail(&format!("{identity:?}: no answer to connect within 10 s")))
}

/// How long one look at the socket may take.
pub(crate) const PATIENCE: Duration = Duration::from_millis(20);
/// How many unanswered sends the senders keep.
const WINDOWS: [usize; 4] = [64, 8, 256, 1];

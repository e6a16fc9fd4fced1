//! A receiver: keeps its identity over every kill, tells the model what comes, and acknowledges in its own manner: at
//! once or late, all or some, or it is away.

use std::time::Duration;

use serde_json::{Value, json};

use crate::link::Link;
use crate::model::{Arrival, Moment};
use crate::plan::PAIRS;
use crate::rng::Rng;
use crate::sender::{PATIENCE, wait_for_connected};
use crate::world::{Stop, World};

/// Who a client is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// Empty until the server has issued one.
    pub(crate) id: String,
    token: String,
    /// It has been connected: from now on it must always be let in.
    is_held: bool,
}

impl Identity {
    /// Every other client claims a name, the others are issued one.
    pub(crate) fn new(name: &str, index: usize, rng: &mut Rng) -> Self {
        if index.is_multiple_of(2) {
            return Self { id: String::new(), token: String::new(), is_held: false };
        }
        let mut secret = [0; 32];
        for chunk in secret.chunks_exact_mut(8) {
            chunk.copy_from_slice(&rng.next().to_be_bytes());
        }
        let token = ackd_wire::Token::new(secret).reveal();
        Self { id: format!("{name}-{:08x}", rng.next() as u32), token, is_held: false }
    }

    /// The `connect` frame.
    pub(crate) fn connect(&self) -> Value {
        match (self.id.is_empty(), self.is_held) {
            (true, _) => json!({"op": "connect"}),
            (_, true) => json!({"op": "connect", "id": self.id, "token": self.token}),
            (_, false) => json!({"op": "connect", "new": true, "id": self.id, "token": self.token}),
        }
    }

    /// Takes over what `connected` says, which must be what it said before.
    pub(crate) fn entered(&mut self, connected: &Value, world: &World) -> Result<(), Stop> {
        let id = connected["id"].as_str().unwrap_or_default();
        if self.id.is_empty() {
            id.clone_into(&mut self.id);
            connected["token"].as_str().unwrap_or_default().clone_into(&mut self.token);
        }
        self.is_held = true;
        if self.id == id && !id.is_empty() {
            Ok(())
        } else {
            Err(world.fail(&format!("{self:?} entered as {id:?}")))
        }
    }
}

/// Whether the refusal of a `connect` can never be right here.
pub(crate) fn is_first_refusal_fatal(frame: &Value) -> bool {
    !matches!(frame["code"].as_str(), Some("store_unavailable" | "internal" | "rate_limited"))
}

/// A text field that must be there.
pub(crate) fn text_of<'f>(frame: &'f Value, field: &str) -> Result<&'f str, String> {
    frame[field].as_str().ok_or_else(|| format!("no {field} in {frame}"))
}

/// How a receiver acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// All that has come, at once.
    Prompt,
    /// The same, by ID.
    ByIds,
    /// Some of what it holds, by ID, in no order.
    Some,
    /// One after the other, slowly: its window is always full.
    Slow,
    /// Every twentieth.
    Seldom,
    /// Here for a while in every second run of the server.
    Away,
    /// Hardly ever here: its mailbox is full.
    Lazy,
}

/// One receiver and what it remembers.
pub(crate) struct Receiver<'w> {
    index: usize,
    world: &'w World,
    rng: Rng,
    identity: Identity,
    manner: Manner,
    epoch: String,
    /// Up to where it has acknowledged, where its manner leaves no holes.
    position: u64,
    /// Delivered on this connection and not acknowledged.
    held: Vec<(u64, String)>,
}

impl<'w> Receiver<'w> {
    /// A receiver without an identity yet.
    pub(crate) fn new(index: usize, world: &'w World, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 200 + index as u64);
        let identity = Identity::new(&format!("receiver-{index}"), index + 1, &mut rng);
        Self {
            index,
            world,
            rng,
            identity,
            manner: MANNERS[index % MANNERS.len()],
            epoch: String::new(),
            position: 0,
            held: Vec::new(),
        }
    }

    /// Receives until the load has ended and its mailbox is empty.
    pub(crate) fn run(&mut self) {
        while let Ok((address, run)) = self.world.address() {
            let session = Link::open(address).map_err(Stop::from).and_then(|mut link| {
                self.enter(&mut link, run)?;
                self.receive(&mut link, run)
            });
            self.world.note(|model, at| model.ended(self.index, at)).ok();
            match session {
                Ok(()) | Err(Stop::Failed) => return,
                Err(Stop::Link) if self.stays_away(run) => {
                    self.world.wait_for_another(run).ok();
                }
                Err(Stop::Link) => {}
            }
        }
    }

    /// After a clean stop and a start: it is let in, and nothing waits.
    pub(crate) fn audit(&mut self, link: &mut Link, run: u64) -> Result<(), Stop> {
        let pending = self.enter(link, run)?;
        for frame in link.receive(PATIENCE)? {
            self.take(&frame)?;
        }
        self.world.tell(|model, at| {
            model.ended(self.index, at);
            if pending == 0 {
                return Ok(());
            }
            Err(format!("recipient {} has acknowledged all, but {pending} wait", self.index))
        })
    }

    /// Connects; how many wait.
    fn enter(&mut self, link: &mut Link, run: u64) -> Result<u64, Stop> {
        let mut connect = self.identity.connect();
        connect["window"] = json!(WINDOWS[self.rng.between(0, 3) as usize]);
        let mut claimed = 0;
        if !self.epoch.is_empty() && self.rng.one_in(2) {
            claimed = self.position;
            connect["epoch"] = json!(self.epoch);
            connect["acked"] = json!(self.position);
        }
        let opened = self.world.now();
        link.push(&connect.to_string());
        link.flush()?;
        let connected = wait_for_connected(link, self.world, &self.identity)?;
        self.identity.entered(&connected, self.world)?;
        self.held.clear();
        self.world.tell(|model, _| {
            let epoch = text_of(&connected, "epoch")?;
            epoch.clone_into(&mut self.epoch);
            let acked = connected["acked"].as_u64().unwrap_or(0);
            model
                .opened(self.index, Moment { run: run as usize - 1, epoch, acked, claimed, opened })
        })?;
        self.world.name_recipient(self.index, &self.identity.id);
        Ok(connected["pending"].as_u64().unwrap_or(0))
    }

    fn receive(&mut self, link: &mut Link, run: u64) -> Result<(), Stop> {
        let mut left = self.visit(run);
        loop {
            self.world.check()?;
            let frames = link.receive(PATIENCE)?;
            for frame in &frames {
                self.take(frame)?;
            }
            if self.world.is_settling() {
                self.ack_all(link)?;
                if frames.is_empty() && self.is_done() {
                    return Ok(());
                }
            } else {
                self.ack(link)?;
                left = left.saturating_sub(frames.len() as u64 + 1);
                if left == 0 {
                    return Err(Stop::Link);
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        // One after the other: the model is locked within its statement.
        let are_senders_done = self.world.senders_done() == PAIRS;
        are_senders_done && self.world.model().is_drained(self.index)
    }

    fn take(&mut self, frame: &Value) -> Result<(), Stop> {
        match frame["op"].as_str() {
            Some("message") => {}
            Some("goaway") => return Ok(()),
            _ => return Err(self.world.fail(&format!("recipient {}: {frame}", self.index))),
        }
        self.world.tell(|model, at| {
            let number = |field: &Value| field.as_u64().ok_or_else(|| format!("number in {frame}"));
            let arrival = Arrival {
                number: number(&frame["body"]["m"])? as usize,
                id: text_of(frame, "id")?,
                seq: number(&frame["seq"])?,
                attempt: frame["attempt"].as_u64().unwrap_or(1) as u32,
                at,
            };
            if text_of(frame, "to")? != self.identity.id {
                return Err(format!("recipient {} got {frame}", self.index));
            }
            model.delivered(self.index, arrival)?;
            self.held.push((arrival.seq, arrival.id.to_owned()));
            Ok(())
        })
    }

    fn ack(&mut self, link: &mut Link) -> Result<(), Stop> {
        match self.manner {
            Manner::Seldom if self.held.len() < 20 => Ok(()),
            Manner::Prompt | Manner::Away | Manner::Lazy | Manner::Seldom => {
                self.ack_first(link, self.held.len())
            }
            Manner::Slow => {
                std::thread::sleep(SLOWNESS); // the consumer is slow: that is the load
                self.ack_first(link, self.held.len().min(1))
            }
            Manner::ByIds => self.ack_chosen(link, |_| true),
            Manner::Some => {
                let mut rng = self.rng.clone();
                self.rng.next();
                self.ack_chosen(link, |_| rng.one_in(3))
            }
        }
    }

    fn ack_all(&mut self, link: &mut Link) -> Result<(), Stop> {
        match self.manner {
            Manner::ByIds | Manner::Some => self.ack_chosen(link, |_| true),
            _ => self.ack_first(link, self.held.len()),
        }
    }

    /// Acknowledges the first `count` held by the place of the last of them.
    fn ack_first(&mut self, link: &mut Link, count: usize) -> Result<(), Stop> {
        let Some((seq, _)) = self.held.drain(..count).next_back() else { return Ok(()) };
        self.position = seq;
        self.world.note(|model, at| model.acked_up_to(self.index, seq, at))?;
        link.push(&json!({"op": "ack", "seq": seq}).to_string());
        Ok(link.flush()?)
    }

    /// Acknowledges by ID those that `is_chosen`.
    fn ack_chosen(
        &mut self,
        link: &mut Link,
        mut is_chosen: impl FnMut(u64) -> bool,
    ) -> Result<(), Stop> {
        let chosen: Vec<_> = self.held.extract_if(.., |(seq, _)| is_chosen(*seq)).collect();
        if chosen.is_empty() {
            return Ok(());
        }
        self.world.tell(|model, at| {
            for (seq, _) in &chosen {
                model.acked_one(self.index, *seq, at);
            }
            Ok(())
        })?;
        let ids: Vec<_> = chosen.into_iter().map(|(_, id)| id).collect();
        link.push(&json!({"op": "ack", "ids": ids}).to_string());
        Ok(link.flush()?)
    }

    /// How many messages or looks a connection lasts.
    fn visit(&mut self, run: u64) -> u64 {
        match self.manner {
            Manner::Lazy if 1 < run => self.rng.between(1, 30),
            Manner::Away => self.rng.between(1, 200),
            _ => self.rng.between(20, 5000),
        }
    }

    /// Whether it waits for another run before it comes back.
    fn stays_away(&self, run: u64) -> bool {
        match self.manner {
            Manner::Away => run.is_multiple_of(2),
            Manner::Lazy => !run.is_multiple_of(8),
            _ => false,
        }
    }
}

const SLOWNESS: Duration = Duration::from_millis(2);
const WINDOWS: [u32; 4] = [1, 7, 64, 1024];
const MANNERS: [Manner; 8] = [
    Manner::Prompt,
    Manner::Prompt,
    Manner::ByIds,
    Manner::Some,
    Manner::Slow,
    Manner::Seldom,
    Manner::Away,
    Manner::Lazy,
];

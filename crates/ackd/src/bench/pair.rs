//! One sender and its receiver. A message counts when the sender has its `accepted` and the receiver has acknowledged it.

use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail};
use serde_json::{Value, json};

use super::Target;
use super::event_loop::{Loop, Received};
use super::link::{Link, Opening};
use super::template::Template;

/// A sender and a receiver.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) sender: Link,
    /// `None`: away.
    pub(crate) receiver: Option<Link>,
    identity: Value,
    template: Template,
    window: u64,
    pub(crate) sent: u64,
    pub(crate) accepted: u64,
    pub(crate) received: Received,
    /// When the next message is due, in nanoseconds; with a rate only.
    pub(crate) due: u64,
}

/// Opens pairs, many handshakes at a time.
pub(crate) fn open(
    target: Target,
    pairs: usize,
    window: u64,
    payload: usize,
) -> anyhow::Result<Vec<Pair>> {
    let receivers = enter(target, pairs, |_| json!({"op": "connect", "window": 1024}))?;
    let senders = enter(target, pairs, |_| json!({"op": "connect", "outbox": "bench"}))?;
    let pair = |((sender, _), (receiver, identity)): ((Link, Value), (Link, Value))| {
        let id = identity["id"].as_str().ok_or_else(|| anyhow!("no id in {identity}"))?;
        Ok(Pair {
            sender,
            receiver: Some(receiver),
            template: Template::new(target.encoding, &format!(r#""to":"{id}""#), payload),
            identity,
            window,
            sent: 0,
            accepted: 0,
            received: Received::default(),
            due: 0,
        })
    };
    senders.into_iter().zip(receivers).map(pair).collect()
}

/// Opens connections, 128 at a time.
pub(crate) fn enter(
    target: Target,
    count: usize,
    connect: impl Fn(usize) -> Value,
) -> anyhow::Result<Vec<(Link, Value)>> {
    let mut links = Vec::with_capacity(count);
    while links.len() < count {
        let first = links.len();
        let batch = HANDSHAKES.min(count - first);
        let mut openings =
            (0..batch).map(|_| Opening::start(target)).collect::<anyhow::Result<Vec<_>>>()?;
        for (i, opening) in openings.iter_mut().enumerate() {
            opening.upgraded(&connect(first + i))?;
        }
        for opening in openings {
            links.push(opening.connected()?);
        }
    }
    Ok(links)
}

impl Pair {
    /// How many messages count.
    pub(crate) fn completed(&self) -> u64 {
        self.accepted.min(self.received.n)
    }

    /// Whether all that was sent counts.
    pub(crate) fn is_settled(&self) -> bool {
        self.completed() == self.sent
    }

    /// Whether another message may be sent: at most `window` unanswered, and a backlog that a mailbox takes from one sender.
    pub(crate) fn has_room(&self) -> bool {
        self.sent - self.accepted < self.window
            && (self.receiver.is_none() || self.sent - self.received.n < BACKLOG)
            && !self.sender.is_far_behind()
    }

    /// Puts the next message among those to write, as sent at `nanos`.
    pub(crate) fn send(&mut self, nanos: u64) {
        self.sent += 1;
        let frame = self.template.fill(self.sent, nanos);
        self.sender.push(frame);
    }

    /// Reads the sender's answers.
    pub(crate) fn read_answers(&mut self, io: &mut Loop) -> anyhow::Result<()> {
        io.read_answers(&mut self.sender, &mut self.accepted)
    }

    /// Reads and acknowledges what the receiver gets.
    pub(crate) fn read_deliveries(&mut self, io: &mut Loop, now: u64) -> anyhow::Result<()> {
        let Some(receiver) = &mut self.receiver else { return Ok(()) };
        io.read_deliveries(receiver, &mut self.received, now)
    }

    /// The `connect` that brings the receiver back.
    pub(crate) fn comeback(&self) -> Value {
        let (id, token) = (&self.identity["id"], &self.identity["token"]);
        json!({"op": "connect", "id": id, "token": token, "window": 1024})
    }

    /// Connects the receiver again: nothing may wait.
    pub(crate) fn check_settled(mut self, target: Target) -> anyhow::Result<()> {
        self.receiver = None;
        for _ in 0..50 {
            let (_link, connected) = Link::open(target, &self.comeback())?;
            if connected["pending"] == 0 {
                return Ok(());
            }
            // The acks of the closed connection may still be on their way through the server.
            thread::sleep(Duration::from_millis(20));
        }
        bail!("all was acknowledged, but some of it waits still")
    }
}

pub(crate) const HANDSHAKES: usize = 128;
/// Less than half of the server's `mailbox_sender_limit` of 1,000: as much again may be delivered whose ack the server has
/// not read yet.
const BACKLOG: u64 = 450;

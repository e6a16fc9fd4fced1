//! The first half: each sender sends to its share of the receivers in turn, so that every mailbox grows at the same pace.

use std::time::Duration;

use anyhow::bail;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

use super::away::{Away, Receiver};
use crate::bench::event_loop::Loop;
use crate::bench::link::Link;
use crate::bench::template::{PAYLOAD_MIN, Template};
use crate::bench::{Target, pair};

/// How much is sent, and how.
#[derive(Debug)]
pub(crate) struct Load {
    /// Which message is the first to each: 1, or what comes behind an earlier load.
    pub(crate) first: u64,
    /// To each receiver.
    pub(crate) messages: u64,
    pub(crate) window: u64,
    pub(crate) payload: usize,
    pub(crate) senders: usize,
}

/// Sends until everything is accepted; how many that were.
pub(crate) fn run(target: Target, load: &Load, away: &Away) -> anyhow::Result<u64> {
    let shares: Vec<_> = shares(&away.receivers, load.senders).collect();
    let links = pair::enter(target, shares.len(), |_| json!({"op": "connect", "outbox": "bench"}))?;
    let payload = load.payload.max(PAYLOAD_MIN);
    let mut senders: Vec<_> = links
        .into_iter()
        .zip(shares)
        .map(|((link, _), to)| Sender {
            link,
            to,
            template: Template::for_many(target.encoding, payload),
            sent: 0,
            accepted: 0,
        })
        .collect();
    let (mut poll, mut io) = (Poll::new()?, Loop::new(target.encoding));
    for (index, sender) in senders.iter_mut().enumerate() {
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(sender.link.stream(), Token(index), both)?;
    }
    let (mut events, mut left) = (Events::with_capacity(1024), senders.len());
    while 0 < left {
        poll.poll(&mut events, Some(LOST_AFTER))?;
        if events.is_empty() {
            bail!("lost: {left} of {} senders do not get on", senders.len());
        }
        for event in &events {
            let sender = &mut senders[event.token().0];
            let before = sender.is_done(load);
            sender.step(&mut io, load)?;
            left -= usize::from(!before && sender.is_done(load));
        }
    }
    Ok(senders.iter().map(|sender| sender.accepted).sum())
}

/// The receivers of each sender, none empty.
fn shares(receivers: &[Receiver], senders: usize) -> impl Iterator<Item = &[Receiver]> {
    receivers.chunks(receivers.len().div_ceil(senders).max(1))
}

struct Sender<'a> {
    link: Link,
    to: &'a [Receiver],
    template: Template,
    sent: u64,
    accepted: u64,
}

impl Sender<'_> {
    fn total(&self, load: &Load) -> u64 {
        load.messages * self.to.len() as u64
    }

    fn is_done(&self, load: &Load) -> bool {
        self.accepted == self.total(load)
    }

    fn step(&mut self, io: &mut Loop, load: &Load) -> anyhow::Result<()> {
        io.read_answers(&mut self.link, &mut self.accepted)?;
        while self.sent < self.total(load)
            && self.sent - self.accepted < load.window
            && !self.link.is_far_behind()
        {
            let (round, place) =
                (self.sent / self.to.len() as u64, self.sent % self.to.len() as u64);
            let to = &self.to[place as usize];
            self.sent += 1;
            let frame = self.template.fill_for(&to.id, self.sent, load.first + round);
            self.link.push(frame);
        }
        self.link.flush()
    }
}

const LOST_AFTER: Duration = Duration::from_secs(30);

//! The second half: the receivers come back, so many at a time, and get everything, in order.

use std::thread;
use std::time::Duration;

use anyhow::bail;
use mio::{Events, Interest, Poll, Token};

use super::away::{Away, Receiver};
use crate::bench::event_loop::{Loop, Received};
use crate::bench::link::Link;
use crate::bench::pair::{self, HANDSHAKES};
use crate::bench::{Target, encoding::Encoding};

/// Lets them come back, and go when each has everything; how many messages that were.
pub(crate) fn run(target: Target, away: &Away, at_once: usize) -> anyhow::Result<u64> {
    for receivers in away.receivers.chunks(at_once) {
        let mut wave = Wave::new(target.encoding, away.messages)?;
        for some in receivers.chunks(HANDSHAKES) {
            wave.enter(target, some)?;
            // What has come for those who are here already is read at once: the server keeps as little as it can.
            wave.turn(Duration::ZERO)?;
        }
        while 0 < wave.left {
            if !wave.turn(LOST_AFTER)? {
                bail!("lost: {} of {} receivers do not get on", wave.left, receivers.len());
            }
        }
    }
    Ok(away.messages * away.receivers.len() as u64)
}

/// Those who are here.
struct Wave {
    poll: Poll,
    events: Events,
    io: Loop,
    here: Vec<(Link, Received)>,
    messages: u64,
    /// Who has not got everything yet.
    left: usize,
}

impl Wave {
    fn new(encoding: Encoding, messages: u64) -> anyhow::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1024));
        Ok(Self { poll, events, io: Loop::new(encoding), here: Vec::new(), messages, left: 0 })
    }

    fn enter(&mut self, target: Target, receivers: &[Receiver]) -> anyhow::Result<()> {
        let comeback = |index: usize| receivers[index].comeback();
        for (mut link, _) in pair::enter(target, receivers.len(), comeback)? {
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(link.stream(), Token(self.here.len()), both)?;
            self.here.push((link, Received::default()));
            self.left += 1;
        }
        Ok(())
    }

    /// Reads what is there. False: nothing came in time.
    fn turn(&mut self, patience: Duration) -> anyhow::Result<bool> {
        self.poll.poll(&mut self.events, Some(patience))?;
        for event in &self.events {
            let (link, received) = &mut self.here[event.token().0];
            let before = received.n;
            self.io.read_deliveries(link, received, 0)?;
            self.left -= usize::from(before < self.messages && received.n == self.messages);
        }
        Ok(!self.events.is_empty())
    }
}

/// Some of them come once more: nothing may wait.
pub(crate) fn check_settled(target: Target, away: &Away) -> anyhow::Result<()> {
    let step = away.receivers.len().div_ceil(CHECKED);
    let mut owing: Vec<&Receiver> = away.receivers.iter().step_by(step).collect();
    for _ in 0..ATTEMPTS {
        let mut still = Vec::new();
        for some in owing.chunks(HANDSHAKES) {
            let links = pair::enter(target, some.len(), |index| some[index].comeback())?;
            let waits = links.iter().map(|(_, connected)| connected["pending"] != 0);
            still.extend(some.iter().zip(waits).filter(|(_, waits)| *waits).map(|(one, _)| *one));
        }
        if still.is_empty() {
            return Ok(());
        }
        owing = still;
        // The acks of the closed connections may still be on their way through the server.
        thread::sleep(Duration::from_millis(20));
    }
    bail!("all was acknowledged, but for {} receivers some of it waits still", owing.len())
}

const LOST_AFTER: Duration = Duration::from_secs(30);
/// So many are looked at afterwards.
const CHECKED: usize = 10_000;
const ATTEMPTS: u32 = 50;

//! The network: one link for each connection. Like TCP it keeps the order and loses nothing in the middle; unlike a
//! friendly one it is slow, stands still, breaks without telling one end, or both.

use std::collections::VecDeque;

use ackd_wire::Millis;

use crate::random::Random;

/// A connection between a client and the server.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// From the client to the server.
    pub(crate) up: Pipe,
    /// From the server to the client.
    pub(crate) down: Pipe,
    /// When the server notices that nobody is there any more.
    pub(crate) server_notices: Option<Millis>,
    /// When the client notices.
    pub(crate) client_notices: Option<Millis>,
}

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    packets: VecDeque<(Millis, Packet)>,
    bytes: usize,
    /// Nothing arrives before this.
    stalled_until: Millis,
    /// What is written goes nowhere.
    broken: bool,
}

/// What travels.
#[derive(Debug)]
pub(crate) enum Packet {
    /// One WebSocket text message.
    Text(String),
    /// One binary message.
    Binary(Vec<u8>),
    /// A close frame.
    Close,
    /// The writer says nothing more.
    End,
}

impl Link {
    /// The connection breaks: from some packet on everything is lost. One end may hear of it much later than the other.
    pub(crate) fn cut(&mut self, now: Millis, random: &mut Random) {
        self.up.lose_tail(random);
        self.down.lose_tail(random);
        self.client_notices = Some(now + random.below(500));
        self.server_notices = Some(now + notice_ms(random));
    }

    /// The client is gone without a word. What it has said may still arrive.
    pub(crate) fn vanish(&mut self, now: Millis, random: &mut Random) {
        if random.one_in(2) {
            self.up.lose_tail(random);
        }
        self.up.broken = true;
        self.down.lose_all();
        self.server_notices = Some(now + notice_ms(random));
    }

    /// The server's process, or its machine, is gone. What it has written may still arrive.
    pub(crate) fn lose_server(&mut self, now: Millis, random: &mut Random) {
        self.up.lose_all();
        self.down.lose_tail(random);
        self.client_notices = Some(now + random.below(300));
    }

    /// Nothing arrives for a while.
    pub(crate) fn stall(&mut self, until: Millis, random: &mut Random) {
        if random.one_in(2) {
            self.up.stalled_until = until;
        }
        if random.one_in(2) {
            self.down.stalled_until = until;
        }
    }
}

/// A reset is noticed soon, a cable that is out only by pings.
fn notice_ms(random: &mut Random) -> Millis {
    if random.one_in(2) { random.below(200) } else { random.below(50_000) }
}

impl Pipe {
    /// Takes a packet on its way.
    pub(crate) fn push(&mut self, now: Millis, packet: Packet, random: &mut Random) {
        if self.broken {
            return;
        }
        let delay = if random.one_in(20) { random.below(400) } else { random.below(8) };
        let before = self.packets.back().map_or(0, |(due, _)| *due);
        let due = (now + delay).max(before).max(self.stalled_until);
        self.bytes += packet.bytes();
        self.packets.push_back((due, packet));
    }

    /// Whether a packet has arrived.
    pub(crate) fn is_due(&self, now: Millis) -> bool {
        let due = self.packets.front().is_some_and(|(due, _)| *due <= now);
        due && self.stalled_until <= now
    }

    /// The next packet that has arrived.
    pub(crate) fn pop(&mut self, now: Millis) -> Option<Packet> {
        if !self.is_due(now) {
            return None;
        }
        let (_, packet) = self.packets.pop_front()?;
        self.bytes -= packet.bytes();
        Some(packet)
    }

    /// Whether the buffers on the way take more.
    pub(crate) fn has_room(&self) -> bool {
        self.broken || self.bytes < BUFFER_BYTES
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    fn lose_tail(&mut self, random: &mut Random) {
        let kept = random.below(self.packets.len() as u64 + 1) as usize;
        self.packets.truncate(kept);
        self.bytes = self.packets.iter().map(|(_, packet)| packet.bytes()).sum();
        self.broken = true;
    }

    fn lose_all(&mut self) {
        self.packets.clear();
        (self.bytes, self.broken) = (0, true);
    }
}

impl Packet {
    /// What it takes in a buffer, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Close | Self::End => 4,
        }
    }
}

/// What the buffers of both ends' sockets hold together.
const BUFFER_BYTES: usize = 16 * 1024;

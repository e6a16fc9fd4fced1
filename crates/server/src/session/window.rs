//! What is in flight on one connection: stored messages in order of `seq`, live ones by ID. It keeps the limit of
//! unacknowledged messages and says how much more may be asked for. Pure: no clock, no I/O.

use std::collections::VecDeque;

use ackd_wire::{MessageId, Millis, Seq};

/// The window of one connection.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    /// Ascending by `seq`.
    stored: VecDeque<InFlight>,
    /// In order of delivery.
    live: VecDeque<LiveInFlight>,
    /// Places kept for a page that has been asked for: `stored + live + reserved <= size`.
    reserved: usize,
    /// Places that other logs of the connection have.
    others: usize,
    /// All of the log up to here has been delivered on this connection or was settled: `read_to <= end`.
    read_to: Seq,
    /// The log's end as far as it is known here.
    end: Seq,
    /// When a page that could not be read is asked for again; [`Millis::MAX`]: none is to be.
    read_again: Millis,
}

/// A stored message that waits for its ack.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    /// Its place in the log.
    pub(super) seq: Seq,
    /// Its ID.
    pub(super) id: MessageId,
    /// Deliveries made to this device, on any connection.
    pub(super) attempt: u16,
    /// Timeouts on this connection.
    pub(super) timeouts: u8,
    /// When it is due again; [`Millis::MAX`] while it is being fetched.
    pub(super) due: Millis,
    /// When it was accepted.
    pub(super) at: Millis,
}

impl InFlight {
    /// In place of messages that have ended: acknowledged by a `seq` from the last of them on. It does not come again on
    /// this connection.
    pub(super) fn lost(to: Seq) -> Self {
        let (id, due) = (MessageId([0; 16]), Millis::MAX);
        Self { seq: to, id, attempt: 0, timeouts: 0, due, at: 0 }
    }

    fn is_lost(&self) -> bool {
        self.attempt == 0
    }
}

/// A live message that waits for its ack.
#[derive(Debug, Clone)]
struct LiveInFlight {
    id: MessageId,
    due: Millis,
    at: Millis,
}

impl Window {
    /// An empty window of `size` places on a log that is settled up to `read_to` and ends at `end`.
    pub(super) fn new(size: usize, read_to: Seq, end: Seq) -> Self {
        let (stored, live) = (VecDeque::new(), VecDeque::new());
        let (read_to, read_again) = (read_to.min(end), Millis::MAX);
        Self { size, stored, live, reserved: 0, others: 0, read_to, end, read_again }
    }

    /// Free places.
    pub(super) fn free(&self) -> usize {
        self.size.saturating_sub(self.taken() + self.others)
    }

    /// Places that it has of the connection's.
    pub(super) fn taken(&self) -> usize {
        self.stored.len() + self.live.len() + self.reserved
    }

    /// How many places the other logs of the connection have.
    pub(super) fn set_others(&mut self, others: usize) {
        self.others = others;
    }

    /// Places of the connection.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Reading begins again behind `read_to`, if it has come further; what is in flight stays so.
    pub(super) fn rewind(&mut self, read_to: Seq, end: Seq) {
        self.read_to = self.read_to.min(read_to);
        self.end = self.end.max(end);
    }

    /// Up to here nothing is in flight and everything was offered, as far as that can be told.
    pub(super) fn settled_to(&self) -> Option<Seq> {
        match self.stored.front() {
            None => Some(self.read_to),
            Some(first) if first.is_lost() => None,
            Some(first) => Some(self.read_to.min(first.seq - 1)),
        }
    }

    /// The log's end as far as it is known here.
    pub(super) fn end(&self) -> Seq {
        self.end
    }

    /// All of the log up to here has been delivered on this connection or was settled.
    pub(super) fn read_to(&self) -> Seq {
        self.read_to
    }

    /// Whether the log holds messages that were not offered yet and that may be asked for now: where to read behind,
    /// and for how many, whose places are reserved until [`Window::page`].
    pub(super) fn next_read(&mut self) -> Option<(Seq, usize)> {
        let free = self.free();
        if self.reserved != 0 || free == 0 || self.read_to == self.end {
            return None;
        }
        self.reserved = free;
        Some((self.read_to, free))
    }

    /// The page that was asked for cannot be read now: its places stay reserved, and at this time it is asked for again.
    pub(super) fn read_later(&mut self, at: Millis) {
        self.read_again = at;
    }

    /// A page has come: its places are free for its messages, the log is offered up to `read_to`.
    pub(super) fn page(&mut self, read_to: Seq, end: Seq) {
        self.reserved = 0;
        self.end = self.end.max(end);
        self.read_to = self.read_to.max(read_to).min(self.end);
    }

    /// The log has grown to `seq`. True if the message there is next in line and has a place: deliver it now.
    pub(super) fn grow(&mut self, seq: Seq) -> bool {
        if seq <= self.end {
            return false;
        }
        let next_in_line = self.read_to == self.end && self.reserved == 0 && 0 < self.free();
        self.end = seq;
        if next_in_line {
            self.read_to = seq;
        }
        next_in_line
    }

    /// The log has grown to `seq`, but its messages did not come along.
    pub(super) fn grow_unseen(&mut self, seq: Seq) {
        self.end = self.end.max(seq);
    }

    /// Puts a delivered message in its place.
    pub(super) fn deliver(&mut self, message: InFlight) {
        let place = self.stored.partition_point(|other| other.seq < message.seq);
        if self.stored.len() == self.stored.capacity() {
            // Little for whoever gets one now and then; then a batch's worth at once.
            let more = if self.stored.capacity() < SPARE { SPARE } else { STEP };
            self.stored.reserve(more.min(self.size));
        }
        match self.stored.get_mut(place) {
            Some(other) if other.seq == message.seq => *other = message,
            _ => self.stored.insert(place, message),
        }
    }

    /// Takes out everything up to `seq`, and tells when each of it was accepted.
    pub(super) fn settle_up_to(&mut self, seq: Seq, mut taken: impl FnMut(Millis)) {
        while let Some(message) = self.stored.front().filter(|message| message.seq <= seq) {
            if !message.is_lost() {
                taken(message.at);
            }
            self.stored.pop_front();
        }
        self.read_to = self.read_to.max(seq.min(self.end));
        self.shrink();
    }

    /// Takes out the message of this `seq`. (What was lost is settled by [`Window::settle_up_to`] alone.)
    pub(super) fn settle(&mut self, seq: Seq) -> bool {
        let place = self.stored.partition_point(|other| other.seq < seq);
        let found =
            self.stored.get(place).is_some_and(|message| message.seq == seq && !message.is_lost());
        if found {
            self.stored.remove(place);
            self.shrink();
        }
        found
    }

    /// Takes out the messages of these `seq`s.
    pub(super) fn settle_all(&mut self, seqs: &[Seq]) {
        for &seq in seqs {
            self.settle(seq);
        }
    }

    /// Takes out the stored message of this ID. Acks mostly name the oldest.
    pub(super) fn settle_id(&mut self, id: MessageId) -> Option<InFlight> {
        let place =
            self.stored.iter().position(|message| message.id == id && !message.is_lost())?;
        let message = self.stored.remove(place);
        self.shrink();
        message
    }

    /// Puts a live message in flight. False if there is no place.
    pub(super) fn deliver_live(&mut self, id: MessageId, at: Millis, due: Millis) -> bool {
        let fits = 0 < self.free();
        if fits {
            self.live.push_back(LiveInFlight { id, due, at });
        }
        fits
    }

    /// Takes out a live message, and tells when it was accepted.
    pub(super) fn settle_live(&mut self, id: MessageId) -> Option<Millis> {
        let place = self.live.iter().position(|message| message.id == id)?;
        let message = self.live.remove(place);
        self.shrink();
        message.map(|message| message.at)
    }

    /// Takes out the live messages that are due (all of them where `now` is [`Millis::MAX`]).
    pub(super) fn take_live_due(&mut self, now: Millis) -> Vec<MessageId> {
        let mut due = Vec::new();
        self.live.retain(|message| {
            let over = message.due <= now;
            if over {
                due.push(message.id);
            }
            !over
        });
        self.shrink();
        due
    }

    /// The stored messages whose pause is over. Each is marked as being fetched.
    pub(super) fn take_due(&mut self, now: Millis) -> Vec<InFlight> {
        if self.read_again <= now {
            (self.read_again, self.reserved) = (Millis::MAX, 0);
        }
        let mut due = Vec::new();
        for message in &mut self.stored {
            if message.due <= now {
                message.due = Millis::MAX;
                message.timeouts = message.timeouts.saturating_add(1);
                due.push(message.clone());
            }
        }
        due
    }

    /// The entry of this `seq`, to be delivered again.
    pub(super) fn get_mut(&mut self, seq: Seq) -> Option<&mut InFlight> {
        let place = self.stored.partition_point(|other| other.seq < seq);
        self.stored.get_mut(place).filter(|message| message.seq == seq)
    }

    /// When the first of them is due.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let stored = self.stored.iter().map(|message| message.due);
        let live = self.live.iter().map(|message| message.due);
        let again = (self.read_again != Millis::MAX).then_some(self.read_again);
        stored.chain(live).chain(again).min()
    }

    /// What is stored and unacknowledged, with the attempts made.
    pub(super) fn unacked(&self) -> Vec<(Seq, u16)> {
        let messages = self.stored.iter().filter(|message| !message.is_lost());
        messages.map(|message| (message.seq, message.attempt)).collect()
    }

    /// An idle connection keeps no buffers.
    fn shrink(&mut self) {
        if self.stored.is_empty() {
            self.stored.shrink_to(SPARE);
        }
        if self.live.is_empty() {
            self.live.shrink_to(0);
        }
    }
}

/// Places a momentarily empty window keeps, so that a busy connection does not allocate for every message.
const SPARE: usize = 4;
/// Places by which a window grows, at least.
const STEP: usize = 60;

#[cfg(test)]
mod tests;

//! Messages on their way to the client: stored ones in the log's order, live ones as they come, both again when their
//! pause is over. What has no place in the window stays in the store.

use ackd_engine::{self as engine, Delivery, LogKey, Lost, Message, Tag};
use ackd_wire::{MessageId, Millis, Seq};

use super::open::Open;
use super::state::{DialectKind, Live, Output, Session};
use super::window::InFlight;
use super::{Event, Kind, Request};

impl Session {
    /// A message is stored in the mailbox: delivered if it is next in line and has a place, else read later.
    pub(super) fn stored(&mut self, now: Millis, message: Message, out: &mut Output<'_>) {
        if self.live_mut().is_some_and(|live| live.window.grow(message.seq)) {
            self.deliver(now, Delivery { message, attempts: 0 }, out);
        }
    }

    /// The next part of the mailbox has come.
    pub(super) fn page(
        &mut self,
        now: Millis,
        (messages, lost): (Vec<Delivery>, Vec<Lost>),
        (read_to, end): (Seq, Seq),
        out: &mut Output<'_>,
    ) {
        let Some(live) = self.live_mut() else { return };
        // An ack may have overtaken the page.
        let settled = live.window.read_to();
        live.window.page(read_to, end);
        let waited = live.waited;
        let mut lost = lost.into_iter().filter(|lost| settled < lost.to).peekable();
        for delivery in messages {
            let seq = delivery.message.seq;
            while let Some(lost) = lost.next_if(|lost| lost.from < seq) {
                self.tell_lost(lost, out);
            }
            if settled < seq {
                self.deliver(now, delivery, out);
                out.tally.handed_over += usize::from(seq <= waited);
            }
        }
        lost.for_each(|lost| self.tell_lost(lost, out));
    }

    /// Takes a place in the window until it is acknowledged; a classic client knows nothing of it.
    fn tell_lost(&mut self, lost: Lost, out: &mut Output<'_>) {
        if self.dialect == DialectKind::Classic {
            return self.settling.seqs.extend(lost.from..=lost.to);
        }
        if let Some(live) = self.live_mut() {
            live.window.deliver(InFlight::lost(lost.to));
            out.events.push(Event::Lost(lost));
        }
    }

    fn deliver(&mut self, now: Millis, delivery: Delivery, out: &mut Output<'_>) {
        let due = now.saturating_add(self.rules.pause_ms(0));
        let Some(live) = self.live_mut() else { return };
        let Delivery { message, attempts } = delivery;
        let (crossed, seen_live) = live.take_missed(message.id);
        if crossed {
            return self.settling.seqs.push(message.seq);
        }
        let attempt = attempts.saturating_add(1).saturating_add(u16::from(seen_live));
        if message.is_receipt() && self.dialect == DialectKind::Classic {
            // Its clients know no receipts: nobody else would acknowledge it.
            return self.settling.seqs.push(message.seq);
        }
        let Some(live) = self.live_mut() else { return };
        let (seq, id, at) = (message.seq, message.id, message.at);
        live.window.deliver(InFlight { seq, id, attempt, timeouts: 0, due, at });
        out.events.push(event(message, attempt));
    }

    /// A message from memory.
    pub(super) fn live_message(
        &mut self,
        now: Millis,
        message: Message,
        ack: bool,
        out: &mut Output<'_>,
    ) {
        let due = now.saturating_add(self.rules.pause_ms(0));
        let Some(live) = self.live_mut() else { return };
        if !ack {
            return out.events.push(Event::Message { message, attempt: 1, kind: Kind::Signal });
        }
        if live.window.deliver_live(message.id, message.at, due) {
            out.events.push(Event::Message { message, attempt: 1, kind: Kind::Live });
        } else {
            let (log, ids) = (live.reader.log, vec![message.id]);
            out.requests.push(Request::LiveMissed { log, ids });
        }
    }

    /// Another connection of this reader (or the engine) says these are settled.
    pub(super) fn settled(&mut self, up_to: Option<Seq>, seqs: &[Seq]) {
        let Some(live) = self.live_mut() else { return };
        if let Some(up_to) = up_to {
            live.window.grow_unseen(up_to);
            live.window.settle_up_to(up_to, |_| {});
        }
        for &seq in seqs {
            live.window.settle(seq);
        }
    }

    /// What is due: live messages go to the store, stored ones are fetched to be sent again (or given up).
    pub(super) fn redeliver(&mut self, now: Millis, out: &mut Output<'_>) {
        out.tally.late += self.store_live(now, out);
        let max_attempts = self.rules.max_attempts;
        let Some(live) = self.live_mut() else { return };
        let reader = live.reader;
        let due = live.window.take_due(now);
        let (dead, due): (Vec<_>, Vec<_>) = due
            .into_iter()
            .partition(|message| max_attempts != 0 && max_attempts <= message.attempt);
        let seqs: Vec<Seq> = dead.iter().map(|message| message.seq).collect();
        if !seqs.is_empty() {
            for &seq in &seqs {
                live.window.settle(seq);
            }
            let by = engine::GivenUp::Server;
            quiet(engine::Command::Reject { reader, seqs, by }, out);
        }
        let first = due.iter().filter(|message| message.timeouts == 1);
        let seqs: Vec<Seq> = first.map(|message| message.seq).collect();
        out.tally.late += seqs.len();
        if !seqs.is_empty() {
            quiet(engine::Command::Archive { reader, seqs }, out);
        }
        self.fetch(due.iter().map(|message| message.seq).collect(), out);
        self.redeliver_in_rooms(now, out);
    }

    fn fetch(&mut self, seqs: Vec<Seq>, out: &mut Output<'_>) {
        let Some(reader) = self.live().map(|live| live.reader) else { return };
        if !seqs.is_empty() {
            let slot = self.open(Open::Fetch { seqs: seqs.clone() });
            let command = engine::Command::Fetch { reader, seqs };
            out.requests.push(Request::Engine { slot, command });
        }
    }

    /// Messages to be sent again. What was asked for and did not come has ended: its place is free.
    pub(super) fn fetched(
        &mut self,
        now: Millis,
        asked: &[Seq],
        messages: Vec<Delivery>,
        out: &mut Output<'_>,
    ) {
        let rules = self.rules.clone();
        let Some(live) = self.live_mut() else { return };
        for &seq in asked {
            if !messages.iter().any(|delivery| delivery.message.seq == seq) {
                live.window.settle(seq);
            }
        }
        for Delivery { message, .. } in messages {
            let Some(entry) = live.window.get_mut(message.seq) else { continue };
            entry.due = now.saturating_add(rules.pause_ms(entry.timeouts));
            entry.attempt = entry.attempt.saturating_add(1);
            let attempt = entry.attempt;
            out.tally.handed_over += 1;
            out.events.push(event(message, attempt));
        }
    }

    /// The store could not give these now: they stay in flight, and are asked for again after their next pause.
    pub(super) fn fetch_later(&mut self, now: Millis, seqs: &[Seq]) {
        let rules = self.rules.clone();
        let Some(live) = self.live_mut() else { return };
        for &seq in seqs {
            if let Some(entry) = live.window.get_mut(seq) {
                entry.due = now.saturating_add(rules.pause_ms(entry.timeouts));
            }
        }
    }

    /// A page of the mailbox, or of this room, could not be read.
    pub(super) fn read_later(&mut self, now: Millis, room: Option<LogKey>) {
        let Some(live) = self.live_mut() else { return };
        let window = match room.map(|log| live.reader_of(log)) {
            None => &mut live.window,
            Some(Some(index)) => &mut live.rooms[index].window,
            Some(None) => return,
        };
        window.read_later(now.saturating_add(READ_AGAIN_MS));
    }

    /// Live messages that are due by `now` are stored; they come again from the mailbox. How many.
    pub(super) fn store_live(&mut self, now: Millis, out: &mut Output<'_>) -> usize {
        let Some(live) = self.live_mut() else { return 0 };
        let ids = live.window.take_live_due(now);
        let stored = ids.len();
        if stored != 0 {
            live.remember_missed(&ids);
            out.requests.push(Request::LiveMissed { log: live.reader.log, ids });
        }
        stored
    }

    /// Asks for the next part of each log that has one, as long as there is a place: the logs take turns.
    pub(super) fn read_on(&mut self, out: &mut Output<'_>) {
        let Some(live) = self.live() else { return };
        let (logs, turn) = (live.rooms.len() + 1, live.turn);
        for next in (0..logs).map(|step| (turn + step) % logs) {
            let asked = match next {
                0 => self.read_mailbox_on(out),
                room => self.read_room_on(room - 1, out),
            };
            if let (true, Some(live)) = (asked, self.live_mut()) {
                live.turn = next + 1;
            }
        }
    }

    /// Asks for the next part of the mailbox, if there is one and a place for it.
    fn read_mailbox_on(&mut self, out: &mut Output<'_>) -> bool {
        let Some(live) = self.live_mut() else { return false };
        let reader = live.reader;
        let Some((after, places)) = live.window.next_read() else { return false };
        let slot = self.open(Open::Read);
        let messages = u16::try_from(places).unwrap_or(u16::MAX);
        let read = engine::Read { reader, after, messages, bytes: PAGE_BYTES };
        out.requests.push(Request::Engine { slot, command: engine::Command::Read(read) });
        true
    }
}

impl Live {
    fn remember_missed(&mut self, ids: &[MessageId]) {
        self.missed.extend(ids.iter().map(|id| (*id, false)));
        let excess = self.missed.len().saturating_sub(MISSED_MAX);
        self.missed.drain(..excess);
    }

    /// Whether this message was missed live before, and whether an ack of it has crossed: (crossed, seen).
    fn take_missed(&mut self, id: MessageId) -> (bool, bool) {
        let Some(place) = self.missed.iter().position(|missed| missed.0 == id) else {
            return (false, false);
        };
        let crossed = self.missed.remove(place).is_some_and(|missed| missed.1);
        (crossed, true)
    }
}

/// What the client is told of something stored.
fn event(message: Message, attempt: u16) -> Event {
    if message.is_receipt() {
        return Event::Receipt(message);
    }
    Event::Message { message, attempt, kind: Kind::Stored }
}

pub(super) fn quiet(command: engine::Command<'static>, out: &mut Output<'_>) {
    out.requests.push(Request::Engine { slot: Tag::QUIET, command });
}

/// A page that the store could not read is asked for again after this pause.
const READ_AGAIN_MS: Millis = 1_000;
/// One page of the mailbox: about what a slow reader may be owed.
pub(super) const PAGE_BYTES: u32 = 64 * 1024;
/// Missed live messages whose acks may still cross, for one connection.
const MISSED_MAX: usize = 1024;

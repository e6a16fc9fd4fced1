//! Durable rooms as a session reads them: a log each, whose messages share the connection's window with the mailbox's. A
//! durable member has its position in the store; whoever has joined for a while reads from its join on.

use ackd_engine::{
    self as engine, Delivery, LogKey, Lost, MemberKey, Message, RoomPage, RoomPlace, Tag,
};
use ackd_wire::{MessageId, Millis, Ref, Room, Seq};

use super::deliver::{PAGE_BYTES, quiet};
use super::open::Open;
use super::refusal::error;
use super::state::{DialectKind, Live, Output, Session, Settling};
use super::window::{InFlight, Window};
use super::{Event, Kind, Request};

/// One room's log on this connection.
#[derive(Debug)]
pub(super) struct RoomReader {
    pub(super) room: Room,
    pub(super) log: LogKey,
    /// The identity is a durable member.
    pub(super) durable: bool,
    pub(super) window: Window,
    /// Acks of this batch.
    settling: Settling,
}

impl RoomReader {
    fn new(room: Room, log: LogKey, durable: bool, window: Window) -> Self {
        Self { room, log, durable, window, settling: Settling::default() }
    }
}

impl Live {
    pub(super) fn member(&self, log: LogKey) -> MemberKey {
        MemberKey { room: log, identity: self.identity, device: self.reader.index }
    }

    pub(super) fn reader_of(&self, log: LogKey) -> Option<usize> {
        self.rooms.iter().position(|reader| reader.log == log)
    }

    /// Does something with a room's window; the places that the others have left follow.
    fn in_room<T>(&mut self, index: usize, change: impl FnOnce(&mut Window) -> T) -> T {
        let window = &mut self.rooms[index].window;
        let own = window.taken();
        window.set_others(self.window.taken() + self.in_rooms - own);
        let result = change(window);
        self.in_rooms = self.in_rooms + window.taken() - own;
        self.window.set_others(self.in_rooms);
        result
    }

    /// Reads a room as a durable member from now on, from where its device stands.
    pub(super) fn seat(&mut self, place: &RoomPlace) {
        if let Some(index) = self.reader_of(place.log) {
            if !std::mem::replace(&mut self.rooms[index].durable, true) {
                self.in_room(index, |window| window.rewind(place.acked, place.end));
            }
            return;
        }
        self.drop_reader(&place.room);
        let window = Window::new(self.window.size(), place.acked, place.end);
        self.rooms.push(RoomReader::new(place.room.clone(), place.log, true, window));
    }

    /// Reads a room no more.
    pub(super) fn drop_reader(&mut self, room: &Room) {
        if let Some(index) = self.rooms.iter().position(|reader| reader.room == *room) {
            let gone = self.rooms.remove(index);
            self.in_rooms -= gone.window.taken();
            self.window.set_others(self.in_rooms);
        }
    }
}

impl Session {
    /// The reader of this log; where there is none and the connection has joined the room, one that begins behind `start`.
    fn room_reader(&mut self, log: LogKey, room: &[u8], start: Seq) -> Option<usize> {
        let live = self.live()?;
        if let Some(index) = live.reader_of(log) {
            return Some(index);
        }
        let room = self.rooms.iter().find(|joined| joined.as_str().as_bytes() == room)?.clone();
        let live = self.live_mut()?;
        live.drop_reader(&room);
        let window = Window::new(live.window.size(), start, start);
        live.rooms.push(RoomReader::new(room, log, false, window));
        Some(live.rooms.len() - 1)
    }

    /// A message is stored in a room.
    pub(super) fn room_stored(
        &mut self,
        now: Millis,
        (log, message): (LogKey, Message),
        out: &mut Output<'_>,
    ) {
        let seq = message.seq;
        let Some(index) = self.room_reader(log, message.room(), seq - 1) else { return };
        let Some(live) = self.live_mut() else { return };
        if live.in_room(index, |window| window.grow(seq)) {
            self.deliver_in_room(now, index, Delivery { message, attempts: 0 }, out);
        }
    }

    /// A room has grown, but its messages behind `from` did not come along.
    pub(super) fn room_grown(&mut self, log: LogKey, room: &Room, (from, to): (Seq, Seq)) {
        let Some(index) = self.room_reader(log, room.as_str().as_bytes(), from) else { return };
        if let Some(live) = self.live_mut() {
            live.in_room(index, |window| window.grow_unseen(to));
        }
    }

    /// The next part of a room's log has come.
    pub(super) fn room_page(
        &mut self,
        now: Millis,
        log: LogKey,
        page: RoomPage,
        out: &mut Output<'_>,
    ) {
        let Some(live) = self.live_mut() else { return };
        let Some(index) = live.reader_of(log) else { return };
        let RoomPage { messages, lost, read_to, end } = page;
        // An ack may have overtaken the page.
        let settled = live.rooms[index].window.read_to();
        live.in_room(index, |window| window.page(read_to, end));
        let mut lost = lost.into_iter().filter(|lost| settled < lost.to).peekable();
        for delivery in messages {
            let seq = delivery.message.seq;
            while let Some(lost) = lost.next_if(|lost| lost.from < seq) {
                self.tell_lost_in_room(index, lost, out);
            }
            if settled < seq {
                self.deliver_in_room(now, index, delivery, out);
                out.tally.handed_over += 1;
            }
        }
        lost.for_each(|lost| self.tell_lost_in_room(index, lost, out));
    }

    fn tell_lost_in_room(&mut self, index: usize, lost: Lost, out: &mut Output<'_>) {
        if self.dialect == DialectKind::Classic {
            return; // it is told nothing of it
        }
        let Some(live) = self.live_mut() else { return };
        live.in_room(index, |window| window.deliver(InFlight::lost(lost.to)));
        let room = live.rooms[index].room.clone();
        out.events.push(Event::LostInRoom { room, lost });
    }

    fn deliver_in_room(
        &mut self,
        now: Millis,
        index: usize,
        delivery: Delivery,
        out: &mut Output<'_>,
    ) {
        let due = now.saturating_add(self.rules.pause_ms(0));
        let Some(live) = self.live_mut() else { return };
        let Delivery { message, attempts } = delivery;
        let attempt = attempts.saturating_add(1);
        let (seq, id, at) = (message.seq, message.id, message.at);
        let in_flight = InFlight { seq, id, attempt, timeouts: 0, due, at };
        live.in_room(index, |window| window.deliver(in_flight));
        out.events.push(Event::Message { message, attempt, kind: Kind::Room });
    }

    /// What is due in rooms is fetched to be sent again, or given up.
    pub(super) fn redeliver_in_rooms(&mut self, now: Millis, out: &mut Output<'_>) {
        let max_attempts = self.rules.max_attempts;
        let readers = self.live().map_or(0, |live| live.rooms.len());
        for index in 0..readers {
            let Some(live) = self.live_mut() else { return };
            let due = live.in_room(index, |window| window.take_due(now));
            let (log, durable) = (live.rooms[index].log, live.rooms[index].durable);
            let member = live.member(log);
            let (dead, due): (Vec<_>, Vec<_>) = due
                .into_iter()
                .partition(|message| max_attempts != 0 && max_attempts <= message.attempt);
            let seqs: Vec<Seq> = dead.iter().map(|message| message.seq).collect();
            live.in_room(index, |window| window.settle_all(&seqs));
            if durable && !seqs.is_empty() {
                quiet(engine::Command::RejectRoom { member, seqs }, out);
            }
            out.tally.late += due.iter().filter(|message| message.timeouts == 1).count();
            let seqs: Vec<Seq> = due.iter().map(|message| message.seq).collect();
            if !seqs.is_empty() {
                let slot = self.open(Open::FetchRoom { log, seqs: seqs.clone() });
                let command = engine::Command::FetchRoom { member, seqs };
                out.requests.push(Request::Engine { slot, command });
            }
        }
    }

    /// Messages of a room to be sent again. What was asked for and did not come has ended: its place is free.
    pub(super) fn fetched_of_room(
        &mut self,
        now: Millis,
        (log, asked): (LogKey, &[Seq]),
        messages: Vec<Delivery>,
        out: &mut Output<'_>,
    ) {
        let rules = self.rules.clone();
        let Some(live) = self.live_mut() else { return };
        let Some(index) = live.reader_of(log) else { return };
        let came = |seq: Seq| messages.iter().any(|delivery| delivery.message.seq == seq);
        let ended: Vec<Seq> = asked.iter().copied().filter(|seq| !came(*seq)).collect();
        live.in_room(index, |window| window.settle_all(&ended));
        for Delivery { message, .. } in messages {
            let window = &mut live.rooms[index].window;
            let Some(entry) = window.get_mut(message.seq) else { continue };
            entry.due = now.saturating_add(rules.pause_ms(entry.timeouts));
            entry.attempt = entry.attempt.saturating_add(1);
            let attempt = entry.attempt;
            out.tally.handed_over += 1;
            out.events.push(Event::Message { message, attempt, kind: Kind::Room });
        }
    }

    /// The store could not give these now: they stay in flight, and are asked for again after their next pause.
    pub(super) fn fetch_of_room_later(&mut self, now: Millis, log: LogKey, seqs: &[Seq]) {
        let rules = self.rules.clone();
        let Some(live) = self.live_mut() else { return };
        let Some(index) = live.reader_of(log) else { return };
        for &seq in seqs {
            if let Some(entry) = live.rooms[index].window.get_mut(seq) {
                entry.due = now.saturating_add(rules.pause_ms(entry.timeouts));
            }
        }
    }

    pub(super) fn ack_room(
        &mut self,
        r#ref: Option<Ref>,
        (room, seq): (&Room, Seq),
        out: &mut Output<'_>,
    ) {
        let is_in = self.rooms.contains(room);
        let Some(live) = self.live_mut() else { return };
        let Some(index) = live.rooms.iter().position(|reader| reader.room == *room) else {
            let refusal = if is_in { engine::Refusal::BadAck } else { engine::Refusal::NotAMember };
            return out.events.push(error(r#ref, None, refusal));
        };
        let RoomReader { log, durable, .. } = live.rooms[index];
        if seq <= live.rooms[index].window.end() {
            live.in_room(index, |window| window.settle_up_to(seq, |at| out.acked.push(at)));
            let settling = &mut live.rooms[index].settling;
            settling.up_to = settling.up_to.max(Some(seq));
            return;
        }
        if !durable {
            return out.events.push(error(r#ref, None, engine::Refusal::BadAck));
        }
        // Beyond the end as it is known here: the log may have grown meanwhile, the engine knows.
        let member = live.member(log);
        self.flush_room_acks(out);
        let slot = self.open(Open::AckRoom { r#ref, log, up_to: seq });
        let settle = engine::SettleRoom { member, up_to: Some(seq), seqs: Vec::new() };
        out.requests.push(Request::Engine { slot, command: engine::Command::SettleRoom(settle) });
    }

    /// Acknowledges one message of a room by its ID, if it is in flight.
    pub(super) fn ack_room_id(&mut self, id: MessageId, out: &mut Output<'_>) {
        let Some(live) = self.live_mut() else { return };
        for index in 0..live.rooms.len() {
            if let Some(message) = live.in_room(index, |window| window.settle_id(id)) {
                out.acked.push(message.at);
                live.rooms[index].settling.seqs.push(message.seq);
                return;
            }
        }
    }

    pub(super) fn reject_in_rooms(&mut self, ids: &[MessageId], out: &mut Output<'_>) {
        let Some(live) = self.live_mut() else { return };
        for index in 0..live.rooms.len() {
            let settle = |window: &mut Window| -> Vec<Seq> {
                ids.iter().filter_map(|id| window.settle_id(*id)).map(|m| m.seq).collect()
            };
            let mut seqs = live.in_room(index, settle);
            seqs.sort_unstable();
            let member = live.member(live.rooms[index].log);
            if live.rooms[index].durable && !seqs.is_empty() {
                quiet(engine::Command::RejectRoom { member, seqs }, out);
            }
        }
    }

    /// Another connection of this member (or the engine) says these are settled.
    pub(super) fn settled_in_room(&mut self, log: LogKey, up_to: Option<Seq>, seqs: &[Seq]) {
        let Some(live) = self.live_mut() else { return };
        let Some(index) = live.reader_of(log) else { return };
        live.in_room(index, |window| {
            if let Some(up_to) = up_to {
                window.grow_unseen(up_to);
                window.settle_up_to(up_to, |_| {});
            }
            window.settle_all(seqs);
        });
    }

    /// One request a room for all acks of the batch. All that is not in flight up to the first that is, is settled: that
    /// keeps what is settled singly, and what the member has sent itself, from adding up.
    pub(super) fn flush_room_acks(&mut self, out: &mut Output<'_>) {
        let Some(live) = self.live_mut() else { return };
        let (identity, device) = (live.identity, live.reader.index);
        for reader in &mut live.rooms {
            let Settling { up_to, mut seqs, .. } = std::mem::take(&mut reader.settling);
            if !reader.durable || up_to.is_none() && seqs.is_empty() {
                continue;
            }
            let up_to = up_to.max(reader.window.settled_to());
            seqs.retain(|seq| up_to.is_none_or(|up_to| up_to < *seq));
            seqs.sort_unstable();
            let member = MemberKey { room: reader.log, identity, device };
            let settle = engine::SettleRoom { member, up_to, seqs };
            quiet(engine::Command::SettleRoom(settle), out);
        }
    }

    /// Asks for the next part of this room's log, if there is one and a place for it.
    pub(super) fn read_room_on(&mut self, index: usize, out: &mut Output<'_>) -> bool {
        let Some(live) = self.live_mut() else { return false };
        let Some((after, places)) = live.in_room(index, Window::next_read) else { return false };
        let log = live.rooms[index].log;
        let member = live.member(log);
        let slot = self.open(Open::ReadRoom { log });
        let messages = u16::try_from(places).unwrap_or(u16::MAX);
        let read = engine::ReadRoom { member, after, messages, bytes: PAGE_BYTES };
        out.requests.push(Request::Engine { slot, command: engine::Command::ReadRoom(read) });
        true
    }

    pub(super) fn join_durably(
        &mut self,
        r#ref: Option<Ref>,
        (room, from): (Room, Option<Seq>),
        out: &mut Output<'_>,
    ) {
        let Some(live) = self.live() else { return };
        let (identity, device) = (live.identity, live.reader.index);
        let slot = self.open(Open::Join { r#ref, room: room.clone() });
        out.requests.push(Request::JoinRoom { slot, identity, device, room, from });
    }

    /// The client has become a durable member, or was one already.
    pub(super) fn joined_durably(
        &mut self,
        r#ref: Option<Ref>,
        place: &RoomPlace,
        out: &mut Output<'_>,
    ) {
        self.seat(place);
        let (room, members) = (place.room.clone(), place.members);
        let durable = Some((place.epoch, place.acked, place.end));
        out.events.push(Event::Joined { r#ref, room, members, durable });
    }

    /// The identity is a durable member of this room, by this connection or another.
    pub(super) fn seat(&mut self, place: &RoomPlace) {
        if let Some(live) = self.live_mut() {
            live.seat(place);
            if !self.rooms.contains(&place.room) {
                self.rooms.push(place.room.clone());
            }
        }
    }

    /// Whether the identity is a durable member of a room.
    pub(super) fn is_durable_in(&self, room: &Room) -> bool {
        let readers = self.live().map_or(&[][..], |live| &live.rooms);
        readers.iter().any(|reader| reader.durable && reader.room == *room)
    }

    pub(super) fn leave_durably(&mut self, r#ref: Option<Ref>, room: Room, out: &mut Output<'_>) {
        let Some(identity) = self.live().map(|live| live.identity) else { return };
        let slot = self.open(Open::LeaveRoom { r#ref, room: room.clone() });
        out.requests.push(Request::LeaveRoom { slot, identity, room });
    }

    /// Another connection of the identity has ended its membership.
    pub(super) fn left_durably(&mut self, room: Room, out: &mut Output<'_>) {
        if self.is_durable_in(&room) {
            self.drop_room(&room);
            out.requests.push(Request::Leave { slot: Tag::QUIET, room });
        }
    }

    /// The room is none of this connection's any more.
    pub(super) fn drop_room(&mut self, room: &Room) {
        self.rooms.retain(|joined| joined != room);
        if let Some(live) = self.live_mut() {
            live.drop_reader(room);
        }
    }

    /// Gives back what the session had of its identity's rooms: what is in flight may have been seen.
    pub(super) fn leave_rooms(&mut self, out: &mut Output<'_>) {
        self.flush_room_acks(out);
        let Some(live) = self.live_mut() else { return };
        let readers = std::mem::take(&mut live.rooms);
        for reader in readers.into_iter().filter(|reader| reader.durable) {
            if let (Some((up_to, _)), Some(live)) = (reader.window.unacked().last(), self.live()) {
                let member = live.member(reader.log);
                quiet(engine::Command::SeenRoom { member, up_to: *up_to }, out);
            }
            self.rooms.retain(|joined| *joined != reader.room);
            out.requests.push(Request::Leave { slot: Tag::QUIET, room: reader.room });
        }
    }
}

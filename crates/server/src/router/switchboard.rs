//! Which sessions are here, as whom, in which rooms; and the way from the engine's outcomes to their inboxes.

use std::sync::Arc;
use std::task::Waker;

use ackd_engine::{
    Answer, Connected, LogKey, Message, Notice, Outcome, ReaderKey, SessionKey, Sink,
};
use ackd_wire::{ClientId, Millis, Room};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Inbox;
use super::live::LiveMessages;
use super::nodes::{Nodes, Way};
use super::presence::{Presence, Turn};
use super::rooms::{Members, Rooms};
use crate::session::{DialectKind, Signal};

/// The registry of sessions. One lock, taken once for a batch; the inboxes' own locks nest inside it, nothing else.
#[derive(Debug, Default)]
pub struct Switchboard {
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    last_key: u64,
    pub(super) sessions: FxHashMap<SessionKey, Seat>,
    here: FxHashMap<LogKey, Sessions>,
    pub(super) online: FxHashMap<ClientId, LogKey>,
    pub(super) rooms: Rooms,
    pub(super) live: LiveMessages,
    pub(super) presence: Presence,
    pub(super) nodes: Nodes,
    /// The latest time that a session has told.
    pub(super) now: Millis,
}

/// The sessions of one identity: mostly one.
type Sessions = SmallVec<[(SessionKey, Arc<Inbox>); 1]>;

/// One session that is here.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) inbox: Arc<Inbox>,
    pub(super) dialect: DialectKind,
    /// As whom, once connected.
    pub(super) place: Option<Place>,
    pub(super) rooms: Vec<Room>,
}

/// As whom a session is here.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: ClientId,
    pub(super) reader: ReaderKey,
}

impl Switchboard {
    /// Registers a new session and gives it its key and its inbox.
    pub fn open(&self, dialect: DialectKind) -> (SessionKey, Arc<Inbox>) {
        let inbox = Arc::new(Inbox::default());
        let mut state = self.state.lock();
        state.last_key += 1;
        let key = SessionKey(state.last_key);
        let seat = Seat { inbox: inbox.clone(), dialect, place: None, rooms: Vec::new() };
        state.sessions.insert(key, seat);
        (key, inbox)
    }

    /// Forgets a session that is over.
    pub fn close(&self, key: SessionKey) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        state.leave(key, &mut wakers);
        state.presence.close(key);
        state.sessions.remove(&key);
        state.flush();
        drop(state);
        wake(wakers);
    }

    /// Whether no other session is here as the identity of this one.
    pub fn is_alone(&self, key: SessionKey) -> bool {
        let state = self.state.lock();
        let place = state.sessions.get(&key).and_then(|seat| seat.place.as_ref());
        place.is_none_or(|place| state.here(place.reader.log).len() <= 1)
    }

    /// Sessions here, connected or not.
    pub fn len(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any session is here as somebody.
    pub fn is_anyone_in(&self) -> bool {
        self.state.lock().sessions.values().any(|seat| seat.place.is_some())
    }

    /// Tells every session that the server is leaving, each with a pause of its own.
    pub fn drain(&self, mut reconnect_after_ms: impl FnMut() -> u64) {
        let mut wakers = Vec::new();
        for seat in self.state.lock().sessions.values() {
            let reconnect_after_ms = reconnect_after_ms();
            wakers.extend(seat.inbox.push(Signal::Drain { reconnect_after_ms }));
        }
        wake(wakers);
    }
}

impl Sink for Switchboard {
    fn deliver(&self, outcome: &mut Outcome) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        for (tag, mut answer) in outcome.answers.drain(..) {
            match &mut answer {
                Answer::Connected(connected) => state.enter(tag.session, connected, &mut wakers),
                Answer::JoinedRoom(place) => {
                    state.rooms.set_durable(&place.room, place.log, place.members);
                    state.seat(tag.session, &place.room, true, &mut wakers);
                    place.members = state.rooms.count(&place.room);
                }
                _ => {}
            }
            if let Some(seat) = state.sessions.get(&tag.session) {
                wakers.extend(seat.inbox.push(Signal::Answer(tag.slot, answer)));
            }
        }
        for notice in outcome.notices.drain(..) {
            state.notify(notice, &mut wakers);
        }
        state.flush();
        drop(state);
        wake(wakers);
    }
}

impl State {
    /// A session is here as somebody; it may have been here as somebody else before (classic `setID`).
    fn enter(&mut self, key: SessionKey, connected: &Connected, wakers: &mut Vec<Waker>) {
        self.leave(key, wakers);
        let Some(seat) = self.sessions.get_mut(&key) else { return };
        let (id, reader) = (connected.id.clone(), connected.reader);
        seat.place = Some(Place { id: id.clone(), reader });
        let sessions = self.here.entry(reader.log).or_default();
        sessions.push((key, seat.inbox.clone()));
        if sessions.len() == 1 {
            self.nodes.tell_online(&id, true);
            if !self.nodes.has(&id) {
                self.presence.identity(&id, (Turn::Came, self.now), wakers);
            }
        }
        let rooms = seat.rooms.clone();
        self.online.insert(id.clone(), reader.log);
        for room in rooms {
            self.rename(&room, key, &id, wakers);
        }
        for place in &connected.rooms {
            self.seat(key, &place.room, true, wakers);
        }
    }

    /// A member goes by another ID from now on.
    fn rename(&mut self, room: &Room, key: SessionKey, id: &ClientId, wakers: &mut Vec<Waker>) {
        let Some((old, left, entered)) = self.rooms.rename(room, key, id) else { return };
        if left.here {
            self.nodes.tell_parted(room, &old, Way::Left);
        }
        if entered.untold {
            self.nodes.tell_joined(room, id, false);
        }
        if left.everywhere {
            self.presence.member(room, &old, (Turn::Left, self.now), wakers);
        }
        if entered.identity {
            self.presence.member(room, id, (Turn::Came, self.now), wakers);
        }
    }

    /// A session is not here any more as whom it was.
    pub(super) fn leave(&mut self, key: SessionKey, wakers: &mut Vec<Waker>) {
        let Some(place) = self.sessions.get_mut(&key).and_then(|seat| seat.place.take()) else {
            return;
        };
        let Some(sessions) = self.here.get_mut(&place.reader.log) else { return };
        sessions.retain(|(other, _)| *other != key);
        if sessions.is_empty() {
            self.here.remove(&place.reader.log);
            self.online.remove(&place.id);
            self.nodes.tell_online(&place.id, false);
            if !self.nodes.has(&place.id) {
                self.presence.identity(&place.id, (Turn::Lost, self.now), wakers);
            }
        }
    }

    fn notify(&mut self, notice: Notice, wakers: &mut Vec<Waker>) {
        match notice {
            Notice::Stored { log, message } => match self.rooms.by_log(log) {
                Some(members) => stored_in_room(members, log, &message, wakers),
                None => self.stored(log, message, wakers),
            },
            Notice::Settled { reader, by, up_to, seqs } => {
                for (key, inbox) in self.here(reader.log) {
                    if *key != by && self.reads(*key, reader) {
                        let seqs = seqs.clone();
                        wakers.extend(inbox.push(Signal::Settled { up_to, seqs }));
                    }
                }
            }
            Notice::RoomChanged { room, log, members } => {
                self.rooms.set_durable(&room, log, members);
            }
            Notice::RoomSettled { member, mailbox, by, up_to, seqs } => {
                let (log, index) = (member.room, member.device);
                let reader = ReaderKey { log: mailbox, index };
                for (key, inbox) in self.here(mailbox) {
                    if *key != by && self.reads(*key, reader) {
                        let seqs = seqs.clone();
                        wakers.extend(inbox.push(Signal::RoomSettled { log, up_to, seqs }));
                    }
                }
            }
            Notice::JoinedRoom { mailbox, place } => {
                let sessions = Sessions::from(self.here(mailbox));
                for (key, inbox) in sessions {
                    self.seat(key, &place.room, true, wakers);
                    wakers.extend(inbox.push(Signal::JoinedRoom(Box::new(place.clone()))));
                }
            }
            Notice::LeftRoom { mailbox, room } => {
                let sessions = Sessions::from(self.here(mailbox));
                for (key, inbox) in sessions {
                    let place = self.sessions.get(&key).and_then(|seat| seat.place.as_ref());
                    if let Some(id) = place.map(|place| place.id.clone()) {
                        self.rooms.end_durable(&room, &id);
                    }
                    wakers.extend(inbox.push(Signal::LeftRoom(room.clone())));
                }
            }
            Notice::Ended { log } => {
                for (_, inbox) in self.here(log) {
                    wakers.extend(inbox.push(Signal::Ended));
                }
            }
        }
    }

    fn stored(&self, log: LogKey, message: Message, wakers: &mut Vec<Waker>) {
        if let [(_, inbox)] = self.here(log) {
            return wakers.extend(inbox.push(Signal::Stored(message)));
        }
        for (_, inbox) in self.here(log) {
            wakers.extend(inbox.push(Signal::Stored(message.clone())));
        }
    }

    /// The sessions of the identity that owns this mailbox.
    pub(super) fn here(&self, log: LogKey) -> &[(SessionKey, Arc<Inbox>)] {
        self.here.get(&log).map_or(&[], |sessions| sessions.as_slice())
    }

    /// Sends other nodes what has gathered for them.
    pub(super) fn flush(&mut self) {
        self.nodes.flush(self.now, self.presence.generation());
    }

    fn reads(&self, key: SessionKey, reader: ReaderKey) -> bool {
        let place = self.sessions.get(&key).and_then(|seat| seat.place.as_ref());
        place.is_some_and(|place| place.reader == reader)
    }
}

/// Told to everyone in the room but its sender.
fn stored_in_room(members: &Members, log: LogKey, message: &Message, wakers: &mut Vec<Waker>) {
    let others = members.iter().filter(|member| member.id.as_str().as_bytes() != message.from());
    for member in others {
        wakers.extend(member.inbox.push(Signal::RoomStored(log, message.clone())));
    }
}

/// Wakes each session once, after the whole batch is queued: a session then finds all of its part.
pub(super) fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

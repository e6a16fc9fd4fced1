//! The router's door: a batch of one session's requests becomes one batch for the engine, and what needs no engine is
//! done here.

use std::sync::Arc;
use std::task::Waker;

use ackd_engine::{
    self as engine, Address, Body, Encoding, Engine, LogKey, Message, Pass, SessionKey, Submission,
    Tag, Target, Unknown,
};
use ackd_wire::{ClientId, MessageId, Millis, Ref, Room};

use super::Switchboard;
use super::nodes::Way;
use super::presence::{Subject, Turn};
use super::rooms::Member;
use super::switchboard::{Place, State, wake};
use crate::session::{
    Append, Audience, Connect, Credential, DialectKind, Persist, Publish, Request, Signal,
};

/// From requests to the engine and to the sessions that are here.
#[derive(Debug)]
pub struct Router {
    engine: Arc<dyn Engine>,
    switchboard: Arc<Switchboard>,
}

/// Live messages that must be stored: for whom, and which.
pub(super) type Missed = Vec<(Mail, Message)>;

/// Whose mailbox a missed message goes to.
#[derive(Debug, Clone)]
pub(super) enum Mail {
    /// That of somebody who is, or was, here.
    In(LogKey),
    /// That of somebody on another node.
    For(ClientId),
}

impl Router {
    /// A router between this engine and the sessions of this switchboard, which is the engine's sink.
    pub fn new(engine: Arc<dyn Engine>, switchboard: Arc<Switchboard>) -> Self {
        Self { engine, switchboard }
    }

    /// The sessions that are here.
    pub fn switchboard(&self) -> &Arc<Switchboard> {
        &self.switchboard
    }

    /// Does what a session asks, in order, and drains `requests`. Answers come to the inboxes, this session's too,
    /// before it returns or later.
    pub fn submit(&self, key: SessionKey, now: Millis, requests: &mut Vec<Request<'_>>) {
        if requests.is_empty() {
            return;
        }
        let missed = self.deliver_live(key, now, requests);
        let mut batch = Vec::with_capacity(requests.len() + missed.len());
        for request in requests.iter_mut() {
            batch.extend(submission(key, request));
        }
        batch.extend(missed.iter().map(|(mail, message)| store_missed(key, mail, message)));
        if !batch.is_empty() {
            self.engine.submit(now, &mut batch);
        }
        drop(batch);
        requests.clear();
    }

    /// Stores what nobody waits for.
    pub(super) fn store(&self, now: Millis, missed: &Missed) {
        let mut batch: Vec<_> = missed
            .iter()
            .map(|(mail, message)| store_missed(SessionKey::NOBODY, mail, message))
            .collect();
        if !batch.is_empty() {
            self.engine.submit(now, &mut batch);
        }
    }

    /// What is done under the switchboard's lock: rooms, live messages, who leaves.
    fn deliver_live(&self, key: SessionKey, now: Millis, requests: &[Request<'_>]) -> Missed {
        let mut missed = Missed::new();
        if !requests.iter().any(is_live) {
            return missed;
        }
        let mut wakers = Vec::new();
        let mut state = self.switchboard.state.lock();
        state.tell_time(now);
        for request in requests {
            match request {
                Request::Join { slot, room } => state.join(key, *slot, room, &mut wakers),
                Request::Leave { slot, room } => state.leave_room(key, *slot, room, &mut wakers),
                Request::Publish(publish) => state.publish(now, publish, &mut missed, &mut wakers),
                Request::LiveAck { log, ids } => {
                    state.live_over(key, *log, ids, &mut wakers);
                }
                Request::LiveMissed { log, ids } => {
                    missed.extend(state.live_over(key, *log, ids, &mut wakers));
                }
                Request::Engine { command: engine::Command::Disconnect(disconnect), .. } => {
                    missed.extend(state.leave_log(key, disconnect.reader.log, &mut wakers));
                }
                Request::Watch { slot, watched } => state.watch(key, *slot, watched, &mut wakers),
                Request::Unwatch { slot, watched } => {
                    state.unwatch(key, *slot, watched, &mut wakers);
                }
                Request::Look => state.look(key, &mut wakers),
                _ => {}
            }
        }
        state.flush();
        drop(state);
        wake(wakers);
        missed
    }
}

/// Whether the switchboard has a part in it.
fn is_live(request: &Request<'_>) -> bool {
    !matches!(
        request,
        Request::Append { .. }
            | Request::JoinRoom { .. }
            | Request::LeaveRoom { .. }
            | Request::Pass { .. }
            | Request::Engine {
                command: engine::Command::Settle(_)
                    | engine::Command::Read(_)
                    | engine::Command::Fetch { .. }
                    | engine::Command::Archive { .. }
                    | engine::Command::SettleRoom(_)
                    | engine::Command::ReadRoom(_)
                    | engine::Command::FetchRoom { .. },
                ..
            }
    )
}

impl State {
    fn join(&mut self, key: SessionKey, slot: u32, room: &Room, wakers: &mut Vec<Waker>) {
        let Some(inbox) = self.sessions.get(&key).map(|seat| seat.inbox.clone()) else { return };
        if self.seat(key, room, false, wakers) && self.nodes.joins(key, slot, room) {
            wakers.extend(inbox.push(Signal::Members(slot, self.rooms.count(room))));
        }
    }

    /// A session is in a room from now on. Whether it could be.
    pub(super) fn seat(
        &mut self,
        key: SessionKey,
        room: &Room,
        durable: bool,
        wakers: &mut Vec<Waker>,
    ) -> bool {
        let Some(seat) = self.sessions.get_mut(&key) else { return false };
        let Some(place) = &seat.place else { return false };
        let (id, inbox) = (place.id.clone(), seat.inbox.clone());
        let classic = seat.dialect == DialectKind::Classic;
        let member = Member { session: key, id: id.clone(), classic, durable, inbox };
        let entered = self.rooms.join(room, member);
        if entered.session {
            seat.rooms.push(room.clone());
        }
        if entered.untold {
            let durable = self.rooms.get(room).is_some_and(|members| members.is_durable(&id));
            self.nodes.tell_joined(room, &id, durable);
        }
        if entered.identity {
            self.presence.member(room, &id, (Turn::Came, self.now), wakers);
        }
        if entered.session && classic {
            self.tell_roommates(room, &id, true, wakers);
        }
        true
    }

    fn leave_room(&mut self, key: SessionKey, slot: u32, room: &Room, wakers: &mut Vec<Waker>) {
        let left = self.rooms.leave(room, key);
        let Some(seat) = self.sessions.get_mut(&key) else { return };
        seat.rooms.retain(|joined| joined != room);
        let count = self.rooms.count(room);
        if slot != Tag::QUIET {
            wakers.extend(seat.inbox.push(Signal::Members(slot, count)));
        }
        let Some((member, left)) = left else { return };
        // A room is watched by its members only. Whoever says nothing more has lost its connection.
        self.presence.unwatch(key, &Subject::Room(room.clone()));
        let way = if slot == Tag::QUIET { Way::Lost } else { Way::Left };
        if left.here {
            self.nodes.tell_parted(room, &member.id, way);
        }
        if left.everywhere {
            let turn = if way == Way::Lost { Turn::Lost } else { Turn::Left };
            self.presence.member(room, &member.id, (turn, self.now), wakers);
        }
        if member.classic {
            self.tell_roommates(room, &member.id, false, wakers);
        }
    }

    fn tell_roommates(&mut self, room: &Room, id: &ClientId, came: bool, wakers: &mut Vec<Waker>) {
        self.nodes.tell_roommate(room, id, came);
        self.tell_roommates_here(room, id, came, wakers);
    }

    pub(super) fn tell_roommates_here(
        &self,
        room: &Room,
        id: &ClientId,
        came: bool,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(members) = self.rooms.get(room) else { return };
        for member in members.iter().filter(|member| member.classic) {
            let id = id.clone();
            wakers.extend(member.inbox.push(Signal::Roommate { id, came }));
        }
    }

    /// Delivers a message from memory to everyone it is for, on every node.
    fn publish(
        &mut self,
        now: Millis,
        publish: &Publish<'_>,
        missed: &mut Missed,
        wakers: &mut Vec<Waker>,
    ) {
        let (audience, from) = (&publish.audience, &publish.from);
        let body = (publish.encoding, publish.body.as_ref());
        let Some(message) = audience.message((publish.id, now), from, body) else { return };
        let ack = publish.persist == Persist::Miss;
        self.nodes.tell_live(audience, from, (&message, ack));
        self.deliver(audience, from, (&message, ack), missed, wakers);
    }

    /// Delivers a message from memory to everyone here it is for; whoever has no room for it misses it at once.
    pub(super) fn deliver(
        &mut self,
        audience: &Audience,
        from: &ClientId,
        (message, ack): (&Message, bool),
        missed: &mut Missed,
        wakers: &mut Vec<Waker>,
    ) {
        for key in self.audience(audience, from) {
            let Some(seat) = self.sessions.get(&key) else { continue };
            let Some(Place { reader, .. }) = seat.place else { continue };
            let signal = Signal::Live { message: message.clone(), ack };
            match seat.inbox.push_live(signal, ack) {
                Ok(waker) => {
                    wakers.extend(waker);
                    if ack {
                        self.live.insert(reader.log, message);
                    }
                }
                Err(()) if ack => {
                    self.live.insert(reader.log, message);
                    missed.extend(self.live_over(key, reader.log, &[message.id], wakers));
                }
                Err(()) => {}
            }
        }
    }

    fn audience(&self, audience: &Audience, from: &ClientId) -> Vec<SessionKey> {
        let room_but = |room: &Room, but: Option<&ClientId>| {
            let members = self.rooms.get(room).into_iter().flat_map(super::rooms::Members::iter);
            let others = members.filter(|member| Some(&member.id) != but);
            others.map(|member| member.session).collect()
        };
        match audience {
            Audience::Room(room) => room_but(room, Some(from)),
            Audience::RoomAndSender(room) => room_but(room, None),
            Audience::All => {
                let connected = self
                    .sessions
                    .iter()
                    .filter(|(_, seat)| seat.place.as_ref().is_some_and(|place| place.id != *from));
                let mut keys: Vec<_> = connected.map(|(key, _)| *key).collect();
                keys.sort_unstable();
                keys
            }
            Audience::Id(id) => {
                let log = self.online.get(id.as_ref());
                let sessions = log.map_or(&[][..], |log| self.here(*log));
                sessions.iter().map(|(key, _)| *key).collect()
            }
        }
    }

    /// Live messages of this session's identity are settled or missed: its other connections need not wait for them.
    fn live_over(
        &mut self,
        key: SessionKey,
        log: LogKey,
        ids: &[MessageId],
        wakers: &mut Vec<Waker>,
    ) -> Missed {
        let mut over = Missed::new();
        for &id in ids {
            let Some(message) = self.live.take(log, id) else { continue };
            for (other, inbox) in self.here(log) {
                if *other != key {
                    wakers.extend(inbox.push(Signal::LiveOver(id)));
                }
            }
            over.push((Mail::In(log), message));
        }
        if let Some(id) = self.id_of(key, log)
            && !over.is_empty()
        {
            let ids: Vec<_> = over.iter().map(|(_, message)| message.id).collect();
            self.nodes.tell_over(&id, &ids);
        }
        over
    }

    /// As whom a session is here, where that owns this mailbox.
    fn id_of(&self, key: SessionKey, log: LogKey) -> Option<ClientId> {
        let place = self.sessions.get(&key)?.place.as_ref()?;
        (place.reader.log == log).then(|| place.id.clone())
    }

    /// From now on nothing more comes for the session as whom it was. The live messages that had come and that it has not
    /// seen are missed.
    fn leave_log(&mut self, key: SessionKey, log: LogKey, wakers: &mut Vec<Waker>) -> Missed {
        let Some(seat) = self.sessions.get(&key) else { return Missed::new() };
        if seat.place.as_ref().is_none_or(|place| place.reader.log != log) {
            return Missed::new();
        }
        let unseen = seat.inbox.take_live();
        let missed = self.live_over(key, log, &unseen, wakers);
        self.leave(key, wakers);
        missed
    }
}

impl Audience {
    /// The message that such an audience gets from memory.
    pub(super) fn message(
        &self,
        (id, at): (MessageId, Millis),
        from: &ClientId,
        body: (Encoding, &[u8]),
    ) -> Option<Message> {
        let room = match self {
            Self::Room(room) | Self::RoomAndSender(room) => Some(room.as_str()),
            Self::All | Self::Id(_) => None,
        };
        let message = Message::live(id, at, from.as_str(), room, body)?;
        Some(match self {
            Self::Id(_) => message.addressed(Address::Direct),
            _ => message,
        })
    }
}

/// The engine's form of a request, where it has one.
fn submission<'r>(key: SessionKey, request: &'r mut Request<'_>) -> Option<Submission<'r>> {
    let (slot, command) = match request {
        Request::Connect { slot, connect } => (slot, engine::Command::Connect(entry(connect))),
        Request::Append { slot, append } => (slot, engine::Command::Append(stored(append))),
        Request::JoinRoom { slot, identity, device, room, from } => {
            let (identity, device, from) = (*identity, *device, *from);
            let join = engine::JoinRoom { identity, device, room, from };
            (slot, engine::Command::JoinRoom(join))
        }
        Request::LeaveRoom { slot, identity, room } => {
            (slot, engine::Command::LeaveRoom { identity: *identity, room })
        }
        Request::Engine { slot, command } => {
            // Moved out: the request is drained after this.
            (slot, std::mem::replace(command, engine::Command::TakeRoomNumber))
        }
        Request::Pass { slot, sender, number, scope, refusal } => {
            let (sender, number, refusal) = (*sender, *number, *refusal);
            (slot, engine::Command::Pass(Pass { sender, number, scope, refusal }))
        }
        _ => return None,
    };
    Some(Submission { tag: key.tag(*slot), command })
}

fn entry(connect: &Connect) -> engine::Connect<'_> {
    let credential = match &connect.credential {
        Credential::Issue | Credential::Unsupported => engine::Credential::Issue,
        Credential::Fresh => engine::Credential::Fresh,
        Credential::Token(id, token) => engine::Credential::Token(id, token),
        Credential::Claim(id, token) => engine::Credential::Claim(id, token),
        Credential::Name(id) => engine::Credential::ClaimIssued(id),
        Credential::Open(id) => engine::Credential::Open(id),
    };
    let acked = connect.acked.as_ref();
    let acked = acked.and_then(|(epoch, seq)| Some((ackd_wire::Epoch::parse(epoch)?, *seq)));
    engine::Connect { credential, device: &connect.device, outbox: connect.outbox.as_ref(), acked }
}

fn stored<'r>(append: &'r Append<'_>) -> engine::Append<'r> {
    let (to, address, room) = match &append.room {
        Some((room, live)) => {
            let name = room.as_str();
            (Target::Room { name, live: *live }, Address::Room, name)
        }
        None => (Target::Name(&append.to), Address::Direct, ""),
    };
    engine::Append {
        sender: Some(append.sender),
        from: "",
        number: append.number,
        to,
        id: None,
        address,
        room,
        body: Body { encoding: append.encoding, bytes: &append.body },
        ttl_ms: append.ttl_ms,
        receipt: append.receipt,
        mark: append.mark.as_ref().map(Ref::as_str),
        refusal: append.refusal,
        unknown: append.unknown,
    }
}

/// A live message that its recipient has missed, for its mailbox. Nobody waits for the answer.
fn store_missed<'m>(key: SessionKey, mail: &'m Mail, message: &'m Message) -> Submission<'m> {
    let append = engine::Append {
        sender: None,
        from: std::str::from_utf8(message.from()).unwrap_or_default(),
        number: None,
        to: match mail {
            Mail::In(log) => Target::Mailbox(*log),
            Mail::For(id) => Target::Name(id.as_str()),
        },
        id: Some(message.id),
        address: message.address,
        room: std::str::from_utf8(message.room()).unwrap_or_default(),
        body: Body { encoding: message.encoding, bytes: message.body() },
        ttl_ms: None,
        receipt: false,
        mark: None,
        refusal: None,
        unknown: Unknown::Refuse,
    };
    Submission { tag: key.tag(Tag::QUIET), command: engine::Command::Append(append) }
}

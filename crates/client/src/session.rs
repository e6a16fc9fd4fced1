//! What the client knows and owes, whatever connection it has: a state machine between frames and the application.
//! Knows neither socket nor file, reads no clock and draws no random numbers; the driver calls it.

use std::collections::BTreeMap;

use ackd_wire::limits::ACK_IDS_MAX;
use ackd_wire::v1::{
    AckFrame, ClientFrame, ConnectFrame, ConnectedFrame, ErrorFrame, JoinFrame, MessageFrame,
    Place, ServerFrame, Which,
};
use ackd_wire::{ErrorCode, MessageId, Millis, Name, Ref, Room};

use crate::error::{SendError, Stopped};
use crate::event::{AckKey, Event};
use crate::identity::Identity;
use crate::inflight::Inflight;
use crate::outbox::{Outbox, Refused};
use crate::outgoing::Outgoing;
use crate::recent::{Recent, Seen};

/// The state. `T` waits for the answer to a send, `J` for the answer to a join.
#[derive(Debug)]
pub(crate) struct Session<T, J> {
    pub(crate) identity: Identity,
    pub(crate) outbox: Option<Outbox<T>>,
    window: u16,
    connected: bool,
    recent: Recent,
    inflight: Inflight,
    rejects: Vec<MessageId>,
    rooms: BTreeMap<Room, RoomState<J>>,
    /// Sends wait until then, after a refusal that passes.
    retry_at: Option<Millis>,
    retries: u32,
    /// What `goaway` asked for.
    pub(crate) goaway_ms: Option<Millis>,
}

#[derive(Debug)]
struct RoomState<J> {
    waiting: Vec<J>,
    due: Option<Due>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Join,
    Leave,
}

/// What a frame means for the driver.
#[derive(Debug)]
pub(crate) enum Step<T, J> {
    /// Nothing more.
    Nothing,
    /// The client is in; the identity may be new and is to be remembered.
    Connected(Welcome),
    /// For the application.
    Event(Event),
    /// A send is answered.
    Answered(T, Result<MessageId, SendError>),
    /// Joins of a room are answered.
    Joined(Vec<J>, Result<u64, SendError>),
    /// Come back later, on a new connection.
    Again(String),
    /// The end.
    Stop(Stopped),
}

/// What the server said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) ping_interval_ms: Millis,
    /// Whether the identity was made by this `connect`.
    pub(crate) new: bool,
    pub(crate) pending: u64,
}

impl<T, J> Session<T, J> {
    pub(crate) fn new(identity: Identity, outbox: Option<Outbox<T>>, window: u16) -> Self {
        Self {
            identity,
            outbox,
            window,
            connected: false,
            recent: Recent::new(),
            inflight: Inflight::default(),
            rejects: Vec::new(),
            rooms: BTreeMap::new(),
            retry_at: None,
            retries: 0,
            goaway_ms: None,
        }
    }

    /// A connection is there: forgets what was the last one's, and says the first frame.
    pub(crate) fn open(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        self.connected = false;
        self.inflight = Inflight::default();
        self.goaway_ms = None;
        self.retry_at = None;
        self.retries = 0;
        if let Some(outbox) = &mut self.outbox {
            outbox.reconnected();
        }
        for room in self.rooms.values_mut() {
            room.due.get_or_insert(Due::Join);
        }
        write(&ClientFrame::Connect(Box::new(ConnectFrame {
            r#ref: None,
            credential: self.identity.credential(),
            epoch: None,
            acked: None,
            device: Name::default(),
            outbox: self.outbox.as_ref().map(|outbox| outbox.name().clone()),
            window: Some(self.window.into()),
            client: Some(concat!("ackd-client/", env!("CARGO_PKG_VERSION")).into()),
        })));
    }

    /// Whether another send may be numbered.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.as_ref().is_none_or(Outbox::has_room)
    }

    /// When something becomes due by itself.
    pub(crate) fn retry_at(&self) -> Option<Millis> {
        self.retry_at
    }

    /// Takes a send into the outbox; gives `waiting` back where there is none.
    pub(crate) fn send(&mut self, outgoing: Outgoing, waiting: T) -> Result<(), T> {
        match &mut self.outbox {
            Some(outbox) => {
                outbox.push(outgoing, waiting);
                Ok(())
            }
            None => Err(waiting),
        }
    }

    /// The application is done with something.
    pub(crate) fn ack(&mut self, key: AckKey) {
        match key {
            AckKey::Id(id) => {
                self.recent.done(id);
                self.inflight.done(id);
            }
            AckKey::LostTo(seq) => self.inflight.done_seq(seq),
        }
    }

    /// The application could not process a message this time: its redelivery is handed over again.
    pub(crate) fn release(&mut self, id: MessageId) {
        self.recent.forget(id);
    }

    /// The application can never process a message.
    pub(crate) fn reject(&mut self, id: MessageId) {
        self.recent.done(id);
        self.rejects.push(id);
    }

    /// Joins a room, now and after every reconnect.
    pub(crate) fn join(&mut self, room: Room, waiting: J) {
        let state = self.rooms.entry(room).or_insert(RoomState { waiting: Vec::new(), due: None });
        state.waiting.push(waiting);
        state.due = Some(Due::Join);
    }

    /// Leaves a room.
    pub(crate) fn leave(&mut self, room: &Room) {
        if let Some(state) = self.rooms.get_mut(room) {
            state.due = Some(Due::Leave);
        }
    }

    /// Says everything that is due. Acks go first: they make room for what comes next.
    pub(crate) fn write(&mut self, now: Millis, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        if !self.connected {
            return;
        }
        self.write_acks(write);
        self.write_rooms(write);
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = None;
        for (n, outgoing) in self.outbox.iter_mut().flat_map(Outbox::take_due) {
            write(&ClientFrame::Send(outgoing.frame(n)));
        }
    }

    /// Whether every send is answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.outbox.as_ref().is_none_or(Outbox::is_empty)
    }

    /// The end: everyone who still waits for the answer to a send.
    pub(crate) fn abandon(&mut self) -> Vec<T> {
        self.outbox.iter_mut().flat_map(Outbox::abandon).collect()
    }

    fn write_acks(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        let acks = self.inflight.take();
        let by_ids = acks.ids.chunks(ACK_IDS_MAX).map(|ids| Which::Ids(ids.to_vec()));
        for which in acks.up_to.map(Which::UpTo).into_iter().chain(by_ids) {
            write(&ClientFrame::Ack(AckFrame { r#ref: None, which }));
        }
        for ids in std::mem::take(&mut self.rejects).chunks(ACK_IDS_MAX) {
            write(&ClientFrame::Reject { r#ref: None, ids: ids.to_vec() });
        }
    }

    fn write_rooms(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        self.rooms.retain(|room, state| {
            // The room's name as `ref` tells whose join an error refuses; a longer name goes without.
            let r#ref = Ref::parse(room.as_str()).ok();
            match state.due.take() {
                Some(Due::Join) => write(&ClientFrame::Join(JoinFrame {
                    r#ref,
                    room: room.clone(),
                    durable: false,
                    from: None,
                })),
                Some(Due::Leave) => {
                    write(&ClientFrame::Leave { r#ref, room: room.clone() });
                    return false;
                }
                None => {}
            }
            true
        });
    }

    /// Takes what the server said.
    pub(crate) fn read(&mut self, frame: ServerFrame<'_>, now: Millis) -> Step<T, J> {
        match frame {
            ServerFrame::Connected(frame) => self.connected(&frame),
            ServerFrame::Accepted(frame) => self.accepted(frame.n, frame.id),
            ServerFrame::Error(frame) => self.error(&frame, now),
            ServerFrame::Message(frame) => self.message(frame),
            ServerFrame::Receipt(frame) => {
                let (seq, id) = (frame.seq, frame.id);
                self.inflight.deliver(seq, id);
                self.first_time(id, Event::Receipt(frame.into()))
            }
            ServerFrame::Lost(frame) if frame.room.is_none() => {
                self.inflight.deliver_lost(frame.to);
                Step::Event(Event::Lost(frame.into()))
            }
            ServerFrame::Joined(frame) => {
                let state = self.rooms.get_mut(&*frame.room);
                let waiting = state.map(|state| std::mem::take(&mut state.waiting));
                Step::Joined(waiting.unwrap_or_default(), Ok(frame.members))
            }
            ServerFrame::Goaway(frame) => {
                self.goaway_ms = Some(frame.reconnect_after_ms);
                Step::Nothing
            }
            // Never asked for by this client, or of no further use to it.
            _ => Step::Nothing,
        }
    }

    fn connected(&mut self, frame: &ConnectedFrame<'_>) -> Step<T, J> {
        if let (Identity::New, Some(token)) = (&self.identity, &frame.token) {
            let Ok(id) = ackd_wire::ClientId::parse(&frame.id) else {
                return Step::Again("the server issued an ID that is none".to_owned());
            };
            self.identity = Identity::Known { id, token: token.clone() };
        }
        self.connected = true;
        Step::Connected(Welcome {
            ping_interval_ms: frame.ping_interval_ms,
            new: frame.new,
            pending: frame.pending,
        })
    }

    fn accepted(&mut self, n: Option<u64>, id: MessageId) -> Step<T, J> {
        self.retries = 0;
        let answered = n.and_then(|n| self.outbox.as_mut()?.accepted(n));
        answered.map_or(Step::Nothing, |waiting| Step::Answered(waiting, Ok(id)))
    }

    fn message(&mut self, frame: MessageFrame<'_>) -> Step<T, J> {
        let id = frame.id;
        match frame.place {
            Place::Mailbox(seq) => self.inflight.deliver(seq, id),
            Place::Signal => return Step::Event(Event::Message(frame.into())),
            Place::Room(_) | Place::Live => {}
        }
        self.first_time(id, Event::Message(frame.into()))
    }

    /// Hands over what is new; what the application is done with is acknowledged again, for it was not heard.
    fn first_time(&mut self, id: MessageId, event: Event) -> Step<T, J> {
        match self.recent.deliver(id) {
            Seen::New => return Step::Event(event),
            Seen::Handed => {}
            Seen::Done => self.inflight.done(id),
        }
        Step::Nothing
    }

    fn error(&mut self, frame: &ErrorFrame<'_>, now: Millis) -> Step<T, J> {
        if let Some(n) = frame.n
            && let Some(outbox) = &mut self.outbox
        {
            return match outbox.refused(n, frame.code) {
                Refused::Passing => {
                    self.pause(frame, now);
                    Step::Nothing
                }
                Refused::Taken => Step::Stop(Stopped::OutboxTaken),
                Refused::Final(None) => Step::Nothing,
                Refused::Final(Some(waiting)) => Step::Answered(waiting, Err(refused(frame))),
            };
        }
        if !self.connected {
            return not_let_in(frame);
        }
        let room = frame.r#ref.as_deref().and_then(|room| self.rooms.remove(room));
        room.map_or(Step::Nothing, |room| Step::Joined(room.waiting, Err(refused(frame))))
    }

    /// A passing refusal: sends wait for as long as the server asked, or longer each time.
    fn pause(&mut self, frame: &ErrorFrame<'_>, now: Millis) {
        if frame.code == ErrorCode::Gap && self.retry_at.is_some() {
            return; // it follows from a refusal whose pause is running
        }
        let own_ms = RETRY_MS_MIN.saturating_mul(1 << self.retries.min(16)).min(RETRY_MS_MAX);
        let at = now + frame.retry_after_ms.unwrap_or(own_ms);
        if self.retry_at.is_none() {
            self.retries += 1;
        }
        self.retry_at = self.retry_at.max(Some(at));
    }
}

fn refused(frame: &ErrorFrame<'_>) -> SendError {
    SendError::Refused {
        code: frame.code,
        message: frame.message.to_string(),
        retry_after_ms: frame.retry_after_ms,
    }
}

/// The `connect` was refused.
fn not_let_in<T, J>(frame: &ErrorFrame<'_>) -> Step<T, J> {
    let message = frame.message.to_string();
    match frame.code {
        code if code.is_passing() => Step::Again(message),
        ErrorCode::UnknownIdentity => Step::Stop(Stopped::UnknownIdentity),
        ErrorCode::Unauthorized => Step::Stop(Stopped::Unauthorized(message)),
        code => Step::Stop(Stopped::Refused { code, message }),
    }
}

const RETRY_MS_MIN: Millis = 100;
const RETRY_MS_MAX: Millis = 10_000;

#[cfg(test)]
mod tests;

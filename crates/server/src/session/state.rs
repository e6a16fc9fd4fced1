//! The session's state and its doors: `command`, `signal`, `tick`, `pump`, `end`. What each does lies in the file of
//! its verb.

use std::collections::VecDeque;
use std::sync::Arc;

use ackd_engine::{IdentityKey, OutboxKey, ReaderKey, Tag};
use ackd_wire::{ClientId, ErrorCode, MessageId, Millis, Room, Seq, Token};

use super::open::{MessageIds, Open, Requests};
use super::room::RoomReader;
use super::window::Window;
use super::{
    Acked, BadCommand, CloseCode, Command, Connect, ErrorEvent, Event, Request, Rules, Signal,
    Tally,
};

/// One client's session.
#[derive(Debug)]
pub struct Session {
    pub(super) rules: Arc<Rules>,
    pub(super) dialect: DialectKind,
    pub(super) phase: Phase,
    pub(super) requests: Requests,
    pub(super) ids: MessageIds,
    /// Rooms that the connection is a live member of.
    pub(super) rooms: Vec<Room>,
    /// Unreadable frames in a row.
    pub(super) bad_frames: u8,
    /// Since when every send has been refused because of overload.
    pub(super) overloaded: Option<Millis>,
    /// A `connect` or `setID` is being decided.
    pub(super) connecting: bool,
    /// What the acks of this batch settle; asked for by [`Session::pump`].
    pub(super) settling: Settling,
}

/// Which frames the client speaks; the few rules that depend on it are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectKind {
    /// Sections 1 to 6 of the contract.
    V1,
    /// Section 7.
    Classic,
}

/// What a step of a session wants: events for the client, requests for the router, both in order.
#[derive(Debug, Default)]
pub struct Output<'a> {
    /// For the client.
    pub events: Vec<Event>,
    /// For the router.
    pub requests: Vec<Request<'a>>,
    /// For the log.
    pub tally: Tally,
    /// For figures: when each message was accepted that the client has now acknowledged.
    pub acked: Acked,
}

/// Where the session stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// No `connect` yet; it is late at the deadline.
    Waiting { deadline: Millis },
    /// Connected.
    Live(Box<Live>),
    /// Over: nothing is done any more.
    Closed,
}

/// A connected session.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: ClientId,
    pub(super) identity: IdentityKey,
    pub(super) reader: ReaderKey,
    pub(super) outbox: Option<OutboxKey>,
    /// The secret of a fresh identity (classic), as long as the connection has it.
    pub(super) fresh: Option<Token>,
    pub(super) window: Window,
    /// Rooms whose logs are read.
    pub(super) rooms: Vec<RoomReader>,
    /// Places of the window that they have.
    pub(super) in_rooms: usize,
    /// Which log is asked first for more: 0 the mailbox, then the rooms.
    pub(super) turn: usize,
    /// Live messages that were missed, and whether an ack has crossed: they come again from the mailbox.
    pub(super) missed: VecDeque<(MessageId, bool)>,
    /// Up to here the mailbox had grown when the session came: what it delivers of that had waited.
    pub(super) waited: Seq,
}

/// Acks of one batch, merged.
#[derive(Debug, Default)]
pub(super) struct Settling {
    pub(super) up_to: Option<Seq>,
    pub(super) seqs: Vec<Seq>,
    pub(super) live: Vec<MessageId>,
}

impl Session {
    /// A session that waits for its `connect`. `seed` makes the IDs of its unnumbered live messages unique.
    pub fn new(rules: Arc<Rules>, dialect: DialectKind, seed: u64, now: Millis) -> Self {
        let deadline = now.saturating_add(rules.connect_timeout_ms);
        Self {
            rules,
            dialect,
            phase: Phase::Waiting { deadline },
            requests: Requests::default(),
            ids: MessageIds::new(seed),
            rooms: Vec::new(),
            bad_frames: 0,
            overloaded: None,
            connecting: false,
            settling: Settling::default(),
        }
    }

    /// Whether the client's next command must wait for a signal: its entry is being decided, or too many of its
    /// requests are unanswered.
    pub fn is_paused(&self) -> bool {
        self.connecting || self.requests.is_full()
    }

    /// Whether the session says nothing more to its client.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// Whether nothing more is owed to the session: its owner may forget it. A closed session whose entry is still
    /// being decided waits for that, to leave again.
    pub fn is_over(&self) -> bool {
        self.is_closed() && !self.connecting
    }

    /// The ID it is connected as.
    pub fn id(&self) -> Option<&ClientId> {
        match &self.phase {
            Phase::Live(live) => Some(&live.id),
            _ => None,
        }
    }

    /// When [`Session::tick`] has something to do.
    pub fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Waiting { deadline } => Some(*deadline),
            Phase::Live(live) => {
                let rooms = live.rooms.iter().filter_map(|reader| reader.window.deadline());
                let due = live.window.deadline().into_iter().chain(rooms).min();
                due.filter(|due| *due != Millis::MAX)
            }
            Phase::Closed => None,
        }
    }

    /// Does what the client asks. Not to be called while the session is paused.
    pub fn command<'a>(&mut self, now: Millis, command: Command<'a>, out: &mut Output<'a>) {
        match &self.phase {
            Phase::Closed => return,
            Phase::Waiting { .. } => return self.first_command(command, out),
            Phase::Live(_) => {}
        }
        if !matches!(command, Command::Bad(_)) {
            self.bad_frames = 0;
        }
        match command {
            Command::Connect(Connect { r#ref, .. }) => {
                self.bad(BadCommand { r#ref, ..bad("connect comes once") }, out);
            }
            Command::Send(send) => self.send(now, send, out),
            Command::Ack { r#ref, which } => self.ack(r#ref, which, out),
            Command::Reject { ids } => self.reject(&ids, out),
            Command::Ping { r#ref } => out.events.push(Event::Pong { r#ref }),
            Command::Rotate { r#ref, token } => self.rotate(r#ref, &token, out),
            Command::Join { r#ref, room, durable: Some(from) } => {
                self.join_durably(r#ref, (room, from), out);
            }
            Command::Join { r#ref, room, durable: None } => self.join(r#ref, room, out),
            Command::Leave { r#ref, room } if self.is_durable_in(&room) => {
                self.leave_durably(r#ref, room, out);
            }
            Command::Leave { r#ref, room } => self.leave(r#ref, room, out),
            Command::Watch { r#ref, watched } => self.watch(r#ref, watched, out),
            Command::Unwatch { r#ref, watched } => self.unwatch(r#ref, watched, out),
            Command::Identify => self.identify(out),
            Command::Adopt(credential) => self.adopt(credential, out),
            Command::Bad(command) => self.bad(command, out),
        }
    }

    /// The time has come for what was due at [`Session::deadline`].
    pub fn tick(&mut self, now: Millis, out: &mut Output<'_>) {
        match &self.phase {
            Phase::Waiting { deadline } if *deadline <= now => {
                self.close(CloseCode::ConnectTimeout, out);
            }
            Phase::Live(_) => self.redeliver(now, out),
            _ => {}
        }
    }

    /// After a batch of commands and signals: asks for what they add up to (acks, the next part of the mailbox).
    pub fn pump(&mut self, out: &mut Output<'_>) {
        self.flush_acks(out);
        self.read_on(out);
    }

    /// The connection is gone: what the session held goes back. Nothing more is said to the client.
    pub fn end(&mut self, out: &mut Output<'_>) {
        self.disconnect(out);
        out.events.clear();
    }

    /// Ends the session with a close code.
    pub(super) fn close(&mut self, code: CloseCode, out: &mut Output<'_>) {
        if !self.is_closed() {
            self.disconnect(out);
            out.events.push(Event::Close(code));
        }
    }

    /// Gives back what the session held, and closes it.
    fn disconnect(&mut self, out: &mut Output<'_>) {
        self.leave_identity(out);
        for room in self.rooms.drain(..) {
            out.requests.push(Request::Leave { slot: Tag::QUIET, room });
        }
        self.phase = Phase::Closed;
    }

    fn bad(&mut self, command: BadCommand, out: &mut Output<'_>) {
        self.bad_frames += 1;
        let BadCommand { r#ref, n, message } = command;
        match (self.live().and_then(|live| live.outbox), n) {
            (Some(outbox), Some(n)) => self.number_bad(r#ref, (outbox, n), &message, out),
            _ => out.events.push(Event::Error(Box::new(ErrorEvent {
                r#ref,
                n,
                code: ErrorCode::BadFrame,
                retry_after_ms: None,
                expected: None,
                message,
            }))),
        }
        if BAD_FRAMES_MAX <= self.bad_frames {
            self.close(CloseCode::BadFrames, out);
        }
    }

    pub(super) fn live(&self) -> Option<&Live> {
        match &self.phase {
            Phase::Live(live) => Some(live),
            _ => None,
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.phase {
            Phase::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Takes what the router has for the session.
    pub fn signal(&mut self, now: Millis, signal: Signal, out: &mut Output<'_>) {
        match signal {
            signal if !self.is_closed() => self.on_signal(now, signal, out),
            Signal::Answer(slot, answer) => self.late_answer(slot, answer, out),
            _ => {}
        }
    }

    /// Remembers a request and gives it a slot.
    pub(super) fn open(&mut self, request: Open) -> u32 {
        self.requests.open(request)
    }
}

/// An unreadable command without marks to echo.
pub(super) fn bad(message: &'static str) -> BadCommand {
    BadCommand { r#ref: None, n: None, message: message.into() }
}

/// Unreadable frames in a row that end a connection.
const BAD_FRAMES_MAX: u8 = 10;

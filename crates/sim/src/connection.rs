//! The server's end of a connection: what `socket/connection.rs` of the server does between the socket and the session,
//! with a simulated link in place of the socket. Session, dialect, router and inbox are the real ones; it is woken by its
//! inbox as the real one is, and never otherwise but by its link and its deadlines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use ackd_engine::{SessionKey, SimDisk};
use ackd_server::dialect::{Dialect, Format, Greeting};
use ackd_server::router::{Inbox, Router};
use ackd_server::session::{Event, Output, Rules, Session, Signal};
use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role};
use ackd_wire::limits::SIGNAL_UNSENT_BYTES_MAX;
use ackd_wire::{ClientId, Millis};

use crate::frames;
use crate::link::{Link, Packet};
use crate::random::Random;
use crate::watch::Watch;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) rules: Arc<Rules>,
    pub(crate) greeting: Greeting,
    pub(crate) disk: SimDisk,
}

/// One connection, as the server has it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The link's number, by which the model knows the session too.
    pub(crate) number: u64,
    session: Session,
    dialect: Dialect,
    key: SessionKey,
    inbox: Arc<Inbox>,
    alarm: Arc<Alarm>,
    /// What was read and the session has not taken; of the first one so many commands are done.
    texts: VecDeque<Vec<u8>>,
    done: usize,
    /// Frames that the link has not taken.
    unsent: VecDeque<Packet>,
    unsent_bytes: usize,
    decoder: Decoder,
    own: Option<ClientId>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The close frame is said; the link has until then to take it.
    Closing(Millis),
    Over,
}

/// Rings when there is something to do.
#[derive(Debug)]
struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(
        number: u64,
        format: Format,
        shared: &Shared,
        seed: u64,
        now: Millis,
    ) -> Self {
        let dialect = Dialect::V1(format);
        let (key, inbox) = shared.router.switchboard().open(dialect.kind());
        let limits = Limits { message_bytes_max: 1 << 24 };
        Self {
            number,
            session: Session::new(shared.rules.clone(), dialect.kind(), seed, now),
            dialect,
            key,
            inbox,
            alarm: Arc::new(Alarm(AtomicBool::new(true))),
            texts: VecDeque::new(),
            done: 0,
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            decoder: Decoder::new(Role::Client, limits),
            own: None,
            stage: Stage::Open,
        }
    }

    /// Whether it would be polled now.
    pub(crate) fn is_ready(&self, now: Millis, link: &Link) -> bool {
        let notices = link.server_notices.is_some_and(|at| at <= now);
        let due = self.session.deadline().is_some_and(|deadline| deadline <= now);
        let writable = !self.unsent.is_empty() && link.down.has_room();
        let lingered = matches!(self.stage, Stage::Closing(until) if until <= now);
        self.alarm.0.load(Ordering::Relaxed) || notices || due || writable || lingered
    }

    /// Something may be there to read.
    pub(crate) fn ring(&self) {
        self.alarm.0.store(true, Ordering::Relaxed);
    }

    /// Whether it reads now: the server does not read from a client that it does not hear.
    pub(crate) fn reads(&self) -> bool {
        self.texts.is_empty() && self.stage == Stage::Open && !self.is_choked()
    }

    /// The server is leaving.
    pub(crate) fn drain(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) {
        if self.stage == Stage::Open {
            let mut out = Output::default();
            self.session.signal(now, Signal::Drain { reconnect_after_ms: 100 }, &mut out);
            self.finish(now, out, shared, watch);
        }
    }

    /// One turn of the connection's task. True if it is over and to be dropped.
    pub(crate) fn poll(
        &mut self,
        now: Millis,
        link: &mut Link,
        shared: &Shared,
        watch: &mut Watch,
    ) -> bool {
        self.alarm.0.store(false, Ordering::Relaxed);
        self.inbox.register(&Waker::from(self.alarm.clone()));
        if link.server_notices.is_some_and(|at| at <= now) {
            self.hang_up(now, shared, watch);
        }
        for _ in 0..ROUNDS_MAX {
            self.on_time(now, shared, watch);
            let heard = self.take_signals(now, shared, watch);
            let read = self.read(now, link, shared, watch);
            let said = self.stage == Stage::Open && self.hear(now, shared, watch);
            if self.stage == Stage::Over && self.session.is_over() {
                return true;
            }
            if !(heard || read || said) {
                return false;
            }
        }
        self.ring();
        false
    }

    fn on_time(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) {
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            let mut out = Output::default();
            self.session.tick(now, &mut out);
            self.finish(now, out, shared, watch);
        }
        if matches!(self.stage, Stage::Closing(until) if until <= now) {
            self.stage = Stage::Over;
        }
    }

    fn take_signals(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) -> bool {
        if self.is_choked() && self.stage == Stage::Open {
            return false;
        }
        let mut signals = Vec::new();
        self.inbox.drain(&mut signals);
        if signals.is_empty() {
            return false;
        }
        watch.model.drained(signals.len());
        let mut signals = signals.into_iter();
        let (mut out, was_closed) = (Output::default(), self.session.is_closed());
        for signal in signals.by_ref() {
            self.session.signal(now, signal, &mut out);
            self.tell(now, &mut out.events, shared, watch);
            let closes = !was_closed && self.session.is_closed();
            if closes || self.is_choked() && self.stage == Stage::Open {
                break;
            }
        }
        self.inbox.put_back(signals);
        self.finish(now, out, shared, watch);
        true
    }

    /// Takes what has arrived.
    fn read(&mut self, now: Millis, link: &mut Link, shared: &Shared, watch: &mut Watch) -> bool {
        let mut any = false;
        while self.texts.len() < TEXTS_MAX
            && self.stage == Stage::Open
            && !self.is_choked()
            && let Some(packet) = link.up.pop(now)
        {
            any = true;
            match packet {
                Packet::Text(text) => self.texts.push_back(text.into_bytes()),
                Packet::Binary(bytes) => self.texts.push_back(bytes),
                Packet::Close | Packet::End => self.hang_up(now, shared, watch),
            }
        }
        any
    }

    /// Gives the session what the client has said, as far as it takes it now.
    fn hear(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) -> bool {
        if self.session.is_paused() || self.is_choked() {
            return false;
        }
        let Some(text) = self.texts.pop_front() else { return false };
        let mut out = Output::default();
        let Self { session, dialect, number, .. } = self;
        let stopped = dialect.decode(&text, self.done, &mut |command| {
            watch.model.heard(*number, &command);
            session.command(now, command, &mut out);
            !session.is_paused() && !session.is_closed()
        });
        self.session.pump(&mut out);
        shared.router.submit(self.key, now, &mut out.requests);
        let mut events = out.events;
        self.tell(now, &mut events, shared, watch);
        self.done = stopped.unwrap_or(0);
        if stopped.is_some() {
            self.texts.push_front(text);
        }
        true
    }

    fn finish(&mut self, now: Millis, mut out: Output<'_>, shared: &Shared, watch: &mut Watch) {
        self.session.pump(&mut out);
        shared.router.submit(self.key, now, &mut out.requests);
        self.tell(now, &mut out.events, shared, watch);
    }

    /// Encodes what there is to say.
    fn tell(&mut self, now: Millis, events: &mut Vec<Event>, shared: &Shared, watch: &mut Watch) {
        if !events.is_empty() && self.session.id().is_some() {
            self.own = self.session.id().cloned();
        }
        let mut bytes = Vec::new();
        for event in events.drain(..) {
            if let Event::Close(code) = event {
                self.close(now, code.code(), shared, watch);
            } else if self.stage == Stage::Open {
                let own = self.own.as_ref();
                self.dialect.encode(&event, own, &shared.greeting, &mut bytes);
                self.say(&mut bytes, shared, watch);
            }
        }
    }

    /// What is encoded is said, unless the power is off: then there is no server any more.
    fn say(&mut self, bytes: &mut Vec<u8>, shared: &Shared, watch: &mut Watch) {
        if shared.disk.is_off() {
            return bytes.clear();
        }
        let mut rest = bytes.as_mut_slice();
        while let Decoded::Item { consumed, item } =
            self.decoder.decode(rest).expect("the server's frames are good")
        {
            let packet = match item {
                Item::Text(text) => {
                    watch.said(self.number, text);
                    Packet::Text(text.to_owned())
                }
                Item::Binary(bytes) => {
                    let text = frames::to_json(bytes);
                    watch.said(self.number, text.as_deref().unwrap_or("unreadable"));
                    Packet::Binary(bytes.to_vec())
                }
                Item::Close(_) => Packet::Close,
                other => unreachable!("the server has no cause to say {other:?}"),
            };
            self.unsent_bytes += packet.bytes();
            self.unsent.push_back(packet);
            rest = &mut rest[consumed..];
        }
        bytes.clear();
        watch.model.unsent(self.number, self.unsent_bytes);
    }

    fn close(&mut self, now: Millis, code: u16, shared: &Shared, watch: &mut Watch) {
        if self.stage == Stage::Open {
            self.stage = Stage::Closing(now + LINGER_MS);
            let mut bytes = Vec::new();
            Encoder::server().close(&mut bytes, code, "");
            self.say(&mut bytes, shared, watch);
            self.end_session(now, shared, watch);
        }
    }

    fn hang_up(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) {
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            self.unsent.clear();
            self.unsent_bytes = 0;
            self.end_session(now, shared, watch);
        }
    }

    fn end_session(&mut self, now: Millis, shared: &Shared, watch: &mut Watch) {
        let mut out = Output::default();
        self.session.end(&mut out);
        shared.router.submit(self.key, now, &mut out.requests);
        watch.model.parted(self.number);
    }

    fn is_choked(&self) -> bool {
        SIGNAL_UNSENT_BYTES_MAX < self.unsent_bytes
    }

    /// Gives the link what it takes.
    pub(crate) fn flush(&mut self, now: Millis, link: &mut Link, random: &mut Random) {
        while link.down.has_room()
            && let Some(packet) = self.unsent.pop_front()
        {
            self.unsent_bytes -= packet.bytes();
            let last = matches!(packet, Packet::Close);
            link.down.push(now, packet, random);
            if last {
                link.down.push(now, Packet::End, random);
                self.stage = Stage::Over;
                self.ring();
            }
        }
        self.inbox.set_choked(self.is_choked());
    }

    /// Forgets the session, as its owner does when the connection is over.
    pub(crate) fn part(self, shared: &Shared) {
        shared.router.switchboard().close(self.key);
    }
}

/// How long a client may take to read the close frame.
const LINGER_MS: Millis = 5_000;
/// Turns without a pause for others.
const ROUNDS_MAX: u32 = 32;
/// Texts that one read brings at most.
const TEXTS_MAX: usize = 8;

//! One connection's task. It turns while there is anything to do: signals and commands go to the session in batches, all
//! that there is to say leaves in one write. An idle connection owns no buffer and waits in one place.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context as Cx, Poll};
use std::time::Duration;
use std::{future, vec};

use ackd_websocket::Encoder;
use ackd_wire::{ClientId, CloseCode, Millis, Name};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::hearing::Hearing;
use super::http::Context;
use super::keepalive::{Due, Keepalive};
use super::line::Line;
use super::quota::Place;
use super::rate::Rate;
use super::reader::Reader;
use super::stream::Stream;
use super::writer::Writer;
use crate::clock::SystemEntropy;
use crate::dialect::Dialect;
use crate::metrics::Told;
use crate::session::{Command, ErrorEvent, Event, Output, Session, Signal, Tally};

/// A connection after its upgrade.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    dialect: Dialect,
    session: Session,
    line: Line,
    /// What connecting itself says, as far as the session has not taken it.
    opening: vec::IntoIter<Command<'static>>,
    reader: Reader,
    writer: Writer,
    keepalive: Keepalive,
    rate: Rate,
    stage: Stage,
    /// As whom the client is in, or was at the end.
    own: Option<ClientId>,
    /// The device it named, until it is in.
    device: Name,
    /// With which code the connection ended, for the log.
    code: u16,
    /// The inbox knows that the client owes a read.
    choked: bool,
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The close frame is said. The client has until then to take it.
    Closing {
        until: Millis,
    },
    /// The socket is done with.
    Over,
}

impl Connection {
    /// `early` came together with the upgrade request.
    pub(super) fn new(
        stream: Stream,
        early: &[u8],
        dialect: Dialect,
        context: Arc<Context>,
    ) -> Self {
        let now = context.clock.now();
        let (rules, kind) = (context.rules.clone(), dialect.kind());
        Self {
            stream,
            opening: dialect.opening().into_iter(),
            reader: Reader::new(rules.max_message, dialect.opcode(), early),
            writer: Writer::default(),
            keepalive: Keepalive::new(context.ping_interval_ms, now),
            rate: Rate::default(),
            session: Session::new(rules, kind, SystemEntropy::number(), now),
            line: Line::new(context, kind),
            dialect,
            stage: Stage::Open,
            own: None,
            device: Name::default(),
            code: NO_CODE,
            choked: false,
        }
    }

    /// Serves the connection until it ends.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps `self` twice: 600 bytes a client"
    )]
    pub(super) fn run(mut self, place: Place) -> impl Future<Output = ()> + Send {
        async move {
            future::poll_fn(|cx| self.poll_or_fail(cx)).await;
            self.part(place);
        }
    }

    /// The connection is over. What is left of it is the socket, until the client has closed it too.
    fn part(self, place: Place) {
        let Self { stream, line, own, code, .. } = self;
        let connections = line.context.router.switchboard().len().saturating_sub(1);
        tracing::info!(id = own.as_ref().map(ClientId::as_str), code, connections, "disconnected");
        let vanish = line.context.phase.is_over();
        drop(line);
        if code != NO_CODE && !vanish {
            tokio::spawn(linger(stream, place));
        }
    }

    /// A panic ends this connection and no other: its client is told that the server has failed.
    fn poll_or_fail(&mut self, cx: &mut Cx<'_>) -> Poll<()> {
        catch_unwind(AssertUnwindSafe(|| self.poll(cx))).unwrap_or_else(|_| {
            let id = self.own.as_ref().map(ClientId::as_str);
            tracing::error!(id, "a connection's task has panicked");
            if catch_unwind(AssertUnwindSafe(|| self.fail())).is_err() {
                tracing::error!("and again as it was to end");
            }
            Poll::Ready(())
        })
    }

    /// Whatever was asked and not answered may have been done or not: `internal` says so, and the code that the client
    /// comes back. What cannot be written now is not.
    fn fail(&mut self) {
        let now = self.line.now();
        let open = self.stage == Stage::Open;
        self.tell(now, &mut vec![Event::Error(Box::new(ErrorEvent::internal()))]);
        self.close(now, CloseCode::Internal.code(), CloseCode::Internal.reason());
        self.stage = Stage::Over;
        if open {
            self.writer.flush_some(&mut self.stream);
        } else {
            self.end_session(now);
        }
    }

    fn poll(&mut self, cx: &mut Cx<'_>) -> Poll<()> {
        self.line.inbox.register(cx.waker());
        let start = self.line.now();
        let mut now = start;
        for _ in 0..ROUNDS_MAX {
            if self.line.context.phase.is_over() {
                return Poll::Ready(());
            }
            self.on_time(now);
            let heard = self.take_signals(now);
            let said = self.stage == Stage::Open && self.hear(now);
            let busy = match self.transfer(cx, now, heard || said) {
                Ok(busy) => busy,
                Err(error) => {
                    tracing::debug!(%error, "connection");
                    self.hang_up(now);
                    true
                }
            };
            if self.stage == Stage::Over && self.session.is_over() {
                return Poll::Ready(());
            }
            if !busy {
                self.arm(now);
                return Poll::Pending;
            }
            now = self.line.now();
            if start.saturating_add(TURN_MS) <= now {
                break; // a slow disk: each round may have waited for it
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what is due.
    fn on_time(&mut self, now: Millis) {
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            let mut out = Output::default();
            self.session.tick(now, &mut out);
            self.finish(now, out);
        }
        match self.stage {
            Stage::Open => self.keep_alive(now),
            Stage::Closing { until } if until <= now => self.stage = Stage::Over,
            Stage::Closing { .. } | Stage::Over => {}
        }
        if self.stage == Stage::Open && self.line.context.phase.leaves(self.line.key) {
            let mut out = Output::default();
            let reconnect_after_ms = RECONNECT_MS + SystemEntropy::number() % RECONNECT_SPREAD_MS;
            self.session.signal(now, Signal::Drain { reconnect_after_ms }, &mut out);
            self.finish(now, out);
        }
    }

    fn keep_alive(&mut self, now: Millis) {
        match self.keepalive.due(now) {
            Due::Nothing => {}
            // Its answer may lie unread because it was told to wait.
            _ if self.is_held_back(now) => self.keepalive.heard(now),
            Due::Ping => Encoder::server().ping(self.writer.buffer(), b""),
            Due::Close => self.close(now, CloseCode::GoingAway.code(), "two pings unanswered"),
        }
    }

    /// Whether the server does not hear the client for now, although the client reads what it is sent.
    fn is_held_back(&self, now: Millis) -> bool {
        self.session.is_paused() || self.rate.blocked_until(now).is_some()
    }

    /// Gives the session what the router has for it, as long as the client takes what comes of it. Whether there was
    /// anything.
    fn take_signals(&mut self, now: Millis) -> bool {
        if self.writer.is_choked() && self.stage == Stage::Open {
            return false;
        }
        let mut signals = self.line.drain().into_iter();
        if signals.len() == 0 {
            return false;
        }
        let (mut out, was_closed) = (Output::default(), self.session.is_closed());
        for signal in signals.by_ref() {
            self.session.signal(now, signal, &mut out);
            self.tell(now, &mut out.events);
            // A session that closes has seen nothing of the rest: the router is told of that while it is in the inbox.
            let closes = !was_closed && self.session.is_closed();
            if closes || self.writer.is_choked() && self.stage == Stage::Open {
                break;
            }
        }
        self.line.inbox.put_back(signals);
        self.finish(now, out);
        true
    }

    /// Gives the session what the client has said: all of one read in one batch. Whether there was anything.
    fn hear(&mut self, now: Millis) -> bool {
        if self.is_held_back(now) || self.writer.is_choked() {
            return false;
        }
        if self.opening.len() != 0 {
            self.open(now);
            return true;
        }
        let limit = self.line.context.policy.rate_limit();
        if self.reader.is_handled() && !self.reader.is_short() {
            let others = self.reader.decode(self.writer.buffer());
            self.rate.spend(limit, now, others);
        }
        if self.reader.is_handled() {
            return false;
        }
        let requests = Vec::with_capacity(self.reader.pieces());
        let mut out = Output { requests, ..Output::default() };
        let hearing = Hearing {
            session: &mut self.session,
            dialect: &self.dialect,
            rate: &mut self.rate,
            limit,
            device: &mut self.device,
        };
        let end = hearing.hear(now, self.reader.lend(), &mut out);
        let end = end.map(|(code, reason)| (code, reason.to_owned()));
        self.session.pump(&mut out);
        note(self.own.as_ref(), &self.line, out.tally);
        self.line.context.metrics.acked(now, &out.acked);
        self.line.submit(now, &mut out.requests);
        let mut events = out.events;
        self.tell(now, &mut events);
        if let Some((code, reason)) = end {
            self.close(now, code, &reason);
        }
        self.reader.done();
        true
    }

    /// Gives the session what connecting itself says, as far as it takes it now.
    fn open(&mut self, now: Millis) {
        let mut out = Output::default();
        while !self.session.is_paused()
            && let Some(command) = self.opening.next()
        {
            self.session.command(now, command, &mut out);
        }
        if self.opening.len() == 0 {
            self.opening = Vec::new().into_iter(); // its memory
        }
        self.finish(now, out);
    }

    /// Ends a batch: asks what it adds up to, and says what there is to say.
    fn finish(&mut self, now: Millis, mut out: Output<'_>) {
        self.session.pump(&mut out);
        note(self.own.as_ref(), &self.line, out.tally);
        self.line.submit(now, &mut out.requests);
        self.tell(now, &mut out.events);
    }

    /// Encodes what there is to say.
    fn tell(&mut self, now: Millis, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        if self.session.id().is_some_and(|id| self.own.as_ref() != Some(id)) {
            self.enter();
        }
        let mut told = Told::default();
        for event in events.drain(..) {
            if let Event::Accepted { dup: true, .. } = event {
                self.rate.refund(self.line.context.policy.rate_limit());
            }
            if let Some(code) = told.add(&event) {
                self.line.context.metrics.refused(code);
            }
            if let Event::Close(code) = event {
                self.close(now, code.code(), code.reason());
            } else if self.stage == Stage::Open {
                let greeting = &self.line.context.greeting;
                let out = self.writer.buffer();
                self.dialect.encode(&event, self.own.as_ref(), greeting, out);
            }
        }
        self.line.context.metrics.told(&told);
    }

    /// The client is in, or goes by another ID.
    fn enter(&mut self) {
        self.own = self.session.id().cloned();
        let id = self.own.as_ref().map(ClientId::as_str);
        let device = std::mem::take(&mut self.device);
        let device = Some(device.as_str()).filter(|device| !device.is_empty());
        let remote = self.stream.peer_addr().ok().map(tracing::field::display);
        let connections = self.line.context.router.switchboard().len();
        tracing::info!(id, device, remote, connections, "connected");
    }

    /// Says the last word, behind everything else there is to say.
    fn close(&mut self, now: Millis, code: u16, reason: &str) {
        if self.stage == Stage::Open {
            self.stage = Stage::Closing { until: now.saturating_add(LINGER_MS) };
            self.code = code;
            Encoder::server().close(self.writer.buffer(), code, reason);
            self.end_session(now);
        }
    }

    /// Nothing more can be said or heard.
    fn hang_up(&mut self, now: Millis) {
        (self.stage, self.code) = (Stage::Over, NO_CODE);
        self.end_session(now);
    }

    fn end_session(&mut self, now: Millis) {
        let mut out = Output::default();
        self.session.end(&mut out);
        note(self.own.as_ref(), &self.line, out.tally);
        self.line.submit(now, &mut out.requests);
    }

    /// Writes, then reads if there is nothing else to do. Whether there is anything to do now.
    fn transfer(&mut self, cx: &mut Cx<'_>, now: Millis, busy: bool) -> io::Result<bool> {
        if self.stage == Stage::Over {
            return Ok(busy);
        }
        let was_choked = self.writer.is_choked();
        let mut progress = false;
        let flushed = self.writer.poll_flush(&mut self.stream, cx, &mut progress)?.is_ready();
        let choked = self.writer.is_choked();
        if was_choked && progress {
            self.keepalive.heard(now); // it reads, slowly
        }
        if self.choked != choked {
            self.choked = choked;
            self.line.inbox.set_choked(choked);
        }
        if flushed && self.stage != Stage::Open {
            self.stage = Stage::Over;
        }
        if busy || self.stage != Stage::Open || (was_choked && !choked) {
            return Ok(busy || self.stage == Stage::Over || (was_choked && !choked));
        }
        if choked || self.is_held_back(now) || !self.reader.is_handled() {
            return Ok(false);
        }
        self.read(cx, now)
    }

    /// Reads what is there. Whether there was anything.
    fn read(&mut self, cx: &mut Cx<'_>, now: Millis) -> io::Result<bool> {
        match self.reader.poll_read(&mut self.stream, cx) {
            Poll::Ready(Ok(0)) => self.hang_up(now),
            Poll::Ready(Ok(_)) => self.keepalive.heard(now),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(false),
        }
        Ok(true)
    }

    /// Sees to being woken when something is due.
    fn arm(&mut self, now: Millis) {
        let stage = match self.stage {
            Stage::Open => Some(self.keepalive.deadline()),
            Stage::Closing { until } => Some(until),
            Stage::Over => None,
        };
        let unblocked = self.rate.blocked_until(now);
        let due = [self.session.deadline(), stage, unblocked].into_iter().flatten().min();
        if let Some(due) = due {
            self.line.arm(now, due);
        }
    }
}

/// Tells the log what a batch has made of messages that wait: one line of a kind, however many they are. To be called
/// before the session has left.
fn note(own: Option<&ClientId>, line: &Line, tally: Tally) {
    let Tally { away, late, left, handed_over } = tally;
    let id = own.map(ClientId::as_str);
    if handed_over != 0 {
        tracing::info!(id, messages = handed_over, "handed over");
    }
    if away != 0 {
        tracing::info!(from = id, messages = away, why = "its recipient is away", "archived");
    }
    if late != 0 {
        tracing::info!(id, messages = late, why = "not acknowledged in time", "archived");
    }
    if left != 0 && line.is_alone() {
        tracing::info!(id, messages = left, why = "the connection has ended", "archived");
    }
}

/// After the close frame the client gets a moment to read it: a socket that is dropped with unread input resets the
/// connection, and the client never sees why it ended (RFC 6455, section 7.1.1).
async fn linger(mut stream: Stream, place: Place) {
    let drained = async {
        stream.shutdown().await?;
        let mut scrap = vec![0; 4096];
        while stream.read(&mut scrap).await? != 0 {}
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_millis(LINGER_MS), drained).await {
        tracing::debug!(%error, "closing");
    }
    drop(place);
}

/// The connection ended without a close frame (RFC 6455, section 7.4.1: never on the wire).
const NO_CODE: u16 = 1006;
/// How long a client may take to read the close frame, and then to close.
const LINGER_MS: Millis = 5_000;
/// Turns without a pause for other tasks.
const ROUNDS_MAX: u32 = 32;
/// The time after which there must be one: others may wait for this thread.
const TURN_MS: Millis = 2;
/// When clients of a server that leaves come back: after so long, and up to so much later.
const RECONNECT_MS: Millis = 500;
const RECONNECT_SPREAD_MS: Millis = 5_000;

#[cfg(test)]
mod tests;

//! One connection's task: all frames of one read are handled before anything is written, all that there is to say leaves
//! in one write, and an idle connection owns no buffer.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context as Cx, Poll};
use std::time::Duration;

use ackd_engine::{Answer, Command as Verb, SessionKey};
use ackd_websocket::{
    Decoded, Decoder, Encoder, HEADER_BYTES_MAX, Item, Limits, Role, echo_close_code,
};
use ackd_wire::{CloseCode, Millis, limits};
use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http::Context;
use super::keepalive::{Due, Keepalive};
use super::quota::Seat;
use crate::clock::SystemEntropy;
use crate::dialect::Dialect;
use crate::router::Inbox;
use crate::session::{DialectKind, Event, Output, Request, Session, Signal};

/// A connection after its upgrade.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    context: Arc<Context>,
    dialect: Dialect,
    decoder: Decoder,
    session: Session,
    key: SessionKey,
    inbox: Arc<Inbox>,
    keepalive: Keepalive,
    /// Its deadline in the timers.
    deadline: Option<Millis>,
    /// Read and not decoded.
    input: Vec<u8>,
    /// Encoded and not written.
    output: Vec<u8>,
    /// Texts that are still to be handled, the first behind so many of its commands: the session was paused there.
    rest: VecDeque<(String, usize)>,
    /// How the connection ends once what came before is handled.
    ending: Option<(u16, String)>,
    /// The close frame is written (or to be written): nothing more is read.
    closing: bool,
    /// The code that the connection ended with, for the log.
    code: u16,
}

/// What a wait has ended with.
struct Ready {
    readable: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, dialect: Dialect, context: Arc<Context>) -> Self {
        let now = context.clock.now();
        let (key, inbox) = context.router.switchboard().open(dialect.kind());
        let seed = SystemEntropy::number();
        let session = Session::new(context.rules.clone(), dialect.kind(), seed, now);
        let message_bytes_max = context.rules.max_message * limits::MESSAGE_FACTOR;
        Self {
            stream,
            decoder: Decoder::new(Role::Server, Limits { message_bytes_max }),
            session,
            key,
            inbox,
            keepalive: Keepalive::new(context.ping_interval_ms, now),
            deadline: None,
            input: Vec::new(),
            output: Vec::new(),
            rest: VecDeque::new(),
            ending: None,
            closing: false,
            code: 1006,
            dialect,
            context,
        }
    }

    /// Serves the connection until it ends. `early` came together with the upgrade request.
    pub(super) async fn run(mut self, early: Bytes, seat: Seat) {
        self.input.extend_from_slice(&early);
        drop(early);
        self.open();
        let ended = self.serve().await;
        if let Err(error) = ended {
            tracing::debug!(%error, "connection");
        }
        self.leave().await;
        self.log_end();
        if self.closing {
            self.linger().await;
        }
        drop(seat);
        tracing::debug!(connections = self.context.quota.connections(), "connections now");
    }

    /// What connecting itself says, in the classic dialect.
    fn open(&mut self) {
        let now = self.context.clock.now();
        for command in self.dialect.opening() {
            let mut out = Output::default();
            self.session.command(now, command, &mut out);
            self.finish(now, out);
            self.take_signals(now);
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            self.turn();
            if self.closing {
                return self.flush_all().await;
            }
            self.flush()?;
            self.schedule();
            let ready = poll_fn(|cx| self.poll_ready(cx)).await?;
            if ready.readable && !self.read()? {
                return Ok(());
            }
        }
    }

    /// Handles everything that is here, until nothing is left that may be handled now.
    fn turn(&mut self) {
        let now = self.context.clock.now();
        let mut out = Output::default();
        self.tick(now, &mut out);
        self.finish(now, out);
        loop {
            let heard = self.take_signals(now);
            let said = self.take_input(now);
            if self.closing || (!heard && !said) {
                return;
            }
        }
    }

    fn tick(&mut self, now: Millis, out: &mut Output<'_>) {
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            self.session.tick(now, out);
        }
        match self.keepalive.due(now) {
            Due::Nothing => {}
            Due::Ping => Encoder::server().ping(&mut self.output, b""),
            Due::Close => self.close(CloseCode::GoingAway.code(), "no answer to two pings"),
        }
    }

    /// Gives the session what the router has for it.
    fn take_signals(&mut self, now: Millis) -> bool {
        if self.is_choked() {
            return false;
        }
        let mut signals = Vec::new();
        self.inbox.drain(&mut signals);
        let heard = !signals.is_empty();
        let mut out = Output::default();
        for signal in signals {
            self.session.signal(now, signal, &mut out);
        }
        self.finish(now, out);
        heard
    }

    /// Handles what was read, as far as the session takes it: all texts of one read are one batch.
    fn take_input(&mut self, now: Millis) -> bool {
        if self.session.is_paused() {
            return false;
        }
        if !self.rest.is_empty() {
            self.take_rest(now);
            return true;
        }
        let mut input = std::mem::take(&mut self.input);
        let (texts, taken) = self.decode(&mut input);
        let said = taken != 0;
        let mut out = Output::default();
        let mut skip = 0;
        let mut handled = 0;
        for range in &texts {
            let text = std::str::from_utf8(&input[range.clone()]).unwrap_or_default();
            handled += 1;
            if let Some(given) = self.give(now, text, 0, &mut out) {
                skip = given;
                break;
            }
        }
        self.finish(now, out);
        if skip != 0 {
            let behind = texts[handled - 1..]
                .iter()
                .map(|range| String::from_utf8_lossy(&input[range.clone()]).into_owned());
            let mut rest: VecDeque<_> = behind.map(|text| (text, 0)).collect();
            rest[0].1 = skip;
            rest.append(&mut self.rest);
            self.rest = rest;
        }
        self.end_if_due();
        input.drain(..taken);
        self.input = if input.is_empty() { Vec::new() } else { input };
        said
    }

    /// Goes on with the texts that were left when the session was paused.
    fn take_rest(&mut self, now: Millis) {
        let Some((text, skip)) = self.rest.pop_front() else { return };
        let mut out = Output::default();
        let paused = self.give(now, &text, skip, &mut out);
        self.finish(now, out);
        if let Some(given) = paused {
            self.rest.push_front((text, given));
        }
        self.end_if_due();
    }

    /// Decodes the whole frames at the start of the input: where their texts lie, and how many bytes they take. What is
    /// not a text is answered here; a text of several frames lies in the decoder and is kept apart.
    fn decode(&mut self, input: &mut [u8]) -> (Vec<Range<usize>>, usize) {
        let (mut texts, mut taken) = (Vec::new(), 0);
        while self.ending.is_none() && self.rest.is_empty() {
            let fragmented = self.decoder.is_mid_message();
            let mut decoder =
                std::mem::replace(&mut self.decoder, Decoder::new(Role::Server, NO_MESSAGES));
            let step = decoder.decode(&mut input[taken..]);
            let mut done = false;
            match step {
                Ok(Decoded::Item { consumed, item: Item::Text(text) }) => {
                    taken += consumed;
                    if fragmented {
                        // It is handled behind the texts before it, as what is left.
                        self.rest.push_back((text.to_owned(), 0));
                    } else {
                        texts.push(taken - text.len()..taken);
                    }
                }
                Ok(Decoded::Item { consumed, item }) => {
                    taken += consumed;
                    self.control(item);
                }
                Ok(Decoded::Absorbed { consumed }) => taken += consumed,
                Ok(Decoded::Need { .. } | Decoded::Closed) => done = true,
                Err(error) => self.ending = Some((error.close_code(), error.to_string())),
            }
            self.decoder = decoder;
            if done {
                break;
            }
        }
        (texts, taken)
    }

    fn control(&mut self, item: Item<'_>) {
        match item {
            Item::Ping(payload) => Encoder::server().pong(&mut self.output, payload),
            Item::Binary(_) => {
                let code = CloseCode::WrongKind;
                self.ending = Some((code.code(), code.reason().to_owned()));
            }
            Item::Close(close) => {
                let code = echo_close_code(close.map(|(code, _)| code));
                self.ending = Some((code, String::new()));
            }
            Item::Pong(_) | Item::Text(_) => {}
        }
    }

    /// Gives the commands of a text to the session, behind the first `skip`. How many it had taken when it paused.
    fn give<'t>(
        &mut self,
        now: Millis,
        text: &'t str,
        skip: usize,
        out: &mut Output<'t>,
    ) -> Option<usize> {
        let session = &mut self.session;
        self.dialect.decode(text, skip, &mut |command| {
            session.command(now, command, out);
            !session.is_paused() && !session.is_closed()
        })
    }

    /// Ends a batch: asks what it adds up to, and encodes what there is to say.
    fn finish(&mut self, now: Millis, mut out: Output<'_>) {
        self.session.pump(&mut out);
        self.context.router.submit(self.key, now, &mut out.requests);
        for event in &out.events {
            self.say(event);
        }
    }

    fn say(&mut self, event: &Event) {
        if let Event::Connected(welcome) = event {
            let (id, pending) = (welcome.id.as_str(), welcome.pending);
            let connections = self.context.quota.connections();
            tracing::info!(id, new = welcome.new, connections, "connected");
            if pending != 0 {
                tracing::info!(id, pending, "handing over what has waited");
            }
        }
        if let Event::Close(code) = event {
            return self.close(code.code(), code.reason());
        }
        let own = self.session.id();
        self.dialect.encode(event, own, &self.context.greeting, &mut self.output);
    }

    fn close(&mut self, code: u16, reason: &str) {
        if !self.closing {
            (self.closing, self.code) = (true, code);
            Encoder::server().close(&mut self.output, code, reason);
        }
    }

    /// Closes for what the client's frames have asked for or broken, behind the answers to what came before.
    fn end_if_due(&mut self) {
        if self.rest.is_empty()
            && let Some((code, reason)) = self.ending.take()
        {
            self.close(code, &reason);
        }
    }

    /// Whether the client owes a read of what it was sent.
    fn is_choked(&self) -> bool {
        limits::SIGNAL_UNSENT_BYTES_MAX < self.output.len()
    }

    /// Writes what the socket takes.
    fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.output.len() {
            match self.stream.try_write(&self.output[written..]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.output.drain(..written);
        if self.output.is_empty() && KEPT_BYTES_MAX < self.output.capacity() {
            self.output = Vec::new();
        }
        self.inbox.set_choked(self.is_choked());
        Ok(())
    }

    /// Writes everything, for so long as the client takes it.
    async fn flush_all(&mut self) -> io::Result<()> {
        let output = std::mem::take(&mut self.output);
        let written = tokio::time::timeout(LINGER, self.stream.write_all(&output)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Ready when there is something to handle, to read or (where something is owed) to write.
    fn poll_ready(&mut self, cx: &mut Cx<'_>) -> Poll<io::Result<Ready>> {
        let choked = self.is_choked();
        let mut ready = self.inbox.register(cx.waker()) && !choked;
        if self.output.is_empty() {
            self.output = Vec::new(); // idle: no buffers
        } else {
            match self.stream.poll_write_ready(cx) {
                Poll::Ready(Ok(())) => ready = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        let may_read = !choked && !self.session.is_paused() && self.rest.is_empty();
        let mut readable = false;
        if may_read {
            match self.stream.poll_read_ready(cx) {
                Poll::Ready(Ok(())) => readable = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        if ready || readable { Poll::Ready(Ok(Ready { readable })) } else { Poll::Pending }
    }

    /// Reads what is there. False at the end.
    fn read(&mut self) -> io::Result<bool> {
        let held = self.input.len();
        let longest = self.context.rules.max_message * limits::MESSAGE_FACTOR + HEADER_BYTES_MAX;
        let room = READ_BYTES.max(held).min(longest.saturating_sub(held).max(READ_BYTES));
        self.input.resize(held + room, 0);
        let read = self.stream.try_read(&mut self.input[held..]);
        let bytes = *read.as_ref().unwrap_or(&0);
        self.input.truncate(held + bytes);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        match read {
            Ok(0) => Ok(false),
            Ok(_) => {
                self.keepalive.heard(self.context.clock.now());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn schedule(&mut self) {
        let keepalive = self.keepalive.deadline();
        let at = self.session.deadline().map_or(keepalive, |session| session.min(keepalive));
        let timers = &self.context.timers;
        // A deadline that has only become later is noticed when the earlier one comes.
        if self.deadline.is_none_or(|known| at < known || known <= self.context.clock.now()) {
            self.deadline = Some(timers.set(self.key, &self.inbox, self.deadline, at));
        }
    }

    /// Gives back what the session held, and waits until nothing is owed to it.
    async fn leave(&mut self) {
        self.context.timers.remove(self.key, self.deadline.take());
        let now = self.context.clock.now();
        let mut out = Output::default();
        self.session.end(&mut out);
        self.context.router.submit(self.key, now, &mut out.requests);
        while !self.session.is_over() {
            next_signals(&self.inbox).await.into_iter().for_each(|signal| {
                let mut out = Output::default();
                self.session.signal(now, signal, &mut out);
                self.context.router.submit(self.key, now, &mut out.requests);
            });
        }
        self.context.router.switchboard().close(self.key);
    }

    fn log_end(&self) {
        let connections = self.context.quota.connections().saturating_sub(1);
        tracing::info!(code = self.code, connections, "disconnected");
    }

    /// After the close frame the client gets a moment to read it: a socket that is dropped with unread input resets
    /// the connection, and the client never sees why it ended (RFC 6455, section 7.1.1).
    async fn linger(&mut self) {
        let drained = async {
            self.stream.shutdown().await?;
            let mut scrap = vec![0; 4096];
            while tokio::io::AsyncReadExt::read(&mut self.stream, &mut scrap).await? != 0 {}
            io::Result::Ok(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(LINGER, drained).await {
            tracing::debug!(%error, "closing");
        }
    }
}

/// Waits until something is in an inbox, and takes it.
async fn next_signals(inbox: &Inbox) -> Vec<Signal> {
    poll_fn(|cx| if inbox.register(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }).await;
    let mut signals = Vec::new();
    inbox.drain(&mut signals);
    signals
}

/// Takes a room number, as a session that asks nothing else.
pub(super) async fn take_room_number(context: &Context) -> Option<u64> {
    let switchboard = context.router.switchboard();
    let (key, inbox) = switchboard.open(DialectKind::Classic);
    let mut requests = vec![Request::Engine { slot: 0, command: Verb::TakeRoomNumber }];
    context.router.submit(key, context.clock.now(), &mut requests);
    let number = loop {
        let answer = next_signals(&inbox).await.into_iter().find_map(|signal| match signal {
            Signal::Answer(_, Answer::RoomNumber(number)) => Some(Some(number)),
            Signal::Answer(..) => Some(None),
            _ => None,
        });
        if let Some(number) = answer {
            break number;
        }
    };
    switchboard.close(key);
    number
}

/// Stands in for a decoder that is lent out.
const NO_MESSAGES: Limits = Limits { message_bytes_max: 0 };
/// One read.
const READ_BYTES: usize = 16 * 1024;
/// Room that an output buffer may keep while the connection is busy.
const KEPT_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to read the close frame.
const LINGER: Duration = Duration::from_secs(5);

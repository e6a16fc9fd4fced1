//! The task behind a client: it moves frames between socket, session and application, and comes back when the
//! connection is lost. The only place with timers.

use std::collections::VecDeque;
use std::time::Duration;

use ackd_wire::v1::json::{UnreadableFrame, decode_server};
use ackd_wire::{AfterClose, CloseCode, MessageId, Millis, Room};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::dial::dial;
use crate::error::{DialError, FileError, SendError, Stopped};
use crate::event::{AckKey, Event};
use crate::identity::IdentityFile;
use crate::outbox_file::OutboxFile;
use crate::outgoing::Outgoing;
use crate::random::Random;
use crate::session::{Session, Step, Welcome};
use crate::socket::{Exchanged, Heard, Socket};

/// Waits for the answer to a send.
pub(crate) type SendWaiter = oneshot::Sender<Result<MessageId, SendError>>;
/// Waits for the answer to a join.
pub(crate) type JoinWaiter = oneshot::Sender<Result<u64, SendError>>;
type ClientSession = Session<SendWaiter, JoinWaiter>;

/// What the application asks besides sends.
#[derive(Debug)]
pub(crate) enum Control {
    Ack(AckKey),
    Release(MessageId),
    Reject(MessageId),
    Join(Room, JoinWaiter),
    Leave(Room),
    Close,
}

/// The application's end of the driver.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) sends: mpsc::Receiver<(Outgoing, SendWaiter)>,
    pub(crate) controls: mpsc::Receiver<Control>,
    pub(crate) events: mpsc::Sender<Event>,
}

/// What is remembered in files.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) identity: Option<IdentityFile>,
    pub(crate) outbox: Option<OutboxFile>,
}

/// The task.
#[derive(Debug)]
pub(crate) struct Driver {
    address: Address,
    session: ClientSession,
    files: Files,
    handles: Handles,
    random: Random,
    backoff: Backoff,
    /// For the application, in order, until it takes them.
    queue: VecDeque<Event>,
    /// Whether sends were taken that are not written down yet.
    unsaved: bool,
    closing: bool,
    started: Instant,
}

/// Why a connection is over.
#[derive(Debug)]
enum Over {
    Stop(Stopped),
    Again(String),
}

impl Driver {
    pub(crate) fn new(
        address: Address,
        session: ClientSession,
        files: Files,
        handles: Handles,
    ) -> Self {
        Self {
            address,
            session,
            files,
            handles,
            random: Random::new(),
            backoff: Backoff::default(),
            queue: VecDeque::new(),
            unsaved: false,
            closing: false,
            started: Instant::now(),
        }
    }

    pub(crate) fn session(&self) -> &ClientSession {
        &self.session
    }

    /// The first attempt, whose failure is told at once.
    pub(crate) async fn dial(&mut self) -> Result<Socket, DialError> {
        dial(&self.address, self.random.bytes()).await
    }

    /// Says `connect` and waits for the answer. `Err(None)`: a later attempt may succeed.
    pub(crate) async fn enter(&mut self, socket: &mut Socket) -> Result<Welcome, Option<Stopped>> {
        let entering = self.exchange_until_connected(socket);
        match tokio::time::timeout(ENTER_TIMEOUT, entering).await {
            Ok(Ok(welcome)) => Ok(welcome),
            Ok(Err(Over::Stop(stopped))) => Err(Some(stopped)),
            Ok(Err(Over::Again(_))) | Err(_) => Err(None),
        }
    }

    /// Serves a connection that is entered, and all that follow it, until the end.
    pub(crate) async fn run(mut self, mut socket: Socket, mut welcome: Welcome) -> Stopped {
        let stopped = loop {
            self.backoff.reset();
            let reason = match self.serve(&mut socket, welcome).await {
                Over::Stop(stopped) => break stopped,
                Over::Again(reason) => reason,
            };
            drop(socket);
            self.queue.push_back(Event::Disconnected { reason });
            (socket, welcome) = match self.come_back().await {
                Ok(entered) => entered,
                Err(stopped) => break stopped,
            };
            self.queue.push_back(Event::Connected);
        };
        self.finish(&stopped).await;
        stopped
    }

    async fn serve(&mut self, socket: &mut Socket, welcome: Welcome) -> Over {
        let silence =
            Duration::from_millis(welcome.ping_interval_ms.saturating_mul(5) / 2).max(SILENCE_MIN);
        let mut heard_at = Instant::now();
        loop {
            if let Err(stopped) = self.flush(socket).await {
                return Over::Stop(stopped);
            }
            if self.closing && self.is_idle(socket) {
                return Over::Stop(self.say_goodbye(socket).await);
            }
            let wake_at = self.wake_at(heard_at + silence);
            tokio::select! {
                exchanged = socket.exchange(self.queue.len() < QUEUE_MAX) => match exchanged {
                    Ok(Exchanged::Written) => {}
                    Ok(Exchanged::Read) => {
                        heard_at = Instant::now();
                        if let Some(over) = self.hear(socket) {
                            return over;
                        }
                    }
                    Ok(Exchanged::Ended) => return Over::Again("the connection broke".to_owned()),
                    Err(error) => return Over::Again(error.to_string()),
                },
                () = Self::application(
                    &mut self.handles, &mut self.session, &mut self.queue,
                    &mut self.unsaved, &mut self.closing,
                ) => {}
                () = sleep_until(wake_at) => {
                    if heard_at + silence <= Instant::now() {
                        return Over::Again("the server is silent".to_owned());
                    }
                }
            }
        }
    }

    /// Waits for the application to say or take something, and does it.
    async fn application(
        handles: &mut Handles,
        session: &mut ClientSession,
        queue: &mut VecDeque<Event>,
        unsaved: &mut bool,
        closing: &mut bool,
    ) {
        tokio::select! {
            permit = handles.events.reserve(), if !queue.is_empty() => match (permit, queue.pop_front()) {
                (Ok(permit), Some(event)) => permit.send(event),
                _ => queue.clear(), // nobody listens any more
            },
            control = handles.controls.recv(), if !*closing => {
                let mut next = Some(control.unwrap_or(Control::Close));
                while let Some(control) = next {
                    *closing |= control_session(session, control);
                    next = handles.controls.try_recv().ok();
                }
            }
            Some(send) = handles.sends.recv(), if session.has_room() => {
                let mut next = Some(send);
                while let Some((outgoing, waiting)) = next {
                    match session.send(outgoing, waiting) {
                        Ok(()) => *unsaved = true,
                        Err(waiting) => drop(waiting.send(Err(SendError::ReceiveOnly))),
                    }
                    next = session.has_room().then(|| handles.sends.try_recv().ok()).flatten();
                }
            }
            else => std::future::pending().await,
        }
    }

    /// Puts everything due into the socket's buffer, once what was there is written; sends are written down first.
    async fn flush(&mut self, socket: &mut Socket) -> Result<(), Stopped> {
        if !socket.is_written() {
            return Ok(());
        }
        self.save().await.map_err(|error| Stopped::File(error.to_string()))?;
        let now = self.now();
        let random = &mut self.random;
        self.session.write(now, &mut |frame| socket.say(frame, random));
        Ok(())
    }

    async fn save(&mut self) -> Result<(), FileError> {
        let saving = self.files.outbox.as_ref().zip(self.session.outbox.as_ref());
        if let (true, Some((file, outbox)), Some(id)) =
            (self.unsaved, saving, self.session.identity.id())
        {
            let (file, text) = (file.clone(), OutboxFile::compose(id, outbox));
            tokio::task::spawn_blocking(move || file.write(&text))
                .await
                .expect("writing a file does not panic")?;
        }
        self.unsaved = false;
        Ok(())
    }

    /// Handles all that has come.
    fn hear(&mut self, socket: &mut Socket) -> Option<Over> {
        let heard = match socket.hear(&mut self.random) {
            Ok(heard) => heard,
            Err(error) => {
                return Some(Over::Again(format!("the server broke the protocol: {error}")));
            }
        };
        for heard in heard {
            match heard {
                Heard::Text(text) => {
                    if let Err(over) = self.read(&text) {
                        return Some(over);
                    }
                }
                Heard::Close(close) => return Some(closed(close)),
            }
        }
        None
    }

    /// Reads the frames of one message; the answer to `connect`, if it was among them.
    fn read(&mut self, text: &str) -> Result<Option<Welcome>, Over> {
        let now = self.now();
        let mut welcome = None;
        for frame in decode_server(text) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(UnreadableFrame::UnknownOp) => continue,
                Err(error) => return Err(Over::Again(error.to_string())),
            };
            match self.session.read(frame, now) {
                Step::Nothing => {}
                Step::Connected(connected) => welcome = Some(connected),
                Step::Event(event) => self.queue.push_back(event),
                // Who no longer waits is not told.
                Step::Answered(waiting, answer) => drop(waiting.send(answer)),
                Step::Joined(waiting, answer) => {
                    for waiting in waiting {
                        drop(waiting.send(answer.clone()));
                    }
                }
                Step::Again(reason) => return Err(Over::Again(reason)),
                Step::Stop(stopped) => return Err(Over::Stop(stopped)),
            }
        }
        Ok(welcome)
    }

    async fn exchange_until_connected(&mut self, socket: &mut Socket) -> Result<Welcome, Over> {
        let random = &mut self.random;
        self.session.open(&mut |frame| socket.say(frame, random));
        loop {
            match socket.exchange(true).await {
                Ok(Exchanged::Written) => continue,
                Ok(Exchanged::Read) => {}
                Ok(Exchanged::Ended) => return Err(Over::Again("the connection broke".to_owned())),
                Err(error) => return Err(Over::Again(error.to_string())),
            }
            let heard = socket.hear(&mut self.random);
            let mut welcome = None;
            for heard in heard.map_err(|error| Over::Again(error.to_string()))? {
                match heard {
                    Heard::Text(text) => welcome = self.read(&text)?.or(welcome),
                    Heard::Close(close) => return Err(closed(close)),
                }
            }
            if let Some(welcome) = welcome {
                self.remember_identity().await?;
                return Ok(welcome);
            }
        }
    }

    async fn remember_identity(&mut self) -> Result<(), Over> {
        let Some(file) = self.files.identity.clone() else { return Ok(()) };
        let identity = self.session.identity.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&identity)).await;
        written
            .expect("writing a file does not panic")
            .map_err(|error| Over::Stop(Stopped::File(error.to_string())))
    }

    /// Pauses and dials until the client is in again, or must not come.
    async fn come_back(&mut self) -> Result<(Socket, Welcome), Stopped> {
        let mut asked_ms = self.session.goaway_ms;
        loop {
            let jittered = self.backoff.pause(self.random.number());
            let pause = asked_ms.take().map_or(jittered, Duration::from_millis);
            self.wait(pause).await?;
            match self.dial().await {
                Ok(mut socket) => match self.enter(&mut socket).await {
                    Ok(welcome) => return Ok((socket, welcome)),
                    Err(Some(stopped)) => return Err(stopped),
                    Err(None) => asked_ms = None,
                },
                Err(error) if error.is_final() => {
                    return Err(Stopped::Unreachable(error.to_string()));
                }
                Err(DialError::Refused { retry_after_ms, .. }) => asked_ms = retry_after_ms,
                Err(_) => {}
            }
        }
    }

    /// A pause, in which the application is still heard.
    async fn wait(&mut self, pause: Duration) -> Result<(), Stopped> {
        let until = Instant::now() + pause;
        loop {
            if self.closing {
                return Err(Stopped::Closed);
            }
            self.save().await.map_err(|error| Stopped::File(error.to_string()))?;
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = Self::application(
                    &mut self.handles, &mut self.session, &mut self.queue,
                    &mut self.unsaved, &mut self.closing,
                ) => {}
            }
        }
    }

    /// Closes in order: what was said arrives before the connection goes.
    async fn say_goodbye(&mut self, socket: &mut Socket) -> Stopped {
        socket.say_close(CloseCode::Done.code(), &mut self.random);
        let ending = async {
            // Until the server has hung up; what it still says is of no interest.
            while let Ok(Exchanged::Read | Exchanged::Written) = socket.exchange(true).await {
                let heard = socket.hear(&mut self.random);
                if !matches!(heard, Ok(heard) if heard.iter().all(|heard| matches!(heard, Heard::Text(_))))
                {
                    break;
                }
            }
        };
        drop(tokio::time::timeout(GOODBYE_TIMEOUT, ending).await);
        Stopped::Closed
    }

    /// The end: whoever waits is told, the outbox is written down as it is, the rest of the events is handed over.
    async fn finish(&mut self, stopped: &Stopped) {
        self.unsaved = true;
        if let Err(error) = self.save().await {
            tracing::warn!("the outbox is not remembered as it is: {error}");
        }
        for waiting in self.session.abandon() {
            drop(waiting.send(Err(SendError::Stopped(stopped.clone()))));
        }
        self.handles.sends.close();
        while let Some((_, waiting)) = self.handles.sends.recv().await {
            drop(waiting.send(Err(SendError::Stopped(stopped.clone()))));
        }
        for event in self.queue.drain(..) {
            if self.handles.events.send(event).await.is_err() {
                break;
            }
        }
    }

    /// Whether all is said and answered.
    fn is_idle(&self, socket: &Socket) -> bool {
        socket.is_written() && self.session.is_settled() && self.handles.sends.is_empty()
    }

    fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wake_at(&self, silent_at: Instant) -> Instant {
        let retry_at = self.session.retry_at().map(|at| self.started + Duration::from_millis(at));
        retry_at.map_or(silent_at, |at| at.min(silent_at))
    }
}

/// Does what the application asks; whether it asked to close.
fn control_session(session: &mut ClientSession, control: Control) -> bool {
    match control {
        Control::Ack(key) => session.ack(key),
        Control::Release(id) => session.release(id),
        Control::Reject(id) => session.reject(id),
        Control::Join(room, waiting) => session.join(room, waiting),
        Control::Leave(room) => session.leave(&room),
        Control::Close => return true,
    }
    false
}

fn closed(close: Option<(u16, String)>) -> Over {
    let (code, reason) = close.unwrap_or((1005, "no reason was given".to_owned()));
    match AfterClose::of(code) {
        AfterClose::Stop => Over::Stop(Stopped::ClosedByServer { code, reason }),
        AfterClose::ComeBack => Over::Again(format!("the server closed: {code} {reason}")),
    }
}

/// Events that wait for the application, beyond which the socket is not read.
const QUEUE_MAX: usize = 4 * ackd_wire::limits::WINDOW_MAX as usize;
const ENTER_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
const SILENCE_MIN: Duration = Duration::from_secs(1);

//! The task behind a client: it moves frames between socket, session and application, and comes back when the
//! connection is lost. The only place with timers.

use std::time::Duration;

use ackd_wire::Millis;
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::dial::Dialer;
use crate::error::{DialError, FileError, SendError, Stopped};
use crate::event::Event;
use crate::files::Files;
use crate::identity::Identity;
use crate::random::Random;
use crate::session::{ASKED_MS_MAX, Beginning, Session, Welcome};
use crate::socket::Socket;

mod application;
mod enter;
mod serve;

use application::Closing;
pub(crate) use application::{Application, Control, JoinWaiter, SendWaiter};

type ClientSession = Session<SendWaiter, JoinWaiter>;

/// The task.
#[derive(Debug)]
pub(crate) struct Driver {
    dialer: Dialer,
    session: ClientSession,
    files: Files,
    application: Application,
    random: Random,
    backoff: Backoff,
    started: Instant,
}

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum Over {
    Stop(Stopped),
    Again(String),
    /// With the other credential.
    AtOnce,
}

impl Driver {
    pub(crate) fn new(
        dialer: Dialer,
        beginning: Beginning<SendWaiter>,
        files: Files,
        application: Application,
    ) -> Self {
        Self {
            dialer,
            session: Session::new(beginning),
            files,
            application,
            random: Random::new(),
            backoff: Backoff::default(),
            started: now(),
        }
    }

    pub(crate) fn session(&self) -> &ClientSession {
        &self.session
    }

    /// The first attempt, whose failure is told at once.
    pub(crate) async fn dial(&mut self) -> Result<Socket, DialError> {
        self.dialer.dial(self.random.bytes()).await
    }

    /// The client was not let in, and does not come back: a claim that nobody has heard is not worth remembering.
    pub(crate) fn forget_refused_claim(&self) {
        if let (Some(file), Identity::Claimed { held: false, .. }) =
            (&self.files.identity, &self.session.identity)
        {
            file.forget();
        }
    }

    /// Serves a connection that is entered, and all that follow it, until the end.
    pub(crate) async fn run(mut self, mut socket: Socket, mut welcome: Welcome) -> Stopped {
        let stopped = loop {
            let entered_at = now();
            let reason = match self.serve(&mut socket, welcome).await {
                Over::Stop(stopped) => break stopped,
                Over::Again(reason) => reason,
                Over::AtOnce => "the server forgot who this is".to_owned(),
            };
            drop(socket);
            // A server that lets clients in and drops them soon is not well: pauses go on growing.
            if entered_at + WELL_AFTER <= now() {
                self.backoff.reset();
            }
            self.application.push(Event::Disconnected { reason });
            (socket, welcome) = match self.come_back().await {
                Ok(entered) => entered,
                Err(stopped) => break stopped,
            };
            self.application.push(Event::Connected { new: welcome.new });
        };
        self.finish(&stopped).await;
        stopped
    }

    /// Pauses and dials until the client is in again, or must not come.
    async fn come_back(&mut self) -> Result<(Socket, Welcome), Stopped> {
        let (mut retry_after_ms, mut at_once) = (None, false);
        loop {
            if !std::mem::take(&mut at_once) {
                let pause = self.pause(retry_after_ms.take());
                self.wait(pause).await?;
            }
            let mut socket = match self.dial_aside().await? {
                Ok(socket) => socket,
                // The address was an ackd server's before: what answers now may be a proxy that lost it.
                Err(DialError::Refused { status: 403, .. }) => {
                    let what = "the server refuses this client now: HTTP 403";
                    return Err(Stopped::Unreachable(what.to_owned()));
                }
                Err(DialError::Refused { retry_after_ms: asked_ms, .. }) => {
                    retry_after_ms = asked_ms;
                    continue;
                }
                Err(error) => {
                    tracing::debug!("cannot connect again yet: {error}");
                    continue;
                }
            };
            match self.enter(&mut socket).await {
                Ok(welcome) => return Ok((socket, welcome)),
                Err(Over::Stop(stopped)) => return Err(stopped),
                Err(Over::Again(reason)) => tracing::debug!("not let in yet: {reason}"),
                Err(Over::AtOnce) => at_once = true,
            }
        }
    }

    /// How long to wait before the next attempt. `goaway` asks each client for another time; `Retry-After` says the same to
    /// all, who must not come at once.
    fn pause(&mut self, retry_after_ms: Option<Millis>) -> Duration {
        let asked = |ms: Millis| Duration::from_millis(ms.min(ASKED_MS_MAX));
        let jittered = self.backoff.pause(self.random.number());
        match self.session.goaway_ms.take() {
            Some(goaway_ms) => asked(goaway_ms),
            None => retry_after_ms.map_or(Duration::ZERO, asked) + jittered,
        }
    }

    /// Dials while the application is still heard.
    async fn dial_aside(&mut self) -> Result<Result<Socket, DialError>, Stopped> {
        let (dialer, nonce) = (self.dialer.clone(), self.random.bytes());
        let mut dialing = Box::pin(async move { dialer.dial(nonce).await });
        loop {
            tokio::select! {
                dialed = &mut dialing => return Ok(dialed),
                () = self.application.turn(&mut self.session) => {}
            }
            self.between_connections().await?;
        }
    }

    /// A pause, in which the application is still heard.
    async fn wait(&mut self, pause: Duration) -> Result<(), Stopped> {
        let until = now() + pause;
        loop {
            self.between_connections().await?;
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = self.application.turn(&mut self.session) => {}
            }
        }
    }

    /// Writes down what the application has said. Whoever has gone, or closed with nothing left to say, is not waited
    /// for.
    async fn between_connections(&mut self) -> Result<(), Stopped> {
        self.save().await.map_err(|error| Stopped::File(error.to_string()))?;
        match self.application.closing {
            Closing::Gone => Err(Stopped::Closed),
            Closing::Asked if self.session.is_settled() => Err(Stopped::Closed),
            Closing::Asked | Closing::No => Ok(()),
        }
    }

    /// Writes down what has changed, and says so to whoever waits for that.
    async fn save(&mut self) -> Result<(), FileError> {
        let written = self.files.save(&mut self.session).await?;
        if let Some(outbox) = &mut self.session.outbox {
            for n in written {
                if let Some(waiting) = outbox.waiting_mut(n) {
                    waiting.written();
                }
            }
        }
        Ok(())
    }

    /// The end: what is known is written down, whoever waits is told, the rest of the events is handed over.
    async fn finish(&mut self, stopped: &Stopped) {
        if let Err(error) = self.save().await {
            tracing::warn!("not everything is remembered as it is: {error}");
        }
        for waiting in self.session.abandon() {
            waiting.answer(Err(SendError::Stopped(stopped.clone())));
        }
        self.application.finish(stopped).await;
    }

    fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The time for timers; nothing is decided by it but when to wake.
fn now() -> Instant {
    Instant::now()
}

/// A connection that has lived so long was a good one.
const WELL_AFTER: Duration = Duration::from_secs(10);

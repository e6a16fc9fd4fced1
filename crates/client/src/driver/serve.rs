//! The life of a connection that is entered.

use std::io;
use std::time::Duration;

use ackd_wire::v1::json::{UnreadableFrame, decode_server};
use ackd_wire::{AfterClose, CloseCode};
use tokio::time::{Instant, sleep_until};

use super::{Closing, Driver, JoinWaiter, Over, SendWaiter, now};
use crate::error::{SendError, Stopped};
use crate::session::{Step, Welcome};
use crate::socket::{Exchanged, Heard, Socket};

impl Driver {
    /// Serves a connection to its end.
    pub(super) async fn serve(&mut self, socket: &mut Socket, welcome: Welcome) -> Over {
        let silence = Duration::from_millis(welcome.ping_interval_ms.min(PING_MS_MAX) * 5 / 2)
            .max(SILENCE_MIN);
        let mut silent_at = now() + silence;
        loop {
            if let Err(stopped) = self.flush(socket).await {
                return Over::Stop(stopped);
            }
            if self.application.closing != Closing::No && self.is_idle(socket) {
                return Over::Stop(self.say_goodbye(socket).await);
            }
            let wake_at = self.wake_at(silent_at);
            tokio::select! {
                exchanged = socket.exchange() => {
                    if matches!(exchanged, Ok(Exchanged::Read)) {
                        silent_at = now() + silence;
                    }
                    if let Err(over) = self.hear(socket, exchanged) {
                        return over;
                    }
                }
                () = self.application.turn(&mut self.session) => {}
                () = sleep_until(wake_at) => {
                    if silent_at <= now() {
                        return Over::Again("the server is silent".to_owned());
                    }
                }
            }
        }
    }

    /// Puts everything due into the socket's buffer, once what was there is written; what it depends on is written down
    /// first.
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

    /// Handles what an exchange has brought; the answer to `connect`, if it was among it.
    pub(super) fn hear(
        &mut self,
        socket: &mut Socket,
        exchanged: io::Result<Exchanged>,
    ) -> Result<Option<Welcome>, Over> {
        match exchanged {
            Ok(Exchanged::Read) => {}
            Ok(Exchanged::Written) => return Ok(None),
            Ok(Exchanged::Ended) => return Err(Over::Again("the connection broke".to_owned())),
            Err(error) => return Err(Over::Again(error.to_string())),
        }
        let broken = |error| Over::Again(format!("the server broke the protocol: {error}"));
        let mut welcome = None;
        for heard in socket.hear(&mut self.random).map_err(broken)? {
            match heard {
                Heard::Text(text) => welcome = self.read(&text)?.or(welcome),
                Heard::Close(close) => return Err(closed(close)),
            }
        }
        Ok(welcome)
    }

    /// Reads the frames of one message.
    fn read(&mut self, text: &str) -> Result<Option<Welcome>, Over> {
        let now = self.now();
        let mut welcome = None;
        for frame in decode_server(text) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(UnreadableFrame::UnknownOp) => continue,
                Err(error) => return Err(Over::Again(error.to_string())),
            };
            let step = self.session.read(frame, now);
            welcome = self.take(step)?.or(welcome);
        }
        Ok(welcome)
    }

    /// Does what a frame means.
    pub(super) fn take(
        &mut self,
        step: Step<SendWaiter, JoinWaiter>,
    ) -> Result<Option<Welcome>, Over> {
        match step {
            Step::Nothing => {}
            Step::Connected(connected) => return Ok(Some(connected)),
            Step::Event(event) => self.application.push(event),
            Step::Answered(waiting, answer) => waiting.answer(answer),
            Step::Joined(waiting, answer) => tell_all(waiting, &answer),
            Step::Warning(warning) => tracing::warn!("{warning}"),
            Step::Again(reason) => return Err(Over::Again(reason)),
            Step::AtOnce => return Err(Over::AtOnce),
            Step::Stop(stopped) => return Err(Over::Stop(stopped)),
        }
        Ok(None)
    }

    /// Closes in order: what was said arrives before the connection goes.
    async fn say_goodbye(&mut self, socket: &mut Socket) -> Stopped {
        socket.say_close(CloseCode::Done.code(), &mut self.random);
        let ending = async {
            // Until the server has hung up; what it still says is of no interest.
            while let Ok(Exchanged::Read | Exchanged::Written) = socket.exchange().await {
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

    /// Whether all is said and answered.
    fn is_idle(&self, socket: &Socket) -> bool {
        socket.is_written() && self.session.is_settled() && self.application.has_said_all()
    }

    fn wake_at(&self, silent_at: Instant) -> Instant {
        let retry_at = self.session.retry_at().map(|at| self.started + Duration::from_millis(at));
        retry_at.map_or(silent_at, |at| at.min(silent_at))
    }
}

/// Who no longer waits is not told.
fn tell_all(waiting: Vec<JoinWaiter>, answer: &Result<u64, SendError>) {
    for waiting in waiting {
        drop(waiting.send(answer.clone()));
    }
}

fn closed(close: Option<(u16, String)>) -> Over {
    let (code, reason) = close.unwrap_or((1005, "no reason was given".to_owned()));
    match AfterClose::of(code) {
        AfterClose::Stop => Over::Stop(Stopped::ClosedByServer { code, reason }),
        AfterClose::ComeBack => Over::Again(format!("the server closed: {code} {reason}")),
    }
}

const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
const SILENCE_MIN: Duration = Duration::from_secs(1);
/// However seldom a server says it pings.
const PING_MS_MAX: u64 = 3_600_000;

//! What the server says: each frame moves the session, and may mean something for the driver.

use ackd_wire::v1::{ConnectedFrame, ErrorFrame, MessageFrame, Place, ServerFrame};
use ackd_wire::{ErrorCode, MessageId, Millis, Seq};

use super::{Session, Target, rooms_of, too_large};
use crate::error::{SendError, Stopped};
use crate::event::{Event, Unsent};
use crate::outbox::Answered;

/// What a frame means for the driver.
#[derive(Debug)]
pub(crate) enum Step<T, J> {
    /// Nothing more.
    Nothing,
    /// The client is in.
    Connected(Welcome),
    /// For the application.
    Event(Event),
    /// A send is answered.
    Answered(T, Result<MessageId, SendError>),
    /// Joins of a room are answered.
    Joined(Vec<J>, Result<u64, SendError>),
    /// For whoever reads the log.
    Warning(String),
    /// Come back later, on a new connection.
    Again(String),
    /// Come back at once, with the other credential.
    AtOnce,
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
    /// Whether the identity is to be remembered (anew).
    pub(crate) remember: bool,
}

impl<T, J> Session<T, J> {
    /// Takes what the server said.
    pub(crate) fn read(&mut self, frame: ServerFrame<'_>, now: Millis) -> Step<T, J> {
        match frame {
            ServerFrame::Connected(frame) => self.connected(&frame),
            ServerFrame::Accepted(frame) => {
                self.retries = 0;
                frame.n.map_or(Step::Nothing, |n| self.answered(n, Ok(frame.id)))
            }
            ServerFrame::Error(frame) => self.error(&frame, now),
            ServerFrame::Message(frame) => self.message(frame),
            ServerFrame::Receipt(frame) => {
                let (id, seq) = (frame.id, Some(frame.seq));
                self.first_time(id, seq, || Event::Receipt(frame.into()))
            }
            ServerFrame::Lost(frame) if frame.room.is_none() => {
                let is_new = self.reading.deliver_lost(frame.from, frame.to);
                if is_new { Step::Event(Event::Lost(frame.into())) } else { Step::Nothing }
            }
            ServerFrame::Joined(frame) => {
                Step::Joined(self.rooms.joined(&frame.room), Ok(frame.members))
            }
            ServerFrame::Goaway(frame) => {
                self.goaway_ms = Some(frame.reconnect_after_ms);
                Step::Nothing
            }
            // Never asked for by this client, or of no further use to it.
            _ => Step::Nothing,
        }
    }

    /// Answers of sends that cannot be sent, for the driver to hand on once the client is in.
    pub(crate) fn refuse_unreadable(&mut self) -> Vec<Step<T, J>> {
        let Some(max) = self.max_message else { return Vec::new() };
        let refuse = |n| {
            let bytes = self.outbox.as_ref().and_then(|outbox| outbox.get(n));
            let bytes = bytes.map_or(0, |outgoing| outgoing.body.len() as u64);
            (n, too_large(bytes, max))
        };
        let refused: Vec<_> = self.unreadable(max).into_iter().map(refuse).collect();
        refused.into_iter().map(|(n, error)| self.answered(n, Err(error))).collect()
    }

    fn connected(&mut self, frame: &ConnectedFrame<'_>) -> Step<T, J> {
        let is_behind = self.outbox.as_mut().is_some_and(|outbox| outbox.is_behind(frame.sent));
        if is_behind && self.was_connected {
            return Step::Stop(Stopped::OutboxTaken);
        }
        let Ok(remember) = self.identity.entered(&frame.id, frame.token.as_ref()) else {
            return Step::Again("the server issued an ID that is none".to_owned());
        };
        self.reading.connected(&frame.epoch, frame.acked);
        self.max_message = Some(frame.max_message);
        (self.connected, self.was_connected) = (true, true);
        Step::Connected(Welcome {
            ping_interval_ms: frame.ping_interval_ms,
            new: frame.new,
            pending: frame.pending,
            remember,
        })
    }

    /// A send is answered for good. Where nobody waits, a refusal is an event: else nobody would know.
    fn answered(&mut self, n: u64, answer: Result<MessageId, SendError>) -> Step<T, J> {
        let Some(outbox) = &mut self.outbox else { return Step::Nothing };
        match outbox.answered(n) {
            Answered::Waiting(waiting) => Step::Answered(waiting, answer),
            Answered::Before => Step::Nothing,
            Answered::Remembered(outgoing) => {
                if let Target::Room(room) = &outgoing.target {
                    self.rooms.answered(self.outbox.iter().flat_map(rooms_of), room);
                }
                match answer {
                    Ok(_) => Step::Nothing,
                    Err(error) => Step::Event(Event::Unsent(Unsent { outgoing, error })),
                }
            }
        }
    }

    fn message(&mut self, frame: MessageFrame<'_>) -> Step<T, J> {
        let seq = match frame.place {
            Place::Mailbox(seq) => Some(seq),
            Place::Signal => return Step::Event(Event::Message(frame.into())),
            Place::Room(_) | Place::Live => None,
        };
        self.first_time(frame.id, seq, || Event::Message(frame.into()))
    }

    /// Hands over what is new.
    fn first_time(
        &mut self,
        id: MessageId,
        seq: Option<Seq>,
        event: impl FnOnce() -> Event,
    ) -> Step<T, J> {
        if self.reading.deliver(id, seq) { Step::Event(event()) } else { Step::Nothing }
    }

    fn error(&mut self, frame: &ErrorFrame<'_>, now: Millis) -> Step<T, J> {
        if let Some(n) = frame.n.filter(|_| self.outbox.is_some()) {
            return self.refused(n, frame, now);
        }
        if !self.connected {
            return self.not_let_in(frame);
        }
        let room = frame.r#ref.as_deref().and_then(|room| self.rooms.refused(room));
        match room {
            Some(waiting) => Step::Joined(waiting, Err(refusal(frame))),
            None => Step::Warning(format!("the server says: {} ({})", frame.message, frame.code)),
        }
    }

    fn refused(&mut self, n: u64, frame: &ErrorFrame<'_>, now: Millis) -> Step<T, J> {
        if frame.code == ErrorCode::OutboxTaken {
            return Step::Stop(Stopped::OutboxTaken);
        }
        if !frame.code.is_passing() {
            return self.answered(n, Err(refusal(frame)));
        }
        if let Some(outbox) = &mut self.outbox {
            outbox.refused_for_now(n);
        }
        self.pause(frame, now);
        Step::Nothing
    }

    /// A passing refusal: sends wait for as long as the server asked, or longer each time.
    fn pause(&mut self, frame: &ErrorFrame<'_>, now: Millis) {
        if frame.code == ErrorCode::Gap && self.retry_at.is_some() {
            return; // it follows from a refusal whose pause is running
        }
        let own_ms = RETRY_MS_MIN.saturating_mul(1 << self.retries.min(16)).min(RETRY_MS_MAX);
        let at = now + frame.retry_after_ms.unwrap_or(own_ms).min(ASKED_MS_MAX);
        if self.retry_at.is_none() {
            self.retries += 1;
        }
        self.retry_at = self.retry_at.max(Some(at));
    }

    /// The `connect` was refused.
    fn not_let_in(&mut self, frame: &ErrorFrame<'_>) -> Step<T, J> {
        let message = frame.message.to_string();
        match frame.code {
            code if code.is_passing() => Step::Again(message),
            ErrorCode::UnknownIdentity if self.identity.ended() => Step::AtOnce,
            ErrorCode::UnknownIdentity => Step::Stop(Stopped::UnknownIdentity),
            ErrorCode::Unauthorized => Step::Stop(Stopped::Unauthorized(message)),
            code => Step::Stop(Stopped::Refused { code, message }),
        }
    }
}

fn refusal(frame: &ErrorFrame<'_>) -> SendError {
    SendError::Refused {
        code: frame.code,
        message: frame.message.to_string(),
        retry_after_ms: frame.retry_after_ms,
    }
}

const RETRY_MS_MIN: Millis = 100;
const RETRY_MS_MAX: Millis = 10_000;
/// However long a server asks to wait: it may have recovered long before.
pub(crate) const ASKED_MS_MAX: Millis = 600_000;

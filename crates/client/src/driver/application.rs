//! The application's end of the driver: what it asks, and what it is yet to take.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use ackd_wire::{MessageId, Room};
use tokio::sync::{mpsc, oneshot};

use super::ClientSession;
use crate::error::{SendError, Stopped};
use crate::event::{AckKey, Event};
use crate::outgoing::Outgoing;

/// Waits for what becomes of a send.
#[derive(Debug)]
pub(crate) struct SendWaiter {
    written: Option<oneshot::Sender<()>>,
    answered: oneshot::Sender<Result<MessageId, SendError>>,
}

/// Waits for the answer to a join.
pub(crate) type JoinWaiter = oneshot::Sender<Result<u64, SendError>>;

/// What the application asks besides sends.
#[derive(Debug)]
pub(crate) enum Control {
    Ack(AckKey),
    Release(MessageId),
    Reject(MessageId),
    /// With the limit of failures; answered with whether it was rejected.
    Fail(MessageId, Option<u32>, oneshot::Sender<bool>),
    Join(Room, JoinWaiter),
    Leave(Room),
    Close,
}

/// Whether the client is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    No,
    /// Once everything is answered.
    Asked,
    /// Nobody has a handle any more.
    Gone,
}

/// The channels, and what waits in them.
#[derive(Debug)]
pub(crate) struct Application {
    sends: mpsc::Receiver<(Outgoing, SendWaiter)>,
    controls: mpsc::Receiver<Control>,
    events: mpsc::Sender<Event>,
    /// Why the client has stopped, for handles that ask later.
    stopped: Arc<OnceLock<Stopped>>,
    /// For the application, in order, until it takes them. Bounded by the window, and for signals by [`QUEUE_MAX`].
    queue: VecDeque<Event>,
    pub(super) closing: Closing,
}

impl SendWaiter {
    pub(crate) fn new(
        written: oneshot::Sender<()>,
        answered: oneshot::Sender<Result<MessageId, SendError>>,
    ) -> Self {
        Self { written: Some(written), answered }
    }

    /// The send is written down.
    pub(super) fn written(&mut self) {
        if let Some(written) = self.written.take() {
            let _ = written.send(()); // nobody has to ask
        }
    }

    /// The send is answered.
    pub(super) fn answer(self, answer: Result<MessageId, SendError>) {
        drop(self.answered.send(answer)); // who no longer waits is not told
    }
}

impl Application {
    pub(crate) fn new(
        sends: mpsc::Receiver<(Outgoing, SendWaiter)>,
        controls: mpsc::Receiver<Control>,
        events: mpsc::Sender<Event>,
        stopped: Arc<OnceLock<Stopped>>,
    ) -> Self {
        Self { sends, controls, events, stopped, queue: VecDeque::new(), closing: Closing::No }
    }

    /// Puts an event behind those that wait. An application that reads slowly misses signals, and connections that
    /// came and went.
    pub(super) fn push(&mut self, event: Event) {
        let is_signal = matches!(&event, Event::Message(message) if !message.wants_ack);
        if is_signal && QUEUE_MAX <= self.queue.len() {
            return;
        }
        let came = matches!(self.queue.back(), Some(Event::Connected { new: false }));
        if came && matches!(event, Event::Disconnected { .. }) {
            self.queue.pop_back(); // what stands before it says the same
            return;
        }
        self.queue.push_back(event);
    }

    /// Waits for the application to say or take something, and does it. Safe to cancel.
    pub(super) async fn turn(&mut self, session: &mut ClientSession) {
        tokio::select! {
            permit = self.events.reserve(), if !self.queue.is_empty() => {
                match (permit, self.queue.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    _ => self.queue.clear(), // nobody listens any more
                }
            }
            control = self.controls.recv(), if self.closing != Closing::Gone => match control {
                Some(control) => {
                    take_controls(control, &mut self.controls, &mut self.closing, session);
                }
                None => self.closing = Closing::Gone,
            },
            Some(send) = self.sends.recv(), if session.has_room() => {
                take_sends(send, &mut self.sends, session);
            }
            else => std::future::pending().await,
        }
    }

    /// Whether nothing waits to be sent.
    pub(super) fn has_said_all(&self) -> bool {
        self.sends.is_empty()
    }

    /// The end: everyone is told, and takes the rest of the events, or goes.
    pub(super) async fn finish(&mut self, stopped: &Stopped) {
        drop(self.stopped.set(stopped.clone())); // it ends once
        self.sends.close();
        while let Some((_, waiting)) = self.sends.recv().await {
            waiting.answer(Err(SendError::Stopped(stopped.clone())));
        }
        self.controls.close();
        for event in self.queue.drain(..) {
            if self.events.send(event).await.is_err() {
                break;
            }
        }
    }
}

/// Does what is asked, with everything else that is asked already.
fn take_controls(
    first: Control,
    controls: &mut mpsc::Receiver<Control>,
    closing: &mut Closing,
    session: &mut ClientSession,
) {
    let mut next = Some(first);
    while let Some(control) = next {
        match control {
            Control::Ack(key) => session.ack(key),
            Control::Release(id) => session.reading.release(id),
            Control::Reject(id) => session.reading.reject(id),
            Control::Fail(id, most, rejected) => {
                let _ = rejected.send(session.reading.fail(id, most)); // nobody has to ask
            }
            Control::Join(room, waiting) => session.join(room, waiting),
            Control::Leave(room) => session.leave(&room),
            Control::Close => *closing = closing.asked(),
        }
        next = controls.try_recv().ok();
    }
}

/// Numbers a send, and everything else that is to be sent already.
fn take_sends(
    first: (Outgoing, SendWaiter),
    sends: &mut mpsc::Receiver<(Outgoing, SendWaiter)>,
    session: &mut ClientSession,
) {
    let mut next = Some(first);
    while let Some((outgoing, waiting)) = next {
        if let Err((waiting, error)) = session.send(outgoing, waiting) {
            waiting.answer(Err(error));
        }
        next = session.has_room().then(|| sends.try_recv().ok()).flatten();
    }
}

impl Closing {
    fn asked(self) -> Self {
        match self {
            Self::No | Self::Asked => Self::Asked,
            Self::Gone => Self::Gone,
        }
    }
}

/// Events that wait for the application, beyond which signals are dropped.
const QUEUE_MAX: usize = 4 * ackd_wire::limits::WINDOW_MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn application() -> Application {
        let (_, sends) = mpsc::channel(1);
        let (_, controls) = mpsc::channel(1);
        let (events, _) = mpsc::channel(1);
        Application::new(sends, controls, events, Arc::default())
    }

    fn disconnected() -> Event {
        Event::Disconnected { reason: "r".to_owned() }
    }

    #[test]
    fn connections_that_come_and_go_unseen_do_not_add_up() {
        let mut application = application();
        for _ in 0..5 {
            application.push(disconnected());
            application.push(Event::Connected { new: false });
        }
        assert_eq!(application.queue, [disconnected(), Event::Connected { new: false }]);
        application.push(disconnected());
        assert_eq!(application.queue, [disconnected()]);
        application.push(Event::Connected { new: true });
        application.push(disconnected());
        assert_eq!(application.queue.len(), 3, "that the identity is new is not forgotten");
    }

    #[test]
    fn signals_that_nobody_takes_are_bounded() {
        let mut application = application();
        let signal = crate::event::tests::message(false);
        for _ in 0..=QUEUE_MAX {
            application.push(signal.clone());
        }
        assert_eq!(application.queue.len(), QUEUE_MAX);
        application.push(crate::event::tests::message(true));
        assert_eq!(application.queue.len(), QUEUE_MAX + 1, "a message is never dropped");
    }
}

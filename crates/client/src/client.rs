//! The application's end for sending.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ackd_wire::{ClientId, MessageId, Room};
use tokio::sync::{mpsc, oneshot};

use crate::builder::Builder;
use crate::driver::{Control, SendWaiter};
use crate::error::{SendError, Stopped};
use crate::outgoing::Outgoing;
use crate::session::Welcome;

/// A client of one server. Clones share one connection, which ends when all of them and the [`crate::Inbox`] are
/// dropped.
#[derive(Debug, Clone)]
pub struct Client {
    id: ClientId,
    welcome: Welcome,
    sends: mpsc::Sender<(Outgoing, SendWaiter)>,
    controls: mpsc::Sender<Control>,
}

impl Client {
    /// Sets up a client of the server at `url`: `http://HOST:PORT` or `ws://HOST:PORT`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn new(
        id: ClientId,
        welcome: Welcome,
        sends: mpsc::Sender<(Outgoing, SendWaiter)>,
        controls: mpsc::Sender<Control>,
    ) -> Self {
        Self { id, welcome, sends, controls }
    }

    /// Who this client is.
    pub fn id(&self) -> &ClientId {
        &self.id
    }

    /// Whether the identity was made by this connect.
    pub fn is_new(&self) -> bool {
        self.welcome.new
    }

    /// How many messages waited when the client connected.
    pub fn pending(&self) -> u64 {
        self.welcome.pending
    }

    /// Numbers a message, and sends it now and after every reconnect until it is answered. Waits while 1,023 numbers
    /// beyond the oldest unanswered are out. The answer comes by the handle; dropping it does not stop the send.
    pub async fn send(&self, outgoing: Outgoing) -> Sending {
        let (waiting, answer) = oneshot::channel();
        // Where the task is gone, `waiting` goes too, and the handle tells.
        drop(self.sends.send((outgoing, waiting)).await);
        Sending { answer }
    }

    /// Joins a room, now and after every reconnect, until [`Client::leave`]; how many identities are in it.
    pub async fn join(&self, room: Room) -> Result<u64, SendError> {
        let (waiting, answer) = oneshot::channel();
        drop(self.controls.send(Control::Join(room, waiting)).await);
        answer.await.unwrap_or(Err(SendError::Stopped(Stopped::Closed)))
    }

    /// Leaves a room.
    pub async fn leave(&self, room: Room) {
        drop(self.controls.send(Control::Leave(room)).await);
    }

    /// Closes the connection once everything sent is answered; [`crate::Inbox::stopped`] tells when it is done.
    pub async fn close(&self) {
        drop(self.controls.send(Control::Close).await);
    }
}

/// A send that is on its way; resolves to the message's ID once the server promises to keep it.
#[derive(Debug)]
#[must_use = "whether the server accepted the message is told here"]
pub struct Sending {
    answer: oneshot::Receiver<Result<MessageId, SendError>>,
}

impl Future for Sending {
    type Output = Result<MessageId, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(cx);
        answer.map(|answer| answer.unwrap_or(Err(SendError::Stopped(Stopped::Closed))))
    }
}

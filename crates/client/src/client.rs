//! The application's end for sending.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
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
    stopped: Arc<OnceLock<Stopped>>,
}

impl Client {
    /// Sets up a client of the server at `url`: `https://HOST`, `http://HOST:PORT`, or with `wss` and `ws`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn new(
        id: ClientId,
        welcome: Welcome,
        sends: mpsc::Sender<(Outgoing, SendWaiter)>,
        controls: mpsc::Sender<Control>,
        stopped: Arc<OnceLock<Stopped>>,
    ) -> Self {
        Self { id, welcome, sends, controls, stopped }
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
    /// beyond the oldest unanswered are out. The answer comes by the handle; dropping it does not stop the send. Safe to
    /// cancel: then the message is not sent.
    pub async fn send(&self, outgoing: Outgoing) -> Sending {
        let (written_tx, written) = oneshot::channel();
        let (answered_tx, answered) = oneshot::channel();
        // Where the task is gone, the waiter goes too, and the handle tells.
        drop(self.sends.send((outgoing, SendWaiter::new(written_tx, answered_tx))).await);
        Sending { written, answered, stopped: self.stopped.clone() }
    }

    /// Joins a room, now and after every reconnect, until [`Client::leave`]; how many identities are in it.
    pub async fn join(&self, room: Room) -> Result<u64, SendError> {
        let (waiting, answer) = oneshot::channel();
        drop(self.controls.send(Control::Join(room, waiting)).await);
        answer.await.unwrap_or_else(|_| Err(unanswered(&self.stopped)))
    }

    /// Leaves a room.
    pub async fn leave(&self, room: Room) {
        drop(self.controls.send(Control::Leave(room)).await);
    }

    /// Closes the connection once everything sent is answered, after reconnects if need be; [`crate::Inbox::stopped`]
    /// tells when it is done. Who cannot wait so long drops all handles: then a client that has no connection ends at
    /// once.
    pub async fn close(&self) {
        drop(self.controls.send(Control::Close).await);
    }
}

/// A send that is on its way; resolves to the message's ID once the server promises to keep it.
#[derive(Debug)]
#[must_use = "whether the server accepted the message is told here"]
pub struct Sending {
    written: oneshot::Receiver<()>,
    answered: oneshot::Receiver<Result<MessageId, SendError>>,
    stopped: Arc<OnceLock<Stopped>>,
}

impl Sending {
    /// Waits until the send is written down; from then on it survives this process, where there is a file
    /// ([`crate::Builder::identity_file`]): the next client with that file sends it. `false`: it never will be, and the
    /// answer says why. Safe to cancel.
    pub async fn written(&mut self) -> bool {
        // Asked again after it was told: it stays written.
        self.written.is_terminated() || (&mut self.written).await.is_ok()
    }
}

impl Future for Sending {
    type Output = Result<MessageId, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = Pin::new(&mut self.answered).poll(cx);
        answered.map(|answered| answered.unwrap_or_else(|_| Err(unanswered(&self.stopped))))
    }
}

/// The client has ended without an answer.
fn unanswered(stopped: &OnceLock<Stopped>) -> SendError {
    SendError::Stopped(stopped.get().cloned().unwrap_or(Stopped::Closed))
}

//! The application's end for receiving.

use std::fmt::Display;
use std::num::NonZeroU32;

use ackd_wire::MessageId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::driver::Control;
use crate::error::Stopped;
use crate::event::{Event, Message};

/// What comes in. Each message is handed over once, until the application is done with it: acknowledged
/// ([`Inbox::ack`]), given back ([`Inbox::release`], [`Inbox::fail`]) or rejected ([`Inbox::reject`]). One that the
/// process leaves undone comes again, to the next.
#[derive(Debug)]
pub struct Inbox {
    events: mpsc::Receiver<Event>,
    controls: mpsc::Sender<Control>,
    task: JoinHandle<Stopped>,
}

impl Inbox {
    pub(crate) fn new(
        events: mpsc::Receiver<Event>,
        controls: mpsc::Sender<Control>,
        task: JoinHandle<Stopped>,
    ) -> Self {
        Self { events, controls, task }
    }

    /// The next event; `None` when the client has stopped ([`Inbox::stopped`] says why). Safe to cancel.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Tells the server that an event is processed: it does not come again. Nothing happens for events that need none.
    pub async fn ack(&self, event: &Event) {
        if let Some(key) = event.ack_key() {
            drop(self.controls.send(Control::Ack(key)).await); // a client that has stopped owes nothing
        }
    }

    /// Gives up on a message for this time: the server delivers it again after its `ack_timeout`, then after pauses that
    /// grow, and it is handed over again.
    pub async fn release(&self, id: MessageId) {
        drop(self.controls.send(Control::Release(id)).await);
    }

    /// Gives up on a message for this time, and counts: with the `most`th failure it is rejected. Whether it is. Where the
    /// identity is kept in a file, so is the count.
    pub async fn fail(&self, id: MessageId, most: Option<NonZeroU32>) -> bool {
        let (rejected_tx, rejected) = oneshot::channel();
        let most = most.map(NonZeroU32::get);
        drop(self.controls.send(Control::Fail(id, most, rejected_tx)).await);
        rejected.await.unwrap_or(false) // the client has stopped
    }

    /// Tells the server that a message can never be processed: it becomes `dead`, and its sender may be told.
    pub async fn reject(&self, id: MessageId) {
        drop(self.controls.send(Control::Reject(id)).await);
    }

    /// Gives every message to `handler`, one after the other, and acknowledges it when the handler has returned. Other
    /// events are acknowledged and passed over. Returns when the client has stopped.
    pub async fn handle(mut self, mut handler: impl AsyncFnMut(&Message)) -> Stopped {
        while let Some(event) = self.next().await {
            if let Event::Message(message) = &event {
                handler(message).await;
            }
            self.ack(&event).await;
        }
        self.stopped().await
    }

    /// As [`Inbox::handle`], for a handler that can fail: the message comes again after the server's `ack_timeout`, and
    /// is rejected with the `most`th failure (`None`: never).
    pub async fn try_handle<E: Display>(
        mut self,
        most: Option<NonZeroU32>,
        mut handler: impl AsyncFnMut(&Message) -> Result<(), E>,
    ) -> Stopped {
        while let Some(event) = self.next().await {
            if let Event::Message(message) = &event
                && let Err(error) = handler(message).await
            {
                let rejected = message.wants_ack && self.fail(message.id, most).await;
                tracing::warn!(id = %message.id, rejected, "a message was not processed: {error}");
            } else {
                self.ack(&event).await;
            }
        }
        self.stopped().await
    }

    /// Gives up the inbox, and waits until the client has stopped; why.
    pub async fn stopped(self) -> Stopped {
        let Self { mut events, controls, task } = self;
        events.close();
        drop(controls); // who waits for the end keeps nobody from ending
        task.await.unwrap_or(Stopped::Closed) // only an abort at the runtime's end
    }
}

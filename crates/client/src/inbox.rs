//! The application's end for receiving.

use ackd_wire::MessageId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::driver::Control;
use crate::error::Stopped;
use crate::event::{Event, Message};

/// What comes in. Each message is handed over once by this client; it comes again (to a client that is made anew) until
/// it is acknowledged.
#[derive(Debug)]
pub struct Inbox {
    events: mpsc::Receiver<Event>,
    controls: mpsc::Sender<Control>,
    task: Option<JoinHandle<Stopped>>,
}

impl Inbox {
    pub(crate) fn new(
        events: mpsc::Receiver<Event>,
        controls: mpsc::Sender<Control>,
        task: JoinHandle<Stopped>,
    ) -> Self {
        Self { events, controls, task: Some(task) }
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

    /// Gives up on a message for this time: the server delivers it again after its `ack_timeout`, and then it is handed
    /// over again.
    pub async fn release(&self, id: MessageId) {
        drop(self.controls.send(Control::Release(id)).await);
    }

    /// Tells the server that a message can never be processed: it becomes `dead`, and its sender may be told.
    pub async fn reject(&self, id: MessageId) {
        drop(self.controls.send(Control::Reject(id)).await);
    }

    /// Gives every message to `handler` and acknowledges it when the handler has returned. Other events are
    /// acknowledged and passed over. Returns when the client has stopped.
    pub async fn handle(mut self, mut handler: impl AsyncFnMut(&Message)) -> Stopped {
        while let Some(event) = self.next().await {
            if let Event::Message(message) = &event {
                handler(message).await;
            }
            self.ack(&event).await;
        }
        self.stopped().await
    }

    /// Waits until the client has stopped; why.
    pub async fn stopped(mut self) -> Stopped {
        self.events.close();
        match self.task.take() {
            Some(task) => task.await.unwrap_or(Stopped::Closed), // only an abort at the runtime's end
            None => Stopped::Closed,
        }
    }
}

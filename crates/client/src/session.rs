//! What the client knows and owes, whatever connection it has: a state machine between frames and the application.
//! Knows neither socket nor file, reads no clock and draws no random numbers; the driver calls it.

use ackd_wire::limits::{ACK_IDS_MAX, MESSAGE_FACTOR};
use ackd_wire::v1::{AckFrame, ClientFrame, ConnectFrame, Target, Which};
use ackd_wire::{ErrorCode, Millis, Name, Room};

use crate::error::SendError;
use crate::event::AckKey;
use crate::identity::Identity;
use crate::outbox::Outbox;
use crate::outgoing::Outgoing;
use crate::reading::Reading;
use crate::rooms::Rooms;

mod read;

pub(crate) use read::{ASKED_MS_MAX, Step, Welcome};

/// The state. `T` waits for the answer to a send, `J` for the answer to a join.
#[derive(Debug)]
pub(crate) struct Session<T, J> {
    pub(crate) identity: Identity,
    pub(crate) outbox: Option<Outbox<T>>,
    pub(crate) reading: Reading,
    device: Name,
    window: u16,
    rooms: Rooms<J>,
    connected: bool,
    /// Whether the client was connected before: then nobody but it may have used its outbox.
    was_connected: bool,
    /// Most bytes of a body; known once connected.
    max_message: Option<u64>,
    /// Sends wait until then, after a refusal that passes.
    retry_at: Option<Millis>,
    retries: u32,
    /// What `goaway` asked for.
    pub(crate) goaway_ms: Option<Millis>,
}

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Beginning<T> {
    pub(crate) identity: Identity,
    /// `None`: it only receives.
    pub(crate) outbox: Option<Outbox<T>>,
    pub(crate) reading: Reading,
    pub(crate) device: Name,
    pub(crate) window: u16,
}

impl<T, J> Session<T, J> {
    pub(crate) fn new(beginning: Beginning<T>) -> Self {
        let Beginning { identity, outbox, reading, device, window } = beginning;
        let rooms = Rooms::of_unanswered(outbox.iter().flat_map(rooms_of));
        Self {
            identity,
            outbox,
            reading,
            device,
            window,
            rooms,
            connected: false,
            was_connected: false,
            max_message: None,
            retry_at: None,
            retries: 0,
            goaway_ms: None,
        }
    }

    pub(crate) fn device(&self) -> &Name {
        &self.device
    }

    /// A connection is there: forgets what was the last one's, and says the first frame.
    pub(crate) fn open(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        self.connected = false;
        self.reading.opened();
        self.goaway_ms = None;
        self.retry_at = None;
        self.retries = 0;
        if let Some(outbox) = &mut self.outbox {
            outbox.reconnected();
        }
        self.rooms.opened();
        let (epoch, acked) = self.reading.position().unzip();
        write(&ClientFrame::Connect(Box::new(ConnectFrame {
            r#ref: None,
            credential: self.identity.credential(),
            epoch: epoch.map(Into::into),
            acked,
            device: self.device.clone(),
            outbox: self.outbox.as_ref().map(|outbox| outbox.name().clone()),
            window: Some(self.window.into()),
            client: Some(concat!("ackd-client/", env!("CARGO_PKG_VERSION")).into()),
        })));
    }

    /// Whether another send may be numbered.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.as_ref().is_none_or(Outbox::has_room)
    }

    /// When something becomes due by itself.
    pub(crate) fn retry_at(&self) -> Option<Millis> {
        self.retry_at
    }

    /// Takes a send into the outbox, or gives `waiting` back and says why not.
    pub(crate) fn send(&mut self, outgoing: Outgoing, waiting: T) -> Result<(), (T, SendError)> {
        let bytes = outgoing.body.len() as u64;
        match (&mut self.outbox, self.max_message) {
            (None, _) => Err((waiting, SendError::ReceiveOnly)),
            (_, Some(max)) if max < bytes => Err((waiting, too_large(bytes, max))),
            (Some(outbox), _) => {
                outbox.push(outgoing, waiting);
                Ok(())
            }
        }
    }

    /// The application is done with something.
    pub(crate) fn ack(&mut self, key: AckKey) {
        self.reading.ack(key);
    }

    /// Joins a room, now and after every reconnect.
    pub(crate) fn join(&mut self, room: Room, waiting: J) {
        self.rooms.join(room, waiting);
    }

    /// Leaves a room.
    pub(crate) fn leave(&mut self, room: &Room) {
        self.rooms.leave(room.as_str());
    }

    /// Says everything that is due. Acks go first: they make room for what comes next.
    pub(crate) fn write(&mut self, now: Millis, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        if !self.connected {
            return;
        }
        self.write_verdicts(write);
        self.rooms.write(write);
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = None;
        for (n, outgoing) in self.outbox.iter_mut().flat_map(Outbox::take_due) {
            write(&ClientFrame::Send(outgoing.frame(n)));
        }
    }

    /// Whether every send is answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.outbox.as_ref().is_none_or(Outbox::is_empty)
    }

    /// The end: everyone who still waits for the answer to a send.
    pub(crate) fn abandon(&mut self) -> Vec<T> {
        self.outbox.iter_mut().flat_map(Outbox::abandon).collect()
    }

    fn write_verdicts(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        let verdicts = self.reading.take();
        for ids in verdicts.rejects.chunks(ACK_IDS_MAX) {
            write(&ClientFrame::Reject { r#ref: None, ids: ids.to_vec() });
        }
        let by_ids = verdicts.ids.chunks(ACK_IDS_MAX).map(|ids| Which::Ids(ids.to_vec()));
        for which in verdicts.up_to.map(Which::UpTo).into_iter().chain(by_ids) {
            write(&ClientFrame::Ack(AckFrame { r#ref: None, which }));
        }
    }

    /// Sends whose frame the server would not even read (it would close with 1009, again and again): who learns of it.
    fn unreadable(&self, max_message: u64) -> Vec<u64> {
        let max = max_message.saturating_mul(MESSAGE_FACTOR as u64).saturating_sub(FRAME_BYTES);
        let sends = self.outbox.iter().flat_map(Outbox::unanswered);
        let too_large = sends.filter(|(_, outgoing)| max < outgoing.body.len() as u64);
        too_large.map(|(n, _)| n).collect()
    }
}

/// The rooms that what is unanswered goes to.
fn rooms_of<T>(outbox: &Outbox<T>) -> impl Iterator<Item = &Room> {
    outbox.unanswered().filter_map(|(_, outgoing)| match &outgoing.target {
        Target::Room(room) => Some(room),
        Target::To(_) | Target::All => None,
    })
}

fn too_large(bytes: u64, max: u64) -> SendError {
    SendError::Refused {
        code: ErrorCode::TooLarge,
        message: format!("the body has {bytes} bytes, and the server takes at most {max}"),
        retry_after_ms: None,
    }
}

/// More than a send frame has besides its body.
const FRAME_BYTES: u64 = 1_024;

#[cfg(test)]
mod tests;

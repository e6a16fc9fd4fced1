//! Watching who comes and goes. The session asks, and passes on what it is told; what there is to tell waits in the router
//! until the client reads.

use ackd_engine::Refusal;
use ackd_wire::{ClientId, Ref};

use super::open::Open;
use super::refusal::error;
use super::state::{Output, Session};
use super::{CloseCode, Event, Request, Unwatchable, Watched};

impl Session {
    pub(super) fn watch(&mut self, r#ref: Option<Ref>, watched: Watched, out: &mut Output<'_>) {
        if let Watched::Room(room) = &watched
            && !self.rooms.contains(room)
        {
            return out.events.push(error(r#ref, None, Refusal::NotAMember));
        }
        let slot = self.open(Open::Watch { r#ref });
        out.requests.push(Request::Watch { slot, watched });
    }

    pub(super) fn unwatch(&mut self, r#ref: Option<Ref>, watched: Watched, out: &mut Output<'_>) {
        let slot = self.open(Open::Watch { r#ref });
        out.requests.push(Request::Unwatch { slot, watched });
    }

    /// The router's answer to either.
    pub(super) fn watching(
        &mut self,
        slot: u32,
        present: Result<Vec<ClientId>, Unwatchable>,
        out: &mut Output<'_>,
    ) {
        let Some(Open::Watch { r#ref }) = self.requests.take(slot) else { return };
        let refusal = match present {
            Ok(present) => return out.events.push(Event::Watching { r#ref, present }),
            Err(Unwatchable::TooMany) => "this connection would watch too many",
            Err(Unwatchable::TooLarge) => "this room has too many members to be watched",
        };
        out.events.push(error(r#ref, None, Refusal::Forbidden(refusal)));
    }

    /// The client has read so slowly that it cannot be told what has changed: it comes back and asks who is here.
    pub(super) fn presence_missed(&mut self, out: &mut Output<'_>) {
        self.close(CloseCode::Overloaded, out);
    }
}

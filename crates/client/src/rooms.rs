//! The rooms that the client is in, or wants to be in, whatever connection it has. Pure. `J` waits for the answer to a
//! join.

use std::collections::BTreeMap;

use ackd_wire::v1::{ClientFrame, JoinFrame};
use ackd_wire::{Ref, Room};

/// The rooms.
#[derive(Debug)]
pub(crate) struct Rooms<J> {
    rooms: BTreeMap<Room, State<J>>,
}

#[derive(Debug)]
struct State<J> {
    waiting: Vec<J>,
    due: Option<Due>,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Join,
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The application wants to be in it.
    Asked,
    /// An earlier process has left sends to it unanswered, which only a member may send.
    Unanswered,
}

impl<J> Rooms<J> {
    /// The rooms that unanswered sends go to.
    pub(crate) fn of_unanswered<'a>(rooms: impl Iterator<Item = &'a Room>) -> Self {
        let state = || State { waiting: Vec::new(), due: Some(Due::Join), why: Why::Unanswered };
        Self { rooms: rooms.map(|room| (room.clone(), state())).collect() }
    }

    /// A new connection is in no room: all are joined again.
    pub(crate) fn opened(&mut self) {
        self.rooms.retain(|_, state| state.due != Some(Due::Leave));
        for state in self.rooms.values_mut() {
            state.due = Some(Due::Join);
        }
    }

    /// Joins a room, now and after every reconnect.
    pub(crate) fn join(&mut self, room: Room, waiting: J) {
        let new = State { waiting: Vec::new(), due: None, why: Why::Asked };
        let state = self.rooms.entry(room).or_insert(new);
        state.waiting.push(waiting);
        (state.due, state.why) = (Some(Due::Join), Why::Asked);
    }

    /// Leaves a room.
    pub(crate) fn leave(&mut self, room: &str) {
        if let Some(state) = self.rooms.get_mut(room) {
            state.due = Some(Due::Leave);
        }
    }

    /// A send to a room is answered: a room that the application has not asked for is left once nothing for it is
    /// unanswered.
    pub(crate) fn answered<'a>(
        &mut self,
        mut unanswered: impl Iterator<Item = &'a Room>,
        to: &Room,
    ) {
        let is_for_sends = self.rooms.get(to).is_some_and(|state| state.why == Why::Unanswered);
        if is_for_sends && unanswered.all(|room| room != to) {
            self.leave(to.as_str());
        }
    }

    /// A join was answered, or refused; who waits for it.
    pub(crate) fn joined(&mut self, room: &str) -> Vec<J> {
        let state = self.rooms.get_mut(room);
        state.map(|state| std::mem::take(&mut state.waiting)).unwrap_or_default()
    }

    /// A join was refused: the client is not in the room. `None`: no room of ours.
    pub(crate) fn refused(&mut self, room: &str) -> Option<Vec<J>> {
        self.rooms.remove(room).map(|state| state.waiting)
    }

    /// Says every join and leave that is due.
    pub(crate) fn write(&mut self, write: &mut dyn FnMut(&ClientFrame<'_>)) {
        self.rooms.retain(|room, state| {
            // The room's name as `ref` tells whose join an error refuses; a longer name goes without.
            let r#ref = Ref::parse(room.as_str()).ok();
            match state.due.take() {
                Some(Due::Join) => write(&ClientFrame::Join(JoinFrame {
                    r#ref,
                    room: room.clone(),
                    durable: false,
                    from: None,
                })),
                Some(Due::Leave) => {
                    write(&ClientFrame::Leave { r#ref, room: room.clone() });
                    return false;
                }
                None => {}
            }
            true
        });
    }
}

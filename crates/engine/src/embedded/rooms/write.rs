//! What a group has of rooms beside messages: who stands elsewhere than their records say, and who is to be told what once
//! it is stored.

use std::collections::BTreeSet;

use ackd_wire::Room;

use super::Seat;
use crate::api::{LogKey, Message, Notice, Outcome};
use crate::disk::Disk;
use crate::embedded::group::Placed;
use crate::embedded::log::Entry;
use crate::embedded::records::kind;
use crate::embedded::state::State;
use crate::embedded::{Embedded, Shared};

/// The rooms' part of a group.
#[derive(Debug, Default)]
pub(in crate::embedded) struct News {
    /// Devices that stand elsewhere than their records say.
    pub(in crate::embedded) seats: BTreeSet<Seat>,
    /// Rooms of which more has ended than their records say.
    pub(in crate::embedded) logs: BTreeSet<u64>,
    /// Told when the group is stored, in order.
    pub(in crate::embedded) notices: Vec<RoomNotice>,
}

/// What sessions need to know of a room.
#[derive(Debug)]
pub(in crate::embedded) enum RoomNotice {
    /// Its durable members are others.
    Changed(u64, Room),
    /// A device of a new member, as all of its devices stand.
    Joined(Seat),
    /// An identity is a member no more.
    Left(u64, Room),
}

impl News {
    /// Whether anything of it is not written.
    pub(in crate::embedded) fn trails(&self) -> bool {
        !self.seats.is_empty() || !self.logs.is_empty()
    }

    /// What did not fit in this group, for the next one.
    pub(in crate::embedded) fn take_rest(&mut self) -> Self {
        let (seats, logs) = (std::mem::take(&mut self.seats), std::mem::take(&mut self.logs));
        Self { seats, logs, notices: Vec::new() }
    }
}

impl<D: Disk> Embedded<D> {
    /// One record for each device that has settled something and each room of which something has ended, as far as they
    /// fit.
    pub(in crate::embedded) fn write_rooms(&self, shared: &mut Shared) {
        let Shared { state, group, .. } = shared;
        let News { seats, logs, .. } = group.rooms.take_rest();
        for seat in seats {
            if !self.admits(group, state.rooms.member_bytes(seat)) {
                group.rooms.seats.insert(seat);
            } else if let Some(record) = state.rooms.member_record(seat) {
                group.record(kind::MEMBER, Some(Placed::Seat(seat)), |into| record.encode(into));
            }
        }
        for number in logs {
            let Some(room) = state.rooms.get(number) else { continue };
            if !self.admits(group, room.record_bytes()) {
                group.rooms.logs.insert(number);
                continue;
            }
            let record = room.record();
            group.record(kind::ROOM, Some(Placed::Room(number)), |into| record.encode(into));
        }
    }

    /// Tells of all rooms that have durable members.
    pub(in crate::embedded) fn tell_rooms(&self) {
        let mut outcome = Outcome::default();
        {
            let rooms = &self.shared.lock().state.rooms;
            let logs = rooms.numbers();
            let logs = logs.iter().filter_map(|number| rooms.get(*number));
            for room in logs.filter(|room| room.members != 0) {
                let (log, members) = (LogKey(room.number), room.members);
                outcome.notices.push(Notice::RoomChanged { room: room.name.clone(), log, members });
            }
        }
        if !outcome.notices.is_empty() {
            self.sink.deliver(&mut outcome);
        }
    }
}

/// A message of a room is stored. Whether others have ended for it.
pub(in crate::embedded) fn stored(
    state: &mut State,
    log: u64,
    (message, sender, number): (Message, u64, (u64, u64)),
    outcome: &mut Outcome,
) -> bool {
    outcome.notices.push(Notice::Stored { log: LogKey(log), message: message.clone() });
    // It is kept for long: not with all of the batch that it came in.
    let (seq, message) = (message.seq, message.detached());
    let entry = Entry { message, sender, number, told: 0, shares_batch: false };
    let State { rooms, limits, .. } = state;
    let ended = rooms.store(log, entry, limits);
    rooms.pass_own(log, sender, seq);
    ended
}

impl RoomNotice {
    /// As sessions are told.
    pub(in crate::embedded) fn notice(self, state: &State) -> Option<Notice> {
        Some(match self {
            Self::Changed(number, room) => {
                let members = state.rooms.get(number).map_or(0, |room| room.members);
                Notice::RoomChanged { room, log: LogKey(number), members }
            }
            Self::Joined(seat) => {
                let mailbox = LogKey(seat.identity);
                Notice::JoinedRoom { mailbox, place: state.rooms.place(seat)? }
            }
            Self::Left(identity, room) => Notice::LeftRoom { mailbox: LogKey(identity), room },
        })
    }
}

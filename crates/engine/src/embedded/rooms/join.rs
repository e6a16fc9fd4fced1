//! Becoming a durable member of a room, and being one no more. Neither is answered before it is stored.

use ackd_wire::{Room, Seq};

use super::member::seat;
use super::{Member, RoomLog, RoomNotice, Seat};
use crate::api::{Answer, IdentityKey, JoinRoom, Refusal};
use crate::disk::Disk;
use crate::embedded::Shared;
use crate::embedded::group::{Pending, Placed};
use crate::embedded::records::{LeftRecord, kind};
use crate::embedded::state::Removal;
use crate::embedded::submit::Step;

impl<D: Disk> Step<'_, D> {
    pub(in crate::embedded) fn join_room(&mut self, join: &JoinRoom<'_>) {
        match self.try_join(join) {
            Ok(seat) => self.shared.group.answer(self.tag, Pending::JoinedRoom(seat)),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn try_join(&mut self, join: &JoinRoom<'_>) -> Result<Seat, Refusal> {
        let identity = self.admit_identity(join.identity)?;
        let number = identity.number;
        let devices = (0..).zip(&identity.mailbox.readers).filter(|(_, reader)| !reader.gone);
        let devices: Vec<u16> = devices.map(|(index, _)| index).collect();
        if !self.admits(JOIN_BYTES) {
            return Err(self.no_room(JOIN_BYTES));
        }
        let rooms = &self.shared.state.rooms;
        let known = rooms.by_name(join.room.as_str()).map(|room| room.number);
        if let Some(room) = known.filter(|room| rooms.is_member(number, *room)) {
            return Ok(seat(number, room, join.device));
        }
        if usize::from(self.shared.state.limits.rooms) <= rooms.rooms_of(number).len() {
            return Err(Refusal::Forbidden("this identity is in too many durable rooms"));
        }
        self.store_identity(number);
        let room = match known {
            Some(room) => room,
            None => self.open_room(join.room),
        };
        let position = self.start(room, join.from);
        for device in devices {
            self.take_seat(seat(number, room, device), position);
        }
        let notices = &mut self.shared.group.rooms.notices;
        notices.push(RoomNotice::Changed(room, join.room.clone()));
        notices.push(RoomNotice::Joined(seat(number, room, join.device)));
        Ok(seat(number, room, join.device))
    }

    fn open_room(&mut self, name: &Room) -> u64 {
        let Shared { state, group, .. } = &mut *self.shared;
        let (number, epoch) = (state.next_number(), state.random_u64());
        let room = RoomLog::new(number, name.clone(), epoch);
        let record = room.record();
        group.record(kind::ROOM, Some(Placed::Room(number)), |into| record.encode(into));
        state.rooms.insert(room);
        number
    }

    /// Where a new member starts: what had ended before it came is not lost to it.
    fn start(&self, room: u64, from: Option<Seq>) -> Seq {
        let Some(room) = self.shared.state.rooms.get(room) else { return 0 };
        let end = room.next_seq - 1;
        from.map_or(end, |from| (from - 1).max(room.first - 1).min(end))
    }

    fn take_seat(&mut self, seat: Seat, position: Seq) {
        let Shared { state, group, .. } = &mut *self.shared;
        state.rooms.seat(seat, Member { position, seen: 0 });
        let Some(record) = state.rooms.member_record(seat) else { return };
        group.record(kind::MEMBER, Some(Placed::Seat(seat)), |into| record.encode(into));
    }

    /// A device that connects for the first time starts at the end of the rooms that its identity is a member of.
    pub(in crate::embedded) fn enter_rooms(&mut self, identity: u64, device: u16) {
        let Shared { state, group, .. } = &mut *self.shared;
        for room in state.rooms.rooms_of(identity) {
            let seat = seat(identity, room, device);
            let Some(end) = state.rooms.get(room).map(|room| room.next_seq - 1) else { continue };
            if state.rooms.member(seat).is_none() {
                state.rooms.seat(seat, Member { position: end, seen: 0 });
                group.rooms.seats.insert(seat);
            }
        }
    }

    pub(in crate::embedded) fn leave_room(&mut self, identity: IdentityKey, name: &Room) {
        let rooms = &self.shared.state.rooms;
        let known = rooms.by_name(name.as_str()).map(|room| room.number);
        let Some(room) = known.filter(|room| rooms.is_member(identity.0, *room)) else {
            return self.answer(Answer::LeftRoom);
        };
        if !self.admits(LEAVE_BYTES) {
            return self.refuse(self.no_room(LEAVE_BYTES));
        }
        let Shared { state, group, .. } = &mut *self.shared;
        let record = LeftRecord { identity: identity.0, room };
        group.record(kind::LEFT, None, |into| record.encode(into));
        for seat in state.rooms.unseat(identity.0, room) {
            group.rooms.seats.remove(&seat);
            state.removals.push(Removal::Seat(seat));
        }
        group.rooms.notices.push(RoomNotice::Left(identity.0, name.clone()));
        group.rooms.notices.push(RoomNotice::Changed(room, name.clone()));
        group.answer(self.tag, Pending::Ready(Answer::LeftRoom));
    }
}

/// An identity ends: it is a member of no room any more. Its end is what the journal says.
pub(in crate::embedded) fn end_memberships(shared: &mut Shared, identity: u64) {
    let Shared { state, group, .. } = shared;
    for room in state.rooms.rooms_of(identity) {
        let name = state.rooms.get(room).map(|room| room.name.clone());
        for seat in state.rooms.unseat(identity, room) {
            group.rooms.seats.remove(&seat);
            state.removals.push(Removal::Seat(seat));
        }
        group.rooms.notices.extend(name.map(|name| RoomNotice::Changed(room, name)));
    }
}

/// What the records of a join take: a room, and 16 devices.
const JOIN_BYTES: usize = 4 * 1024;
/// What that of leaving takes.
const LEAVE_BYTES: usize = 64;

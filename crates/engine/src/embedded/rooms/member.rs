//! Durable members of rooms: where each of their devices stands. One that is away takes an entry of a tree, about 60
//! bytes, and nothing else.

use ackd_wire::Seq;

use super::Rooms;
use crate::api::MemberKey;
use crate::embedded::ranges::Ranges;
use crate::embedded::records::MemberRecord;

/// One device of a durable member. Ordered so that all rooms of an identity lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::embedded) struct Seat {
    pub(in crate::embedded) identity: u64,
    pub(in crate::embedded) room: u64,
    pub(in crate::embedded) device: u16,
}

/// Where it stands. What it has settled beyond its position, if anything, is kept apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Member {
    /// All up to here is settled.
    pub(in crate::embedded) position: Seq,
    /// Up to here messages were delivered on a connection that has ended.
    pub(in crate::embedded) seen: Seq,
}

impl From<MemberKey> for Seat {
    fn from(key: MemberKey) -> Self {
        Self { identity: key.identity.0, room: key.room.0, device: key.device }
    }
}

impl Rooms {
    pub(in crate::embedded) fn member(&self, seat: Seat) -> Option<Member> {
        self.members.get(&seat).copied()
    }

    /// The seats of an identity, in all rooms.
    pub(in crate::embedded) fn seats(&self, identity: u64) -> impl Iterator<Item = Seat> {
        let (first, last) = (seat(identity, 0, 0), seat(identity, u64::MAX, u16::MAX));
        self.members.range(first..=last).map(|(seat, _)| *seat)
    }

    /// The rooms that an identity is a durable member of, ascending.
    pub(in crate::embedded) fn rooms_of(&self, identity: u64) -> Vec<u64> {
        let mut rooms: Vec<u64> = self.seats(identity).map(|seat| seat.room).collect();
        rooms.dedup();
        rooms
    }

    pub(in crate::embedded) fn is_member(&self, identity: u64, room: u64) -> bool {
        let (first, last) = (seat(identity, room, 0), seat(identity, room, u16::MAX));
        self.members.range(first..=last).next().is_some()
    }

    /// Puts a device where it stands; the first of an identity makes a member.
    pub(in crate::embedded) fn seat(&mut self, seat: Seat, member: Member) {
        let is_new = !self.is_member(seat.identity, seat.room);
        self.members.insert(seat, member);
        if let (true, Some(room)) = (is_new, self.logs.get_mut(&seat.room)) {
            room.members += 1;
        }
    }

    /// Ends a membership. The seats it had.
    pub(in crate::embedded) fn unseat(&mut self, identity: u64, room: u64) -> Vec<Seat> {
        let (first, last) = (seat(identity, room, 0), seat(identity, room, u16::MAX));
        let seats: Vec<Seat> = self.members.range(first..=last).map(|(seat, _)| *seat).collect();
        for seat in &seats {
            self.members.remove(seat);
            self.beyond.remove(seat);
        }
        if let (false, Some(room)) = (seats.is_empty(), self.logs.get_mut(&room)) {
            room.members -= 1;
            if room.members == 0 && room.is_empty() {
                self.idle.insert(room.number);
            }
        }
        seats
    }

    pub(in crate::embedded) fn has_settled(&self, seat: Seat, seq: Seq) -> bool {
        self.members.get(&seat).is_some_and(|member| seq <= member.position)
            || self.beyond.get(&seat).is_some_and(|beyond| beyond.contains(seq))
    }

    /// Settles for one device. Whether anything has changed.
    pub(in crate::embedded) fn settle(
        &mut self,
        seat: Seat,
        up_to: Option<Seq>,
        seqs: &[Seq],
    ) -> bool {
        let Some(member) = self.members.get_mut(&seat) else { return false };
        let Some(end) = self.logs.get(&seat.room).map(|room| room.end) else { return false };
        let before = *member;
        let mut beyond = self.beyond.remove(&seat).unwrap_or_default();
        let was = beyond.clone();
        member.position = member.position.max(up_to.unwrap_or(0));
        for &seq in seqs.iter().filter(|seq| **seq <= end) {
            beyond.insert(seq);
        }
        if let Some(reached) = beyond.end_of(member.position + 1) {
            member.position = reached;
        }
        beyond.remove_up_to(member.position);
        let changed = before != *member || was != beyond;
        self.keep_beyond(seat, beyond);
        changed
    }

    fn keep_beyond(&mut self, seat: Seat, beyond: Ranges) {
        if beyond.is_empty() {
            self.beyond.remove(&seat);
        } else {
            self.beyond.insert(seat, beyond);
        }
    }

    /// What may have been seen of what is not settled. Whether that is new.
    pub(in crate::embedded) fn see(&mut self, seat: Seat, up_to: Seq) -> bool {
        let Some(member) = self.members.get_mut(&seat) else { return false };
        let is_new = member.seen < up_to;
        member.seen = member.seen.max(up_to);
        is_new
    }

    pub(in crate::embedded) fn member_record(&self, seat: Seat) -> Option<MemberRecord> {
        let Member { position, seen } = self.member(seat)?;
        let beyond = self.beyond.get(&seat).cloned().unwrap_or_default();
        let Seat { identity, room, device } = seat;
        Some(MemberRecord { identity, room, device, position, beyond, seen })
    }

    /// The most that its record takes.
    pub(in crate::embedded) fn member_bytes(&self, seat: Seat) -> u64 {
        64 + 20 * self.beyond.get(&seat).map_or(0, |beyond| beyond.iter().len()) as u64
    }

    /// Takes over a record, which says all that it knew.
    pub(super) fn replay_member(&mut self, record: MemberRecord) {
        let MemberRecord { identity, room, device, position, beyond, seen } = record;
        let seat = seat(identity, room, device);
        self.members.insert(seat, Member { position, seen });
        self.keep_beyond(seat, beyond);
    }
}

pub(super) fn seat(identity: u64, room: u64, device: u16) -> Seat {
    Seat { identity, room, device }
}

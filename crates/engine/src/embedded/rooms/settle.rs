//! What a member of a room has processed, will never process, or may have seen. Only positions move: the messages stay for
//! the others.

use ackd_wire::{Millis, Seq};

use super::member::seat;
use super::{Rooms, Seat};
use crate::api::{Answer, LogKey, MemberKey, Notice, Refusal, SettleRoom};
use crate::disk::Disk;
use crate::embedded::group::Placed;
use crate::embedded::log::Entry;
use crate::embedded::records::{DeadRecord, EndedRecord, MessageRecord, kind};
use crate::embedded::state::{Dead, Removal};
use crate::embedded::submit::Step;
use crate::embedded::{Embedded, Shared, keys, recover};

impl<D: Disk> Step<'_, D> {
    pub(in crate::embedded) fn settle_room(&mut self, settle: SettleRoom) {
        let SettleRoom { member, up_to, seqs } = settle;
        let rooms = &self.shared.state.rooms;
        if rooms.member(member.into()).is_none() {
            return self.refuse(Refusal::NotAMember);
        }
        let end = rooms.get(member.room.0).map_or(0, |room| room.end);
        if up_to.is_some_and(|up_to| end < up_to) {
            return self.refuse(Refusal::BadAck);
        }
        self.settle_in_room(member, up_to, seqs);
        self.answer(Answer::Done);
    }

    /// The record trails: it is written with the next group.
    fn settle_in_room(&mut self, member: MemberKey, up_to: Option<Seq>, seqs: Vec<Seq>) {
        let Shared { state, group, .. } = &mut *self.shared;
        let seat = member.into();
        if !state.rooms.settle(seat, up_to, &seqs) {
            return;
        }
        state.rooms.advance_own(seat);
        group.rooms.seats.insert(seat);
        let identity = state.identities.get(&seat.identity);
        if identity.is_some_and(|identity| 1 < identity.connections) {
            let (by, mailbox) = (self.tag.session, LogKey(seat.identity));
            self.outcome.notices.push(Notice::RoomSettled { member, mailbox, by, up_to, seqs });
        }
    }

    pub(in crate::embedded) fn reject_room(&mut self, member: MemberKey, seqs: Vec<Seq>) {
        for &seq in &seqs {
            self.bury_room(member, seq);
        }
        self.settle_in_room(member, None, seqs);
    }

    /// Keeps a copy of what is rejected, one for all who do.
    fn bury_room(&mut self, member: MemberKey, seq: Seq) {
        let (now, log) = (self.now, member.room.0);
        let known = self.shared.state.dead.iter();
        if known.clone().any(|dead| dead.log == log && dead.entry.message.seq == seq) {
            return;
        }
        let Some(entry) = self.kept(log, seq) else { return };
        let writable = self.admits(entry.message.bytes() as usize + DEAD_BYTES);
        let Shared { state, group, .. } = &mut *self.shared;
        let dead = Dead { log, at: now, entry, segment: 0 };
        if writable {
            let record = DeadRecord { at: now, message: MessageRecord::of(log, &dead.entry) };
            group.record(kind::DEAD, Some(Placed::Dead(log, seq)), |into| record.encode(into));
        }
        state.bury(dead);
    }

    /// A message that is kept, from memory or from the archive. It is rejected seldom enough to be read there and then.
    fn kept(&self, log: u64, seq: Seq) -> Option<Entry> {
        let room = self.shared.state.rooms.get(log)?;
        if seq < room.first || room.archived_to() < seq {
            return room.get(seq).cloned();
        }
        let value =
            self.engine.archive.get(&keys::placed(keys::MESSAGE, log, seq)).ok().flatten()?;
        MessageRecord::decode(&value).ok().map(|record| recover::entry(&record))
    }

    pub(in crate::embedded) fn see_room(&mut self, member: MemberKey, up_to: Seq) {
        let Shared { state, group, .. } = &mut *self.shared;
        if state.rooms.see(member.into(), up_to) {
            group.rooms.seats.insert(member.into());
        }
    }
}

impl Rooms {
    /// Its sender has nothing to read of its own messages: where it has settled all before them, they are settled too.
    pub(super) fn pass_own(&mut self, log: u64, sender: u64, seq: Seq) {
        let (first, last) = (seat(sender, log, 0), seat(sender, log, u16::MAX));
        let seats: Vec<Seat> = self.members.range(first..=last).map(|(seat, _)| *seat).collect();
        for seat in seats {
            if let Some(member) = self.members.get_mut(&seat).filter(|m| m.position + 1 == seq) {
                member.position = seq;
                self.advance_own(seat);
            }
        }
    }

    /// The same for one device, as far as the messages are in memory.
    pub(super) fn advance_own(&mut self, seat: Seat) {
        let (Some(member), Some(room)) = (self.members.get_mut(&seat), self.logs.get(&seat.room))
        else {
            return;
        };
        let own = |seq| room.get(seq).is_some_and(|entry| entry.sender == seat.identity);
        while own(member.position + 1) {
            member.position += 1;
        }
        let position = member.position;
        if let Some(beyond) = self.beyond.get_mut(&seat) {
            beyond.remove_up_to(position);
            if beyond.is_empty() {
                self.beyond.remove(&seat);
            }
        }
    }
}

impl<D: Disk> Embedded<D> {
    /// Ends what is over in rooms, and rooms that nobody has anything of. Rooms looked at in one go are bounded: true if
    /// there may be more.
    pub(in crate::embedded) fn expire_rooms(&self, now: Millis) -> bool {
        let shared = &mut *self.shared.lock();
        for _ in 0..STEP {
            let Some((_, number)) = shared.state.rooms.next_due().filter(|(due, _)| *due <= now)
            else {
                break;
            };
            shared.state.rooms.change(number, |room| room.expire(now));
            shared.group.rooms.logs.insert(number);
        }
        for number in shared.state.rooms.useless(STEP) {
            if !self.admits(&mut shared.group, END_BYTES) {
                return false;
            }
            let Shared { state, group, .. } = shared;
            if state.rooms.remove_useless(number) {
                state.removals.push(Removal::Room(number));
                group.rooms.logs.remove(&number);
                let record = EndedRecord { number };
                group.record(kind::ENDED, None, |into| record.encode(into));
            }
        }
        let rooms = &shared.state.rooms;
        rooms.next_due().is_some_and(|(due, _)| due <= now) || !rooms.useless(1).is_empty()
    }
}

/// What a dead letter's record takes beside its text.
const DEAD_BYTES: usize = 256;
/// What the record of a room's end takes.
const END_BYTES: u64 = 64;
/// Rooms looked at in one step.
const STEP: usize = 100;

//! Durable rooms: their logs, and where each device of each durable member stands. A message is written once, whoever reads
//! it; it ends by its time or by the room's limits, never by acks.

mod append;
mod block;
mod file;
mod join;
mod log;
mod member;
mod page;
mod replay;
mod settle;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use ackd_wire::{Epoch, Millis, Room};
use rustc_hash::FxHashMap;

use super::log::{Entry, Moved};
use super::ranges::Ranges;
use crate::api::{Limits, LogKey, RoomPlace};

pub(super) use file::{put_moved, put_room, put_seat};
pub(super) use join::end_memberships;
pub(super) use log::RoomLog;
pub(super) use member::{Member, Seat};
pub(super) use page::{Asked, room_page};
pub(super) use write::{News, RoomNotice, stored};

/// All rooms that have a log.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    logs: FxHashMap<u64, Box<RoomLog>>,
    names: FxHashMap<Room, u64>,
    members: BTreeMap<Seat, Member>,
    /// What devices have settled beyond their positions.
    beyond: FxHashMap<Seat, Ranges>,
    /// Rooms, by when their oldest message is over.
    due: BTreeSet<(Millis, u64)>,
    /// Rooms of which ended messages are still in the archive.
    owing: BTreeSet<u64>,
    /// Rooms that may be good for nothing: no durable member, nothing kept.
    idle: BTreeSet<u64>,
    /// Messages in memory, and their bytes.
    in_memory: u64,
    in_memory_bytes: u64,
}

impl Rooms {
    pub(super) fn get(&self, number: u64) -> Option<&RoomLog> {
        self.logs.get(&number).map(|room| &**room)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&RoomLog> {
        self.get(*self.names.get(name)?)
    }

    pub(super) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.logs.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(super) fn seats_len(&self) -> usize {
        self.members.len()
    }

    /// Messages in memory, and their bytes.
    pub(super) fn in_memory(&self) -> (u64, u64) {
        (self.in_memory, self.in_memory_bytes)
    }

    pub(super) fn insert(&mut self, room: RoomLog) {
        self.names.insert(room.name.clone(), room.number);
        self.logs.insert(room.number, Box::new(room));
    }

    /// Changes a log; the sums over all logs, and when it is next looked at, follow.
    pub(super) fn change<T>(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut RoomLog) -> T,
    ) -> Option<T> {
        let room = self.logs.get_mut(&number)?;
        let before = (room.entries.len() as u64, room.entry_bytes);
        let result = change(room);
        self.in_memory = self.in_memory + room.entries.len() as u64 - before.0;
        self.in_memory_bytes = self.in_memory_bytes + room.entry_bytes - before.1;
        let due = room.front_expires();
        if due != room.due {
            self.due.remove(&(room.due, number));
            room.due = due;
            if due != Millis::MAX {
                self.due.insert((due, number));
            }
        }
        if room.garbage().is_some() {
            self.owing.insert(number);
        }
        if room.members == 0 && room.is_empty() {
            self.idle.insert(number);
        }
        Some(result)
    }

    /// A message is stored; the oldest end if there are too many now. Whether any has.
    pub(super) fn store(&mut self, number: u64, entry: Entry, limits: &Limits) -> bool {
        let (messages, bytes) = (u64::from(limits.room_messages), limits.room_bytes);
        let ended = self.change(number, |room| {
            room.insert(entry);
            room.trim(messages, bytes)
        });
        ended == Some(true)
    }

    /// Takes a room out, if nothing is kept there and nobody is a durable member.
    pub(super) fn remove_useless(&mut self, number: u64) -> bool {
        let useless = self.get(number).is_some_and(|room| room.members == 0 && room.is_empty());
        self.idle.remove(&number);
        if useless {
            self.take_out(number);
        }
        useless
    }

    /// Some of the rooms that may be good for nothing.
    fn useless(&self, some: usize) -> Vec<u64> {
        self.idle.iter().copied().take(some).collect()
    }

    fn take_out(&mut self, number: u64) {
        let Some(room) = self.logs.remove(&number) else { return };
        if self.names.get(room.name.as_str()) == Some(&number) {
            self.names.remove(room.name.as_str());
        }
        self.in_memory -= room.entries.len() as u64;
        self.in_memory_bytes -= room.entry_bytes;
        self.due.remove(&(room.due, number));
        self.owing.remove(&number);
        self.idle.remove(&number);
    }

    /// The room whose oldest message is over first, if it is.
    pub(super) fn next_due(&self) -> Option<(Millis, u64)> {
        self.due.first().copied()
    }

    pub(super) fn owes(&self) -> bool {
        !self.owing.is_empty()
    }

    /// These are in the archive from now on.
    pub(super) fn moved(&mut self, number: u64, moved: &[Moved]) {
        self.change(number, |room| room.moved(moved));
    }

    /// Where a device of a member stands.
    pub(super) fn place(&self, seat: Seat) -> Option<RoomPlace> {
        let (room, member) = (self.get(seat.room)?, self.member(seat)?);
        Some(RoomPlace {
            room: room.name.clone(),
            log: LogKey(seat.room),
            epoch: Epoch(room.epoch),
            acked: member.position,
            end: room.end,
            members: room.members,
        })
    }

    /// Says what is wrong with the books of the rooms.
    pub(super) fn audit(&self) -> Result<(), String> {
        let (mut in_memory, mut bytes) = (0, 0);
        for room in self.logs.values() {
            room.audit().map_err(|what| format!("{}: {what}", room.name))?;
            in_memory += room.entries.len() as u64;
            bytes += room.entry_bytes;
            let identities = self.members.keys().filter(|seat| seat.room == room.number);
            let mut identities: Vec<u64> = identities.map(|seat| seat.identity).collect();
            identities.dedup();
            if identities.len() as u64 != room.members {
                return Err(format!("{}: its members are counted wrongly", room.name));
            }
        }
        if (in_memory, bytes) != (self.in_memory, self.in_memory_bytes) {
            return Err("the sums of what rooms have in memory are wrong".into());
        }
        if self.members.keys().any(|seat| !self.logs.contains_key(&seat.room)) {
            return Err("somebody is a member of a room that is not there".into());
        }
        if self.beyond.keys().any(|seat| !self.members.contains_key(seat)) {
            return Err("something is settled for nobody".into());
        }
        Ok(())
    }

    /// What of a room is kept in the archive, and whether this message of it is.
    pub(super) fn archived(&self, number: u64) -> u64 {
        self.get(number).map_or(0, |room| room.blocks.iter().map(|block| block.messages).sum())
    }
}

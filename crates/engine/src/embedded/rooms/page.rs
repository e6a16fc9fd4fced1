//! Reading a room's log: the next messages that a member has neither settled nor sent itself, with what has ended between
//! them, or given ones again. What is in memory is answered at once.

use std::ops::ControlFlow;

use ackd_wire::v1::EndReason;
use ackd_wire::{Millis, Seq};

use super::{RoomLog, Rooms, Seat};
use crate::api::{Answer, Delivery, Lost, MemberKey, ReadRoom, Refusal, RoomPage};
use crate::archive::ArchiveError;
use crate::disk::Disk;
use crate::embedded::log::Entry;
use crate::embedded::page::{Asked as AskedPage, Page};
use crate::embedded::records::MessageRecord;
use crate::embedded::submit::Step;
use crate::embedded::{Embedded, keys, recover};

/// What is to be read of a room.
#[derive(Debug)]
pub(in crate::embedded) enum Asked {
    Next(ReadRoom),
    These(MemberKey, Vec<Seq>),
}

/// A page that is being filled.
struct Contents {
    page: RoomPage,
    places: usize,
    bytes: u64,
}

/// For whom a page is filled, and when.
struct For<'r> {
    rooms: &'r Rooms,
    room: &'r RoomLog,
    seat: Seat,
    now: Millis,
}

impl<D: Disk> Step<'_, D> {
    pub(in crate::embedded) fn read_room(&mut self, read: ReadRoom) {
        let (rooms, now) = (&self.shared.state.rooms, self.now);
        let seat = read.member.into();
        let Some(room) = rooms.get(read.member.room.0) else { return self.answer(gone()) };
        if !room.blocks.is_empty() && after(rooms, seat, &read) < room.archived_to() {
            return self.read_archived_room(Asked::Next(read), read.member);
        }
        let reader = For { rooms, room, seat, now };
        let mut contents = Contents::of(&read);
        contents.fill(&reader, after(rooms, seat, &read));
        self.answer(contents.answer(room.end));
    }

    pub(in crate::embedded) fn fetch_room(&mut self, member: MemberKey, seqs: Vec<Seq>) {
        let (rooms, now, seat) = (&self.shared.state.rooms, self.now, member.into());
        let Some(room) = rooms.get(member.room.0) else { return self.answer(gone()) };
        let archived = room.first..=room.archived_to();
        if seqs.iter().any(|seq| archived.contains(seq)) {
            return self.read_archived_room(Asked::These(member, seqs), member);
        }
        let reader = For { rooms, room, seat, now };
        let entries = seqs.iter().filter_map(|seq| room.get(*seq));
        let answer = reader.these(entries);
        self.answer(answer);
    }

    fn read_archived_room(&mut self, asked: Asked, member: MemberKey) {
        let rooms = &self.shared.state.rooms;
        let seat = member.into();
        let archived_to = rooms.get(member.room.0).map_or(0, RoomLog::archived_to);
        let position = rooms.member(seat).map_or(0, |member| member.position);
        let beyond = rooms.beyond.get(&seat).cloned().unwrap_or_default();
        let asked = AskedPage::Room(asked);
        let (tag, now) = (self.tag, self.now);
        self.pages.push(Page { tag, now, asked, archived_to, position, beyond });
    }
}

/// Reads what is in the archive, and what follows in memory.
pub(in crate::embedded) fn room_page<D: Disk + Clone>(
    engine: &Embedded<D>,
    page: &Page,
    asked: &Asked,
) -> Result<Answer, Refusal> {
    match asked {
        Asked::Next(read) => next(engine, page, (read, page.now)),
        Asked::These(member, seqs) => these(engine, (*member, seqs), page.now),
    }
}

fn next<D: Disk + Clone>(
    engine: &Embedded<D>,
    page: &Page,
    (read, now): (&ReadRoom, Millis),
) -> Result<Answer, Refusal> {
    let number = read.member.room.0;
    let after = read.after.max(page.position);
    let (found, cut) = find(engine, page, (read, now), after)?;
    let rooms = &engine.shared.lock().state.rooms;
    let Some(room) = rooms.get(number) else { return Ok(gone()) };
    let reader = For { rooms, room, seat: read.member.into(), now };
    let mut contents = Contents::of(read);
    let mut more = contents.ended(&reader, after);
    for entry in found.iter().filter(|entry| room.first <= entry.message.seq) {
        more = more && contents.offer(&reader, entry);
    }
    if more {
        match cut {
            Some(cut) => contents.page.read_to = cut,
            None if room.archived_to() != page.archived_to => {
                // What has been moved meanwhile is for the next page.
                contents.page.read_to = page.archived_to;
            }
            None => contents.in_memory(&reader, page.archived_to),
        }
    }
    Ok(contents.answer(room.end))
}

/// What is next in the archive, about as much as a page holds; up to where it was looked at, if not at all of it.
fn find<D: Disk + Clone>(
    engine: &Embedded<D>,
    page: &Page,
    (read, now): (&ReadRoom, Millis),
    after: Seq,
) -> Result<(Vec<Entry>, Option<Seq>), Refusal> {
    let number = read.member.room.0;
    let first = engine.shared.lock().state.rooms.get(number).map_or(1, |room| room.first);
    let from = keys::placed(keys::MESSAGE, number, first.max(after + 1));
    let to = keys::placed(keys::MESSAGE, number, page.archived_to + 1);
    let (mut found, mut looked, mut cut) = (Vec::new(), 0, None);
    let (mut places, mut bytes) = (read.messages.max(1), u64::from(read.bytes));
    let scanned = engine.archive.scan(&from, &to, &mut |_, value| {
        let Ok(record) = MessageRecord::decode(value) else { return ControlFlow::Continue(()) };
        looked += 1;
        let settled = record.seq <= page.position || page.beyond.contains(record.seq);
        if !settled && record.sender != read.member.identity.0 {
            if now < record.at.saturating_add(record.ttl_ms) {
                places -= 1;
                bytes = bytes.saturating_sub(record.text_bytes() as u64);
            }
            found.push(recover::entry(&record));
        }
        if places != 0 && bytes != 0 && looked < LOOKED {
            return ControlFlow::Continue(());
        }
        cut = Some(record.seq);
        ControlFlow::Break(())
    });
    scanned.map_err(|error| failed(engine, error))?;
    Ok((found, cut))
}

fn these<D: Disk + Clone>(
    engine: &Embedded<D>,
    (member, seqs): (MemberKey, &[Seq]),
    now: Millis,
) -> Result<Answer, Refusal> {
    let mut found = Vec::new();
    for &seq in seqs {
        let value = engine.archive.get(&keys::placed(keys::MESSAGE, member.room.0, seq));
        let Some(value) = value.map_err(|error| failed(engine, error))? else { continue };
        found.extend(MessageRecord::decode(&value).map(|record| recover::entry(&record)));
    }
    let rooms = &engine.shared.lock().state.rooms;
    let Some(room) = rooms.get(member.room.0) else { return Ok(gone()) };
    let in_memory = seqs.iter().filter_map(|seq| room.get(*seq));
    let mut entries: Vec<&Entry> = found.iter().chain(in_memory).collect();
    entries.sort_by_key(|entry| entry.message.seq);
    entries.dedup_by_key(|entry| entry.message.seq);
    let reader = For { rooms, room, seat: member.into(), now };
    Ok(reader.these(entries.into_iter()))
}

fn failed<D: Disk + Clone>(engine: &Embedded<D>, error: ArchiveError) -> Refusal {
    engine.archive_failed(error);
    Refusal::StoreUnavailable
}

/// A room that is not there any more has nothing further.
fn gone() -> Answer {
    let (messages, lost) = (Vec::new(), Vec::new());
    Answer::RoomPage(Box::new(RoomPage { messages, lost, read_to: Seq::MAX, end: 0 }))
}

/// Behind which message the reading begins.
fn after(rooms: &Rooms, seat: Seat, read: &ReadRoom) -> Seq {
    read.after.max(rooms.member(seat).map_or(0, |member| member.position))
}

impl For<'_> {
    /// Whether this message is for the reader at all.
    fn waits(&self, entry: &Entry) -> bool {
        entry.sender != self.seat.identity && !self.rooms.has_settled(self.seat, entry.message.seq)
    }

    fn delivery(&self, entry: &Entry) -> Delivery {
        let member = self.rooms.member(self.seat);
        let seen = member.map_or(0, |member| member.seen.max(self.room.restart));
        let attempts = u16::from(entry.message.seq <= seen);
        Delivery { message: entry.message.clone(), attempts }
    }

    /// These, as far as they wait.
    fn these<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> Answer {
        let kept = |entry: &&Entry| {
            self.room.first <= entry.message.seq && self.now < entry.message.expires
        };
        let entries = entries.filter(kept).filter(|entry| self.waits(entry));
        let messages = entries.map(|entry| self.delivery(entry)).collect();
        let end = self.room.end;
        Answer::RoomPage(Box::new(RoomPage { messages, lost: Vec::new(), read_to: end, end }))
    }
}

impl Contents {
    fn of(read: &ReadRoom) -> Self {
        let (messages, lost) = (Vec::new(), Vec::new());
        let page = RoomPage { messages, lost, read_to: read.after, end: 0 };
        let (places, bytes) = (usize::from(read.messages.max(1)), u64::from(read.bytes.max(1)));
        Self { page, places, bytes }
    }

    /// Everything behind `after`, all of which is in memory or has ended.
    fn fill(&mut self, reader: &For<'_>, after: Seq) {
        if self.ended(reader, after) {
            self.in_memory(reader, after);
        }
    }

    /// What has ended behind `after`. Whether there is room for more.
    fn ended(&mut self, reader: &For<'_>, after: Seq) -> bool {
        if reader.room.first <= after + 1 {
            return true;
        }
        for (from, to, expired) in reader.room.ended_within(after + 1, reader.room.first - 1) {
            let reason = if expired { EndReason::Expired } else { EndReason::Full };
            let mut from = from;
            let beyond = reader.rooms.beyond.get(&reader.seat);
            let settled: Vec<_> = beyond.into_iter().flat_map(|b| b.within(from, to)).collect();
            for (start, end) in settled {
                if from < start && !self.lose(Lost { from, to: start - 1, reason }) {
                    return false;
                }
                from = end + 1;
            }
            if from <= to && !self.lose(Lost { from, to, reason }) {
                return false;
            }
        }
        self.page.read_to = reader.room.first - 1;
        true
    }

    /// What is in memory behind `after`.
    fn in_memory(&mut self, reader: &For<'_>, after: Seq) {
        for entry in reader.room.after(after) {
            if !self.offer(reader, entry) {
                return;
            }
        }
        self.page.read_to = reader.room.end;
    }

    /// The next message. Whether there is room for more.
    fn offer(&mut self, reader: &For<'_>, entry: &Entry) -> bool {
        if !reader.waits(entry) {
            return true;
        }
        let (seq, bytes) = (entry.message.seq, entry.message.bytes());
        if entry.message.expires <= reader.now {
            return self.lose(Lost { from: seq, to: seq, reason: EndReason::Expired });
        }
        self.page.messages.push(reader.delivery(entry));
        self.places -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.page.read_to = seq;
        self.places != 0 && self.bytes != 0
    }

    fn lose(&mut self, lost: Lost) -> bool {
        let last_message = self.page.messages.last().map_or(0, |delivery| delivery.message.seq);
        self.page.read_to = lost.to;
        match self.page.lost.last_mut() {
            Some(last)
                if last.to + 1 == lost.from
                    && last.reason == lost.reason
                    && last_message < last.from =>
            {
                last.to = lost.to;
            }
            _ => {
                self.page.lost.push(lost);
                self.places -= 1;
            }
        }
        self.places != 0
    }

    fn answer(mut self, end: Seq) -> Answer {
        self.page.end = end;
        Answer::RoomPage(Box::new(self.page))
    }
}

/// Messages of the archive that are looked at for one page.
const LOOKED: usize = 16 * 1024;

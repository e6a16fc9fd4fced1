//! Reading the journal back into memory. Records may repeat what others say and may come before what they refer to (a
//! message before the copy of its identity's record): what is settled or ended never returns.

use ackd_wire::{ClientId, MessageId, Millis, Name, Seq};
use bytes::Bytes;

use super::append::message;
use super::log::Entry;
use super::outbox::Outbox;
use super::records::{
    ArchivedRecord, CounterRecord, Damaged, DeadRecord, EndedRecord, HeaderRecord, IdentityRecord,
    LostRecord, MessageRecord, OutboxRecord, PositionRecord, RoomRecord, SeenRecord, kind,
    two_parts,
};
use super::state::{Dead, Identity, Removal, State};
use super::{Recovered, keys};
use crate::api::ReceiptBody;
use crate::disk::Disk;
use crate::journal::{Journal, Serial};

/// The state while it is being read back: the archive first, then the journal onto it.
pub(super) struct Replay<'s> {
    state: &'s mut State,
    now: Millis,
    /// Messages (log and `seq`) whose senders were told that they wait, and the receipts' places.
    told: Vec<(u64, Seq, Seq)>,
}

impl<'s> Replay<'s> {
    pub(super) fn new(state: &'s mut State, now: Millis) -> Self {
        Self { state, now, told: Vec::new() }
    }

    /// Takes over one record.
    pub(super) fn record(
        &mut self,
        serial: Serial,
        kind: u8,
        record: &[u8],
    ) -> Result<(), Damaged> {
        match kind {
            kind::IDENTITY => self.identity(serial, IdentityRecord::decode(record)?),
            kind::HEADER => {
                let header = HeaderRecord::decode(record)?;
                self.known(header.number).mailbox.replay_header(header, serial);
            }
            kind::MESSAGE => self.message(serial, &MessageRecord::decode(record)?),
            kind::POSITION => {
                let record = PositionRecord::decode(record)?;
                self.known(record.number).mailbox.replay_reader(&record, serial);
            }
            kind::OUTBOX => {
                let record = OutboxRecord::decode(record)?;
                let outbox = self.outbox(record.number);
                outbox.merge(&record);
                outbox.segment = serial;
            }
            kind::SEEN => self.seen(serial, record)?,
            kind::ENDED => self.ended(EndedRecord::decode(record)?.number),
            kind::LOST => {
                let LostRecord { number, reason, which } = LostRecord::decode(record)?;
                self.known(number).mailbox.replay_lost(reason, &which);
            }
            kind::DEAD => self.dead(serial, &DeadRecord::decode(record)?),
            kind::COUNTER => self.counters(serial, record)?,
            kind::ROOM | kind::MEMBER | kind::LEFT => self.of_room(kind, record)?,
            _ => return Err("a record is of a kind of a later version"),
        }
        Ok(())
    }

    pub(super) fn counters(&mut self, serial: Serial, record: &[u8]) -> Result<(), Damaged> {
        let CounterRecord { next_number, room_number } = CounterRecord::decode(record)?;
        let counters = &mut self.state.counters;
        counters.next_number = counters.next_number.max(next_number);
        counters.room_number = counters.room_number.max(room_number);
        self.state.counter_segment = serial;
        Ok(())
    }

    /// An identity, and when it was last here, as the archive has them.
    pub(super) fn archived_identity(&mut self, value: &[u8]) -> Result<(), Damaged> {
        let [identity, seen] = two_parts(value)?;
        let record = IdentityRecord::decode(identity)?;
        let number = record.number;
        self.identity(0, record);
        self.seen(0, seen)?;
        self.known(number).archived = true;
        Ok(())
    }

    /// A log's header, and what of it is archived.
    pub(super) fn archived_log(&mut self, number: u64, value: &[u8]) -> Result<(), Damaged> {
        let [header, archived] = two_parts(value)?;
        let identity = self.known(number);
        identity.archived = true;
        identity.mailbox.replay_header(HeaderRecord::decode(header)?, 0);
        identity.mailbox.restore(&ArchivedRecord::decode(archived)?);
        Ok(())
    }

    pub(super) fn archived_outbox(&mut self, value: &[u8]) -> Result<(), Damaged> {
        let record = OutboxRecord::decode(value)?;
        let outbox = self.outbox(record.number);
        outbox.merge(&record);
        outbox.archived = true;
        Ok(())
    }

    pub(super) fn archived_dead(&mut self, value: &[u8]) -> Result<(), Damaged> {
        self.dead(0, &DeadRecord::decode(value)?);
        Ok(())
    }

    /// Something of a room, as the archive has it.
    pub(super) fn archived_of_room(&mut self, key: &[u8], value: &[u8]) -> Result<(), Damaged> {
        let number = keys::number_of(key).ok_or("a key is too short")?;
        let rooms = &mut self.state.rooms;
        match key.first() {
            Some(&keys::ROOM) => {
                let number = rooms.archived_room(value)?;
                self.count(number);
                Ok(())
            }
            Some(&keys::BLOCK) => {
                let start = keys::seq_of(key).ok_or("a key is too short")?;
                rooms.archived_block(number, start, value)
            }
            _ => rooms.archived_member(value),
        }
    }

    /// A record of a room or a member.
    fn of_room(&mut self, kind: u8, record: &[u8]) -> Result<(), Damaged> {
        let State { rooms, removals, .. } = &mut *self.state;
        match kind {
            kind::ROOM => {
                let record = RoomRecord::decode(record)?;
                let number = record.number;
                rooms.replay_room(&record);
                self.count(number);
                Ok(())
            }
            kind::MEMBER => rooms.replay_seat(record),
            _ => rooms.replay_left(record, |seat| removals.push(Removal::Seat(seat))),
        }
    }

    /// An identity has ended, or a room.
    fn ended(&mut self, number: u64) {
        let State { rooms, removals, .. } = &mut *self.state;
        if rooms.replay_room_end(number) {
            return removals.push(Removal::Room(number));
        }
        rooms.replay_end(number, |seat| removals.push(Removal::Seat(seat)));
        drop(self.state.take_out(number));
    }

    fn seen(&mut self, serial: Serial, record: &[u8]) -> Result<(), Damaged> {
        let SeenRecord { number, online, at } = SeenRecord::decode(record)?;
        let identity = self.known(number);
        (identity.last_seen, identity.connections) = (at, u32::from(online));
        identity.seen_segment = serial;
        Ok(())
    }

    /// The identity of this number; one that is not known yet is filled in when its record comes.
    fn known(&mut self, number: u64) -> &mut Identity {
        self.count(number);
        let now = self.now;
        let nameless = || {
            let id = ClientId::issued(u128::from(number).to_be_bytes());
            Box::new(Identity::new(number, id, 0, now))
        };
        self.state.identities.entry(number).or_insert_with(nameless)
    }

    fn outbox(&mut self, number: u64) -> &mut Outbox {
        self.count(number);
        let new = || Outbox::new(number, 0, Name::default(), 0);
        self.state.outboxes.entry(number).or_insert_with(new)
    }

    /// No number is given twice.
    fn count(&mut self, number: u64) {
        let counters = &mut self.state.counters;
        counters.next_number = counters.next_number.max(number.saturating_add(1));
    }

    fn identity(&mut self, serial: Serial, record: IdentityRecord) {
        let IdentityRecord { number, id, claimed, ended, secret, next_secret, created, .. } =
            record;
        if ended {
            let State { rooms, removals, .. } = &mut *self.state;
            rooms.replay_end(number, |seat| removals.push(Removal::Seat(seat)));
        }
        self.state.names.insert(id.clone(), number);
        let identity = self.known(number);
        identity.outboxes_from = record.outboxes_from;
        (identity.id, identity.claimed, identity.ended) = (id, claimed, ended);
        (identity.secret, identity.next_secret) = (secret, next_secret);
        (identity.created, identity.stored, identity.segment) = (created, true, serial);
    }

    fn message(&mut self, serial: Serial, record: &MessageRecord<'_>) {
        if record.outbox != 0 {
            let outbox = self.outbox(record.outbox);
            outbox.accept(record.n, record.log);
            outbox.last_used = outbox.last_used.max(record.at);
        }
        let entry = entry(record);
        if entry.message.is_receipt() {
            let body = ReceiptBody::decode(entry.message.body());
            let archived = body.filter(|body| !body.state.is_final());
            self.told.extend(archived.map(|body| (body.log, body.seq, record.seq)));
        }
        if !self.state.rooms.replay_message(record.log, entry.clone()) {
            self.known(record.log).mailbox.replay(entry, serial);
        }
    }

    fn dead(&mut self, serial: Serial, record: &DeadRecord<'_>) {
        let (log, seq) = (record.message.log, record.message.seq);
        let mut dead = self.state.dead.iter_mut();
        let known = dead.find(|dead| dead.log == log && dead.entry.message.seq == seq);
        if let Some(known) = known {
            known.segment = serial;
            return;
        }
        let entry = entry(&record.message);
        self.state.bury(Dead { log, at: record.at, entry, segment: serial });
    }

    /// Numbers whose messages were lost with a part of the journal count as settled: no position would come past them.
    pub(super) fn close_holes(&mut self) {
        for identity in self.state.identities.values_mut() {
            identity.mailbox.close_holes();
        }
        let rooms = &mut self.state.rooms;
        for number in rooms.numbers() {
            rooms.change(number, super::rooms::RoomLog::close_holes);
        }
    }

    /// Everything is read: what is left without a name is gone, and everybody is away.
    pub(super) fn finish(mut self) {
        let State { identities, removals, .. } = &mut *self.state;
        identities.retain(|number, identity| {
            if !identity.stored && identity.archived {
                removals.push(Removal::Identity(*number));
            }
            identity.stored
        });
        self.finish_outboxes();
        for (log, seq, receipt) in std::mem::take(&mut self.told) {
            if let Some(identity) = self.state.identities.get_mut(&log) {
                identity.mailbox.told(seq, receipt);
            }
        }
        let State { identities, names, ends, sweeps, owing, limits, .. } = &mut *self.state;
        names.retain(|_, number| identities.contains_key(number));
        let mut sums = Sums::default();
        for (number, identity) in identities {
            if std::mem::take(&mut identity.connections) != 0 {
                identity.last_seen = self.now;
            }
            let log = &mut identity.mailbox;
            log.readers.iter_mut().for_each(|reader| reader.restart = log.end);
            log.all_away(self.now, identity.last_seen);
            log.forget_lost();
            log.owe_all();
            log.sweep_at = log.earliest;
            if log.sweep_at != Millis::MAX {
                sweeps.insert((log.sweep_at, *number));
            }
            sums.add(identity);
            if identity.mailbox.owes() {
                owing.insert(*number);
            }
            if !identity.ended {
                ends.insert((identity.end(limits), *number));
            }
        }
        sums.keep(self.state);
        let State { identities, rooms, limits, removals, .. } = &mut *self.state;
        let is_there = |number: u64| identities.get(&number).is_some_and(|i| !i.ended);
        let gone = rooms.finish(limits, is_there);
        removals.extend(gone.into_iter().map(Removal::Seat));
        self.state.dead.make_contiguous().sort_by_key(|dead| dead.at);
    }

    /// Each identity gets its outboxes. One that was forgotten while the server ran, and whose name was used again since,
    /// is not the newest of that name.
    fn finish_outboxes(&mut self) {
        let State { identities, outboxes, .. } = &mut *self.state;
        let mut numbers: Vec<u64> = outboxes.keys().copied().collect();
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        let mut useless = Vec::new();
        for number in numbers {
            let Some(outbox) = outboxes.get(&number) else { continue };
            let identity = identities.get_mut(&outbox.identity).filter(|identity| {
                let mut newer = identity.outboxes.iter().filter_map(|key| outboxes.get(key));
                outbox.stored
                    && identity.outboxes_from <= number
                    && !newer.any(|newer| newer.name == outbox.name)
            });
            match identity {
                Some(identity) => identity.outboxes.push(number),
                None => useless.push(number),
            }
        }
        for number in useless {
            self.state.remove_outbox(number);
        }
    }
}

/// What waits, summed over all logs.
#[derive(Default)]
struct Sums {
    waiting: (u64, u64),
    in_memory: (u64, u64),
    unclaimed_bytes: u64,
}

impl Sums {
    fn add(&mut self, identity: &Identity) {
        let log = &identity.mailbox;
        self.waiting.0 += log.waiting();
        self.waiting.1 += log.waiting_bytes();
        self.in_memory.0 += log.in_memory().0;
        self.in_memory.1 += log.in_memory().1;
        self.unclaimed_bytes += identity.unclaimed_bytes();
    }

    fn keep(self, state: &mut State) {
        (state.waiting, state.waiting_bytes) = self.waiting;
        (state.in_memory, state.in_memory_bytes) = self.in_memory;
        state.unclaimed_bytes = self.unclaimed_bytes;
    }
}

/// A message as its record says, with bytes of its own.
pub(super) fn entry(record: &MessageRecord<'_>) -> Entry {
    let text = Bytes::copy_from_slice(record.text[0]);
    let message = message(record).with_text(record.lengths, text);
    debug_assert_ne!(message.id, MessageId([0; 16]), "every stored message has an ID");
    let (sender, number, told) = (record.sender, (record.outbox, record.n), record.told);
    Entry { message, sender, number, told, shares_batch: false }
}

/// Messages that wait, and their bytes.
pub(super) fn waiting(state: &State) -> (u64, u64) {
    (state.waiting, state.waiting_bytes)
}

pub(super) fn summary<D: Disk>(state: &State, journal: &Journal<D>) -> Recovered {
    let (messages, bytes) = waiting(state);
    let (segments, clean) = (journal.segments(), journal.was_closed());
    Recovered { identities: state.identities.len(), messages, bytes, segments, clean }
}

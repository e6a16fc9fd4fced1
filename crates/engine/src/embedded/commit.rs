//! Group commit: one write and one sync for all that has gathered, then everyone is answered. One thread at a time has
//! the baton (`committing`) until its answers are delivered, so outcomes leave in the order of commits.

use super::group::{Appended, Group, Pending, Placed};
use super::log::Entry;
use super::records::kind;
use super::rooms::{Seat, stored};
use super::{Durability, Embedded, Mode, Shared};
use crate::api::{Answer, Commit, Connected, LogKey, Notice, Outcome, Refusal};
use crate::disk::Disk;
use crate::journal::{JournalError, Serial, Written};
use ackd_wire::Millis;

impl<D: Disk + Clone> Embedded<D> {
    /// Commits what has gathered, then reads what is wanted of the archive. For [`Mode::Manual`].
    pub fn commit(&self) {
        self.commit_with(true);
        self.read_waiting();
    }

    /// Writes what trails (acks, departures), syncs it, and ends identities whose time is over. For [`Mode::Manual`],
    /// and for the threads.
    pub fn tick(&self, now: Millis) {
        self.tend(now);
        self.keep_house(now);
        if self.settings.mode == Mode::Manual {
            self.read_waiting();
        }
    }

    /// What upkeep does beside making spares.
    pub(super) fn tend(&self, now: Millis) {
        self.shared.lock().state.tell_time(now);
        while self.expire(now) || self.expire_rooms(now) {
            self.commit_with(true);
        }
        self.commit_all();
        self.look_for_space();
    }

    /// When [`Embedded::tick`] has something to do beside what trails.
    pub fn next_end(&self) -> Option<Millis> {
        super::expire::next(&self.shared.lock())
    }

    /// Stores everything and marks the journal as closed. Nothing may be submitted after it.
    pub fn close(&self) {
        self.commit_with(true);
        let _closed = self.take_baton();
        let mut journal = self.journal.lock();
        let mut batch = crate::journal::Batch::new();
        let closed = journal.append(&mut batch, true).and_then(|_| journal.sync());
        if let Err(error) = closed {
            tracing::error!(%error, "the store could not be closed; it will recover at the next start");
        }
    }

    /// Commits until all receipts that are owed are written, as far as there is space.
    pub(super) fn commit_all(&self) {
        let mut before = None;
        loop {
            self.commit_with(true);
            let (taken, until) = self.shared.lock().state.receipts.progress();
            if taken == until || before == Some(taken) {
                return;
            }
            before = Some(taken);
        }
    }

    /// One commit as soon as no other runs.
    pub(super) fn commit_with(&self, sync: bool) {
        let shared = self.take_baton();
        self.commit_taken(shared, sync);
        self.give_baton();
    }

    /// Waits for the baton and takes it.
    fn take_baton(&self) -> parking_lot::MutexGuard<'_, Shared> {
        let mut shared = self.shared.lock();
        while shared.committing {
            self.changed.wait(&mut shared);
        }
        shared.committing = true;
        shared
    }

    /// The thread that submitted commits, once.
    pub(super) fn lead(&self) {
        self.commit_taken(self.shared.lock(), true);
        self.give_baton();
    }

    /// Gives the baton back, or, if somebody waits for what has gathered meanwhile, to the committer. Whoever submitted
    /// that saw a commit running and left it to this one.
    pub(super) fn give_baton(&self) {
        let mut shared = self.shared.lock();
        while self.settings.mode == Mode::Inline && shared.group.sync {
            if shared.committer {
                shared.handed_over = true;
                drop(shared);
                self.changed.notify_all();
                return;
            }
            self.commit_taken(shared, true);
            shared = self.shared.lock();
        }
        shared.committing = false;
        drop(shared);
        self.changed.notify_all();
    }

    /// Writes, syncs, completes, answers: with the baton held.
    pub(super) fn commit_taken(&self, mut shared: parking_lot::MutexGuard<'_, Shared>, sync: bool) {
        let mut outcome = Outcome::default();
        let reported = self.write_receipts(&mut shared, &mut outcome);
        shared.group.sync |= reported;
        self.write_positions(&mut shared);
        self.write_rooms(&mut shared);
        if shared.group.poisoned && shared.group.is_empty() {
            return;
        }
        let mut group = shared.group.take();
        // Receipts that did not fit are for the next group; where none did, for later.
        shared.group.sync = reported && shared.state.receipts.is_due();
        let (wrote, before) = (!group.batch.is_empty(), group.capacity.remaining);
        drop(shared);
        let written = self.write_observed(&mut group, sync);
        let mut shared = self.shared.lock();
        match written {
            Ok(written) => {
                let serial = written.map_or(0, |written| written.serial);
                if let Some(written) = written {
                    shared.completed_batch = written.batch;
                }
                let archived = complete(&mut shared, group, serial, &mut outcome);
                self.note_archived(archived);
                if wrote {
                    let segment_begun = before < shared.group.capacity.remaining;
                    self.look_after(&mut shared, segment_begun);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the journal cannot be written: no more is stored until a restart");
                fail(&mut shared, group, &mut outcome);
            }
        }
        drop(shared);
        if !outcome.answers.is_empty() || !outcome.notices.is_empty() {
            self.sink.deliver(&mut outcome);
        }
    }

    fn write_observed(
        &self,
        group: &mut Group,
        sync: bool,
    ) -> Result<Option<Written>, JournalError> {
        let Some(observer) = self.observer.as_ref().filter(|_| !group.batch.is_empty()) else {
            return self.write(group, sync);
        };
        let (answers, bytes) = (group.answers.len(), group.batch.sealed_bytes());
        let since = observer.now_us();
        let written = self.write(group, sync)?;
        let took_us = observer.now_us().saturating_sub(since);
        observer.committed(Commit { took_us, answers, bytes });
        Ok(written)
    }

    fn write(&self, group: &mut Group, sync: bool) -> Result<Option<Written>, JournalError> {
        let mut journal = self.journal.lock();
        let mut written = None;
        if !group.batch.is_empty() {
            written = Some(journal.append(&mut group.batch, false)?);
        }
        if (sync || group.sync)
            && self.settings.durability == Durability::Fsync
            && journal.is_unsynced()
        {
            journal.sync()?;
        }
        Ok(written)
    }

    /// One position record for each reader that has settled something, as far as they fit.
    fn write_positions(&self, shared: &mut Shared) {
        let Shared { state, group, .. } = shared;
        let dirty = std::mem::take(&mut group.dirty);
        for (number, index) in dirty {
            let Some(identity) = state.identities.get_mut(&number) else { continue };
            let (stored, mailbox) = (identity.stored, &mut identity.mailbox);
            let Some(reader) = mailbox.readers.get_mut(usize::from(index)) else { continue };
            if stored && !self.admits(group, reader.record_bytes()) {
                group.dirty.push((number, index));
                continue;
            }
            if !std::mem::take(&mut reader.dirty) {
                continue; // written with the receipts
            }
            if !stored {
                continue; // the header that makes it known says all
            }
            let Some(record) = mailbox.position(number, index) else { continue };
            let placed = Some(Placed::Position(number, index));
            group.record(kind::POSITION, placed, |into| record.encode(into));
        }
    }
}

/// The group is durable: its messages become visible, its answers true. How many of the messages wait: nobody is there
/// for them.
fn complete(shared: &mut Shared, group: Group, serial: Serial, outcome: &mut Outcome) -> u64 {
    let mut archived = 0;
    let Shared { state, group: forming, .. } = shared;
    forming.stored = group.number;
    let Group { batch, answers, appended, placed, rooms, .. } = group;
    let bytes = batch.freeze();
    outcome.answers.reserve(answers.len());
    outcome.notices.reserve(appended.len());
    for Appended { log, message, lengths, text, sender, number, told } in appended {
        if state.rooms.get(log).is_some() {
            let message = message.with_text(lengths, bytes.slice(text));
            if stored(state, log, (message, sender, number), outcome) {
                forming.rooms.logs.insert(log);
            }
            continue;
        }
        let Some(identity) = state.identities.get_mut(&log) else { continue };
        let mut message = message.with_text(lengths, bytes.slice(text));
        let shares_batch = identity.connections != 0;
        if shares_batch {
            let log = LogKey(log);
            outcome.notices.push(Notice::Stored { log, message: message.clone() });
        } else {
            message = message.detached();
            archived += u64::from(!message.is_receipt());
        }
        let expires = message.expires;
        let entry = Entry { message, sender, number, told, shares_batch };
        let untold = !shares_batch && entry.message.receipt && told == 0;
        let (seq, left) = (entry.message.seq, identity.last_seen);
        state.change_log(log, |log| log.insert(entry, serial));
        state.expect_end(log, expires);
        if untold {
            // Its recipient has left while it was on its way.
            state.owe_archived(log, Some(&[seq]), left);
            forming.sync = true;
        }
    }
    for record in placed {
        record.note(state, serial);
    }
    for (tag, pending) in answers {
        let answer = match pending {
            Pending::Ready(answer) => answer,
            Pending::Accepted { id, dup, recipient } => Answer::Accepted { id, dup, recipient },
            Pending::Connected(connected) => connected_now(state, connected),
            Pending::JoinedRoom(seat) => match state.rooms.place(seat) {
                Some(place) => Answer::JoinedRoom(Box::new(place)),
                None => Answer::Refused(Refusal::NotAMember),
            },
        };
        outcome.answers.push((tag, answer));
    }
    outcome.notices.extend(rooms.notices.into_iter().filter_map(|notice| notice.notice(state)));
    archived
}

/// Fills in where the mailbox stands at this moment.
fn connected_now(state: &mut super::state::State, mut connected: Box<Connected>) -> Answer {
    let reader = connected.reader;
    if let Some(log) = state.log(reader.log) {
        connected.end = log.end;
        connected.acked = log.readers.get(usize::from(reader.index)).map_or(0, |r| r.position);
        connected.pending = log.pending(reader.index);
    }
    let device = |seat: &Seat| seat.device == reader.index;
    let seats = state.rooms.seats(reader.log.0).filter(device);
    connected.rooms = seats.filter_map(|seat| state.rooms.place(seat)).collect();
    Answer::Connected(connected)
}

/// Nothing of the group may be believed.
fn fail(shared: &mut Shared, group: Group, outcome: &mut Outcome) {
    shared.group.poisoned = true;
    let forming = std::mem::take(&mut shared.group.answers);
    for (tag, _) in group.answers.into_iter().chain(forming) {
        outcome.answers.push((tag, Answer::Refused(Refusal::StoreUnavailable)));
    }
}

//! Messages whose time is over, and others that end unread: taken out of their logs, and remembered until their readers
//! have been told.

use std::ops::ControlFlow;

use ackd_wire::v1::EndReason;
use ackd_wire::{Millis, Seq};

use super::archive::Halt;
use super::group::Placed;
use super::ranges::Ranges;
use super::records::{LostRecord, MessageRecord, kind};
use super::{Embedded, Shared, keys};
use crate::api::{LogKey, Notice, Outcome, ReaderKey, SessionKey};
use crate::disk::Disk;

impl<D: Disk> Embedded<D> {
    /// Ends messages of a log, where the journal has room to say so. Those that still waited are gone at once, their places
    /// in windows are free, and readers find `lost` where they stood. False: there is no room, and nothing has changed.
    pub(super) fn lose(
        &self,
        shared: &mut Shared,
        (number, seqs, reason): (u64, &[Seq], EndReason),
        outcome: &mut Outcome,
    ) -> bool {
        if seqs.is_empty() {
            return true;
        }
        if !self.admits(&mut shared.group, LOST_BYTES + RANGE_BYTES * seqs.len() as u64) {
            return false;
        }
        let Shared { state, group, .. } = shared;
        state.owe_lost(number, seqs, reason);
        group.sync |= state.receipts.is_due();
        let lost = state.change_log(number, |log| log.lose(seqs, reason)).unwrap_or_default();
        if lost.is_empty() {
            return true;
        }
        let mut which = Ranges::default();
        let Some(identity) = state.identities.get(&number) else { return true };
        for &seq in lost.iter().filter(|seq| !identity.mailbox.is_held_back(**seq)) {
            which.insert(seq); // the others are written with their receipts
        }
        if !which.is_empty() {
            let record = LostRecord { number, reason, which };
            group.record(kind::LOST, None, |into| record.encode(into));
        }
        if identity.connections != 0 {
            for index in 0..identity.mailbox.readers.len() as u16 {
                let reader = ReaderKey { log: LogKey(number), index };
                let (by, up_to, seqs) = (SessionKey::NOBODY, None, lost.clone());
                outcome.notices.push(Notice::Settled { reader, by, up_to, seqs });
            }
        }
        true
    }
}

impl<D: Disk + Clone> Embedded<D> {
    /// Ends what has expired in the logs that are due; a bounded number of them.
    pub(super) fn sweep(&self, now: Millis) -> Result<(), Halt> {
        for _ in 0..LOGS {
            let due = self.shared.lock().state.sweeps.first().filter(|(at, _)| *at <= now).copied();
            let Some((_, number)) = due else { return Ok(()) };
            let mut outcome = Outcome::default();
            let swept = self.sweep_log(number, now, &mut outcome);
            if !outcome.notices.is_empty() {
                self.sink.deliver(&mut outcome);
            }
            swept?;
        }
        self.shared.lock().house_due = true;
        Ok(())
    }

    fn sweep_log(&self, number: u64, now: Millis, outcome: &mut Outcome) -> Result<(), Halt> {
        // Nothing moves to the archive or out of it meanwhile.
        let _one_at_a_time = self.archiver.lock();
        let (mut earliest, mut ended) = (Millis::MAX, true);
        let (mut from, to) = {
            let shared = self.shared.lock();
            let identity = shared.state.identities.get(&number);
            let archived = identity.and_then(|identity| identity.mailbox.archived());
            archived.map_or((1, 0), |archived| (archived.low + 1, archived.to))
        };
        let is_archived = from <= to;
        while from <= to {
            let (expired, behind) =
                self.expired_in_archive(number, (from, to), now, &mut earliest)?;
            ended &= self.lose_all(number, &expired, outcome);
            from = behind;
        }
        let expired = {
            let shared = self.shared.lock();
            let identity = shared.state.identities.get(&number);
            identity.map(|identity| identity.mailbox.expired(0, now)).unwrap_or_default()
        };
        ended &= self.lose_all(number, &expired, outcome);
        self.forget_devices(number, now);
        let state = &mut self.shared.lock().state;
        let Some(log) = state.log(LogKey(number)) else { return Ok(()) };
        log.earliest = earliest.min(log.earliest_in_memory());
        let again = if ended { log.earliest } else { now };
        let soonest = now.saturating_add(if is_archived || !ended { PAUSE_MS } else { 1 });
        state.sweep_at(number, if again == Millis::MAX { again } else { again.max(soonest) });
        Ok(())
    }

    /// What waits only for devices that are forgotten leaves, once the journal has said so.
    fn forget_devices(&self, number: u64, now: Millis) {
        let Shared { state, group, .. } = &mut *self.shared.lock();
        let since = now.saturating_sub(state.limits.identity_ttl_ms);
        let Some(identity) = state.identities.get(&number).filter(|identity| identity.stored)
        else {
            return;
        };
        if !self.admits(group, identity.mailbox.header_bytes()) {
            return;
        }
        if state.change_log(number, |log| log.forget_devices(since)) != Some(true) {
            return;
        }
        if let Some(identity) = state.identities.get(&number) {
            let header = identity.mailbox.header(number);
            group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
        }
    }

    fn lose_all(&self, number: u64, seqs: &[Seq], outcome: &mut Outcome) -> bool {
        seqs.chunks(AT_ONCE).all(|seqs| {
            let shared = &mut *self.shared.lock();
            self.lose(shared, (number, seqs, EndReason::Expired), outcome)
        })
    }

    /// What of a part of a log in the archive has expired, and where the next part begins.
    fn expired_in_archive(
        &self,
        log: u64,
        (from, to): (Seq, Seq),
        now: Millis,
        earliest: &mut Millis,
    ) -> Result<(Vec<Seq>, Seq), Halt> {
        let (mut expired, mut looked_at, mut behind) = (Vec::new(), 0, to + 1);
        let start = keys::placed(keys::MESSAGE, log, from);
        let end = keys::placed(keys::MESSAGE, log, to + 1);
        let scanned = self.archive.scan(&start, &end, &mut |_, value| {
            let Ok(record) = MessageRecord::decode(value) else { return ControlFlow::Continue(()) };
            let expires = record.at.saturating_add(record.ttl_ms);
            if expires <= now {
                expired.push(record.seq);
            } else {
                *earliest = expires.min(*earliest);
            }
            looked_at += 1;
            if looked_at < PART {
                return ControlFlow::Continue(());
            }
            behind = record.seq + 1;
            ControlFlow::Break(())
        });
        scanned.map_err(|error| self.archive_failed(error))?;
        Ok((expired, behind))
    }
}

/// What a record of messages that ended takes beside their numbers …
const LOST_BYTES: u64 = 64;
/// … and for each range of them, at most.
const RANGE_BYTES: u64 = 20;
/// Messages ended with one record.
pub(super) const AT_ONCE: usize = 1024;
/// Messages of one log looked at in the archive in one go.
const PART: usize = 16 * 1024;
/// Logs looked at in one go.
const LOGS: usize = 1024;
/// A log with messages in the archive is not looked through again sooner than this. Who reads it misses nothing: what has
/// expired is found then.
const PAUSE_MS: Millis = 60_000;

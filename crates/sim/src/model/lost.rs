//! What a device is told to have lost: where it may lose anything, in the order in which the messages stood.

use std::collections::BTreeSet;

use ackd_wire::Seq;
use ackd_wire::v1::{EndReason, LostFrame};

use super::{Letter, Model};
use crate::violation::Promise;

impl Model {
    /// One more letter for this one: for a device that lags twice the limit is kept. Of bytes the engine knows only about.
    pub(super) fn note_lag(&mut self, person: usize) {
        let devices = &self.people[person].mailbox.devices;
        if devices.len() < 2 {
            return;
        }
        let waits = |letter: &&Letter| {
            let settled = letter.place.is_some_and(|seq| {
                devices.values().all(|device| device.settled.has(seq) || device.start.is_none())
            });
            letter.to == person && 0 < letter.heard && !settled
        };
        let (mut all, mut bytes) = (0, 0);
        for letter in self.letters.values().filter(waits) {
            (all, bytes) = (all + 1, bytes + letter.body.len() as u64);
        }
        let near = 2 * self.limits.messages - 20 <= all || self.limits.bytes <= bytes;
        self.people[person].mailbox.overflowed |= near;
    }

    pub(super) fn said_lost(&mut self, connection: u64, frame: &LostFrame<'_>) {
        self.figures.lost += 1;
        let (from, to) = (frame.from, frame.to);
        let Some(talk) = self.talks.get_mut(&connection).filter(|talk| talk.entered) else {
            return self.broken(Promise::Answers, format!("#{connection} {frame:?} was not sent"));
        };
        let mailbox = &mut self.people[talk.person].mailbox;
        // Nothing ends for its age here, so only a device that lags behind another loses anything.
        let overflowed = mailbox.overflowed;
        let reason =
            frame.reason == EndReason::Dead || overflowed && frame.reason == EndReason::Full;
        let lags = reason && 1 < mailbox.devices.len();
        let right = lags && from <= to && frame.count == to - from + 1 && frame.count < LOST_MAX;
        let last = talk.delivered.last().copied().unwrap_or(talk.start);
        let in_order = last < to;
        let Some(device) = mailbox.devices.get_mut(&talk.device) else { return };
        if right {
            device.lost.extend(from..=to);
            (from..=to).for_each(|seq| device.perhaps.add(seq));
        }
        talk.lost.insert(to);
        let (in_flight, window) = (talk.in_flight.len() + talk.lost.len(), talk.window);
        if !right {
            self.broken(Promise::Answers, format!("#{connection} {frame:?} cannot be"));
        } else if !in_order {
            self.broken(Promise::Order, format!("#{connection} {frame:?}: {last} came before it"));
        } else if !overflowed && window < in_flight {
            let what = format!("#{connection} {in_flight} in flight, the window is {window}");
            self.broken(Promise::Window, what);
        }
    }

    /// How many messages this one's devices were told to have lost that none has ever seen: which they were is not known.
    pub(crate) fn lost_unseen(&self, person: usize) -> usize {
        let mailbox = &self.people[person].mailbox;
        let lost: BTreeSet<Seq> =
            mailbox.devices.values().flat_map(|device| device.lost.iter().copied()).collect();
        lost.iter().filter(|seq| !mailbox.places.contains_key(seq)).count()
    }
}

/// No mailbox of a run holds so many.
const LOST_MAX: u64 = 10_000;

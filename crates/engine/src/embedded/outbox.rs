//! An outbox: which of its numbers were accepted, so that a repeat is known, and which must be repeated first.

use std::collections::VecDeque;

use ackd_wire::{Millis, Name};

use super::ranges::Ranges;
use super::records::OutboxRecord;
use crate::api::{Refusal, SessionKey};

/// One outbox of one identity.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) number: u64,
    pub(super) identity: u64,
    pub(super) name: Name,
    /// The connection that holds it.
    pub(super) holder: Option<SessionKey>,
    /// Accepted numbers, ascending, the last [`REMEMBERED`] of them.
    accepted: VecDeque<Run>,
    /// How many they are.
    remembered: u64,
    /// The highest number that was accepted and is not listed any more.
    forgotten: u64,
    /// Numbers whose last answer on the holder's connection was a passing refusal.
    passing: Ranges,
    /// The group that holds the last accepted number: a repeat is answered when that is stored.
    pub(super) group: u64,
    /// Whether the journal knows it.
    pub(super) stored: bool,
    /// Whether the archive does.
    pub(super) archived: bool,
    pub(super) last_used: Millis,
    /// The segment that holds its newest record.
    pub(super) segment: u64,
}

/// Numbers in a row that one log (or scope) took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) count: u64,
    /// The log's number, or a hash for what is not stored.
    pub(super) scope: u64,
}

/// What an outbox says of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was accepted before.
    Repeat,
    /// It is not known: decide it.
    New,
    /// It is refused.
    Refused(Refusal),
}

impl Outbox {
    pub(super) fn new(number: u64, identity: u64, name: Name, now: Millis) -> Self {
        Self {
            number,
            identity,
            name,
            holder: None,
            accepted: VecDeque::new(),
            remembered: 0,
            forgotten: 0,
            passing: Ranges::default(),
            group: 0,
            stored: false,
            archived: false,
            last_used: now,
            segment: 0,
        }
    }

    /// The highest number accepted; 0: none known.
    pub(super) fn highest(&self) -> u64 {
        self.accepted.back().map_or(self.forgotten, Run::last)
    }

    /// Whether nothing would be lost by forgetting it: nobody holds it, and it took nothing yet or is out of use for
    /// `dedup_window_ms`.
    pub(super) fn is_forgettable(&self, now: Millis, dedup_window_ms: Millis) -> bool {
        let unused = !self.stored && self.highest() == 0;
        self.holder.is_none() && (unused || self.last_used.saturating_add(dedup_window_ms) <= now)
    }

    /// The most that its record takes.
    pub(super) fn record_bytes(&self) -> u64 {
        192 + 30 * self.accepted.len() as u64
    }

    /// Another connection holds it from now on.
    pub(super) fn take(&mut self, session: SessionKey, now: Millis) {
        self.last_used = self.last_used.max(now);
        self.holder = Some(session);
        self.passing.clear();
    }

    /// A connection ends; if it still held the outbox, nobody does.
    pub(super) fn release(&mut self, session: SessionKey) {
        if self.holder == Some(session) {
            self.holder = None;
            self.passing.clear();
        }
    }

    /// What is known of number `n` on its way to `scope`, in the order that the contract sets: holder, repeat, too old,
    /// gap, refused before.
    pub(super) fn look_up(&mut self, session: SessionKey, n: u64, scope: Option<u64>) -> Verdict {
        if self.holder != Some(session) {
            return Verdict::Refused(Refusal::OutboxTaken);
        }
        if self.has(n) {
            self.passing.remove(n);
            return Verdict::Repeat;
        }
        if n <= self.forgotten {
            return Verdict::Refused(Refusal::OutcomeUnknown);
        }
        if let Some(expected) = self.passing.first().filter(|first| *first < n) {
            self.hold_up(n);
            return Verdict::Refused(Refusal::Gap { expected });
        }
        let higher = self.accepted.iter().rev().take_while(|run| n < run.last());
        if higher.into_iter().any(|run| Some(run.scope) == scope) {
            self.passing.remove(n);
            return Verdict::Refused(Refusal::Refused);
        }
        Verdict::New
    }

    /// The number is refused: a passing refusal has to be repeated before any higher number.
    pub(super) fn refuse(&mut self, n: u64, refusal: Refusal) {
        if refusal.is_passing() { self.hold_up(n) } else { self.passing.remove(n) }
    }

    /// Higher numbers wait until this one is repeated. No client runs further past its oldest unanswered number, so
    /// what is beyond need not be remembered.
    fn hold_up(&mut self, n: u64) {
        self.passing.insert(n);
        if let Some(first) = self.passing.first() {
            self.passing.remove_from(first.saturating_add(REMEMBERED));
        }
    }

    /// The number is accepted by this scope.
    pub(super) fn accept(&mut self, n: u64, scope: u64) {
        if n <= self.forgotten || self.has(n) {
            return;
        }
        self.passing.remove(n);
        self.remembered += 1;
        match self.accepted.back_mut() {
            Some(run) if run.scope == scope && run.last() + 1 == n => run.count += 1,
            _ => {
                let place = self.accepted.partition_point(|run| run.first < n);
                self.accepted.insert(place, Run { first: n, count: 1, scope });
            }
        }
        self.trim();
    }

    fn has(&self, n: u64) -> bool {
        let place = self.accepted.partition_point(|run| run.last() < n);
        self.accepted.get(place).is_some_and(|run| run.first <= n)
    }

    fn trim(&mut self) {
        while REMEMBERED < self.remembered {
            let Some(run) = self.accepted.front_mut() else { return };
            self.forgotten = self.forgotten.max(run.first);
            run.first += 1;
            run.count -= 1;
            self.remembered -= 1;
            if run.count == 0 {
                self.accepted.pop_front();
            }
        }
    }

    pub(super) fn record(&self) -> OutboxRecord {
        OutboxRecord {
            number: self.number,
            identity: self.identity,
            name: self.name.clone(),
            forgotten: self.forgotten,
            runs: self.accepted.iter().copied().collect(),
            last_used: self.last_used,
        }
    }

    /// Adds what a record knows to what is known already.
    pub(super) fn merge(&mut self, record: &OutboxRecord) {
        self.identity = record.identity;
        self.name = record.name.clone();
        self.last_used = self.last_used.max(record.last_used);
        self.forgotten = self.forgotten.max(record.forgotten);
        for run in &record.runs {
            // A damaged count must not keep the server busy: no more are remembered than these.
            let end = run.first.saturating_add(run.count.min(REMEMBERED));
            (run.first..end).for_each(|n| self.accept(n, run.scope));
        }
        self.stored = true;
    }
}

impl Run {
    fn last(&self) -> u64 {
        self.first + self.count - 1
    }
}

/// Accepted numbers that are remembered: a client never runs further past its oldest unanswered one.
const REMEMBERED: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const ME: SessionKey = SessionKey(1);

    fn outbox() -> Outbox {
        let mut outbox = Outbox::new(1, 1, Name::default(), 0);
        outbox.take(ME, 0);
        outbox
    }

    #[test]
    fn a_repeat_is_known_and_a_new_number_is_new() {
        let mut outbox = outbox();
        for n in [1, 2, 3, 7, 5] {
            assert_eq!(outbox.look_up(ME, n, Some(n)), Verdict::New);
            outbox.accept(n, n);
        }
        assert_eq!(outbox.highest(), 7);
        for (n, verdict) in [(2, Verdict::Repeat), (5, Verdict::Repeat), (6, Verdict::New)] {
            assert_eq!(outbox.look_up(ME, n, Some(99)), verdict);
        }
    }

    #[test]
    fn what_a_log_passed_over_was_refused_there_and_only_there() {
        let mut outbox = outbox();
        outbox.accept(5, 10);
        assert_eq!(outbox.look_up(ME, 4, Some(10)), Verdict::Refused(Refusal::Refused));
        assert_eq!(outbox.look_up(ME, 4, Some(11)), Verdict::New);
        assert_eq!(outbox.look_up(ME, 4, None), Verdict::New);
    }

    #[test]
    fn a_passing_refusal_holds_up_higher_numbers() {
        let mut outbox = outbox();
        outbox.refuse(3, Refusal::StoreUnavailable);
        let gap = Verdict::Refused(Refusal::Gap { expected: 3 });
        assert_eq!(outbox.look_up(ME, 4, None), gap);
        assert_eq!(outbox.look_up(ME, 5, None), gap);
        assert_eq!(outbox.look_up(ME, 2, None), Verdict::New);
        assert_eq!(outbox.look_up(ME, 3, None), Verdict::New);
        outbox.accept(3, 1);
        assert_eq!(outbox.look_up(ME, 5, None), Verdict::Refused(Refusal::Gap { expected: 4 }));
        outbox.refuse(4, Refusal::UnknownRecipient);
        assert_eq!(outbox.look_up(ME, 5, None), Verdict::New, "a final answer fills the gap");
    }

    #[test]
    fn what_is_held_up_is_remembered_no_further_than_a_client_may_run() {
        let mut outbox = outbox();
        (0..5000).for_each(|n| outbox.refuse(9_000 - 2 * n.min(4_000), Refusal::StoreUnavailable));
        for n in (10..100_000).step_by(2) {
            assert!(matches!(outbox.look_up(ME, 2_000 + n, None), Verdict::Refused(_)));
        }
        assert!(outbox.passing.iter().len() <= 1024);
        assert_eq!(outbox.passing.first(), Some(1_000));
    }

    #[test]
    fn an_outbox_is_forgotten_when_unused_but_never_while_held() {
        let mut outbox = outbox();
        assert!(!outbox.is_forgettable(1_000, 10), "it is held");
        outbox.release(ME);
        assert!(outbox.is_forgettable(0, 10), "it took nothing");
        outbox.accept(1, 1);
        assert!(!outbox.is_forgettable(9, 10));
        assert!(outbox.is_forgettable(10, 10));
    }

    #[test]
    fn a_takeover_forgets_gaps_and_shuts_the_older_connection_out() {
        let mut outbox = outbox();
        outbox.refuse(3, Refusal::StoreUnavailable);
        outbox.take(SessionKey(2), 0);
        assert_eq!(outbox.look_up(ME, 3, None), Verdict::Refused(Refusal::OutboxTaken));
        assert_eq!(outbox.look_up(SessionKey(2), 4, None), Verdict::New);
        outbox.release(ME);
        assert_eq!(outbox.look_up(SessionKey(2), 4, None), Verdict::New);
    }

    #[test]
    fn only_the_last_numbers_are_remembered() {
        let mut outbox = outbox();
        (1..=2000).for_each(|n| outbox.accept(n, 1));
        assert_eq!(outbox.look_up(ME, 976, Some(1)), Verdict::Refused(Refusal::OutcomeUnknown));
        assert_eq!(outbox.look_up(ME, 977, Some(1)), Verdict::Repeat);
        let mut copy = Outbox::new(1, 1, Name::default(), 0);
        copy.merge(&outbox.record());
        assert_eq!((copy.record().runs, copy.forgotten), (outbox.record().runs, 976));
    }
}

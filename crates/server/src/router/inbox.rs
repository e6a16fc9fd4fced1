//! What waits for one session. Bounded: mail that does not fit collapses into "the mailbox has grown to N", since the
//! mailbox is the buffer; answers are bounded by the requests that may be open.

use std::collections::VecDeque;
use std::task::Waker;

use ackd_engine::{Answer, LogKey, Message};
use ackd_wire::{MessageId, Room, Seq};
use parking_lot::Mutex;

use crate::session::Signal;

/// The queue from the router to one session, and whom to wake for it.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    signals: VecDeque<Signal>,
    /// News in `signals` (everything but answers): `news + taken <= NEWS_MAX`.
    news: usize,
    /// News that the owner took last and may put back.
    taken: usize,
    /// Mail came that was not queued: the mailbox's end then.
    grown: Option<Seq>,
    /// The same of rooms that the session is in: from behind the first `seq` to the second.
    grown_rooms: Vec<(LogKey, Room, Seq, Seq)>,
    /// The session's owner wants to look, whatever is here.
    woken: bool,
    /// The client owes the server a read of what it was sent.
    choked: bool,
    waker: Option<Waker>,
}

impl Inbox {
    /// Whom to wake when something comes. True if something is here already.
    pub fn register(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        match &mut state.waker {
            Some(known) if known.will_wake(waker) => {}
            known => *known = Some(waker.clone()),
        }
        state.is_ready()
    }

    /// Takes everything that is here, in order. What the owner cannot use now it puts back before it drains again.
    pub fn drain(&self, into: &mut Vec<Signal>) {
        let mut state = self.state.lock();
        into.extend(state.signals.drain(..));
        if let Some(seq) = state.grown.take() {
            into.push(Signal::Grown(seq));
        }
        let rooms = std::mem::take(&mut state.grown_rooms);
        into.extend(
            rooms.into_iter().map(|(log, room, from, to)| Signal::RoomGrown(log, room, from, to)),
        );
        if SPARE < state.signals.capacity() {
            state.signals.shrink_to(SPARE);
        }
        (state.news, state.taken, state.woken) = (0, state.news, false);
    }

    /// Puts back what was drained last and is not used yet, in front of what has come since.
    pub fn put_back(&self, signals: impl DoubleEndedIterator<Item = Signal>) {
        let mut state = self.state.lock();
        for signal in signals.rev() {
            state.news += usize::from(is_news(&signal));
            state.signals.push_front(signal);
        }
        state.taken = 0;
    }

    /// Takes out the live messages that wait for an ack: the session has left and will not see them.
    pub(super) fn take_live(&self) -> Vec<MessageId> {
        let mut live = Vec::new();
        let mut state = self.state.lock();
        state.signals.retain(|signal| match signal {
            Signal::Live { message, ack: true } => {
                live.push(message.id);
                false
            }
            _ => true,
        });
        state.news -= live.len();
        live
    }

    /// Whether nothing is here.
    pub fn is_empty(&self) -> bool {
        !self.state.lock().is_ready()
    }

    /// Wakes the owner although nothing has come: a deadline is over.
    pub fn wake(&self) {
        let waker = {
            let mut state = self.state.lock();
            state.woken = true;
            state.waker.clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Says whether the client has more unread bytes than it should: it then gets no signals (`persist: never`).
    pub fn set_choked(&self, choked: bool) {
        self.state.lock().choked = choked;
    }

    /// Queues a signal; the waker to wake once the whole batch is queued, if this was the first thing here.
    pub(super) fn push(&self, signal: Signal) -> Option<Waker> {
        let mut state = self.state.lock();
        let was_ready = state.is_ready();
        state.queue(signal);
        if was_ready { None } else { state.waker.clone() }
    }

    /// Queues a live message unless there is no room for it; then nothing has happened: `Err`.
    pub(super) fn push_live(&self, signal: Signal, ack: bool) -> Result<Option<Waker>, ()> {
        let mut state = self.state.lock();
        if state.is_full() || (state.choked && !ack) {
            return Err(());
        }
        let was_ready = state.is_ready();
        state.queue(signal);
        Ok(if was_ready { None } else { state.waker.clone() })
    }
}

impl State {
    fn is_ready(&self) -> bool {
        self.woken
            || self.grown.is_some()
            || !self.grown_rooms.is_empty()
            || !self.signals.is_empty()
    }

    fn is_full(&self) -> bool {
        NEWS_MAX <= self.news + self.taken
    }

    fn has_grown(&self, log: LogKey) -> bool {
        self.grown_rooms.iter().any(|(grown, ..)| *grown == log)
    }

    /// A message of a room is not queued: it is read later.
    fn grow(&mut self, log: LogKey, message: &Message) {
        if let Some((.., to)) = self.grown_rooms.iter_mut().find(|(grown, ..)| *grown == log) {
            *to = message.seq.max(*to);
        } else if let Ok(Ok(room)) = std::str::from_utf8(message.room()).map(Room::parse) {
            self.grown_rooms.push((log, room, message.seq - 1, message.seq));
        }
    }

    fn forget_membership(&mut self, room: &Room) {
        self.signals.retain(|signal| match signal {
            Signal::JoinedRoom(place) => place.room != *room,
            Signal::LeftRoom(left) => left != room,
            _ => true,
        });
    }

    fn queue(&mut self, signal: Signal) {
        if self.signals.len() == self.signals.capacity() {
            // Little for whoever is mostly idle; then a batch's worth at once.
            self.signals.reserve(if self.signals.capacity() < SPARE { SPARE } else { STEP });
        }
        match signal {
            Signal::Answer(_, Answer::Connected(_)) => {
                // News of the mailbox that the session leaves mean nothing in the one it enters.
                self.grown = None;
                self.grown_rooms.clear();
                self.signals.push_back(signal);
            }
            Signal::Stored(message) if self.grown.is_some() || self.is_full() => {
                self.grown = self.grown.max(Some(message.seq));
            }
            Signal::RoomStored(log, message) if self.is_full() || self.has_grown(log) => {
                self.grow(log, &message);
            }
            Signal::RoomGrown(log, room, from, to) => self.grown_rooms.push((log, room, from, to)),
            // Only the newest of each room counts.
            Signal::JoinedRoom(ref place) => {
                self.forget_membership(&place.room.clone());
                self.signals.push_back(signal);
            }
            Signal::LeftRoom(ref room) => {
                self.forget_membership(&room.clone());
                self.signals.push_back(signal);
            }
            Signal::Grown(seq) => self.grown = self.grown.max(Some(seq)),
            signal if !is_news(&signal) => self.signals.push_back(signal),
            // A lost "settled elsewhere" costs one redelivery that finds the message gone; a lost arrival in a
            // room is not missed.
            _ if self.is_full() => {}
            _ => {
                self.news += 1;
                self.signals.push_back(signal);
            }
        }
    }
}

/// Whether so many may come that they must be counted: all but answers, and what comes once until the session has asked.
fn is_news(signal: &Signal) -> bool {
    !matches!(
        signal,
        Signal::Answer(..)
            | Signal::Members(..)
            | Signal::Watching(..)
            | Signal::PresenceChanged
            | Signal::Presence(_)
            | Signal::PresenceMissed
            | Signal::Grown(_)
            | Signal::RoomGrown(..)
            | Signal::JoinedRoom(_)
            | Signal::LeftRoom(_)
            | Signal::Ended
            | Signal::Drain { .. }
    )
}

/// News that wait for a session at most: as many as its window can ever take at once.
const NEWS_MAX: usize = 1024;
/// Places an empty inbox keeps.
const SPARE: usize = 4;
/// Places by which an inbox grows, at least.
const STEP: usize = 60;

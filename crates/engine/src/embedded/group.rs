//! The group that is forming: records in a batch, and what is to be done and answered once they are stored. Admission
//! is strict: what is let in surely fits on the disk, so nothing ever has to be taken back.

use std::ops::Range;

use ackd_wire::MessageId;

use super::rooms::{News, Seat};
use super::state::State;
use crate::api::{Answer, Connected, Lengths, Message, Recipient, Tag};
use crate::journal::{Batch, Capacity, RECORD_OVERHEAD};

/// The forming group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its number: grows with each group.
    pub(super) number: u64,
    pub(super) batch: Batch,
    /// In order, for when the group is stored.
    pub(super) answers: Vec<(Tag, Pending)>,
    pub(super) appended: Vec<Appended>,
    /// Whose newest record is in it.
    pub(super) placed: Vec<Placed>,
    /// Readers that have settled more than their records say.
    pub(super) dirty: Vec<(u64, u16)>,
    pub(super) rooms: News,
    /// Whether somebody waits for it to be durable.
    pub(super) sync: bool,
    /// What the journal can take behind the groups taken so far.
    pub(super) capacity: Capacity,
    /// The last spare could not be made: the disk is full.
    pub(super) disk_full: bool,
    /// A write or a sync has failed.
    pub(super) poisoned: bool,
    /// Number of the last group that is stored.
    pub(super) stored: u64,
}

/// An answer that waits for its group.
#[derive(Debug)]
pub(super) enum Pending {
    /// As it is.
    Ready(Answer),
    /// The mailbox's end is known when the group is stored.
    Connected(Box<Connected>),
    /// A message.
    Accepted { id: MessageId, dup: bool, recipient: Recipient },
    /// Where the device stands is known when the group is stored.
    JoinedRoom(Seat),
}

/// A message in the group's batch.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) log: u64,
    pub(super) message: Message,
    pub(super) lengths: Lengths,
    /// Where its text lies in the batch.
    pub(super) text: Range<usize>,
    pub(super) sender: u64,
    pub(super) number: (u64, u64),
    /// Place of the receipt that says at once that it waits; 0: none.
    pub(super) told: u64,
}

/// Whose record the batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Placed {
    Identity(u64),
    Seen(u64),
    Header(u64),
    Position(u64, u16),
    Outbox(u64),
    Dead(u64, u64),
    Counter,
    Room(u64),
    Seat(Seat),
    /// All devices of an identity in a room.
    Seats(u64, u64),
}

impl Group {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            number: 1,
            batch: Batch::new(),
            answers: Vec::new(),
            appended: Vec::new(),
            placed: Vec::new(),
            dirty: Vec::new(),
            rooms: News::default(),
            sync: false,
            capacity,
            disk_full: false,
            poisoned: false,
            stored: 0,
        }
    }

    /// Whether there is anything to write or to answer.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.answers.is_empty()
    }

    /// Whether there is anything that nobody waits for.
    pub(super) fn trails(&self) -> bool {
        !self.batch.is_empty() || !self.dirty.is_empty() || self.rooms.trails()
    }

    /// Bytes that the batch would take with so many more.
    fn bytes_with(&self, more: u64) -> u64 {
        self.batch.sealed_bytes() + more + MARGIN_BYTES
    }

    /// Whether `more` bytes of records fit in the current segment, or surely in a next one (`spares` are ready).
    pub(super) fn fits(&self, more: u64, spares: usize) -> bool {
        let bytes = self.bytes_with(more);
        !self.poisoned
            && bytes <= self.capacity.segment / 2
            && (bytes <= self.capacity.remaining || 0 < spares)
    }

    /// Whether `more` bytes of records would fit once this group is taken.
    pub(super) fn is_crowded(&self, more: u64) -> bool {
        !self.poisoned && self.capacity.segment / 2 < self.bytes_with(more)
    }

    /// Whether they would fit once this group is taken, and do not now.
    pub(super) fn crowds_out(&self, more: u64) -> bool {
        !self.batch.is_empty() && self.is_crowded(more)
    }

    /// Whether only a spare is missing.
    pub(super) fn needs_spare(&self, more: u64) -> bool {
        let bytes = self.bytes_with(more);
        !self.poisoned && bytes <= self.capacity.segment / 2 && self.capacity.remaining < bytes
    }

    /// Writes a record that somebody waits for, or not (`sync`).
    pub(super) fn record(
        &mut self,
        kind: u8,
        placed: Option<Placed>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Range<usize> {
        self.placed.extend(placed);
        self.batch.record(kind, write)
    }

    /// An answer that leaves when the group is stored.
    pub(super) fn answer(&mut self, tag: Tag, pending: Pending) {
        self.sync = true;
        if tag.slot != Tag::QUIET {
            self.answers.push((tag, pending));
        }
    }

    /// Takes the group; the next one forms behind it.
    pub(super) fn take(&mut self) -> Self {
        let next = Self {
            number: self.number + 1,
            capacity: self.capacity_after(),
            disk_full: self.disk_full,
            poisoned: self.poisoned,
            stored: self.stored,
            // What did not fit waits for the next group.
            dirty: std::mem::take(&mut self.dirty),
            rooms: self.rooms.take_rest(),
            // Under load the next group is about as large as this one.
            answers: Vec::with_capacity(self.answers.len().min(PRESIZED_MAX)),
            appended: Vec::with_capacity(self.appended.len().min(PRESIZED_MAX)),
            placed: Vec::with_capacity(self.placed.len().min(PRESIZED_MAX)),
            ..Self::new(self.capacity)
        };
        std::mem::replace(self, next)
    }

    /// The same rule as the journal's: what does not fit goes to the next segment.
    fn capacity_after(&self) -> Capacity {
        if self.batch.is_empty() {
            return self.capacity;
        }
        let bytes = self.batch.sealed_bytes();
        let Capacity { remaining, segment } = self.capacity;
        let remaining = if bytes <= remaining { remaining - bytes } else { segment - bytes };
        Capacity { remaining, segment }
    }
}

impl Placed {
    /// Remembers the segment that holds the newest record.
    pub(super) fn note(self, state: &mut State, serial: u64) {
        match self {
            Self::Counter => state.counter_segment = serial,
            // What a segment has of them is filed before it goes, the newest or not.
            Self::Room(_) | Self::Seat(_) | Self::Seats(..) => {}
            Self::Outbox(number) => {
                if let Some(outbox) = state.outboxes.get_mut(&number) {
                    outbox.segment = serial;
                }
            }
            Self::Dead(log, seq) => {
                let mut dead = state.dead.iter_mut();
                let letter = dead.find(|dead| dead.log == log && dead.entry.message.seq == seq);
                if let Some(dead) = letter {
                    dead.segment = serial;
                }
            }
            Self::Identity(number)
            | Self::Seen(number)
            | Self::Header(number)
            | Self::Position(number, _) => {
                if let Some(identity) = state.identities.get_mut(&number) {
                    self.note_identity(identity, serial);
                }
            }
        }
    }

    fn note_identity(self, identity: &mut super::state::Identity, serial: u64) {
        match self {
            Self::Identity(_) => identity.segment = serial,
            Self::Seen(_) => identity.seen_segment = serial,
            Self::Header(_) => {
                identity.mailbox.segment = serial;
                identity.mailbox.readers.iter_mut().for_each(|reader| reader.segment = serial);
            }
            Self::Position(_, index) => {
                if let Some(reader) = identity.mailbox.readers.get_mut(usize::from(index)) {
                    reader.segment = serial;
                }
            }
            _ => {}
        }
    }
}

/// Places made ahead in a new group, at most.
const PRESIZED_MAX: usize = 1024;
/// Room kept for what a commit adds by itself: a checkpoint, a close mark.
const MARGIN_BYTES: u64 = 64 + RECORD_OVERHEAD as u64;

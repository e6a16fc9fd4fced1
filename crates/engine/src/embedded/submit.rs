//! The engine's door: decides a batch of commands under one lock, then commits if nobody else does.

use std::time::Duration;

use ackd_wire::Millis;

use super::group::Group;
use super::page::Page;
use super::{Embedded, Mode, Shared};
use crate::api::{Answer, Command, Engine, Outcome, Refusal, Submission, Tag};
use crate::disk::Disk;

/// What deciding one command needs: the state and group under their lock, and where immediate answers go.
pub(super) struct Step<'s, D: Disk> {
    pub(super) engine: &'s Embedded<D>,
    pub(super) shared: &'s mut Shared,
    pub(super) outcome: &'s mut Outcome,
    /// What is to be read from the archive.
    pub(super) pages: &'s mut Vec<Page>,
    pub(super) tag: Tag,
    pub(super) now: Millis,
}

impl<D: Disk + Clone> Engine for Embedded<D> {
    fn submit(&self, now: Millis, batch: &mut Vec<Submission<'_>>) {
        let (mut outcome, mut pages) = (Outcome::default(), Vec::new());
        let mut shared = self.shared.lock();
        if batch.iter().any(|submission| matches!(submission.command, Command::Append(_))) {
            self.wait_in_line(&mut shared);
        }
        shared.state.tell_time(now);
        let trailed = shared.group.trails();
        for Submission { tag, command } in batch.drain(..) {
            let bytes = bytes_that_must_fit(tag, &command);
            while 0 < bytes && shared.group.crowds_out(bytes) {
                drop(shared);
                self.commit_with(true);
                shared = self.shared.lock();
            }
            let (outcome, pages) = (&mut outcome, &mut pages);
            Step { engine: self, shared: &mut shared, outcome, pages, tag, now }.decide(command);
        }
        let mut lead =
            self.settings.mode == Mode::Inline && shared.group.sync && !shared.committing;
        shared.committing |= lead;
        if lead && shared.committer && self.is_crowded(&shared) {
            // The committer waits until there is room again; this thread has other things to do.
            (lead, shared.handed_over) = (false, true);
            self.changed.notify_all();
        } else if !lead && !trailed && shared.group.trails() {
            self.changed.notify_all();
        }
        drop(shared);
        if !outcome.answers.is_empty() || !outcome.notices.is_empty() {
            self.sink.deliver(&mut outcome);
        }
        self.read_pages(pages);
        if lead {
            self.lead();
        }
    }
}

/// The bytes of a message whose sender has been answered already (it was delivered from memory and missed), or 0. Nobody
/// would repeat it if the group were too full for it: its submitter waits for the next one.
fn bytes_that_must_fit(tag: Tag, command: &Command<'_>) -> u64 {
    match command {
        Command::Append(append) if tag.slot == Tag::QUIET => {
            (append.from.len() + append.room.len() + append.body.bytes.len() + BESIDE_BYTES) as u64
        }
        _ => 0,
    }
}

impl<D: Disk> Step<'_, D> {
    fn decide(mut self, command: Command<'_>) {
        match command {
            Command::Connect(connect) => self.connect(&connect),
            Command::Disconnect(disconnect) => self.disconnect(&disconnect),
            Command::Rotate { identity, token } => self.rotate(identity, token),
            Command::Keep { identity } => self.keep(identity),
            Command::Append(append) => self.append(&append),
            Command::Pass(pass) => self.pass(&pass),
            Command::Settle(settle) => self.settle(settle),
            Command::Reject { reader, seqs, by } => self.reject(reader, seqs, by),
            Command::Archive { reader, seqs } => self.archive(reader, &seqs),
            Command::Read(read) => self.read(read),
            Command::Fetch { reader, seqs } => self.fetch(reader, seqs),
            Command::JoinRoom(join) => self.join_room(&join),
            Command::LeaveRoom { identity, room } => self.leave_room(identity, room),
            Command::ReadRoom(read) => self.read_room(read),
            Command::FetchRoom { member, seqs } => self.fetch_room(member, seqs),
            Command::SettleRoom(settle) => self.settle_room(settle),
            Command::RejectRoom { member, seqs } => self.reject_room(member, seqs),
            Command::SeenRoom { member, up_to } => self.see_room(member, up_to),
            Command::TakeRoomNumber => self.take_room_number(),
            Command::Purge { id } => self.purge(id),
            Command::Delete { id } => self.delete(id),
        }
    }

    /// An answer that waits for nothing.
    pub(super) fn answer(&mut self, answer: Answer) {
        if self.tag.slot != Tag::QUIET {
            self.outcome.answers.push((self.tag, answer));
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.answer(Answer::Refused(refusal));
    }

    /// Why so many bytes were not admitted.
    pub(super) fn no_room(&self, bytes: usize) -> Refusal {
        if self.shared.group.is_crowded(bytes as u64) {
            Refusal::Overloaded
        } else {
            Refusal::StoreUnavailable
        }
    }

    /// Whether records of so many bytes surely fit on the disk, with the help of one more spare if need be.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        self.engine.admits(&mut self.shared.group, bytes as u64)
    }
}

impl<D: Disk> Embedded<D> {
    /// Whether more is in memory than there should be.
    pub(super) fn is_crowded(&self, shared: &Shared) -> bool {
        self.settings.index_bytes < shared.state.index_bytes()
    }

    /// Whoever brings messages much faster than the archive takes them is held up for a moment: it reads the less from its
    /// clients. Without it each commit would bring in more than the archive has taken out meanwhile.
    fn wait_in_line(&self, shared: &mut parking_lot::MutexGuard<'_, Shared>) {
        let much = self.settings.index_bytes.saturating_add(self.settings.index_bytes / 4);
        if shared.committer && !shared.group.poisoned && much < shared.state.index_bytes() {
            shared.house_due = true;
            self.house.notify_one();
            self.relieved.wait_for(shared, IN_LINE);
        }
    }

    /// Whether records of so many bytes surely fit on the disk. If only a spare segment is missing, one is made.
    pub(super) fn admits(&self, group: &mut Group, bytes: u64) -> bool {
        if group.needs_spare(bytes) && self.spares.ready() == 0 {
            group.disk_full = self.spares.make(false).is_err();
        }
        group.fits(bytes, self.spares.ready())
    }
}

/// How long a batch waits for the archive, at most.
const IN_LINE: Duration = Duration::from_millis(20);
/// What the record of a message may take beside its texts, and what must be known of its recipient before it.
const BESIDE_BYTES: usize = 4096;

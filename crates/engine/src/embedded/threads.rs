//! The engine's own threads: the committer, which goes on where a submitter stops and writes what trails; upkeep, which
//! makes spares and ends identities; the housekeeper, which ends what has expired, moves what waits to the archive and frees segments; and one
//! that reads pages from the archive. None wakes up while nothing has happened and nobody's time is over, but for a look
//! an hour.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ackd_wire::Millis;

use super::group::Group;
use super::trailing::{Due, Trailing};
use super::{Embedded, Shared};
use crate::disk::Disk;

/// The clock that the threads read.
pub type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The running threads. Stop them before closing the engine.
#[derive(Debug)]
pub struct Threads {
    handles: Vec<JoinHandle<()>>,
    stop: StopFn,
}

struct StopFn(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for StopFn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StopFn")
    }
}

impl Threads {
    /// Starts them.
    pub fn spawn<D: Disk + Clone>(engine: &Arc<Embedded<D>>, now: Now) -> std::io::Result<Self> {
        engine.shared.lock().committer = true;
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let (committer, clock) = (engine.clone(), now.clone());
        let committer = thread("ackd-commit").spawn(move || committer.run_committer(&clock))?;
        let upkeep = engine.clone();
        let clock = now.clone();
        let upkeep = thread("ackd-upkeep").spawn(move || upkeep.run_upkeep(&clock))?;
        let housekeeper = engine.clone();
        let housekeeper =
            thread("ackd-archive").spawn(move || housekeeper.run_housekeeper(&now))?;
        engine.pages.lock().thread = true;
        let pages = engine.clone();
        let pages = thread("ackd-pages").spawn(move || pages.run_pages())?;
        let engine = engine.clone();
        let stop = StopFn(Box::new(move || {
            engine.shared.lock().closing = true;
            engine.pages.lock().closing = true;
            engine.changed.notify_all();
            engine.upkeep.notify_all();
            engine.relieved.notify_all();
            engine.house.notify_all();
            engine.pages_due.notify_all();
        }));
        Ok(Self { handles: vec![committer, upkeep, housekeeper, pages], stop })
    }

    /// Stops them and waits for them.
    pub fn stop(self) {
        (self.stop.0)();
        for handle in self.handles {
            if handle.join().is_err() {
                tracing::error!("a thread of the engine has panicked");
            }
        }
    }
}

impl<D: Disk + Clone> Embedded<D> {
    fn run_committer(&self, now: &Now) {
        let mut trailing = Trailing::default();
        while let Some(due) = self.next_work(now, &mut trailing) {
            trailing.done(due);
            self.wait_for_room();
            self.commit_taken(self.shared.lock(), due == Due::Sync);
            self.give_baton();
        }
    }

    /// Waits for work, and takes the baton for it: what a submitter has left is committed, what trails is written and
    /// synced when that is due. `None`: it is to stop. While another thread has the baton this one must not wait for it:
    /// it may be handed over to this one.
    fn next_work(&self, now: &Now, trailing: &mut Trailing) -> Option<Due> {
        let mut shared = self.shared.lock();
        loop {
            if std::mem::take(&mut shared.handed_over) {
                return Some(Due::Sync);
            }
            if shared.closing {
                // From here on whoever submits commits alone.
                shared.committer = false;
                return None;
            }
            let trails = shared.group.trails() && !shared.group.poisoned;
            let now = now();
            match trailing.next(now, trails) {
                Some((at, due)) if at <= now && !shared.committing => {
                    shared.committing = true;
                    return Some(due);
                }
                Some((at, _)) if now < at => {
                    self.changed.wait_for(&mut shared, Duration::from_millis(at - now));
                }
                // Nothing trails; or it is due, and whoever commits now says when it has done.
                _ => self.changed.wait(&mut shared),
            }
        }
    }

    fn run_upkeep(&self, now: &Now) {
        while self.next_upkeep(now()) {
            self.make_spare();
            self.tend(now());
        }
    }

    /// Where the archive cannot keep up, those who send have to wait: commits become rare until there is room in memory.
    /// There may be none before this commit: the group that forms may be too large alone. So the housekeeper is asked
    /// once, and while it does nothing more, nobody waits for longer than [`ROOM`].
    fn wait_for_room(&self) {
        let mut shared = self.shared.lock();
        if self.is_crowded(&shared) {
            shared.house_due = true;
            self.house.notify_one();
        }
        while self.is_crowded(&shared)
            && !shared.archiver_waits
            && !shared.closing
            && !shared.group.poisoned
        {
            if self.relieved.wait_for(&mut shared, ROOM).timed_out() {
                return;
            }
        }
    }

    fn run_housekeeper(&self, now: &Now) {
        while self.next_housekeeping(now()) {
            self.keep_house(now());
        }
    }

    /// Waits until there is something to do. False: it is to stop.
    fn next_housekeeping(&self, now: Millis) -> bool {
        let mut shared = self.shared.lock();
        if !shared.house_due && !shared.closing {
            let state = &shared.state;
            let owes = !state.owing.is_empty() || state.rooms.owes() || !state.removals.is_empty();
            let pause = if owes { Some(HOUSE_MS) } else { self.rest_due(now, &shared) };
            // What is still due has just been tried: the archive has failed, or the journal, which stays so.
            let sweep = shared.state.sweeps.first().map(|(at, _)| at.saturating_sub(now));
            let sweep = sweep.map(|pause| if pause == 0 { HOUSE_MS } else { pause });
            let pause = pause.into_iter().chain(sweep).min();
            if let Some(pause) = pause {
                self.house.wait_for(&mut shared, Duration::from_millis(pause.max(1)));
            } else {
                shared.house_sleeps = true;
                self.house.wait(&mut shared);
                shared.house_sleeps = false;
            }
        }
        shared.house_due = false;
        !shared.closing
    }

    /// Makes a spare ahead of need. Where there is no space, whoever needs it tries again.
    fn make_spare(&self) {
        if self.wants_spare(&self.shared.lock()) && self.spares.make(true).is_err() {
            tracing::warn!("no space for the next journal segment");
            self.shared.lock().group.disk_full = true;
        }
    }

    /// Whether a full disk has space again. Somebody may be told that it is full and send nothing until it is not, so
    /// this cannot be left to the next send.
    pub(super) fn look_for_space(&self) {
        let is_full = self.shared.lock().group.disk_full;
        if is_full && (self.spares.ready() != 0 || self.spares.make(true).is_ok()) {
            tracing::info!("there is space for the next journal segment again");
            self.shared.lock().group.disk_full = false;
        }
    }

    /// Waits until there is something to do. False: it is to stop.
    fn next_upkeep(&self, now: Millis) -> bool {
        let limits = &self.settings.limits;
        // Who leaves from now on does not end sooner than this.
        let longest = limits.identity_ttl_ms.min(limits.message_ttl_ms).min(UPKEEP_MAX_MS);
        let mut shared = self.shared.lock();
        if !shared.upkeep_due && !shared.closing {
            let next = super::expire::next(&shared).map_or(longest, |end| end.saturating_sub(now));
            let longest = if shared.group.disk_full { FULL_MS } else { longest };
            let pause = next.min(longest).max(UPKEEP_MIN_MS);
            self.upkeep.wait_for(&mut shared, Duration::from_millis(pause));
        }
        shared.upkeep_due = false;
        !shared.closing
    }

    /// After a commit: whether the next segment is to be made, or the journal has become larger.
    pub(super) fn look_after(&self, shared: &mut Shared, segment_begun: bool) {
        if segment_begun || self.wants_spare(shared) {
            shared.upkeep_due = true;
            self.upkeep.notify_one();
        }
        let sooner = std::mem::take(&mut shared.state.sweeps_sooner);
        let filling = self.settings.index_bytes / 4 * 3 < shared.state.index_bytes();
        if !shared.house_due && (segment_begun || filling || sooner || shared.house_sleeps) {
            (shared.house_due, shared.house_sleeps) = (true, false);
            self.house.notify_one();
        }
    }

    fn wants_spare(&self, shared: &Shared) -> bool {
        let Group { capacity, disk_full, .. } = shared.group;
        !disk_full && capacity.remaining < capacity.segment / 2 && self.spares.ready() == 0
    }
}

/// How long a commit waits for room in memory.
const ROOM: Duration = Duration::from_millis(100);
/// What is settled is taken out of the archive so often.
const HOUSE_MS: Millis = 1_000;
/// Upkeep looks around at least so often …
const UPKEEP_MAX_MS: Millis = 60 * 60 * 1000;
/// … while the disk is full so often …
const FULL_MS: Millis = 5_000;
/// … and at most so often, if only to see who has ended.
const UPKEEP_MIN_MS: Millis = 1000;

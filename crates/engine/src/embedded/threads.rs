//! The engine's own threads: the committer, which goes on where a submitter stops and writes what trails, and upkeep, which
//! makes spares, ends identities and cleans the journal. Neither wakes up while nothing has happened, but for one look a
//! second of upkeep.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ackd_wire::Millis;

use super::Embedded;
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
    /// Starts both.
    pub fn spawn<D: Disk + Clone>(engine: &Arc<Embedded<D>>, now: Now) -> std::io::Result<Self> {
        engine.shared.lock().committer = true;
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let committer = engine.clone();
        let committer = thread("ackd-commit").spawn(move || committer.run_committer())?;
        let upkeep = engine.clone();
        let upkeep = thread("ackd-upkeep").spawn(move || upkeep.run_upkeep(&now))?;
        let engine = engine.clone();
        let stop = StopFn(Box::new(move || {
            engine.shared.lock().closing = true;
            engine.changed.notify_all();
            engine.upkeep.notify_all();
        }));
        Ok(Self { handles: vec![committer, upkeep], stop })
    }

    /// Stops both and waits for them.
    pub fn stop(self) {
        (self.stop.0)();
        for handle in self.handles {
            if handle.join().is_err() {
                tracing::error!("a thread of the engine has panicked");
            }
        }
    }
}

/// What the committer does next.
enum Work {
    /// Commit: a submitter has handed the baton over.
    Lead,
    /// Write what trails.
    Write,
    /// Sync what was written.
    Sync,
    Stop,
}

impl<D: Disk + Clone> Embedded<D> {
    fn run_committer(&self) {
        let mut unsynced = false;
        loop {
            match self.next_work(unsynced) {
                Work::Lead => {
                    self.commit_taken(self.shared.lock(), true);
                    let mut shared = self.shared.lock();
                    if shared.group.sync {
                        shared.handed_over = true;
                    } else {
                        shared.committing = false;
                        self.changed.notify_all();
                    }
                }
                Work::Write => {
                    self.commit_with(false);
                    unsynced = true;
                }
                Work::Sync => {
                    self.commit_with(true);
                    unsynced = false;
                }
                Work::Stop => return,
            }
        }
    }

    /// Waits for work.
    fn next_work(&self, unsynced: bool) -> Work {
        let mut shared = self.shared.lock();
        loop {
            if std::mem::take(&mut shared.handed_over) {
                return Work::Lead;
            }
            if shared.closing {
                return Work::Stop;
            }
            let trails = shared.group.trails() && !shared.group.poisoned;
            if !trails && !unsynced {
                self.changed.wait(&mut shared);
                continue;
            }
            let (pause, work) = if trails { (WRITE, Work::Write) } else { (SYNC, Work::Sync) };
            if self.changed.wait_for(&mut shared, pause).timed_out() && !shared.handed_over {
                return work;
            }
        }
    }

    fn run_upkeep(&self, now: &Now) {
        loop {
            {
                let mut shared = self.shared.lock();
                if !shared.closing {
                    self.upkeep.wait_for(&mut shared, UPKEEP);
                }
                if shared.closing {
                    return;
                }
            }
            if self.spares.ready() == 0 && self.is_half_full() && self.spares.make(true).is_err() {
                tracing::warn!("no space for the next journal segment");
            }
            self.tick(now());
        }
    }

    fn is_half_full(&self) -> bool {
        let capacity = self.shared.lock().group.capacity;
        capacity.remaining < capacity.segment / 2
    }
}

/// What trails is written so soon …
const WRITE: Duration = Duration::from_millis(5);
/// … and synced so soon after that: within 100 ms in all.
const SYNC: Duration = Duration::from_millis(60);
/// How often upkeep looks around.
const UPKEEP: Duration = Duration::from_secs(1);

//! Work of the engine that takes its time, a commit or housekeeping: it runs in a thread of its own and stands still before
//! each operation of the disk and of the archive, while sessions go on submitting, as in a server under load. One of the
//! two threads runs at a time, so a run stays what its seed makes it.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{JoinHandle, ThreadId};

use ackd_engine::{Disk, DiskFile, Embedded, SimDisk, SimFile};
use ackd_wire::Millis;

/// The disk as one life of the server has it: the thread of a flight waits at the gate.
#[derive(Debug, Clone)]
pub(crate) struct GatedDisk {
    disk: SimDisk,
    gate: Arc<Gate>,
}

/// A file of a [`GatedDisk`].
#[derive(Debug)]
pub(crate) struct GatedFile {
    file: SimFile,
    gate: Arc<Gate>,
}

/// Whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, all under one lock")]
struct State {
    /// The thread that waits here; all others pass.
    flying: Option<ThreadId>,
    /// What it does is housekeeping.
    housekeeping: bool,
    /// It is that thread's turn.
    open: bool,
    /// Where it stands, if it is not.
    at: Station,
    /// It has ended.
    done: bool,
    /// The process is gone: whatever is still asked of the disk has no effect.
    dead: bool,
}

/// What is asked to do one more operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Station {
    /// A commit, or a part of one, is under way: nobody else may commit.
    #[default]
    Disk,
    /// The engine holds nothing that a commit needs.
    Archive,
}

/// What is done in a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Commit,
    /// What upkeep and the housekeeper do.
    Tick(Millis),
}

/// Work under way.
#[derive(Debug)]
pub(crate) struct Flight {
    gate: Arc<Gate>,
    thread: Option<JoinHandle<()>>,
}

impl GatedDisk {
    /// The disk for a new life.
    pub(crate) fn new(disk: SimDisk) -> Self {
        Self { disk, gate: Arc::default() }
    }

    /// Where the archive of this life waits too.
    pub(crate) fn gate(&self) -> Arc<Gate> {
        self.gate.clone()
    }

    fn file(&self, file: io::Result<SimFile>) -> io::Result<GatedFile> {
        Ok(GatedFile { file: file?, gate: self.gate.clone() })
    }
}

impl Flight {
    /// Begins, up to the first operation.
    pub(crate) fn begin(engine: &Arc<Embedded<GatedDisk>>, disk: &GatedDisk, work: Work) -> Self {
        let (gate, engine) = (disk.gate.clone(), engine.clone());
        let housekeeping = work != Work::Commit;
        *gate.lock() = State { open: true, housekeeping, ..State::default() };
        let thread = std::thread::spawn({
            let gate = gate.clone();
            move || {
                gate.lock().flying = Some(std::thread::current().id());
                let end = EndOfTurn(&gate);
                match work {
                    Work::Commit => engine.commit(),
                    Work::Tick(now) => engine.tick(now),
                }
                drop(end);
            }
        });
        let flight = Self { gate, thread: Some(thread) };
        flight.wait();
        flight
    }

    /// Lets it do one more operation. True: it has ended.
    pub(crate) fn go_on(&mut self) -> bool {
        if !self.gate.lock().done {
            self.gate.lock().open = true;
            self.gate.changed.notify_all();
            self.wait();
        }
        let done = self.gate.lock().done;
        if done && let Some(thread) = self.thread.take() {
            self.gate.lock().flying = None;
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
        done
    }

    /// Lets it end.
    pub(crate) fn land(&mut self) {
        while !self.go_on() {}
    }

    /// Where it stands.
    pub(crate) fn at(&self) -> Station {
        self.gate.lock().at
    }

    /// Until it stands still, or has ended.
    fn wait(&self) {
        let state = self.gate.lock();
        let waited = self.gate.changed.wait_while(state, |state| state.open && !state.done);
        drop(waited.expect("nobody panics with this lock"));
    }
}

impl Drop for Flight {
    /// The process is gone.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let mut state = self.gate.lock();
            (state.dead, state.open) = (true, true);
            drop(state);
            self.gate.changed.notify_all();
            let _ended = thread.join();
        }
    }
}

/// Says that the work has ended, even if it has panicked.
struct EndOfTurn<'g>(&'g Gate);

impl Drop for EndOfTurn<'_> {
    fn drop(&mut self) {
        self.0.lock().done = true;
        self.0.changed.notify_all();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with this lock")
    }

    /// Whether this thread does what the housekeeper does.
    pub(crate) fn is_housekeeping(&self) -> bool {
        let state = self.lock();
        state.housekeeping && state.flying == Some(std::thread::current().id())
    }

    /// The thread of a flight waits for its turn here.
    pub(crate) fn pass(&self, at: Station) -> io::Result<()> {
        let mut state = self.lock();
        if state.flying == Some(std::thread::current().id()) && !state.dead {
            (state.open, state.at) = (false, at);
            self.changed.notify_all();
            let turn = self.changed.wait_while(state, |state| !state.open);
            state = turn.expect("nobody panics with this lock");
        }
        if state.dead { Err(io::Error::other("the process is gone")) } else { Ok(()) }
    }
}

impl Disk for GatedDisk {
    type File = GatedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<GatedFile> {
        self.file(self.disk.open(name))
    }

    fn create(&self, name: &str) -> io::Result<GatedFile> {
        self.gate.pass(Station::Disk)?;
        self.file(self.disk.create(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.gate.pass(Station::Disk)?;
        self.disk.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.gate.pass(Station::Disk)?;
        self.disk.sync_dir()
    }
}

impl DiskFile for GatedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.gate.pass(Station::Disk)?;
        self.file.write_at(buf, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.gate.pass(Station::Disk)?;
        self.file.allocate(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass(Station::Disk)?;
        self.file.sync_data()
    }
}

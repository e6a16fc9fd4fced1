//! What the clients and the killer share: where the server is, what is to be done, who has which ID, the model, and the
//! first failure, after which everybody stops.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Model;

/// The state of a run.
pub(crate) struct World {
    state: Mutex<State>,
    changed: Condvar,
    model: Mutex<Model>,
    start: Instant,
}

#[derive(Default)]
struct State {
    address: Option<SocketAddr>,
    /// Counts the addresses.
    run: u64,
    is_settling: bool,
    senders_done: usize,
    recipients: Vec<Option<String>>,
    failure: Option<String>,
}

/// Why a client's connection is over.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The server was killed, or the client left: reconnect.
    Link,
    /// A promise was broken, here or elsewhere: end.
    Failed,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Link
    }
}

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl World {
    /// A world without a server yet.
    pub(crate) fn new(pairs: usize) -> Self {
        Self {
            state: Mutex::new(State { recipients: vec![None; pairs], ..State::default() }),
            changed: Condvar::new(),
            model: Mutex::new(Model::new(pairs)),
            start: now(),
        }
    }

    /// The time since the start.
    pub(crate) fn now(&self) -> Duration {
        now() - self.start
    }

    /// Tells the model something, which may break a promise.
    pub(crate) fn tell<T>(
        &self,
        what: impl FnOnce(&mut Model, Duration) -> Result<T, String>,
    ) -> Result<T, Stop> {
        self.check()?;
        let mut model = self.model();
        // The time is read under the lock: the history of a message is in order.
        let told = what(&mut model, self.now());
        told.map_err(|broken| {
            let (kills, last) = (model.run(), model.kills.last().copied().unwrap_or_default());
            self.fail(&format!(
                "after {kills} kills, the last at {last:.1?}: {broken}\n  {:?}",
                model.figures
            ))
        })
    }

    /// Tells the model something that cannot break a promise.
    pub(crate) fn note(&self, what: impl FnOnce(&mut Model, Duration)) -> Result<(), Stop> {
        self.tell(|model, at| {
            what(model, at);
            Ok(())
        })
    }

    /// The model, to read it.
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run: a promise was broken. The first one counts.
    pub(crate) fn fail(&self, broken: &str) -> Stop {
        self.change(|state| {
            state.failure.get_or_insert_with(|| broken.to_owned());
        });
        Stop::Failed
    }

    /// Whether all is well so far; to be asked in every loop.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.failure().is_some() { Err(Stop::Failed) } else { Ok(()) }
    }

    /// What broke first.
    pub(crate) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// Says where the server is, or that it is away.
    pub(crate) fn set_address(&self, address: Option<SocketAddr>) {
        self.change(|state| {
            state.address = address;
            state.run += u64::from(address.is_some());
        });
    }

    /// No more kills: everything is to come to rest.
    pub(crate) fn settle(&self) {
        self.change(|state| state.is_settling = true);
    }

    /// Whether everything is to come to rest.
    pub(crate) fn is_settling(&self) -> bool {
        self.state().is_settling
    }

    /// A sender has all its answers.
    pub(crate) fn sender_done(&self) {
        self.change(|state| state.senders_done += 1);
    }

    /// How many senders have all their answers.
    pub(crate) fn senders_done(&self) -> usize {
        self.state().senders_done
    }

    /// A recipient has its ID.
    pub(crate) fn name_recipient(&self, recipient: usize, id: &str) {
        self.change(|state| state.recipients[recipient] = Some(id.to_owned()));
    }

    /// Waits for the server; where it is, and the number of its run, from 1. `Failed`: end.
    pub(crate) fn address(&self) -> Result<(SocketAddr, u64), Stop> {
        self.wait(|state| state.address.map(|address| (address, state.run)))
    }

    /// Waits for all recipients' IDs.
    pub(crate) fn recipients(&self) -> Result<Vec<String>, Stop> {
        self.wait(|state| state.recipients.iter().cloned().collect())
    }

    /// Waits for another run than `run`, or for the end of the load.
    pub(crate) fn wait_for_another(&self, run: u64) -> Result<(), Stop> {
        self.wait(|state| (state.run != run || state.is_settling).then_some(()))
    }

    fn wait<T>(&self, ready: impl Fn(&State) -> Option<T>) -> Result<T, Stop> {
        let mut state = self.state();
        loop {
            if state.failure.is_some() {
                return Err(Stop::Failed);
            }
            if let Some(found) = ready(&state) {
                return Ok(found);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "a black box test lives in real time")]
fn now() -> Instant {
    Instant::now()
}

//! The run: clients on threads, the server killed again and again, in its recovery too, then rest, a clean stop, and an
//! audit of the restarted server.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::link::Link;
use crate::model::Figures;
use crate::plan::{PAIRS, Plan};
use crate::receiver::Receiver;
use crate::rng::Rng;
use crate::sender::Sender;
use crate::server::Server;
use crate::world::{Failure, Stop, World};

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Verdict {
    kills: u32,
    kills_in_recovery: u32,
    figures: Figures,
    slowest_start: Duration,
    duration: Duration,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { accepted, dups, delivered, redelivered, refused, passing, .. } = self.figures;
        write!(
            f,
            "held: {} kills under load, {} in recovery, {} connections, {accepted} accepted ({dups} dup answers), \
             {delivered} delivered, {redelivered} redelivered, {refused} refused, {passing} refused for now, \
             highest seq {}, slowest start {:.0?}, {:.0?}",
            self.kills,
            self.kills_in_recovery,
            self.figures.connections,
            self.figures.seq_max,
            self.slowest_start,
            self.duration
        )
    }
}

/// Runs the plan.
pub(crate) fn run(plan: &Plan) -> Result<Verdict, Failure> {
    let root = tempfile::tempdir().map_err(|error| Failure(format!("no directory: {error}")))?;
    let world = World::new(PAIRS);
    let mut killer = Killer { root: root.path(), world: &world, rng: Rng::new(plan.seed, 1) };
    let mut senders: Vec<_> = (0..PAIRS).map(|i| Sender::new(i, &world, plan.seed)).collect();
    let mut receivers: Vec<_> = (0..PAIRS).map(|i| Receiver::new(i, &world, plan.seed)).collect();
    let (mut server, kills_in_recovery, slowest_start) = thread::scope(|scope| {
        for receiver in &mut receivers {
            scope.spawn(|| receiver.run());
        }
        for sender in &mut senders {
            scope.spawn(|| sender.run());
        }
        let killed = killer.kill(plan.kills);
        if let Err(Failure(what)) = &killed {
            world.fail(what); // everybody stops
        }
        world.settle();
        let alarm = scope.spawn(|| sound_alarm(&world));
        killed.inspect(|_| alarm.thread().unpark())
    })?;
    if let Some(broken) = world.failure() {
        return Err(server.failure(&broken));
    }
    world.model().check_end().map_err(Failure)?;
    server.stop()?;
    killer.audit(&mut senders, &mut receivers)?;
    let figures = world.model().figures;
    if figures.refused == 0 || figures.redelivered == 0 || figures.dups == 0 {
        return Err(Failure(format!("the run was too tame to show anything: {figures:?}")));
    }
    let duration = world.now();
    Ok(Verdict { kills: plan.kills, kills_in_recovery, figures, slowest_start, duration })
}

/// Fails the run if it does not come to rest.
fn sound_alarm(world: &World) {
    let end = world.now() + REST_WITHIN;
    while world.now() < end && world.failure().is_none() {
        thread::park_timeout(Duration::from_millis(100));
        let model = world.model();
        let is_drained = (0..PAIRS).all(|recipient| model.is_drained(recipient));
        if is_drained && world.senders_done() == PAIRS {
            return;
        }
    }
    let model = world.model();
    let waiting = (0..PAIRS).filter(|recipient| !model.is_drained(*recipient));
    let waiting: Vec<_> = waiting.map(|recipient| model.waiting(recipient)).collect();
    let overdue = model.check_end().err().unwrap_or_default();
    drop(model);
    let done = world.senders_done();
    world.fail(&format!(
        "no rest within {REST_WITHIN:?}: {done} of {PAIRS} senders have all answers\n  {}\n{overdue}",
        waiting.join("\n  ")
    ));
}

struct Killer<'w> {
    root: &'w Path,
    world: &'w World,
    rng: Rng,
}

impl Killer<'_> {
    /// Kills `kills` servers under load; the last one lives. Also: kills during recovery, and the slowest start.
    fn kill(&mut self, kills: u32) -> Result<(Server, u32, Duration), Failure> {
        let (mut in_recovery, mut slowest) = (0, Duration::ZERO);
        for left in (0..=kills).rev() {
            while 0 < left && left < kills && self.rng.one_in(6) {
                self.kill_in_recovery()?;
                in_recovery += 1;
            }
            let (mut server, starting) = Server::spawn(self.root)?;
            let before = self.world.now();
            let address = starting.ready(&server)?;
            slowest = slowest.max(self.world.now().saturating_sub(before));
            self.world.set_address(Some(address));
            if left == 0 {
                return Ok((server, in_recovery, slowest));
            }
            // The moment of the fault, at random: nothing is waited for.
            thread::sleep(Duration::from_millis(self.rng.between(1, 400)));
            if let Some(broken) = self.world.failure() {
                return Err(server.failure(&broken));
            }
            self.world.set_address(None);
            // Noted before it happens: what was acknowledged after this need not be settled.
            let killed = self.world.now();
            self.world.model().kills.push(killed);
            server.kill()?;
        }
        unreachable!("the last server is returned")
    }

    /// A server that is killed before it is ready: recovery must be repeatable.
    fn kill_in_recovery(&mut self) -> Result<(), Failure> {
        let (mut server, _) = Server::spawn(self.root)?;
        thread::sleep(Duration::from_millis(self.rng.between(1, 40))); // the fault's moment
        server.kill()
    }

    /// Starts the server once more and asks every client whether all is as it was.
    fn audit(
        &self,
        senders: &mut [Sender<'_>],
        receivers: &mut [Receiver<'_>],
    ) -> Result<(), Failure> {
        let (mut server, starting) = Server::spawn(self.root)?;
        let address = starting.ready(&server)?;
        self.world.set_address(Some(address));
        let audit = || -> Result<(), Stop> {
            let (_, run) = self.world.address()?;
            for receiver in receivers {
                receiver.audit(&mut Link::open(address)?, run)?;
            }
            for sender in senders {
                sender.audit(&mut Link::open(address)?)?;
            }
            Ok(())
        };
        match audit() {
            Ok(()) => server.stop(),
            Err(Stop::Link) => Err(server.failure("a connection broke in the audit")),
            Err(Stop::Failed) => Err(server.failure(&self.world.failure().unwrap_or_default())),
        }
    }
}

const REST_WITHIN: Duration = Duration::from_secs(60);

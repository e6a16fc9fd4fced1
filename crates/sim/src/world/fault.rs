//! What happens to the server: its process is killed, the power goes, the disk fills up or fails, it is restarted, the
//! clock jumps; and how it comes back.

use ackd_engine::{Archive as _, ArchiveError, CrashPlan, FaultPlan, JournalError, OpenError};
use ackd_wire::Millis;

use super::World;
use crate::log::note;
use crate::plan::Fault;
use crate::random::Random;
use crate::server::Server;
use crate::violation::Promise;

impl World {
    /// One thing goes wrong, or will soon.
    pub(super) fn misfortune(&mut self, random: &mut Random) {
        let fault = [
            Fault::Kill,
            Fault::Power,
            Fault::Power,
            Fault::Restart,
            Fault::Full,
            Fault::Error,
            Fault::Jump,
        ][random.below(7) as usize];
        if !self.plan.faults.has(fault) || self.server.is_none() {
            return;
        }
        match fault {
            Fault::Kill => self.kill(random),
            Fault::Power => self.power_cut(random),
            Fault::Restart => self.restart(random),
            Fault::Full => self.fill_up(random),
            Fault::Error => {
                let at = random.between(1, 12);
                note!(self.watch.log, "operation {at} of the disk from now will fail");
                self.faults.error_at = Some(at);
                self.disk.plan(self.faults);
            }
            _ => {
                let jump = [60_000, 3_600_000, 86_400_000][random.below(3) as usize];
                note!(self.watch.log, "the clock jumps by {jump} ms");
                self.now += jump;
            }
        }
    }

    /// The process is gone; the machine goes on.
    fn kill(&mut self, random: &mut Random) {
        note!(self.watch.log, "the server is killed");
        self.lose_server(random);
    }

    /// The power goes now, or within some operations of the disk.
    fn power_cut(&mut self, random: &mut Random) {
        if random.one_in(4) {
            self.lose_power(random);
        } else {
            let at = random.between(1, 25);
            note!(self.watch.log, "the power goes at operation {at} of the disk from now");
            self.faults.power_cut_at = Some(at);
            self.disk.plan(self.faults);
        }
    }

    /// The power is off: the machine is gone, and what was not synced is in question.
    fn lose_power(&mut self, random: &mut Random) {
        let plan = match random.below(4) {
            0 => CrashPlan::Lose,
            1 => CrashPlan::Keep,
            _ => CrashPlan::Random(random.any()),
        };
        note!(self.watch.log, "the power is off: {plan:?}");
        self.lose_server(random);
        self.archive = self.archive.crash(plan);
        self.disk.crash(plan);
        (self.faults, self.full_until) = (FaultPlan::default(), None);
    }

    fn lose_server(&mut self, random: &mut Random) {
        self.watch.model.live_lost();
        self.end_server(random);
    }

    fn end_server(&mut self, random: &mut Random) {
        self.server = None;
        self.watch.model.server_ended();
        self.watch.model.figures.crashes += 1;
        for link in self.links.values_mut() {
            link.lose_server(self.now, random);
        }
        (self.starts_at, self.ends_at) = (self.now + random.below(1_500), None);
    }

    /// After anything that may have used the disk.
    pub(super) fn look_at_disk(&mut self, random: &mut Random) {
        if self.disk.is_off() {
            self.lose_power(random);
        }
    }

    fn fill_up(&mut self, random: &mut Random) {
        let capacity = self.disk.used() + random.below(3) * 40_000;
        let archive = self.archive.usage().disk_bytes + random.below(3) * 5_000;
        note!(self.watch.log, "the disk has room for {capacity} bytes, the archive for {archive}");
        self.faults.capacity = Some(capacity);
        self.archive.limit(Some(archive));
        self.full_until = Some(self.now + random.between(100, 6_000));
        self.disk.plan(self.faults);
    }

    /// The server drains: it says goodbye, stores everything, closes the store.
    pub(super) fn restart(&mut self, random: &mut Random) {
        note!(self.watch.log, "the server drains");
        let Some(server) = &mut self.server else { return };
        server.drain(self.now, &mut self.watch);
        for _ in 0..DRAIN_TURNS {
            self.now += random.below(40);
            let Some(server) = &mut self.server else { return };
            server.turn(self.now, &mut self.links, &mut self.watch, random, false);
            self.commit(false, random);
        }
        let Some(server) = &mut self.server else { return };
        server.land();
        server.engine.close();
        let closed = !self.disk.is_off() && !server.engine.is_poisoned();
        self.look_at_disk(random);
        if self.server.is_some() {
            let crashes = self.watch.model.figures.crashes;
            if closed && self.full_until.is_none() {
                self.watch.model.committed();
                self.watch.model.committed();
            } else {
                self.watch.model.live_lost();
            }
            self.end_server(random);
            self.watch.model.figures.crashes = crashes;
            self.watch.model.figures.restarts += 1;
        }
    }

    /// Starts the server if it is down, and ends it if it cannot write any more.
    pub(super) fn keep_server(&mut self, random: &mut Random) {
        if self.full_until.is_some_and(|until| until <= self.now) {
            note!(self.watch.log, "the disk has room again");
            (self.full_until, self.faults.capacity) = (None, None);
            self.archive.limit(None);
            self.disk.plan(self.faults);
        }
        match &self.server {
            None if self.starts_at <= self.now => self.start(random),
            Some(server) if server.engine.is_poisoned() => self.end_poisoned(random),
            _ => {}
        }
    }

    /// Somebody notices after a while that nothing can be stored any more.
    fn end_poisoned(&mut self, random: &mut Random) {
        let Some(ends_at) = self.ends_at else {
            note!(self.watch.log, "the store takes no more writes");
            self.watch.model.figures.poisoned += 1;
            self.ends_at = Some(self.now + random.below(3_000));
            return;
        };
        if self.now < ends_at {
            return;
        }
        match random.below(3) {
            0 => self.lose_power(random),
            1 => self.restart(random),
            _ => self.kill(random),
        }
    }

    fn start(&mut self, random: &mut Random) {
        if self.plan.faults.has(Fault::Power) && random.one_in(6) && !self.is_settling() {
            // It goes while the store is being opened.
            self.faults.power_cut_at = Some(random.between(1, 10));
        } else {
            self.faults.error_at = self.faults.error_at.filter(|_| random.one_in(2));
            self.faults.power_cut_at = None;
        }
        self.disk.plan(self.faults);
        self.life += 1;
        self.archive = self.archive.reopen(CrashPlan::Random(random.any()));
        let store = (&self.disk, &self.archive);
        let opened = Server::start(store, &self.counts, (self.plan.seed, self.life), self.now);
        let off = self.disk.is_off();
        match opened {
            Ok((server, recovered)) if !off => {
                note!(self.watch.log, "the server is up: {recovered:?}");
                self.server = Some(server);
            }
            Err(
                OpenError::Journal(JournalError::Io(error))
                | OpenError::Archive(ArchiveError::Io(error) | ArchiveError::Full(error)),
            ) if !off => {
                note!(self.watch.log, "the server does not start: {error}");
                self.starts_at = self.now + random.below(500);
                self.faults.error_at = None;
            }
            Err(error) if !off => {
                self.watch.model.broken(Promise::Engine, format!("it does not open: {error}"));
            }
            _ => self.lose_power(random),
        }
    }
}

/// Turns that a drain takes.
const DRAIN_TURNS: Millis = 12;

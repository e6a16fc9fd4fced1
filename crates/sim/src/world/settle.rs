//! The end of a run: nothing goes wrong any more, everybody comes back, reads and acknowledges; then everything that was
//! promised must have happened, and nothing must be left.

use super::World;
use crate::client::Stage;
use crate::link::Packet;
use crate::random::Random;
use crate::server::PRESENCE_GRACE_MS;
use crate::violation::Promise;
use ackd_engine::FaultPlan;
use ackd_wire::Millis;

impl World {
    /// Lets everything settle and says what has not.
    pub(super) fn settle(&mut self) {
        let mut random = Random::new(self.plan.seed, super::SETUP - 1);
        self.heal();
        for round in 0..ROUNDS {
            self.now += 20 + random.below(200);
            self.watch.log.at(self.plan.steps + round, self.now - super::START);
            self.come_back(round < QUIET_ROUNDS, &mut random);
            self.go_on(&mut random, false);
            if round == QUIET_ROUNDS {
                self.watch.model.come_again(crate::server::ACK_TIMEOUT_MS, SLACK_MS);
            }
            let settled = QUIET_ROUNDS < round && self.is_settled();
            if settled || self.watch.model.violation().is_some() {
                break;
            }
        }
        if self.watch.model.violation().is_none() {
            self.complain();
        }
        if self.watch.model.violation().is_none() {
            self.be_quiet(&mut random);
        }
    }

    /// Some leave and nothing else happens: then everybody knows who is here.
    fn be_quiet(&mut self, random: &mut Random) {
        for client in self.clients.iter_mut().filter(|client| client.person % 2 == 1) {
            let Some(link) = client.link.and_then(|number| self.links.get_mut(&number)) else {
                continue;
            };
            crate::log::note!(self.watch.log, "{} leaves", client.label);
            link.up.push(self.now, Packet::End, random);
            client.lose_connection(self.now, random);
        }
        // The server may notice late that somebody has gone.
        let start = self.now;
        while self.now < start.max(self.watch.model.parted_at) + 2 * PRESENCE_GRACE_MS {
            self.now += random.below(100);
            self.go_on(random, false);
        }
        self.watch.model.presence_is_true();
    }

    pub(super) fn is_settling(&self) -> bool {
        self.plan.faults.missing().count() == crate::plan::Fault::ALL.len()
    }

    fn heal(&mut self) {
        crate::log::note!(self.watch.log, "nothing goes wrong any more");
        self.faults = FaultPlan::default();
        self.full_until = None;
        self.archive.limit(None);
        self.disk.plan(self.faults);
        self.plan.faults = crate::plan::Faults::none();
        for client in &mut self.clients {
            client.reads_at = 0;
        }
    }

    fn come_back(&mut self, quiet: bool, random: &mut Random) {
        for client in 0..self.clients.len() {
            match self.clients[client].stage {
                Stage::Away if self.clients[client].returns_at <= self.now => {
                    self.connect(client, random);
                }
                Stage::Here if !quiet => self.clients[client].acknowledge(true, random),
                _ => {}
            }
        }
    }

    fn is_settled(&self) -> bool {
        let model = &self.watch.model;
        let Some(server) = &self.server else { return false };
        let done = |client: &crate::client::Client| {
            let owed = model.owed(client.person, &client.device);
            let missing = owed.filter(|key| !client.processed.contains(key)).count();
            client.stage == Stage::Here
                && client.unanswered.is_empty()
                && client.received.is_empty()
                && client.live.is_empty()
                && client.lost.is_empty()
                && missing <= model.lost_unseen(client.person)
        };
        let done = self.clients.iter().all(done) && server.engine.waiting() == (0, 0);
        done && self.unheard().is_none()
    }

    /// Live messages that reached nobody whom they were for.
    fn unheard(&self) -> Option<String> {
        let mut owed = self.watch.model.owed_live();
        owed.find_map(|(person, key)| {
            let mut clients = self.clients.iter().filter(|client| client.person == person);
            let heard = clients.any(|client| client.processed.contains(&key));
            (!heard).then(|| format!("letter {key}, said in a room, never reached p{person}"))
        })
    }

    /// Says what has not settled.
    fn complain(&mut self) {
        if self.is_settled() {
            return;
        }
        let mut kept = Vec::new();
        let mut open = Vec::new();
        for client in &self.clients {
            let owed = self.watch.model.owed(client.person, &client.device);
            let unseen = self.watch.model.lost_unseen(client.person);
            let missing = owed.filter(|key| !client.processed.contains(key)).skip(unseen);
            kept.extend(missing.map(|key| format!("letter {key} never reached {}", client.label)));
            let unanswered = client.unanswered.len();
            open.push(format!("{} is {:?}, {unanswered} unanswered", client.label, client.stage));
        }
        kept.extend(self.unheard());
        if let Some(what) = kept.first() {
            return self.watch.model.broken(Promise::Kept, what.clone());
        }
        let waiting = self.server.as_ref().map(|server| server.engine.waiting());
        let what = format!("{waiting:?} messages and bytes wait; {}", open.join("; "));
        self.watch.model.broken(Promise::Progress, what);
    }
}

/// At first nobody acknowledges anything, so that everything comes again.
const QUIET_ROUNDS: u64 = 60;
/// Steps of the clock between a deadline and what it leads to.
const SLACK_MS: Millis = 600;
/// Rounds that it may take: about ten minutes.
const ROUNDS: u64 = 5_000;

//! What clients do of their own accord, one thing in each step.

use super::World;
use crate::client::Stage;
use crate::link::Packet;
use crate::log::note;
use crate::plan::Fault;
use crate::random::Random;

impl World {
    /// One client, or several, do something.
    pub(super) fn act(&mut self, random: &mut Random) {
        let client = random.below(self.clients.len() as u64) as usize;
        match self.clients[client].stage {
            Stage::Away if self.clients[client].returns_at <= self.now => {
                if !random.one_in(4) {
                    self.connect(client, random);
                }
            }
            Stage::Away => {}
            Stage::Entering => self.impatience(client, random),
            Stage::Here => self.act_here(client, random),
        }
    }

    fn act_here(&mut self, client: usize, random: &mut Random) {
        if self.roams && random.one_in(5) {
            return self.clients[client].roam(&mut self.watch.model, random);
        }
        match random.below(100) {
            0..42 => self.send(client, random),
            42..44 => self.clients[client].acknowledge_again(),
            44..46 => self.clients[client].repeat(&self.names, &self.watch.model),
            46..78 => self.clients[client].acknowledge(random.one_in(3), random),
            78..82 => self.leave(client, random),
            82..86 => self.vanish(client, random),
            86..90 => self.cut(client, random),
            90..92 => self.stall(client, random),
            92..95 => self.look_away(client, random),
            _ => {
                if self.plan.faults.has(Fault::Rude) {
                    self.clients[client].be_rude(random);
                }
            }
        }
    }

    fn send(&mut self, client: usize, random: &mut Random) {
        if !self.clients[client].manner.sends {
            return;
        }
        let burst = if random.one_in(4) { random.between(2, 9) } else { 1 };
        let Self { clients, names, watch, .. } = self;
        for _ in 0..burst {
            // Half of all goes to one, so that it lags.
            let to = if random.one_in(2) { 0 } else { random.below(names.len() as u64) as usize };
            clients[client].send((to, &names[to]), &mut watch.model, random);
        }
    }

    /// It says goodbye, or what a browser says when its page is closed.
    fn leave(&mut self, client: usize, random: &mut Random) {
        let who = &mut self.clients[client];
        let Some(link) = who.link.and_then(|number| self.links.get_mut(&number)) else { return };
        note!(self.watch.log, "{} leaves", who.label);
        link.up.push(self.now, Packet::End, random);
        who.lose_connection(self.now, random);
    }

    /// It is gone without a word, and mostly back at once.
    fn vanish(&mut self, client: usize, random: &mut Random) {
        if !self.plan.faults.has(Fault::Vanish) {
            return;
        }
        let who = &mut self.clients[client];
        let Some(link) = who.link.and_then(|number| self.links.get_mut(&number)) else { return };
        note!(self.watch.log, "{} vanishes", who.label);
        link.vanish(self.now, random);
        who.lose_connection(self.now, random);
        if !random.one_in(3) {
            self.connect(client, random);
        }
    }

    fn cut(&mut self, client: usize, random: &mut Random) {
        let who = &self.clients[client];
        let Some(link) = who.link.and_then(|number| self.links.get_mut(&number)) else { return };
        if self.plan.faults.has(Fault::Cut) {
            note!(self.watch.log, "{} is cut off", who.label);
            link.cut(self.now, random);
        }
    }

    fn stall(&mut self, client: usize, random: &mut Random) {
        let who = &self.clients[client];
        let Some(link) = who.link.and_then(|number| self.links.get_mut(&number)) else { return };
        if self.plan.faults.has(Fault::Stall) {
            note!(self.watch.log, "the link of {} stands still", who.label);
            link.stall(self.now + random.below(8_000), random);
        }
    }

    /// It does not read for a while.
    fn look_away(&mut self, client: usize, random: &mut Random) {
        if self.plan.faults.has(Fault::Slow) {
            let who = &mut self.clients[client];
            note!(self.watch.log, "{} looks away", who.label);
            who.reads_at = self.now + random.below(20_000);
        }
    }

    /// It has waited for its entry, and may try another connection.
    fn impatience(&mut self, client: usize, random: &mut Random) {
        if random.one_in(20) {
            self.vanish(client, random);
        }
    }
}

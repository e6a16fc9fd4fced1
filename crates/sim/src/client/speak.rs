//! What a client says: `connect`, sends and their repeats, acks, and what it must not say.

use std::fmt::Write as _;

use ackd_wire::{Millis, Name};

use super::{AckBy, Client, Stage};
use crate::model::Model;
use crate::random::Random;

impl Client {
    /// Enters its identity: claims it, or comes back. `rude` claims to have processed what was never there.
    pub(crate) fn connect(&mut self, link: u64, rude: bool, random: &mut Random) {
        (self.link, self.stage) = (Some(link), Stage::Entering);
        let (id, token) = (&self.id, self.token.reveal());
        let mut frame = format!(r#"{{"op":"connect","id":"{id}","token":"{token}""#);
        if self.epoch.is_none() || random.one_in(3) {
            frame.push_str(r#","new":true"#);
        }
        if !self.device.as_str().is_empty() {
            put(&mut frame, format_args!(r#","device":"{}""#, self.device.as_str()));
        }
        if let Some(outbox) = &self.outbox {
            put(&mut frame, format_args!(r#","outbox":"{}""#, outbox.as_str()));
        }
        if let Some(window) = self.manner.window {
            put(&mut frame, format_args!(r#","window":{window}"#));
        }
        if let Some(epoch) = &self.epoch
            && (self.manner.remembers || rude)
        {
            let acked = if rude { self.acked + BEYOND } else { self.acked };
            put(&mut frame, format_args!(r#","epoch":"{epoch}","acked":{acked}"#));
        }
        frame.push('}');
        self.outgoing.push(frame);
    }

    /// Writes a letter and says it. It never runs far past its oldest unanswered number.
    pub(crate) fn send(&mut self, to: (usize, &str), model: &mut Model, random: &mut Random) {
        let numbered = self.outbox.is_some() && !random.one_in(8);
        if numbered && UNANSWERED_MAX <= self.unanswered.len() {
            return;
        }
        let padding = if random.one_in(10) { random.below(3000) } else { random.below(60) };
        let mut number: Option<(Name, u64)> = None;
        if let Some(outbox) = self.outbox.as_ref().filter(|_| numbered) {
            self.last_n += 1;
            number = Some((outbox.clone(), self.last_n));
        }
        let key = model.write((self.person, to.0), number, padding as usize);
        if numbered {
            self.unanswered.insert(self.last_n, key);
            self.say_numbered(self.last_n, to.1, model);
        } else {
            self.last_ref += 1;
            let body = &model.letter(key).body;
            let mark = self.last_ref;
            let frame = format!(r#"{{"op":"send","ref":"r{mark}","to":"{}","body":{body}}}"#, to.1);
            self.outgoing.push(frame);
        }
    }

    fn say_numbered(&mut self, n: u64, to: &str, model: &Model) {
        let Some(key) = self.unanswered.get(&n) else { return };
        let body = &model.letter(*key).body;
        self.outgoing.push(format!(r#"{{"op":"send","n":{n},"to":"{to}","body":{body}}}"#));
    }

    /// Says everything unanswered again, in order.
    pub(crate) fn repeat(&mut self, names: &[String], model: &Model) {
        self.repeats_at = None;
        let numbers: Vec<u64> = self.unanswered.keys().copied().collect();
        for n in numbers {
            let to = self.unanswered.get(&n).map(|key| model.letter(*key).to);
            self.say_numbered(n, to.map_or("", |to| &names[to]), model);
        }
    }

    /// Acknowledges, or rejects, some of what it has received.
    pub(crate) fn acknowledge(&mut self, all: bool, random: &mut Random) {
        self.acknowledge_live();
        self.acknowledge_lost();
        if self.received.is_empty() {
            return;
        }
        let count = if all {
            self.received.len()
        } else {
            random.between(1, self.received.len() as u64) as usize
        };
        let by_seq = match self.manner.ack {
            AckBy::Seq => true,
            AckBy::Ids => false,
            AckBy::Either => random.one_in(2),
        };
        if by_seq {
            let last = self.received.drain(..count).map(|(seq, _)| seq).max().unwrap_or(0);
            self.received.retain(|(seq, _)| last < *seq);
            self.lost.retain(|to| last < *to);
            self.acked = self.acked.max(last);
            return self.outgoing.push(format!(r#"{{"op":"ack","seq":{last}}}"#));
        }
        if !all {
            random.shuffle(&mut self.received);
        }
        let rejects = self.manner.rejects;
        let (mut acks, mut rejected) = (Vec::new(), Vec::new());
        for (_, id) in self.received.drain(..count) {
            let reject = rejects != 0 && random.one_in(rejects);
            if reject { &mut rejected } else { &mut acks }.push(format!("\"{id}\""));
        }
        for (op, ids) in [("ack", acks), ("reject", rejected)] {
            if !ids.is_empty() {
                self.outgoing.push(format!(r#"{{"op":"{op}","ids":[{}]}}"#, ids.join(",")));
            }
        }
    }

    /// A `lost` is acknowledged by its end, as soon as everything before it is.
    fn acknowledge_lost(&mut self) {
        let first = self.received.iter().map(|(seq, _)| *seq).min();
        let ready = self.lost.iter().copied().filter(|to| first.is_none_or(|first| *to < first));
        if let Some(to) = ready.max() {
            self.lost.retain(|other| to < *other);
            (self.acked, self.highest) = (self.acked.max(to), self.highest.max(to));
            self.outgoing.push(format!(r#"{{"op":"ack","seq":{to}}}"#));
        }
    }

    /// Acknowledges everything that it has ever received, whatever connection it came on.
    pub(crate) fn acknowledge_again(&mut self) {
        if self.manner.ack != AckBy::Ids && self.highest != 0 {
            let highest = self.highest;
            self.received.retain(|(seq, _)| highest < *seq);
            self.lost.retain(|to| highest < *to);
            self.acked = self.acked.max(highest);
            self.outgoing.push(format!(r#"{{"op":"ack","seq":{highest}}}"#));
        }
    }

    /// Says what a client must not, or need not.
    pub(crate) fn be_rude(&mut self, random: &mut Random) {
        let frame = match random.below(4) {
            0 => format!(r#"{{"op":"ack","seq":{}}}"#, self.acked + BEYOND),
            1 => r#"{"op":"fly"}"#.into(),
            2 => "{\"op\":\"send\",".into(),
            _ => r#"{"op":"ping","ref":"p"}"#.into(),
        };
        self.outgoing.push(frame);
    }

    /// What it says now: one WebSocket message for each frame, or one for all.
    pub(crate) fn take_outgoing(&mut self) -> Vec<String> {
        let frames = std::mem::take(&mut self.outgoing);
        if self.manner.batches && 1 < frames.len() && self.stage == Stage::Here {
            return vec![format!("[{}]", frames.join(","))];
        }
        frames
    }

    /// Something was refused for now: everything unanswered is said again a little later.
    pub(super) fn repeat_later(&mut self, now: Millis, random: &mut Random) {
        self.repeats_at.get_or_insert(now + random.between(20, 300));
    }
}

fn put(frame: &mut String, what: std::fmt::Arguments<'_>) {
    frame.write_fmt(what).expect("a text takes what is written");
}

/// Far beyond any mailbox's end.
const BEYOND: u64 = 1 << 40;
/// Numbers without an answer at most; the contract allows 1,024.
const UNANSWERED_MAX: usize = 24;

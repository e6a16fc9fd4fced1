//! A sender with an outbox: it numbers what it sends, remembers what is unanswered, and repeats that, in order, after every
//! reconnect.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use ackd_wire::MessageId;
use serde_json::{Value, json};

use crate::link::Link;
use crate::{Pair, Run};

struct Sender<'r> {
    run: &'r Run,
    pair: &'r Pair,
    id: String,
    to: String,
    last: u64,
    unanswered: BTreeSet<u64>,
}

pub(crate) fn run(run: &Run, index: usize) {
    let (id, to) = (format!("s{index}"), format!("r{index}"));
    let pair = &run.pairs[index];
    let mut sender = Sender { run, pair, id, to, last: 0, unanswered: BTreeSet::new() };
    while let Some(link) = Link::open(run, &sender.id, &json!({"outbox": "o"})) {
        sender.use_link(link);
    }
}

impl Sender<'_> {
    /// Until the connection is gone or the run is over.
    fn use_link(&mut self, mut link: Link) -> Option<()> {
        let sent = link.connected["sent"].as_u64().unwrap();
        let accepted = self.pair.accepted.lock().unwrap().keys().next_back().copied();
        assert!(accepted.unwrap_or(0) <= sent, "accepted {accepted:?}, but sent is {sent}");
        for n in self.unanswered.clone() {
            self.send(&mut link, n)?;
        }
        while !self.run.over.load(Ordering::SeqCst) {
            while self.unanswered.len() < WINDOW && !self.run.settling.load(Ordering::SeqCst) {
                self.last += 1;
                self.unanswered.insert(self.last);
                self.send(&mut link, self.last)?;
            }
            *self.pair.unanswered.lock().unwrap() = self.unanswered.len() as u64;
            if let Some(frame) = link.hear()? {
                self.answer(&mut link, &frame)?;
            }
        }
        None
    }

    fn send(&self, link: &mut Link, n: u64) -> Option<()> {
        link.say(&json!({"op": "send", "n": n, "to": self.to, "body": {"n": n}}))
    }

    fn answer(&mut self, link: &mut Link, frame: &Value) -> Option<()> {
        let n = frame["n"].as_u64().unwrap_or_else(|| panic!("no number: {frame}"));
        match (frame["op"].as_str(), frame["code"].as_str()) {
            (Some("accepted"), _) => {
                let id = MessageId::parse(frame["id"].as_str().unwrap()).unwrap();
                assert_eq!(id, MessageId::derive(&self.id, "o", n), "number {n} under another ID");
                self.pair.accepted.lock().unwrap().insert(n, id);
                self.unanswered.remove(&n);
            }
            // The receiver does not exist yet, or has too much: final.
            (_, Some("unknown_recipient" | "mailbox_full" | "refused")) => {
                let accepted = self.pair.accepted.lock().unwrap().contains_key(&n);
                assert!(!accepted, "number {n} was accepted, and now: {frame}");
                self.unanswered.remove(&n);
            }
            (_, Some("store_unavailable" | "rate_limited" | "gap")) => self.send(link, n)?,
            _ => panic!("{frame}"),
        }
        Some(())
    }
}

const WINDOW: usize = 32;

//! A receiver that remembers what it has seen and acknowledged, each in its own way of acknowledging, one of them away half
//! of the time.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::{Value, json};

use crate::link::Link;
use crate::{ACK_SYNC, Pair, Run};

struct Receiver<'r> {
    run: &'r Run,
    pair: &'r Pair,
    index: usize,
    /// By `seq`: its ID, and when its ack was sent.
    seen: HashMap<u64, (String, Option<Instant>)>,
    epoch: Option<String>,
    heard: u64,
}

pub(crate) fn run(run: &Run, index: usize) {
    let pair = &run.pairs[index];
    let (seen, epoch) = (HashMap::new(), None);
    let mut receiver = Receiver { run, pair, index, seen, epoch, heard: 0 };
    while let Some(link) = Link::open(run, &format!("r{index}"), &json!({"window": 50})) {
        let opened = Instant::now();
        receiver.use_link(link);
        receiver.forget_late_acks(opened);
    }
}

impl Receiver<'_> {
    /// Until the connection is gone or the run is over.
    fn use_link(&mut self, mut link: Link) -> Option<()> {
        let epoch = link.connected["epoch"].as_str().unwrap().to_owned();
        let known = self.epoch.get_or_insert(epoch.clone());
        assert_eq!(*known, epoch, "nothing was lost: the epoch stays");
        let (mut last, mut unacked) = (0, Vec::new());
        while !self.run.over.load(Ordering::SeqCst) {
            if let Some(frame) = link.hear()? {
                assert_eq!(frame["op"], "message", "{frame}");
                self.message(&frame, &mut last);
                unacked.push((frame["seq"].as_u64().unwrap(), frame["id"].clone()));
                if self.index == AWAY && self.heard % 100 == 99 {
                    return None; // goes, with all this unacknowledged
                }
            }
            let eager = !self.index.is_multiple_of(3) || self.run.settling.load(Ordering::SeqCst);
            if BATCH <= unacked.len() || (eager && !unacked.is_empty()) {
                self.ack(&mut link, &mut unacked)?;
            }
        }
        None
    }

    fn message(&mut self, frame: &Value, last: &mut u64) {
        let (seq, id) = (frame["seq"].as_u64().unwrap(), frame["id"].as_str().unwrap());
        let n = frame["body"]["n"].as_u64().unwrap();
        let attempt = frame["attempt"].as_u64().unwrap_or(1);
        let first_here = *last < seq;
        assert!(first_here || 1 < attempt, "out of order: {seq} after {last}: {frame}");
        *last = seq.max(*last);
        self.heard += 1;
        *self.pair.deliveries.lock().unwrap() += 1;
        let known = self.pair.received.lock().unwrap().insert(n, seq);
        assert!(known.is_none_or(|known| known == seq), "number {n} at {known:?} and at {seq}");
        if let Some((known, acked)) = self.seen.get(&seq) {
            assert_eq!(known, id, "two messages at {seq}");
            if let Some(acked) = acked {
                let kills = self.run.kills.lock().unwrap();
                let killed = kills.iter().find(|kill| acked < kill).map(|kill| *kill - *acked);
                panic!("{seq} came back; it was settled {killed:?} before the kill: {frame}");
            }
        }
        self.seen.insert(seq, (id.to_owned(), None));
    }

    /// Acks that were sent within 200 ms of the end of their connection, or to a server that was dead already, do not
    /// count: nobody knows whether they were read. The end is the kill, if one came, however late it is noticed here.
    fn forget_late_acks(&mut self, opened: Instant) {
        let kills = self.run.kills.lock().unwrap();
        let end = kills.iter().copied().find(|kill| opened < *kill).unwrap_or_else(Instant::now);
        for (_, acked) in self.seen.values_mut() {
            *acked = acked.filter(|acked| *acked + ACK_SYNC < end);
        }
    }

    fn ack(&mut self, link: &mut Link, unacked: &mut Vec<(u64, Value)>) -> Option<()> {
        let now = Instant::now();
        if self.index.is_multiple_of(2) {
            let highest = unacked.iter().map(|(seq, _)| *seq).max().unwrap();
            link.say(&json!({"op": "ack", "seq": highest}))?;
        } else {
            let ids: Vec<_> = unacked.iter().map(|(_, id)| id.clone()).collect();
            link.say(&json!({"op": "ack", "ids": ids}))?;
        }
        for (seq, _) in unacked.drain(..) {
            if let Some((_, acked)) = self.seen.get_mut(&seq) {
                *acked = Some(now);
            }
        }
        Some(())
    }
}

/// The one that goes away again and again.
const AWAY: usize = 5;
/// Messages acknowledged together.
const BATCH: usize = 8;

//! The real binary, killed with `kill -9` again and again under load. Whatever was accepted must arrive, in order, under
//! one ID, at a `seq` that never changes; what was settled must stay settled. `ACKD_TORTURE_KILLS` and
//! `ACKD_TORTURE_SEED` make a run longer or another one.

#![expect(
    clippy::unwrap_used,
    clippy::option_option,
    clippy::disallowed_methods,
    reason = "whatever is not as promised is a panic here, and the clients of a test have a clock of their own"
)]

mod link;
mod receiver;
mod sender;
mod server;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ackd_wire::MessageId;

/// What all clients of a run share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) port: u16,
    /// Kills are over: senders send nothing new.
    pub(crate) settling: AtomicBool,
    /// Everything has arrived: clients end.
    pub(crate) over: AtomicBool,
    pub(crate) kills: Mutex<Vec<Instant>>,
    pub(crate) pairs: Vec<Pair>,
}

/// A sender and its receiver.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    /// Numbers accepted, and under which ID.
    pub(crate) accepted: Mutex<BTreeMap<u64, MessageId>>,
    /// Numbers without a final answer.
    pub(crate) unanswered: Mutex<u64>,
    /// Numbers received, and at which `seq`.
    pub(crate) received: Mutex<BTreeMap<u64, u64>>,
    /// Deliveries in all.
    pub(crate) deliveries: Mutex<u64>,
}

impl Run {
    fn is_settled(&self) -> bool {
        self.pairs.iter().all(|pair| {
            let received = pair.received.lock().unwrap();
            *pair.unanswered.lock().unwrap() == 0
                && pair.accepted.lock().unwrap().keys().all(|n| received.contains_key(n))
        })
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[test]
fn nothing_accepted_is_lost_over_kill_9() {
    let (kills, mut seed) = (setting("ACKD_TORTURE_KILLS", 50), setting("ACKD_TORTURE_SEED", 1));
    let data = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let run = Arc::new(Run {
        port: server::free_port(),
        settling: AtomicBool::new(false),
        over: AtomicBool::new(false),
        kills: Mutex::default(),
        pairs: (0..PAIRS).map(|_| Pair::default()).collect(),
    });
    let clients: Vec<_> = (0..PAIRS)
        .flat_map(|pair| {
            let (for_sender, for_receiver) = (run.clone(), run.clone());
            [
                std::thread::spawn(move || sender::run(&for_sender, pair)),
                std::thread::spawn(move || receiver::run(&for_receiver, pair)),
            ]
        })
        .collect();
    for _ in 0..kills {
        let server = server::start(data.path(), run.port);
        // The moment of the kill is the fault that is injected, not a synchronisation.
        std::thread::sleep(Duration::from_millis(random(&mut seed) % 400));
        run.kills.lock().unwrap().push(Instant::now());
        server.kill();
        run.kills.lock().unwrap().push(Instant::now());
    }
    let server = server::start(data.path(), run.port);
    run.settling.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(120);
    while !run.is_settled()
        && Instant::now() < deadline
        && !clients.iter().any(std::thread::JoinHandle::is_finished)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    let settled = run.is_settled();
    run.over.store(true, Ordering::SeqCst);
    let faults = clients.into_iter().filter_map(|client| client.join().err()).count();
    server.kill();
    verdict(&run, kills, start);
    assert_eq!(faults, 0, "a client has seen a broken promise");
    assert!(settled, "accepted and not delivered: {}", missing(&run));
    order(&run);
}

fn missing(run: &Run) -> String {
    let mut text = String::new();
    for (index, pair) in run.pairs.iter().enumerate() {
        let received = pair.received.lock().unwrap();
        let accepted = pair.accepted.lock().unwrap();
        let lost: Vec<_> = accepted.keys().filter(|n| !received.contains_key(n)).take(9).collect();
        let unanswered = pair.unanswered.lock().unwrap();
        let line = format!("pair {index}: {lost:?}, {unanswered} unanswered; ");
        text.push_str(&line);
    }
    text
}

/// What one outbox sent to one mailbox stands there in the order of its numbers.
fn order(run: &Run) {
    for pair in &run.pairs {
        let received = pair.received.lock().unwrap();
        let seqs: Vec<_> = received.values().copied().collect();
        assert!(seqs.windows(2).all(|two| two[0] < two[1]), "numbers out of order");
        assert!(!seqs.is_empty(), "a pair has exchanged nothing");
    }
}

fn verdict(run: &Run, kills: u64, start: Instant) {
    let sum = |f: fn(&Pair) -> u64| run.pairs.iter().map(f).sum::<u64>();
    let accepted = sum(|pair| pair.accepted.lock().unwrap().len() as u64);
    let received = sum(|pair| pair.received.lock().unwrap().len() as u64);
    let deliveries = sum(|pair| *pair.deliveries.lock().unwrap());
    let seconds = start.elapsed().as_secs();
    println!(
        "torture: {kills} kills, {accepted} accepted, {received} delivered, {} delivered again, {seconds} s",
        deliveries - received
    );
}

const PAIRS: usize = 6;
/// An ack counts when it was sent so long before a kill.
pub(crate) const ACK_SYNC: Duration = Duration::from_millis(200);

//! The rules of the hot path: nothing costs by the message what can cost by the batch. A real server in this process,
//! real sockets, and an allocator that counts. The clients allocate nothing while it is counted, so all that is counted
//! is the server's. In a binary of its own, since the counts are the whole process's.

mod client;

use std::alloc::System;
use std::net::SocketAddr;

use ackd_server::Server;
use ackd_server::config::{Flags, Raw, Sources};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use client::{Client, Encoding};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one message costs, on average, from its sender to its acknowledgement.
#[derive(Debug)]
struct Cost {
    allocations: f64,
    bytes: f64,
}

#[test]
fn a_message_costs_no_allocation_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let data_dir = tempfile::tempdir().expect("a directory for the store");
    let server = runtime.block_on(start(data_dir.path().to_str().expect("a path in UTF-8")));
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let cost = |batch| cost(server.local_addr(), encoding, batch);
        let (small, large) = (cost(16), cost(64));
        println!("{encoding:?}: a message in batches of 16: {small:.2?}, of 64: {large:.2?}");
        assert!(large.allocations < 0.75, "{large:.2?}");
        // What is left is the batch's: four times the messages hardly cost more.
        let marginal = (64.0 * large.allocations - 16.0 * small.allocations) / (64.0 - 16.0);
        assert!(marginal < 0.25, "{marginal:.2} allocations for each further message");
        // The record, the two frames, and the tables of the batch, none of them made several times over.
        assert!(large.bytes < 2_500.0, "{large:.2?}");
    }
    runtime.block_on(server.kill());
}

async fn start(data_dir: &str) -> Server {
    let flags = Flags {
        set: vec!["journal_bytes=64MiB".to_owned(), "limits.frames_per_second=10000000".to_owned()],
        listen: Some("127.0.0.1:0".to_owned()),
        data_dir: Some(data_dir.to_owned()),
        store: None,
    };
    let sources = Sources { file: None, environment: Vec::new(), flags };
    let config = Raw::gather(&sources).and_then(|raw| raw.check()).expect("a good configuration");
    Server::start(config).await.expect("the server starts")
}

/// One client sends batches to another, which acknowledges each as a whole; in steady state.
fn cost(server: SocketAddr, encoding: Encoding, batch: u64) -> Cost {
    let (from, to) = (format!("from-{encoding:?}-{batch}"), format!("to-{encoding:?}-{batch}"));
    let mut receiver = Client::connect(server, encoding, &to);
    let mut sender = Client::connect(server, encoding, &from);
    let sends: Vec<_> =
        (0..WARMUP + ROUNDS).map(|k| client::sends(encoding, &to, k * batch, batch)).collect();
    let acks: Vec<_> = (1..=WARMUP + ROUNDS).map(|k| client::ack(encoding, k * batch)).collect();
    let mut rounds = sends.iter().zip(&acks);
    let mut run = |count: u64| {
        for (send, ack) in rounds.by_ref().take(count as usize) {
            sender.write(send);
            sender.read(batch, "accepted");
            receiver.read(batch, "message");
            receiver.write(ack);
        }
    };
    run(WARMUP);
    let region = Region::new(ALLOCATOR);
    run(ROUNDS);
    let change = region.change();
    let messages = (ROUNDS * batch) as f64;
    Cost {
        allocations: (change.allocations + change.reallocations) as f64 / messages,
        bytes: change.bytes_allocated as f64 / messages,
    }
}

const WARMUP: u64 = 20;
const ROUNDS: u64 = 100;

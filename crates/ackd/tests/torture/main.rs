//! The real binary under `kill -9`, with real clients, sockets and disk: what was accepted is kept, once in effect, in
//! order, and what was settled stays settled. `model` knows what was promised, `sender` and `receiver` are the clients,
//! `killer` is the fault. Black box: nothing of the server is linked.
//!
//! ```text
//! ACKD_TORTURE_KILLS=2000 ACKD_TORTURE_SEED=7 cargo test --release -p ackd --test torture -- --nocapture
//! ```
//!
//! The seed fixes what the clients do and when the server is killed, not how the threads run: a repeat of a seed is a
//! similar run, not the same one.

mod killer;
mod link;
mod model;
mod plan;
mod receiver;
mod rng;
mod sender;
mod server;
mod world;

use plan::Plan;

#[test]
fn what_was_accepted_survives_every_kill_and_what_was_settled_stays_settled() {
    let plan = Plan::from_environment();
    println!("torture: {plan:?}");
    match killer::run(&plan) {
        Ok(figures) => println!("torture: {figures}"),
        Err(failure) => panic!("{failure}\n  again: {}", plan.command()),
    }
}

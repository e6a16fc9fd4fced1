//! The promises of the [`Engine`] trait as tests, one file a topic, for every engine: each implementation
//! gives a way to open an empty store, and runs all of them. Compiled for tests and with the feature `conformance` only.

mod client;
mod dead;
mod devices;
mod epochs;
mod expiry;
mod identities;
mod limits;
mod notices;
mod numbers;
mod order;
mod outboxes;
mod purge;
mod read;
mod receipts;
mod room_ends;
mod rooms;
mod rotation;
mod settle;
mod team;

use std::fmt;

use ackd_wire::Millis;

use crate::api::{Engine, Limits, Outcome};

/// A store under test, open.
pub trait Store: fmt::Debug {
    /// The engine that has it open.
    fn engine(&self) -> &dyn Engine;
    /// Comes back when all that was submitted is decided and stored, acks too, and what is due at `now` has ended.
    fn flush(&self, now: Millis);
    /// All that the engine has told since the last call.
    fn outcome(&self) -> Outcome;
    /// Closes the store and opens it again.
    fn reopen(&mut self, now: Millis);
}

/// Opens an empty store with these limits, at time 1000.
pub type OpenEmpty<'o> = &'o dyn Fn(Limits) -> Box<dyn Store>;

/// One test of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Test {
    /// What holds.
    pub name: &'static str,
    /// Panics if it does not.
    pub run: fn(OpenEmpty<'_>),
}

/// The whole suite, by topic.
pub const TOPICS: &[(&str, &[Test])] = &[
    ("dead", dead::TESTS),
    ("devices", devices::TESTS),
    ("epochs", epochs::TESTS),
    ("expiry", expiry::TESTS),
    ("identities", identities::TESTS),
    ("limits", limits::TESTS),
    ("notices", notices::TESTS),
    ("numbers", numbers::TESTS),
    ("order", order::TESTS),
    ("outboxes", outboxes::TESTS),
    ("purge", purge::TESTS),
    ("read", read::TESTS),
    ("receipts", receipts::TESTS),
    ("room_ends", room_ends::TESTS),
    ("rooms", rooms::TESTS),
    ("rotation", rotation::TESTS),
    ("settle", settle::TESTS),
];

/// Runs one topic and says which test it is at, so that a panic has a name.
pub fn run(topic: &str, open: OpenEmpty<'_>) {
    let tests = TOPICS.iter().filter(|(name, _)| *name == topic).flat_map(|(_, tests)| *tests);
    let mut count = 0;
    for test in tests {
        println!("{topic}: {}", test.name);
        (test.run)(open);
        count += 1;
    }
    assert_ne!(count, 0, "there is such a topic");
}

/// A list of tests from their functions.
macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        &[$($crate::conformance::Test { name: stringify!($name), run: $name }),+]
    };
}
use tests;

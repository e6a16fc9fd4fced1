//! Deterministic simulation: real sessions, the real router and the real engine over a simulated network, disk, clock and
//! randomness, all from one seed. A model of the promises (`docs/protocol.md`, section 1) hears everything that a server
//! is told and says. The same plan gives the same history, byte for byte.

mod client;
mod connection;
mod flight;
mod frames;
mod link;
mod log;
mod model;
mod plan;
mod random;
mod run;
mod server;
mod shelf;
mod shrink;
mod violation;
mod watch;
mod world;

pub use log::Log;
pub use model::Figures;
pub use plan::{Fault, Faults, Plan};
pub use run::{Run, run};
pub use shelf::ArchiveCounts;
pub use shrink::shrink;
pub use violation::{Promise, Violation};

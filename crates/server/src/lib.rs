//! The running ackd server, as a library.
//!
//! Data flows one way: socket → dialect → session → router → engine, and back by channel. The session and the router
//! know neither socket nor clock; everything between socket and disk can be run by a simulation.

mod clock;
pub mod config;
pub mod dialect;
mod drain;
mod metrics;
pub mod offline;
mod presence;
pub mod router;
mod server;
pub mod session;
mod socket;
mod store;
mod tls;

pub use ackd_engine::LockError;
pub use server::{Server, StartError, check_files};
pub use tls::CertificateError;

//! The running ackd server, as a library.
//!
//! Data flows one way: socket → dialect → session → router → engine, and back by channel. The session and the router
//! know neither socket nor clock; everything between socket and disk can be run by a simulation.

pub mod router;
pub mod session;

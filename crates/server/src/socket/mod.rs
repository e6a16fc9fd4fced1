//! Station 1: bytes. It accepts, upgrades, reads, writes, pings and closes; it owns buffers while there are bytes, and
//! nothing else.

mod access;
mod backup;
mod clients;
mod connection;
mod hearing;
mod http;
mod keepalive;
mod line;
mod listener;
mod page;
mod phase;
mod policy;
mod pool;
mod pulse;
mod quota;
mod rate;
mod reader;
mod starting;
mod stream;
mod timers;
mod upgrade;
mod writer;

pub(crate) use http::Context;
pub(crate) use listener::{bind, listen};
pub(crate) use phase::{Phase, SHARES};
pub(crate) use policy::{Policy, Terms};
pub(crate) use pulse::{Pulse, beat};
pub(crate) use quota::Quota;
pub(crate) use starting::Starting;
pub(crate) use timers::Timers;

//! Station 1: bytes. It accepts, upgrades, reads, writes, pings and closes; it owns buffers while there are bytes, and
//! nothing else.

mod connection;
mod http;
mod keepalive;
mod landing;
mod listener;
mod quota;
mod timers;

pub(crate) use http::Context;
pub(crate) use listener::listen;
pub(crate) use quota::Quota;
pub(crate) use timers::Timers;

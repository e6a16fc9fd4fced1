//! The server as its clients meet it: a real one in this process, real sockets, one file a behaviour.

mod acks;
mod batches;
mod classic;
mod closing;
mod codes;
mod epochs;
mod framing;
mod handshake;
mod identities;
mod keepalive;
mod lifecycle;
mod logging;
mod metrics;
mod msgpack;
mod outboxes;
mod pages;
mod presence;
mod pressure;
mod redelivery;
mod refusals;
mod reloading;
mod rooms;
mod sharing;
mod support;
mod tls;
mod windows;

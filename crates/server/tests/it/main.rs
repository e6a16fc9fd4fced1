//! The server as its clients meet it: a real one in this process, real sockets, one file a behaviour.

mod classic;
mod closing;
mod framing;
mod handshake;
mod keepalive;
mod lifecycle;
mod logging;
mod msgpack;
mod pages;
mod presence;
mod pressure;
mod reloading;
mod support;
mod tls;

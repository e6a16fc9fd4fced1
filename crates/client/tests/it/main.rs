//! The client over real sockets: against a server whose every word is scripted, and against the real one.

mod examples;
mod lasting;
mod real;
mod receiving;
mod reconnecting;
#[cfg(feature = "tls")]
mod secured;
mod sending;
mod support;

//! The harness: a real server in this process on a port of its own, a store in a directory that goes with the test, and
//! clients on real sockets. Nothing here sleeps: what is waited for comes within [`PATIENCE`], or the test fails.

mod client;
mod http;
mod log;
mod msgpack;
pub(crate) mod openmetrics;
mod server;
mod tls;

use std::future::Future;
use std::time::Duration;

pub(crate) use client::{Client, Heard, Socket};
pub(crate) use http::{HttpAnswer, ask, subprotocol_request, upgrade_request};
pub(crate) use log::Log;
pub(crate) use msgpack::pack;
use msgpack::unpack;
pub(crate) use openmetrics::Samples;
pub(crate) use server::{Running, configuration, server};
pub(crate) use tls::Certificate;

/// Far more than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

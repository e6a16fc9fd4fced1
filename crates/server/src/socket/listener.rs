//! Accepting: one task for each TCP connection, HTTP/1.1 on it until it is upgraded.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::http::{self, Context, Guest};
use super::quota::Place;
use super::stream::Stream;

/// Accepts until it is aborted.
pub(crate) async fn listen(listener: TcpListener, context: Arc<Context>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(place) = context.quota.take(address.ip()) {
                    tokio::spawn(serve(stream, address.ip(), place, context.clone()));
                } else {
                    tracing::debug!(%address, "refused without a word");
                }
            }
            Err(error) => {
                // Out of files, mostly: others may close theirs.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, address: IpAddr, place: Place, context: Arc<Context>) {
    // Many small frames: joining them is done here, by batches, not by the kernel.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let accepted = tokio::select! {
        accepted = Stream::accept(stream, context.policy.tls(), context.header_timeout) => accepted,
        () = context.phase.over() => return,
    };
    let stream = match accepted {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "TLS"),
    };
    let guest = Arc::new(Guest::new(context.clone(), address, place));
    let service = service_fn(move |request| http::answer(request, guest.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(context.header_timeout)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let connection = pin!(connection);
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "HTTP");
        },
        () = context.phase.over() => {}
    }
}

/// Before the next try to accept.
const PAUSE: Duration = Duration::from_millis(100);
const HEADER_BYTES_MAX: usize = 16 * 1024;

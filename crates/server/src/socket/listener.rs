//! Accepting: one task for each TCP connection, HTTP/1.1 on it until it is upgraded.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::http::{self, Context, Guest};
use super::quota::Place;
use super::stream::Stream;

/// Listens on an address, with room for all who come back at once after a restart: whom the system has no room for, it
/// leaves without an answer, and they try again only after one second, then three, then seven.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?; // a restart does not wait for the connections of the one before
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

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

/// Connections that wait to be accepted; `net.core.somaxconn` (4,096 by default) bounds it too.
const BACKLOG: u32 = 65_535;
/// Before the next try to accept.
const PAUSE: Duration = Duration::from_millis(100);
const HEADER_BYTES_MAX: usize = 16 * 1024;

//! Accepting: one task for each TCP connection, HTTP/1.1 on it until it is upgraded.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::http::{self, Context, Guest};
use super::quota::Place;
use super::stream::Stream;

/// Accepts until it is aborted.
pub(crate) async fn listen(listener: TcpListener, context: Arc<Context>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(place) = context.quota.take(address.ip()) {
                    tokio::spawn(serve(stream, place, context.clone()));
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

async fn serve(stream: TcpStream, place: Place, context: Arc<Context>) {
    // Many small frames: joining them is done here, by batches, not by the kernel.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let stream = match context.policy.terms().tls.clone() {
        None => Stream::Plain(stream),
        Some(acceptor) => match encrypt(&acceptor, stream, &context).await {
            Ok(stream) => Stream::Tls(Box::new(stream)),
            Err(error) => return tracing::debug!(%error, "TLS"),
        },
    };
    let guest = Arc::new(Guest::new(context.clone(), place));
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

/// The handshake of TLS, in the time that a request's head may take.
async fn encrypt(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    context: &Context,
) -> io::Result<TlsStream<TcpStream>> {
    tokio::select! {
        handshake = tokio::time::timeout(context.header_timeout, acceptor.accept(stream)) => {
            handshake.unwrap_or_else(|late| Err(late.into()))
        }
        () = context.phase.over() => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// Before the next try to accept.
const PAUSE: Duration = Duration::from_millis(100);
const HEADER_BYTES_MAX: usize = 16 * 1024;

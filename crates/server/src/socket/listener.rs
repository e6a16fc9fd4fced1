//! Accepting: one task for each TCP connection, HTTP/1.1 on it until it is upgraded.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::http::{self, Context};

/// Accepts until it is aborted.
pub(crate) async fn listen(listener: TcpListener, context: Arc<Context>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Many small frames: waiting to join them is done here, by batches, not by the kernel.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY");
                }
                tokio::spawn(serve(stream, address.ip(), context.clone()));
            }
            Err(error) => {
                // Out of files, mostly: others may close theirs.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, address: std::net::IpAddr, context: Arc<Context>) {
    let service = service_fn(move |request| http::answer(request, address, context.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, %address, "HTTP");
    }
}

/// A request that takes longer is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: usize = 16 * 1024;

//! While the store opens: whoever asks is told to come back. Nothing of the server is there yet but the socket.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::http::{Answer, later, plain, with};
use super::policy::Policy;
use super::quota::{Place, Quota};
use super::stream::Stream;

/// What there is of a server before its store is open.
#[derive(Debug)]
pub(crate) struct Starting {
    pub(crate) policy: Arc<Policy>,
    pub(crate) quota: Arc<Quota>,
    /// How long a request's head, or a handshake, may take.
    pub(crate) header_timeout: Duration,
}

impl Starting {
    /// Answers until it is dropped; whoever is being answered then is answered still.
    pub(crate) async fn run(self, listener: &TcpListener) {
        let starting = Arc::new(self);
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    if let Some(place) = starting.quota.take(address.ip()) {
                        tokio::spawn(serve(stream, place, starting.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, place: Place, starting: Arc<Starting>) {
    let patience = starting.header_timeout;
    let served = tokio::time::timeout(2 * patience, async {
        let Ok(stream) = Stream::accept(stream, starting.policy.tls(), patience).await else {
            return;
        };
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        if let Err(error) = served.await {
            tracing::debug!(%error, "HTTP");
        }
    });
    if served.await.is_err() {
        tracing::debug!("a request that did not come to its end");
    }
    drop(place);
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let answer = match request.uri().path() {
        "/healthz" => plain(StatusCode::OK, "starting\n"),
        _ => later(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
    };
    Ok(with(answer, header::CONNECTION, "close"))
}

/// Before the next try to accept.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::config::Origins;
    use crate::socket::Terms;

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.to_lowercase()
    }

    #[tokio::test]
    async fn while_the_store_opens_the_server_is_alive_and_not_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let terms = Terms { origins: Origins::Any, token: None, tls: None };
        let quota = Quota::new(9, 9);
        let starting = Starting {
            policy: Arc::new(Policy::new(terms, 1)),
            quota: quota.clone(),
            header_timeout: Duration::from_secs(10),
        };
        let asking = async {
            assert!(ask(address, "/healthz").await.starts_with("http/1.1 200 "));
            for path in ["/readyz", "/v1/ws", "/"] {
                let answer = ask(address, path).await;
                assert!(answer.starts_with("http/1.1 503 "), "{path}: {answer}");
                assert!(answer.contains("\r\nretry-after: "), "{path}: {answer}");
            }
        };
        tokio::select! {
            () = asking => {}
            () = starting.run(&listener) => unreachable!("it runs until it is dropped"),
        }
        drop(listener);
        while 1 < Arc::strong_count(&quota) {
            tokio::task::yield_now().await; // every place is given back
        }
    }
}

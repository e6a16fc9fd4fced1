//! From an address to an upgraded connection: TCP, TLS, the HTTP upgrade, the server's proof.

use std::time::Duration;

use ackd_websocket::{accept_key, client_key};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::address::Address;
use crate::error::{DialError, TlsError};
use crate::socket::Socket;
use crate::stream::Stream;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How the server is reached.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    address: Address,
    /// Where the address asks for it.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Dialer {
    /// A dialer of this address, that trusts these authorities (PEM), or those of the system. They are read where the
    /// address asks for TLS only.
    #[cfg_attr(
        not(feature = "tls"),
        expect(clippy::unnecessary_wraps, reason = "with TLS it can fail")
    )]
    pub(crate) fn new(address: Address, authorities: Option<&[u8]>) -> Result<Self, TlsError> {
        #[cfg(feature = "tls")]
        return Ok(Self {
            tls: address.is_tls().then(|| Tls::new(authorities)).transpose()?,
            address,
        });
        #[cfg(not(feature = "tls"))]
        {
            let _ = authorities;
            debug_assert!(!address.is_tls(), "an address that asks for TLS is refused");
            Ok(Self { address })
        }
    }

    /// Connects and upgrades. `nonce` is random.
    pub(crate) async fn dial(&self, nonce: [u8; 16]) -> Result<Socket, DialError> {
        tokio::time::timeout(DIAL_TIMEOUT, self.dial_patiently(nonce))
            .await
            .map_err(|_| DialError::Timeout { address: self.address.authority() })?
    }

    /// Connects, with TLS where that is asked for.
    pub(crate) async fn connect(&self) -> Result<(&Address, Stream), DialError> {
        let connected = tokio::time::timeout(DIAL_TIMEOUT, self.connect_patiently()).await;
        let late = |_| DialError::Timeout { address: self.address.authority() };
        Ok((&self.address, connected.map_err(late)??))
    }

    async fn connect_patiently(&self) -> Result<Stream, DialError> {
        let address = &self.address;
        let tcp_error = |source| DialError::Tcp { address: address.authority(), source };
        let stream = TcpStream::connect(address.endpoint()).await.map_err(tcp_error)?;
        stream.set_nodelay(true).map_err(tcp_error)?;
        self.secured(stream).await
    }

    async fn dial_patiently(&self, nonce: [u8; 16]) -> Result<Socket, DialError> {
        let address = &self.address;
        let stream = self.connect_patiently().await?;
        let key = client_key(nonce);
        let response = request(address, stream, &key).await?;
        check(address, &response, &key)?;

        let http_error = |source| DialError::Http { address: address.authority(), source };
        let upgraded = hyper::upgrade::on(response).await.map_err(http_error)?;
        let parts =
            upgraded.downcast::<TokioIo<Stream>>().expect("the connection was made over a Stream");
        Ok(Socket::new(parts.io.into_inner(), &parts.read_buf))
    }

    #[cfg(feature = "tls")]
    async fn secured(&self, stream: TcpStream) -> Result<Stream, DialError> {
        let Some(tls) = &self.tls else { return Ok(Stream::Plain(stream)) };
        let tls_error = |source| DialError::Tls { address: self.address.authority(), source };
        tls.shake_hands(self.address.endpoint().0, stream).await.map_err(tls_error)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "as with TLS")]
    async fn secured(&self, stream: TcpStream) -> Result<Stream, DialError> {
        Ok(Stream::Plain(stream))
    }
}

async fn request(
    address: &Address,
    stream: Stream,
    key: &str,
) -> Result<Response<Incoming>, DialError> {
    let http_error = |source| DialError::Http { address: address.authority(), source };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(http_error)?;
    // Ends with the upgrade, or with the connection.
    tokio::spawn(connection.with_upgrades());
    let request = Request::get(address.path())
        .header(header::HOST, address.authority())
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
        .body(Empty::<Bytes>::new())
        .expect("an address holds only characters of a URL");
    sender.send_request(request).await.map_err(http_error)
}

fn check(address: &Address, response: &Response<Incoming>, key: &str) -> Result<(), DialError> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let not_ackd = |what: String| DialError::NotAckd { address: address.authority(), what };
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status @ (StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT) => {
            let seconds = text(header::RETRY_AFTER).and_then(|text| text.parse::<u64>().ok());
            let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
            return Err(DialError::Refused { status: status.as_u16(), retry_after_ms });
        }
        status => return Err(not_ackd(format!("HTTP {}", status.as_u16()))),
    }
    let proof = accept_key(key).expect("the key is our own");
    if text(header::SEC_WEBSOCKET_ACCEPT) != Some(&*proof) {
        return Err(not_ackd("a wrong Sec-WebSocket-Accept".to_owned()));
    }
    match text(header::SEC_WEBSOCKET_PROTOCOL) {
        None | Some(SUBPROTOCOL) => Ok(()),
        Some(other) => Err(not_ackd(format!("the subprotocol {other:?}"))),
    }
}

const SUBPROTOCOL: &str = "ackd.v1.json";
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

//! What an operator asks of a server: plain HTTP beside the WebSocket, with the admin token.

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::address::Address;
use crate::dial::Dialer;
use crate::error::{AddressError, DialError, TlsError};

/// Asks a server what operators ask.
#[derive(Debug, Clone)]
pub struct Operator {
    dialer: Dialer,
    /// `Authorization`, which is not shown.
    authorization: Option<HeaderValue>,
}

/// Why nothing could be asked.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The URL is not a server's.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS cannot be spoken with what is trusted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The token has characters that cannot be sent.
    #[error("an admin token has only visible ASCII characters")]
    Token,
    /// The server was not reached.
    #[error(transparent)]
    Unreachable(#[from] DialError),
}

/// A server's answer.
#[derive(Debug)]
pub struct OperatorAnswer {
    /// The HTTP status.
    pub status: u16,
    body: Incoming,
}

impl Operator {
    /// Of the server at this URL; `authorities` (PEM) are trusted in place of the system's.
    pub fn new(
        url: &str,
        authorities: Option<&[u8]>,
        admin_token: Option<&str>,
    ) -> Result<Self, OperatorError> {
        let authorization = admin_token.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            Ok::<_, InvalidHeaderValue>(value)
        });
        let authorization = authorization.transpose().map_err(|_| OperatorError::Token)?;
        Ok(Self { dialer: Dialer::new(Address::parse(url)?, authorities)?, authorization })
    }

    /// Asks for a path, `/v1/…`.
    pub async fn get(&self, path: &str) -> Result<OperatorAnswer, OperatorError> {
        let (address, stream) = self.dialer.connect().await?;
        let http_error = |source| DialError::Http { address: address.authority(), source };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(http_error)?;
        // Ends with the answer.
        tokio::spawn(connection);
        let mut request = Request::get(address.base().to_owned() + path)
            .header(header::HOST, address.authority())
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .expect("an address holds only characters of a URL");
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let response = sender.send_request(request).await.map_err(http_error)?;
        Ok(OperatorAnswer { status: response.status().as_u16(), body: response.into_body() })
    }
}

impl OperatorAnswer {
    /// The next bytes of it; `None`: that was all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(bytes) = frame?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

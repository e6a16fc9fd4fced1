//! What can go wrong, from the address to an answer.

use std::io;
use std::path::PathBuf;

use ackd_wire::{ErrorCode, Millis};

/// A URL that leads to no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// TLS is not in this build: turn the feature `tls` on, or use `http://` within a trusted network.
    #[error("https:// and wss:// are not part of this build (feature `tls`); use http:// or ws://")]
    Tls,
    /// None of `https`, `wss`, `http`, `ws`.
    #[error("`{0}://` is no scheme of an ackd server; use https:// or http:// (or wss://, ws://)")]
    Scheme(String),
    /// Host or port are missing or wrong.
    #[error("the address must be as http://HOST:PORT or https://HOST")]
    Authority,
}

/// TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// What was given to be trusted is no PEM text with certificates.
    #[error("the certificates to trust cannot be used: {0}")]
    Authorities(String),
    /// Install the system's certificates (package `ca-certificates`), or name those to trust.
    #[error(
        "this system has no certificates to trust: install its package ca-certificates, or name a file of those to trust"
    )]
    NoSystemAuthorities,
}

/// Why [`crate::Builder::connect`] gave up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Correct the URL.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nobody answers: is the server running?
    #[error(transparent)]
    Unreachable(#[from] DialError),
    /// The server was reached and does not want this client.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The server was reached, and refused for a reason that passes: try again later.
    #[error("the server did not let this client in now: {0}; try again later")]
    NotNow(String),
    /// The identity or outbox file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The first attempt to reach the server failed. Once it was reached, the client tries again by itself.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// TCP.
    #[error("cannot connect to {address}: {source}")]
    Tcp {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The TLS handshake: the certificate may be another's, out of date, or of an authority that is not trusted.
    #[error("the TLS handshake with {address} failed: {source}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("{address} did not answer in time")]
    Timeout {
        /// Host and port.
        address: String,
    },
    /// HTTP failed on the way.
    #[error("the handshake with {address} failed: {source}")]
    Http {
        /// Host and port.
        address: String,
        /// Why.
        source: hyper::Error,
    },
    /// The server refuses connections now.
    #[error("the server refused the connection: HTTP {status}")]
    Refused {
        /// The HTTP status: 403 is final, others pass.
        status: u16,
        /// `Retry-After`, in milliseconds.
        retry_after_ms: Option<Millis>,
    },
    /// Something answers that is no ackd server.
    #[error("{address} answers, but is no ackd server ({what})")]
    NotAckd {
        /// Host and port.
        address: String,
        /// What was unexpected.
        what: String,
    },
}

/// Why a client has stopped for good. It does not reconnect: the same would happen again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The application closed it.
    #[error("the client was closed")]
    Closed,
    /// Nobody holds the remembered identity any more. Its mail is gone; forget the file and connect anew.
    #[error(
        "the server does not know this identity (any more): forget it and connect for a new one"
    )]
    UnknownIdentity,
    /// The ID is held, and the secret is not its own.
    #[error("not authorised: {0}")]
    Unauthorized(String),
    /// Another connection uses this outbox: run one sender for each identity file.
    #[error(
        "another connection has taken this outbox over; its unanswered sends are that one's now"
    )]
    OutboxTaken,
    /// The server closed with a code that says stop.
    #[error("the server closed the connection: {code} {reason}")]
    ClosedByServer {
        /// The close code.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The server did not accept the `connect`.
    #[error("the server refused: {message} ({code})")]
    Refused {
        /// The error's code.
        code: ErrorCode,
        /// In words.
        message: String,
    },
    /// What answers is no ackd server, or forbids this client.
    #[error("{0}")]
    Unreachable(String),
    /// The outbox can no longer be remembered; nothing more is sent.
    #[error("{0}")]
    File(String),
}

/// Why a send was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server refused it for good.
    #[error("{message} ({code})")]
    Refused {
        /// The error's code.
        code: ErrorCode,
        /// In words.
        message: String,
        /// When a new send may succeed (`mailbox_full`), in milliseconds.
        retry_after_ms: Option<Millis>,
    },
    /// The client was made by [`crate::Builder::receive_only`].
    #[error("this client only receives")]
    ReceiveOnly,
    /// The client stopped before the answer: whether it was accepted is open. If the outbox is remembered in a file,
    /// the next client with that file sends it again, once in effect.
    #[error("{0}; the send was not answered")]
    Stopped(Stopped),
}

/// A file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} is no identity file of ackd: {what}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process sends with this identity.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The outbox beside the identity file belongs to another identity, which has not sent everything. Send it as that
    /// identity, or remove the file to give it up.
    #[error(
        "{} holds {count} unanswered send{} of {owner}: send them as {owner}, or remove the file to give them up",
        path.display(),
        if *count == 1 { "" } else { "s" }
    )]
    Unsent {
        /// Which file.
        path: PathBuf,
        /// Whose sends they are.
        owner: String,
        /// How many.
        count: usize,
    },
}

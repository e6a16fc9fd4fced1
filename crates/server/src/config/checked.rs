//! The configuration, checked: every value is in its range, and they fit one another. The fields mirror the file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// A checked configuration; [`super::Raw::check`] is the only way to one. The store is the embedded one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Address and port to listen on; port 0 picks one.
    pub listen: SocketAddr,
    /// Directory of the store.
    pub data_dir: PathBuf,
    /// What an accepted message survives.
    pub durability: Durability,
    /// Bytes of journal beyond which its oldest segments are freed; at least 1 MiB and 16 × `max_message`.
    pub journal_bytes: u64,
    /// Memory for messages that wait, in bytes; more are moved to the archive.
    pub index_bytes: u64,
    /// How long a delivery waits for its ack; 10 ms to 1 day.
    pub ack_timeout: Duration,
    /// How often a connection is pinged; 10 ms to 1 day.
    pub ping_interval: Duration,
    /// How long a connection may take to its `connect`; 10 ms to 1 day.
    pub connect_timeout: Duration,
    /// Most bytes of a body; 1 KiB to 16 MiB.
    pub max_message: usize,
    /// Default and longest life of a message; at least `ack_timeout`.
    pub message_ttl: Duration,
    /// How long an identity lives after its last connection.
    pub identity_ttl: Duration,
    /// How long an unused outbox is remembered.
    pub dedup_window: Duration,
    /// A reconnect within it is not reported as presence.
    pub presence_grace: Duration,
    /// Most messages in one mailbox; at least 1.
    pub mailbox_limit: u32,
    /// Most bytes in one mailbox; at least `max_message`.
    pub mailbox_bytes: u64,
    /// Most messages in one mailbox from one sender; 1 to `mailbox_limit` (a larger one given is cut to it).
    pub mailbox_sender_limit: u32,
    /// Most messages in one durable room; at least 1.
    pub room_limit: u32,
    /// Most bytes in one durable room; at least `max_message`.
    pub room_bytes: u64,
    /// Most bytes of mail to names nobody holds, in all; 0: none.
    pub unclaimed_bytes: u64,
    /// Deliveries before a message is dead; 0: never.
    pub max_attempts: u16,
    /// How long a shutdown may take.
    pub drain_timeout: Duration,
    /// Who may do what.
    pub auth: Auth,
    /// Who may ask what operators ask.
    pub admin: Admin,
    /// The certificate, where the server speaks TLS.
    pub tls: Option<Tls>,
    /// What a server or a connection may use.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the configuration")]
pub struct Auth {
    /// Server-issued identities for anyone.
    pub anonymous: bool,
    /// An unheld ID may be claimed by name.
    pub claims: bool,
    /// Clients may send to `all`.
    pub allow_all: bool,
    /// Any ID by its name alone (classic dialect).
    pub open_claims: bool,
    /// What becomes of mail to an ID that nobody holds.
    pub unknown_recipients: UnknownRecipients,
    /// Web pages that may connect.
    pub allowed_origins: Origins,
}

/// `[admin]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admin {
    /// What an operator shows; `None`: being on this machine is enough.
    pub token: Option<Secret>,
}

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// PEM file: the certificate and its chain.
    pub cert: PathBuf,
    /// PEM file: its private key.
    pub key: PathBuf,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most connections; at least 1.
    pub connections: usize,
    /// Most connections from one address; at least 1.
    pub connections_per_ip: usize,
    /// Frames a second of one connection; at least 1.
    pub frames_per_second: u32,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// From which severity on.
    pub level: Level,
}

/// What becomes of mail to an ID that nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownRecipients {
    /// The sender is refused: `unknown_recipient`.
    Reject,
    /// It waits for whoever takes the ID.
    Accept,
}

/// What an accepted message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Power loss.
    Fsync,
    /// A crash of ackd, not of the machine.
    Os,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// An object a line.
    Json,
}

/// Severity from which on lines are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What failed.
    Error,
    /// And what needs a look.
    Warn,
    /// And what an operator wants to know.
    Info,
    /// And what a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

/// Web pages that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// All.
    Any,
    /// These, in lower case, as `https://chat.example.org`.
    Only(Vec<String>),
}

impl Origins {
    /// Whether a page of this `Origin` header may connect. Scheme and host are compared without regard to case.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().any(|known| known.eq_ignore_ascii_case(origin)),
        }
    }
}

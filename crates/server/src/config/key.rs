//! The table of all keys: name, default, documentation. The one place that knows them; suggestions, defaults and
//! `config.example.toml` are made from it.

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $default:literal;)+) => {
        /// One key of the configuration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Key {
            /// Every key, in the order of the example file: keys of one table stand together, the top level first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The dotted name, as in `--set`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The default, as TOML.
            pub const fn default_toml(self) -> &'static str {
                match self { $(Self::$variant => $default,)+ }
            }

            /// What it means, in lines.
            pub const fn doc(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($doc,)+],)+ }
            }
        }
    };
}

keys! {
    /// Address and port to listen on; port 0 picks a free one. The environment's PORT replaces the port,
    /// `--listen` beats both.
    Listen = "listen", "\"0.0.0.0:5000\"";
    /// Directory of the store; made if it is missing.
    DataDir = "data_dir", "\"ackd-data\"";
    /// Where messages are kept: "embedded", in `data_dir`.
    Store = "store", "\"embedded\"";
    /// What an accepted message survives: "fsync" (power loss) or "os" (a crash of ackd).
    Durability = "durability", "\"fsync\"";
    /// When the journal is larger, its oldest part is moved to the archive. Both are in `data_dir`.
    JournalBytes = "journal_bytes", "\"1GiB\"";
    /// Memory for messages that wait; what is beyond it is moved to the archive.
    IndexBytes = "index_bytes", "\"128MiB\"";
    /// After how long without an ack a message is delivered again.
    AckTimeout = "ack_timeout", "\"30s\"";
    /// How often a connection is pinged; it is closed after two unanswered pings.
    PingInterval = "ping_interval", "\"25s\"";
    /// How long a connection may take to its first frame.
    ConnectTimeout = "connect_timeout", "\"10s\"";
    /// Largest body of a message, at most 16MiB.
    MaxMessage = "max_message", "\"64KiB\"";
    /// Default and longest life of a message.
    MessageTtl = "message_ttl", "\"7d\"";
    /// How long an identity lives after its last connection.
    IdentityTtl = "identity_ttl", "\"30d\"";
    /// How long an unused outbox is remembered: until then a repeated send is recognised.
    DedupWindow = "dedup_window", "\"30d\"";
    /// A reconnect within it is not reported as presence.
    PresenceGrace = "presence_grace", "\"5s\"";
    /// Most messages waiting in one mailbox; beyond it senders are refused.
    MailboxLimit = "mailbox_limit", "10000";
    /// Most bytes waiting in one mailbox.
    MailboxBytes = "mailbox_bytes", "\"16MiB\"";
    /// Of `mailbox_limit`, from one sender.
    MailboxSenderLimit = "mailbox_sender_limit", "1000";
    /// Most messages kept in one durable room; the oldest end first.
    RoomLimit = "room_limit", "100000";
    /// Most bytes kept in one durable room.
    RoomBytes = "room_bytes", "\"256MiB\"";
    /// Most bytes of mail to names nobody holds yet, in all.
    UnclaimedBytes = "unclaimed_bytes", "\"64MiB\"";
    /// Deliveries before a message is dead; 0: never.
    MaxAttempts = "max_attempts", "0";
    /// How long a shutdown may take.
    DrainTimeout = "drain_timeout", "\"20s\"";
    /// Server-issued identities for anyone.
    AuthAnonymous = "auth.anonymous", "true";
    /// An ID that nobody holds may be claimed by name.
    AuthClaims = "auth.claims", "true";
    /// Clients may send to `all`.
    AuthAllowAll = "auth.allow_all", "false";
    /// The original server's behaviour: any ID by its name alone. Not for production.
    AuthOpenClaims = "auth.open_claims", "false";
    /// Mail to an ID that nobody holds: "reject", or "accept" (it waits for whoever takes the ID).
    AuthUnknownRecipients = "auth.unknown_recipients", "\"reject\"";
    /// Web pages that may connect: `"*"`, or origins as `"https://chat.example.org"`.
    AuthAllowedOrigins = "auth.allowed_origins", "[\"*\"]";
    /// Who shows it may ask what operators ask (`Authorization: Bearer …`): /metrics. 16 to 256 visible characters.
    /// Empty: only callers on this machine may, as long as no proxy speaks for them.
    AdminToken = "admin.token", "\"\"";
    /// PEM file with the certificate and its chain. With it the server speaks TLS (https, wss), and nothing else.
    TlsCert = "tls.cert", "\"\"";
    /// PEM file with the certificate's private key.
    TlsKey = "tls.key", "\"\"";
    /// Most connections.
    LimitsConnections = "limits.connections", "1000000";
    /// Most connections from one address.
    LimitsConnectionsPerIp = "limits.connections_per_ip", "1000";
    /// Frames a second of one connection, acks not counted; above it the server reads more slowly.
    LimitsFramesPerSecond = "limits.frames_per_second", "1000";
    /// "pretty", for people, or "json".
    LogFormat = "log.format", "\"pretty\"";
    /// "error", "warn", "info", "debug" or "trace".
    LogLevel = "log.level", "\"info\"";
}

impl Key {
    /// The key of a dotted name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// The table it stands in; empty at the top level.
    pub fn table(self) -> &'static str {
        self.name().rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name within its table.
    pub fn leaf(self) -> &'static str {
        self.name().rsplit_once('.').map_or(self.name(), |(_, leaf)| leaf)
    }

    /// Whether its value is shown to nobody.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::AdminToken)
    }

    /// Whether a running server takes it over when it is told to read its configuration again (SIGHUP).
    pub const fn is_reloaded(self) -> bool {
        matches!(
            self,
            Self::AuthAllowedOrigins
                | Self::AdminToken
                | Self::TlsCert
                | Self::TlsKey
                | Self::LimitsConnections
                | Self::LimitsConnectionsPerIp
                | Self::LimitsFramesPerSecond
                | Self::LogLevel
        )
    }

    /// Its environment variable: `ACKD_AUTH__CLAIMS`.
    pub fn variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name().replace('.', "__").to_uppercase())
    }
}

/// Whether a dotted name is a table of keys.
pub(super) fn is_table(name: &str) -> bool {
    Key::ALL.iter().any(|key| !name.is_empty() && key.table() == name)
}

/// Whether a dotted name belongs to a feature that this build does not have: never accepted in silence.
pub(super) fn is_not_built_yet(name: &str) -> bool {
    let top = name.split('.').next().unwrap_or(name);
    NOT_BUILT_YET.contains(&top) || NOT_BUILT_YET.contains(&name)
}

/// What our environment variables begin with.
pub(super) const VARIABLE_PREFIX: &str = "ACKD_";

const NOT_BUILT_YET: &[&str] = &[
    "auth.jwks",
    "auth.jwt_audience",
    "auth.jwt_issuer",
    "auth.jwt_public_key",
    "auth.jwt_secret",
    "otel",
    "store_wait",
    "trace_bytes",
    "trace_window",
    "webhook",
    "webpush",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_tables_stand_together_behind_the_top_level() {
        let mut tables: Vec<_> = Key::ALL.iter().map(|key| key.table()).collect();
        tables.dedup();
        assert_eq!(tables, ["", "auth", "admin", "tls", "limits", "log"]);
        for &key in Key::ALL {
            assert_eq!(Key::parse(key.name()), Some(key));
            assert!(!is_not_built_yet(key.name()) && !is_table(key.name()));
        }
    }

    #[test]
    fn nested_keys_have_two_underscores_in_their_variable() {
        assert_eq!(Key::AckTimeout.variable(), "ACKD_ACK_TIMEOUT");
        assert_eq!(Key::AuthClaims.variable(), "ACKD_AUTH__CLAIMS");
        assert_eq!((Key::AuthClaims.table(), Key::AuthClaims.leaf()), ("auth", "claims"));
    }

    #[test]
    fn features_that_are_missing_are_known_by_their_table_or_key() {
        assert!(is_not_built_yet("otel") && is_not_built_yet("otel.endpoint"));
        assert!(is_not_built_yet("auth.jwt_secret") && !is_not_built_yet("auth"));
    }
}

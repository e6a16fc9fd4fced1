//! The field names of both dialects, in every encoding.

macro_rules! keys {
    ($($key:ident => $text:literal,)+) => {
        /// A field that some frame knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key {
            $($key,)+
        }

        impl Key {
            pub(crate) const COUNT: usize = [$(Self::$key,)+].len();

            /// The field's name.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$key => $text,)+
                }
            }

            /// Reads it.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$key),)+
                    _ => None,
                }
            }
        }
    };
}

keys! {
    Ack => "ack",
    AckTimeoutMs => "ack_timeout_ms",
    Acked => "acked",
    All => "all",
    At => "at",
    Attempt => "attempt",
    Body => "body",
    BodyBase64 => "body_base64",
    Client => "client",
    ClientIdOfClassic => "clientID",
    Code => "code",
    Command => "command",
    Count => "count",
    Data => "data",
    Device => "device",
    Dup => "dup",
    Durable => "durable",
    End => "end",
    Epoch => "epoch",
    Expected => "expected",
    Expires => "expires",
    From => "from",
    Gen => "gen",
    Id => "id",
    Ids => "ids",
    Jwt => "jwt",
    Live => "live",
    MaxMessage => "max_message",
    Members => "members",
    Message => "message",
    N => "n",
    New => "new",
    Of => "of",
    Online => "online",
    Op => "op",
    Outbox => "outbox",
    Pending => "pending",
    Persist => "persist",
    PingIntervalMs => "ping_interval_ms",
    Present => "present",
    Reason => "reason",
    Receipt => "receipt",
    ReconnectAfterMs => "reconnect_after_ms",
    Ref => "ref",
    RetryAfterMs => "retry_after_ms",
    Room => "room",
    Sent => "sent",
    Seq => "seq",
    Server => "server",
    State => "state",
    Temporary => "temporary",
    To => "to",
    Token => "token",
    TtlMs => "ttl_ms",
    Type => "type",
    Window => "window",
}

// `Fields` marks the fields it has seen in one word.
const _: () = assert!(Key::COUNT <= 64);

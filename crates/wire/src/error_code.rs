//! The codes of `error` frames (protocol, section 6). The text of a code is its identity on the wire and in the
//! HTTP API's problem documents.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal,)+) => {
        /// Why a frame was refused, or what the connection did wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// Every code, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it is written in frames.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Reads a code. `None`: no code of this version.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    /// An ack reaches beyond the log's end: nothing was settled. Correct the client.
    BadAck => "bad_ack",
    /// The frame could not be read or contradicts itself. Final for its number. Correct the client.
    BadFrame => "bad_frame",
    /// Policy, or a limit of the identity. Do not repeat unchanged.
    Forbidden => "forbidden",
    /// A smaller number must be repeated first (`expected`). Repeat both, in order.
    Gap => "gap",
    /// The server failed. Repeat the same number later.
    Internal => "internal",
    /// The mailbox, or this sender's share of it, is full. The application may try again with a new send.
    MailboxFull => "mailbox_full",
    /// Sending to or watching a room needs membership. Join first.
    NotAMember => "not_a_member",
    /// The first frame was not `connect`.
    NotConnected => "not_connected",
    /// A later connection holds the outbox: the number is that connection's to send.
    OutboxTaken => "outbox_taken",
    /// Nobody can tell any more whether this number was accepted. Go on with the next.
    OutcomeUnknown => "outcome_unknown",
    /// Overload. Repeat the same number after `retry_after_ms`.
    RateLimited => "rate_limited",
    /// This number was refused before, for a reason that is forgotten. Go on with the next.
    Refused => "refused",
    /// The store takes no writes now: the outcome is open until the same number is repeated.
    StoreUnavailable => "store_unavailable",
    /// The body has more than `max_message` bytes. Send a smaller one.
    TooLarge => "too_large",
    /// The ID is held, and the secret is not its own.
    Unauthorized => "unauthorized",
    /// Nobody holds the ID of this `connect`, or it has ended. Ask for a new one.
    UnknownIdentity => "unknown_identity",
    /// Nobody holds the recipient's ID.
    UnknownRecipient => "unknown_recipient",
}

impl ErrorCode {
    /// Whether the refusal passes: the same number `n` is to be repeated. All others but `outbox_taken` (which
    /// decides nothing) are final for their number.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::StoreUnavailable | Self::Internal | Self::RateLimited | Self::Gap)
    }

    /// The `temporary` of an error frame: passing refusals, and the final `mailbox_full`, after which the
    /// application may try again with a new send.
    pub const fn is_temporary(self) -> bool {
        self.is_passing() || matches!(self, Self::MailboxFull)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_written() {
        assert_eq!(ErrorCode::ALL.len(), 17);
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(ErrorCode::parse("BAD_ACK"), None);
    }

    #[test]
    fn codes_are_listed_alphabetically() {
        let mut sorted = ErrorCode::ALL.to_vec();
        sorted.sort_by_key(|code| code.as_str());
        assert_eq!(sorted, ErrorCode::ALL);
    }

    #[test]
    fn passing_refusals_are_temporary_and_a_full_mailbox_is_temporary_but_final() {
        let passing: Vec<_> = ErrorCode::ALL.iter().filter(|code| code.is_passing()).collect();
        assert_eq!(passing.len(), 4);
        assert!(passing.iter().all(|code| code.is_temporary()));
        assert!(ErrorCode::MailboxFull.is_temporary() && !ErrorCode::MailboxFull.is_passing());
        assert!(!ErrorCode::OutboxTaken.is_temporary());
    }
}

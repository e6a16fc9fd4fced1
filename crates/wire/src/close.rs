//! The close codes of the WebSocket (protocol, section 6; RFC 6455 section 7.4). The range of a code tells a client
//! what to do next: 44xx stop, 45xx back off and come back.

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// 1000: whoever closes is done.
    Done = 1000,
    /// 1001: the server is leaving; come back after the pause that `goaway` named.
    GoingAway = 1001,
    /// 1002: the WebSocket protocol was broken (unmasked frames, for one).
    ProtocolBroken = 1002,
    /// 1003: text on MessagePack, or binary on JSON.
    WrongKind = 1003,
    /// 1007: a text that is not UTF-8.
    NotUtf8 = 1007,
    /// 1009: a WebSocket message larger than the server reads.
    TooLarge = 1009,
    /// 1011: the server failed.
    Internal = 1011,
    /// 4400: too many bad frames in a row, or a bad first one.
    BadFrames = 4400,
    /// 4401: not authorised, or the identity has ended.
    Unauthorized = 4401,
    /// 4403: policy.
    Forbidden = 4403,
    /// 4503: overloaded.
    Overloaded = 4503,
    /// 4508: no `connect` in time.
    ConnectTimeout = 4508,
}

/// What a client does after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterClose {
    /// Do not reconnect unchanged.
    Stop,
    /// Reconnect with exponential backoff and full jitter.
    ComeBack,
}

impl CloseCode {
    /// Every code the contract names, ascending.
    pub const ALL: &'static [Self] = &[
        Self::Done,
        Self::GoingAway,
        Self::ProtocolBroken,
        Self::WrongKind,
        Self::NotUtf8,
        Self::TooLarge,
        Self::Internal,
        Self::BadFrames,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Overloaded,
        Self::ConnectTimeout,
    ];

    /// The number in the close frame.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The code of a number. `None`: one the contract does not name; [`AfterClose::of`] still knows what to do.
    pub fn parse(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.code() == number)
    }

    /// The meaning in a few words: the reason text of a close frame (at most 123 bytes).
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::GoingAway => "the server is leaving",
            Self::ProtocolBroken => "the WebSocket protocol was broken",
            Self::WrongKind => "text on MessagePack, or binary on JSON",
            Self::NotUtf8 => "the text is not UTF-8",
            Self::TooLarge => "the WebSocket message is too large",
            Self::Internal => "the server failed",
            Self::BadFrames => "bad frames",
            Self::Unauthorized => "not authorised, or the identity has ended",
            Self::Forbidden => "not allowed here",
            Self::Overloaded => "overloaded",
            Self::ConnectTimeout => "no connect in time",
        }
    }
}

impl AfterClose {
    /// What a client does after a close with this number; any number, named by the contract or not. 1000 from the
    /// server, and a broken protocol, are as final as 44xx.
    pub const fn of(number: u16) -> Self {
        match number {
            1000 | 1002 | 1003 | 1007 | 1009 | 4400..=4499 => Self::Stop,
            _ => Self::ComeBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_written_and_has_a_reason_that_fits() {
        for &code in CloseCode::ALL {
            assert_eq!(CloseCode::parse(code.code()), Some(code));
            assert!(code.reason().len() <= 123);
        }
        assert_eq!(CloseCode::parse(1005), None);
    }

    #[test]
    fn ranges_tell_whether_to_come_back() {
        assert_eq!(AfterClose::of(4401), AfterClose::Stop);
        assert_eq!(AfterClose::of(4499), AfterClose::Stop);
        assert_eq!(AfterClose::of(4503), AfterClose::ComeBack);
        assert_eq!(AfterClose::of(1001), AfterClose::ComeBack);
        assert_eq!(AfterClose::of(1006), AfterClose::ComeBack);
    }
}

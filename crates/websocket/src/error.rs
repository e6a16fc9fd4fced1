//! What a peer can do wrong on the wire, and the close code that tells it so.
//! The decoder returns it; the socket sends [`ProtocolError::close_code`] and hangs up.

/// The peer broke RFC 6455 or our limit. The only thing left to do is to send a close frame with
/// [`close_code`](Self::close_code) and drop the connection: nothing after this byte is readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A client sent a frame without a mask (§5.1).
    #[error("client frame without a mask")]
    UnmaskedClientFrame,
    /// A server sent a frame with a mask (§5.1).
    #[error("server frame with a mask")]
    MaskedServerFrame,
    /// RSV1, RSV2 or RSV3 is set although no extension was agreed on (§5.2).
    #[error("reserved header bit set")]
    ReservedBits,
    /// Opcode 3 to 7 or 11 to 15 (§5.2); the opcode.
    #[error("reserved opcode {0}")]
    ReservedOpcode(u8),
    /// The length is written in more bytes than it needs (§5.2).
    #[error("length not written in its shortest form")]
    LengthNotMinimal,
    /// A 64-bit length with its top bit set (§5.2).
    #[error("64-bit length with its top bit set")]
    LengthTopBit,
    /// A close, ping or pong frame without FIN (§5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A close, ping or pong frame with more than 125 bytes of payload (§5.5), or whose length has
    /// bytes of its own, which only a longer payload needs.
    #[error("control frame of more than 125 bytes")]
    ControlTooLong,
    /// A continuation frame while no fragmented message is open (§5.4).
    #[error("continuation without a message to continue")]
    UnexpectedContinuation,
    /// A text or binary frame while a fragmented message is open (§5.4).
    #[error("new message inside a fragmented one")]
    ExpectedContinuation,
    /// A close frame with one byte of payload: half a code (§5.5.1).
    #[error("close frame with half a code")]
    ClosePayloadTruncated,
    /// A close code that must not appear on the wire (§7.4); the code.
    #[error("close code {0} must not be sent")]
    InvalidCloseCode(u16),
    /// A text message or a close reason is not UTF-8 (§8.1).
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// The message, summed over its fragments, is larger than the limit (§7.4.1, 1009). Found from
    /// the header, before the payload is received.
    #[error("message larger than the limit")]
    MessageTooLarge,
}

impl ProtocolError {
    /// The code to close with (§7.4.1): 1007, 1009, and 1002 for all else.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 => 1007,
            Self::MessageTooLarge => 1009,
            _ => 1002,
        }
    }
}

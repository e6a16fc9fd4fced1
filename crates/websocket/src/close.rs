//! Close frames (RFC 6455 §5.5.1, §7.4): which codes may travel, what a payload says, what to
//! answer. It never decides to close: the decoder and the socket call it.

use crate::error::ProtocolError;

/// Whether `code` may stand in a close frame (§7.4).
///
/// 1000 to 1003 and 1007 to 1011 are the RFC's, 1012 to 1014 were registered since, 3000 to 4999
/// belong to libraries and applications. 1004 is reserved; 1005, 1006 and 1015 say what an API saw
/// and never travel.
pub const fn close_code_is_valid(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The code that answers a peer's close frame (§5.5.1): its own, or 1000 if it gave none.
pub fn echo_close_code(received: Option<u16>) -> u16 {
    received.unwrap_or(1000)
}

/// Reads the payload of a close frame: nothing, or a code and a reason.
pub(crate) fn parse_payload(payload: &[u8]) -> Result<Option<(u16, &str)>, ProtocolError> {
    let (high, low, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(ProtocolError::ClosePayloadTruncated),
        [high, low, reason @ ..] => (*high, *low, reason),
    };
    let code = u16::from_be_bytes([high, low]);
    if !close_code_is_valid(code) {
        return Err(ProtocolError::InvalidCloseCode(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
    Ok(Some((code, reason)))
}

/// The longest prefix of `reason` that fits behind a code in a control frame, cut between
/// characters so that it stays UTF-8.
pub(crate) fn fitting_reason(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

const REASON_BYTES_MAX: usize = crate::header::CONTROL_PAYLOAD_BYTES_MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_reason_is_cut_between_characters() {
        let euros = "€".repeat(60);
        assert_eq!(fitting_reason(&euros), "€".repeat(41), "41 × 3 = 123 bytes fit exactly");
        let shifted = format!("a{euros}");
        assert_eq!(fitting_reason(&shifted).len(), 121, "a character is never split");
        assert_eq!(fitting_reason("short"), "short");
    }

    #[test]
    fn answer_to_a_close_repeats_its_code() {
        assert_eq!(echo_close_code(Some(4400)), 4400);
        assert_eq!(echo_close_code(None), 1000);
    }
}

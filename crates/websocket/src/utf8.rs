//! UTF-8 over fragments (RFC 6455 §8.1): a character may be split between frames, an impossible
//! byte fails at once. The decoder calls it at the end of each fragment; it owns no text.

use crate::error::ProtocolError;

/// Checks `text` from `valid_up_to`, where an earlier check ended, and returns where this one
/// does: at the end, or up to three bytes before it, where a character is still incomplete.
pub(crate) fn check_prefix(text: &[u8], valid_up_to: usize) -> Result<usize, ProtocolError> {
    match str::from_utf8(&text[valid_up_to..]) {
        Ok(_) => Ok(text.len()),
        Err(error) if error.error_len().is_none() => Ok(valid_up_to + error.valid_up_to()),
        Err(_) => Err(ProtocolError::InvalidUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_character_is_valid_until_proven_impossible() {
        assert_eq!(check_prefix(b"ab\xf4", 0), Ok(2));
        assert_eq!(check_prefix(b"ab\xf4\x8f\xbf\xbf", 2), Ok(6));
        assert_eq!(check_prefix(b"ab\xf4\x90", 2), Err(ProtocolError::InvalidUtf8));
        assert_eq!(check_prefix(b"\xed\xa0", 0), Err(ProtocolError::InvalidUtf8));
    }
}

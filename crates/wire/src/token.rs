//! The secret of an identity. It is shown once and stored only as a hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 secret bits, written as 43 characters of base64url without padding. Never printed by `Debug`.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 43 characters of base64url (256 bits, no padding)")]
pub struct ParseTokenError;

impl Token {
    /// The token for 256 random bits.
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads the 43 characters; non-canonical forms (set spare bits) are refused.
    pub fn parse(text: &str) -> Result<Self, ParseTokenError> {
        let mut bytes = [0; 33];
        if text.len() != 43 {
            return Err(ParseTokenError);
        }
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => {
                let mut token = [0; 32];
                token.copy_from_slice(&bytes[..32]);
                Ok(Self(token))
            }
            _ => Err(ParseTokenError),
        }
    }

    /// What is stored of it: SHA-256. The token has 256 random bits, so no salt and no slow hash is needed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// The 43 characters, for the one frame or file that may carry them.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a [`Token`]: what the store keeps. Equality takes the same time wherever two hashes differ.
#[derive(Clone, Copy)]
pub struct TokenHash(pub [u8; 32]);

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_round_trips_and_is_never_printed() {
        let token = Token::new([7; 32]);
        let text = token.reveal();
        assert_eq!(text.len(), 43);
        let again = Token::parse(&text).expect("canonical");
        assert_eq!(again.hash(), token.hash());
        assert!(!format!("{token:?}{:?}", token.hash()).contains(&text));
    }

    #[test]
    fn other_lengths_and_spare_bits_are_refused() {
        let text = Token::new([0xff; 32]).reveal();
        assert!(Token::parse(&text[..42]).is_err());
        assert!(Token::parse(&format!("{text}=")).is_err());
        // The last character carries 4 data bits and 2 spare bits, which must be zero.
        let spare = format!("{}9", &text[..42]);
        assert!(Token::parse(&spare).is_err());
        assert!(Token::parse(&text.replace('_', "/")).is_err());
    }
}

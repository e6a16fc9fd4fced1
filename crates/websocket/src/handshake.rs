//! The part of the opening handshake that needs no HTTP (RFC 6455 §1.3, §4.2.2): a client's key
//! and the server's proof that it understood. Headers and status codes are the callers'.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest as _, Sha1};

/// `Sec-WebSocket-Key` is not the base64 of 16 bytes: refuse the upgrade with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Sec-WebSocket-Key is not 16 bytes in base64")]
pub struct InvalidKeyError;

/// The `Sec-WebSocket-Accept` that answers `sec_websocket_key` (§4.2.2).
///
/// Bits of the last base64 digit that carry nothing may be anything: clients exist that draw the
/// key as random characters, and the digest covers the text, not what it decodes to.
pub fn accept_key(sec_websocket_key: &str) -> Result<String, InvalidKeyError> {
    let mut nonce = [0; 18];
    let length = BASE64.decode_slice(sec_websocket_key, &mut nonce).map_err(|_| InvalidKeyError)?;
    if length != 16 {
        return Err(InvalidKeyError);
    }
    let digest = Sha1::new().chain_update(sec_websocket_key).chain_update(GUID).finalize();
    Ok(BASE64.encode(digest))
}

/// The `Sec-WebSocket-Key` a client sends (§4.1); `nonce` must be random for each connection.
pub fn client_key(nonce: [u8; 16]) -> String {
    BASE64.encode(nonce)
}

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_key_is_the_one_of_the_rfc() {
        let key = client_key(*b"the sample nonce");
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(&key).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn key_must_be_sixteen_bytes_of_padded_base64() {
        let refused = [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ= ",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZSE=",
            "dGhlIHNhbXBsZSBub25jZSEh",
            "dGhlIHNhbXBsZSBub25jZSEhdGhlIHNhbXBsZSBub25jZSEh",
            "dGhlIHNhbXBs-SBub25jZQ==",
        ];
        for key in refused {
            assert_eq!(accept_key(key), Err(InvalidKeyError), "{key:?}");
        }
        assert!(accept_key("dGhlIHNhbXBsZSBub25jZR==").is_ok(), "idle bits are not looked at");
    }
}

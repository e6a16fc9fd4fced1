//! Names and numbers of the wire contract, each parsed once and valid from then on.

use std::fmt;

use sha2::{Digest, Sha256};

/// Integer Unix milliseconds (or, in fields that end in `_ms`, a duration in milliseconds).
pub type Millis = u64;

/// The place of a message in one log: strictly increasing, the same on every delivery, from 1.
pub type Seq = u64;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// The text is empty or too long: send a shorter one.
    #[error("must have {min} to {max} characters")]
    Length {
        /// Fewest characters allowed.
        min: usize,
        /// Most characters allowed.
        max: usize,
    },
    /// A character is outside `A-Z a-z 0-9 . _ ~ @ + : -`.
    #[error("may hold only A-Z a-z 0-9 . _ ~ @ + : -")]
    Character,
    /// The name is kept for the server itself.
    #[error("must not be `server`, which is reserved")]
    Reserved,
    /// The text is not 32 lowercase hexadecimal digits.
    #[error("must be 32 lowercase hexadecimal digits")]
    Hex,
}

/// Whether every byte is one of the characters allowed in names, so that no encoding has to escape it.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'~' | b'@' | b'+' | b':' | b'-')
    })
}

fn check(text: &str, min: usize, max: usize) -> Result<(), ParseIdError> {
    if text.len() < min || max < text.len() {
        return Err(ParseIdError::Length { min, max });
    }
    if is_name(text) { Ok(()) } else { Err(ParseIdError::Character) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Most characters (and bytes: all are ASCII).
            pub const LENGTH_MAX: usize = $max;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), &self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The public name of an identity: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ @ + : -`, never `server`.
    ClientId, 1, 128
);
name!(
    /// The name of a room; the same rules as [`ClientId`], `server` allowed.
    Room, 1, 128
);
name!(
    /// The name of a device or an outbox: up to 64 of the characters of an ID. A device may be empty.
    Name, 0, 64
);

impl ClientId {
    /// The ID that nobody can hold: the sender of what the server itself sends.
    pub const SERVER: &'static str = "server";

    /// Reads an ID; the only way to one.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// Whether a text is an ID.
    pub(crate) fn check(text: &str) -> Result<(), ParseIdError> {
        check(text, 1, Self::LENGTH_MAX)?;
        if text == Self::SERVER { Err(ParseIdError::Reserved) } else { Ok(()) }
    }

    /// The ID the server issues for 128 random bits: 32 lowercase hex digits.
    pub fn issued(random: [u8; 16]) -> Self {
        Self(MessageId(random).to_string().into())
    }
}

impl Room {
    /// Reads a room's name; the only way to one.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// Whether a text is a room's name.
    pub(crate) fn check(text: &str) -> Result<(), ParseIdError> {
        check(text, 1, Self::LENGTH_MAX)
    }
}

impl Name {
    /// Reads the name of a device, which may be empty.
    pub fn parse_device(text: &str) -> Result<Self, ParseIdError> {
        check(text, 0, Self::LENGTH_MAX)?;
        Ok(Self(text.into()))
    }

    /// Reads the name of an outbox, which has at least one character.
    pub fn parse_outbox(text: &str) -> Result<Self, ParseIdError> {
        check(text, 1, Self::LENGTH_MAX)?;
        Ok(Self(text.into()))
    }
}

impl Default for Name {
    /// The empty name, which is a device's.
    fn default() -> Self {
        Self("".into())
    }
}

impl std::str::FromStr for ClientId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::parse(text)
    }
}

impl std::str::FromStr for Room {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::parse(text)
    }
}

/// A client's mark on a frame, echoed in every answer to it: up to 64 characters of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ref(Box<str>);

impl Ref {
    /// Most characters.
    pub const LENGTH_MAX: usize = 64;

    /// Reads a ref; the only way to one.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        // Bytes bound characters from above: only a long text needs to be counted.
        if Self::LENGTH_MAX < text.len() && Self::LENGTH_MAX < text.chars().count() {
            return Err(ParseIdError::Length { min: 0, max: Self::LENGTH_MAX });
        }
        Ok(Self(text.into()))
    }

    /// The ref as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of one message: 128 bits, written as 32 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub [u8; 16]);

impl MessageId {
    /// The ID of the message that `identity` numbered `n` in `outbox`: the first 128 bits of
    /// SHA-256(identity, 0x00, outbox, 0x00, `n` as 8 bytes big-endian). Names hold no NUL, so no two triples
    /// hash the same bytes. A repeat has the same ID whatever the server has forgotten.
    pub fn derive(identity: &str, outbox: &str, n: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(identity.as_bytes());
        hash.update([0]);
        hash.update(outbox.as_bytes());
        hash.update([0]);
        hash.update(n.to_be_bytes());
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Reads 32 lowercase hex digits.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(ParseIdError::Hex);
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(id))
    }

    /// The 32 digits as ASCII bytes.
    pub fn digits(&self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut out = [0; 32];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out
    }
}

fn nibble(digit: u8) -> Result<u8, ParseIdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseIdError::Hex),
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.digits()))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// One incarnation of a log. When it changes, older `seq`s mean nothing. Written as 16 hex digits; to a client
/// it is an opaque text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Reads an epoch that this server wrote. Any other text names no epoch of ours: `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 16
            && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if canonical { u64::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(ClientId::parse("ann.b_c~d@e+f:g-0").is_ok());
        assert_eq!(ClientId::parse("server"), Err(ParseIdError::Reserved));
        assert_eq!(ClientId::parse(""), Err(ParseIdError::Length { min: 1, max: 128 }));
        assert!(ClientId::parse(&"a".repeat(128)).is_ok());
        assert!(ClientId::parse(&"a".repeat(129)).is_err());
        assert_eq!(ClientId::parse("a b"), Err(ParseIdError::Character));
        assert_eq!(ClientId::parse("ä"), Err(ParseIdError::Character));
        assert!("a b".parse::<ClientId>().is_err() && "lobby".parse::<Room>().is_ok());
        assert!(Room::parse("server").is_ok());
        assert!(Name::parse_device("").is_ok());
        assert!(Name::parse_outbox("").is_err());
        assert!(Name::parse_outbox(&"o".repeat(65)).is_err());
    }

    #[test]
    fn a_ref_counts_characters_not_bytes() {
        assert!(Ref::parse(&"ü".repeat(64)).is_ok());
        assert!(Ref::parse(&"ü".repeat(65)).is_err());
    }

    #[test]
    fn message_ids_round_trip_and_uppercase_is_refused() {
        let id = MessageId([0x01, 0x93, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]);
        assert_eq!(id.to_string(), "0193a1000000000000000000000000ff");
        assert_eq!(MessageId::parse(&id.to_string()), Ok(id));
        assert!(MessageId::parse(&id.to_string().to_uppercase()).is_err());
    }

    #[test]
    fn epochs_round_trip() {
        let epoch = Epoch(0x00ab_cdef_0123_4567);
        assert_eq!(Epoch::parse(&epoch.to_string()), Some(epoch));
        assert_eq!(Epoch::parse("+0abcdef01234567"), None);
    }
}

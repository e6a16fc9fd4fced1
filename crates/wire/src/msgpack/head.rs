//! The first bytes of a MessagePack value: what it is, and how long.

/// What a value is. Of strings, bytes and extensions the content, of arrays and maps the number of entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Head<'a> {
    Nil,
    Boolean(bool),
    /// Not negative, in whichever format.
    Integer(u64),
    Negative(i64),
    Float32(f32),
    Float64(f64),
    /// Not checked to be UTF-8.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Array(u32),
    Map(u32),
    /// Not part of this protocol, whatever its type and content.
    Extension,
}

/// Why bytes are no MessagePack; where the value ends is then not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// They end within a value.
    Short,
    /// The byte 0xc1, which begins nothing.
    NeverUsed,
}

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads a head. Behind it are the entries of an array or map, or the next value.
    pub(super) fn head(&mut self) -> Result<Head<'a>, Broken> {
        let [first] = self.array()?;
        Ok(match first {
            0x00..=0x7f => Head::Integer(u64::from(first)),
            0x80..=0x8f => Head::Map(u32::from(first & 0x0f)),
            0x90..=0x9f => Head::Array(u32::from(first & 0x0f)),
            0xa0..=0xbf => Head::Text(self.take(usize::from(first & 0x1f))?),
            0xe0..=0xff => Head::Negative(i64::from(first.cast_signed())),
            0xc0 => Head::Nil,
            0xc1 => return Err(Broken::NeverUsed),
            0xc2 | 0xc3 => Head::Boolean(first == 0xc3),
            0xc4..=0xc6 => Head::Binary(self.sized(first - 0xc4)?),
            0xd9..=0xdb => Head::Text(self.sized(first - 0xd9)?),
            0xca => Head::Float32(f32::from_be_bytes(self.array()?)),
            0xcb => Head::Float64(f64::from_be_bytes(self.array()?)),
            0xcc..=0xcf => Head::Integer(self.big_endian(1 << (first - 0xcc))?),
            0xd0..=0xd3 => self.signed(1 << (first - 0xd0))?,
            0xdc => Head::Array(u32::from(u16::from_be_bytes(self.array()?))),
            0xdd => Head::Array(u32::from_be_bytes(self.array()?)),
            0xde => Head::Map(u32::from(u16::from_be_bytes(self.array()?))),
            0xdf => Head::Map(u32::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (first - 0xd4))?,
            0xc7..=0xc9 => {
                let length = self.big_endian(1 << (first - 0xc7))?;
                self.extension(usize::try_from(length).map_err(|_| Broken::Short)?)?
            }
        })
    }

    fn extension(&mut self, length: usize) -> Result<Head<'a>, Broken> {
        let [_type] = self.array()?;
        self.take(length)?;
        Ok(Head::Extension)
    }

    /// An integer with a sign, of so many bytes.
    fn signed(&mut self, bytes: u32) -> Result<Head<'a>, Broken> {
        let shift = 64 - 8 * bytes;
        let number = (self.big_endian(bytes)? << shift).cast_signed() >> shift;
        Ok(u64::try_from(number).map_or(Head::Negative(number), Head::Integer))
    }

    /// Content behind its length, which is one of `1 << size` bytes.
    fn sized(&mut self, size: u8) -> Result<&'a [u8], Broken> {
        let length = self.big_endian(1 << size)?;
        self.take(usize::try_from(length).map_err(|_| Broken::Short)?)
    }

    /// A number of 1 to 8 bytes.
    fn big_endian(&mut self, bytes: u32) -> Result<u64, Broken> {
        let digits = self.take(bytes as usize)?;
        Ok(digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Broken::Short)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let (content, rest) = self.rest.split_at_checked(length).ok_or(Broken::Short)?;
        self.rest = rest;
        Ok(content)
    }
}

impl Head<'_> {
    /// Values that follow and belong to it. `None`: it is no container.
    pub(super) fn entries(self) -> Option<u64> {
        match self {
            Self::Array(entries) => Some(u64::from(entries)),
            Self::Map(pairs) => Some(2 * u64::from(pairs)),
            _ => None,
        }
    }
}

/// The head at the start of these bytes, where they are a value that was read before.
pub(super) fn head(value: &[u8]) -> Option<Head<'_>> {
    Cursor { rest: value }.head().ok()
}

//! The parts that records are made of: little-endian integers, LEB128 numbers, and texts with their length in front.

use crate::embedded::ranges::Ranges;

/// A record whose checksum is right and whose content is not: damage, or a file of another program.
pub(in crate::embedded) type Damaged = &'static str;

pub(super) const SHORT: Damaged = "a record is shorter than its parts";

/// Appends a number, 7 bits a byte, lowest first (LEB128).
pub(super) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Appends a text of at most 255 bytes.
pub(super) fn put_text(into: &mut Vec<u8>, text: &str) {
    into.push(u8::try_from(text.len()).expect("names are at most 128 bytes long"));
    into.extend_from_slice(text.as_bytes());
}

/// Appends a set.
pub(super) fn put_ranges(into: &mut Vec<u8>, ranges: &Ranges) {
    put_number(into, ranges.iter().len() as u64);
    for (start, end) in ranges.iter() {
        put_number(into, start);
        put_number(into, end - start);
    }
}

/// Appends a record that others follow: its length, then itself.
pub(in crate::embedded) fn put_part(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    write(into);
    let bytes = u32::try_from(into.len() - start - 4).expect("records are far below 4 GiB");
    into[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// The two records that were put one after the other by [`put_part`].
pub(in crate::embedded) fn two_parts(value: &[u8]) -> Result<[&[u8]; 2], Damaged> {
    let mut parts = Parts(value);
    Ok([parts.part()?, parts.part()?])
}

/// Takes a record apart from its start.
#[derive(Debug)]
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Parts<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Damaged> {
        self.array().map(u64::from_le_bytes)
    }

    fn part(&mut self) -> Result<&'a [u8], Damaged> {
        let bytes = u32::from_le_bytes(self.array()?);
        self.take(bytes as usize)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number is longer than 64 bits")
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damaged> {
        let bytes = self.byte()?;
        std::str::from_utf8(self.take(usize::from(bytes))?).map_err(|_| "a name is not UTF-8")
    }

    pub(super) fn ranges(&mut self) -> Result<Ranges, Damaged> {
        let mut ranges = Ranges::default();
        for _ in 0..self.number()? {
            let (start, more) = (self.number()?, self.number()?);
            ranges.insert_range(start, start.checked_add(more).ok_or("a range overflows")?);
        }
        Ok(ranges)
    }
}

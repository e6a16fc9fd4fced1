//! Where a value ends, and whether it keeps to what the protocol allows. Without recursion, whatever comes.

use std::borrow::Cow;

use super::head::{Broken, Cursor, Head};
use crate::fields::Fault;
use crate::limits::DEPTH_MAX;

/// A value that is whole, but not allowed. It spoils its frame and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    TooDeep,
    Extension,
    Key,
    NotUtf8,
}

/// An array or a map that is not at its end.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// Values to come.
    left: u64,
    is_map: bool,
}

/// Goes over the value at the cursor, in which at most `levels` arrays and maps may lie in one another (at most
/// [`DEPTH_MAX`]). The first flaw is told; the cursor is behind the value then too.
pub(super) fn pass(cursor: &mut Cursor<'_>, levels: usize) -> Result<Option<Flaw>, Broken> {
    let head = cursor.head()?;
    if head.entries().is_none() {
        return Ok(flaw(head, false));
    }
    pass_container(cursor, head, levels)
}

fn pass_container(
    cursor: &mut Cursor<'_>,
    outermost: Head<'_>,
    levels: usize,
) -> Result<Option<Flaw>, Broken> {
    let mut stack = [Open::default(); DEPTH_MAX];
    // Values to come that lie too deep to be told apart.
    let (mut depth, mut beyond) = (0, 0);
    let (mut head, mut found) = (outermost, None);
    loop {
        let parent = stack[..depth].last_mut().filter(|_| beyond == 0);
        let is_key = parent.as_ref().is_some_and(|open| open.is_map && open.left % 2 == 0);
        found = found.or(flaw(head, is_key));
        if let Some(open) = parent {
            open.left -= 1;
        }
        beyond = u64::saturating_sub(beyond, 1);
        match head.entries() {
            Some(left) if beyond == 0 && depth < levels => {
                stack[depth] = Open { left, is_map: matches!(head, Head::Map(_)) };
                depth += 1;
            }
            Some(left) => {
                found = found.or(Some(Flaw::TooDeep));
                beyond += left;
            }
            None => {}
        }
        while beyond == 0 && 0 < depth && stack[depth - 1].left == 0 {
            depth -= 1;
        }
        if depth == 0 && beyond == 0 {
            return Ok(found);
        }
        head = cursor.head()?;
    }
}

fn flaw(head: Head<'_>, is_key: bool) -> Option<Flaw> {
    match head {
        Head::Extension => Some(Flaw::Extension),
        Head::Array(_) | Head::Map(_) if is_key => Some(Flaw::Key),
        Head::Text(text) if std::str::from_utf8(text).is_err() => Some(Flaw::NotUtf8),
        _ => None,
    }
}

impl From<Flaw> for Fault {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::TooDeep => format!("the frame has more than {DEPTH_MAX} levels").into(),
            Flaw::Extension => Cow::Borrowed("extension types are none of this protocol"),
            Flaw::Key => Cow::Borrowed("an array or a map is no key of a map"),
            Flaw::NotUtf8 => Cow::Borrowed("a string is not UTF-8"),
        }
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Cow::Borrowed(match broken {
            Broken::Short => "not MessagePack: it ends within a value",
            Broken::NeverUsed => "not MessagePack: the byte 0xc1 begins no value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bytes: &[u8], levels: usize) -> Result<(Option<Flaw>, usize), Broken> {
        let mut cursor = Cursor { rest: bytes };
        let flaw = pass(&mut cursor, levels)?;
        Ok((flaw, bytes.len() - cursor.rest.len()))
    }

    #[test]
    fn a_value_ends_where_its_last_entry_ends() {
        for value in [&b"\xc0"[..], b"\x92\x01\xa1x", b"\x81\xa1a\x92\x90\x80", b"\xd4\x00\x00"] {
            let followed = [value, b"\x01\x02"].concat();
            assert_eq!(passed(&followed, 3).map(|(_, length)| length), Ok(value.len()));
        }
        for cut in [&b""[..], b"\x92\x01", b"\xa2x", b"\xcd\x01", b"\xdf\xff\xff\xff\xff\x01\x01"] {
            assert_eq!(passed(cut, 3), Err(Broken::Short));
        }
        assert_eq!(passed(b"\x92\x01\xc1", 3), Err(Broken::NeverUsed));
    }

    #[test]
    fn the_limit_of_levels_is_exact_and_what_is_too_deep_is_passed_over_whole() {
        let nested = |levels: usize| [vec![0x91; levels], vec![0x01]].concat();
        assert_eq!(passed(&nested(63), 63), Ok((None, 64)));
        assert_eq!(passed(&nested(64), 63), Ok((Some(Flaw::TooDeep), 65)));
        assert_eq!(passed(&nested(500), 63), Ok((Some(Flaw::TooDeep), 501)));
        // An empty array is a level too, and others follow in the same one.
        assert_eq!(passed(b"\x92\x90\x90", 1), Ok((Some(Flaw::TooDeep), 3)));
        assert_eq!(passed(b"\x92\x92\x91\x01\x02\xa1x\x99", 1), Ok((Some(Flaw::TooDeep), 7)));
        assert_eq!(passed(b"\x90", 0), Ok((Some(Flaw::TooDeep), 1)));
    }

    #[test]
    fn what_is_not_allowed_is_found_wherever_it_stands() {
        assert_eq!(passed(b"\x82\x01\x02\x91\x01\x02", 9), Ok((Some(Flaw::Key), 6)));
        assert_eq!(passed(b"\x81\x01\x91\x02", 9), Ok((None, 4)));
        assert_eq!(passed(b"\x81\x01\xd6\xff\0\0\0\0", 9), Ok((Some(Flaw::Extension), 8)));
        assert_eq!(passed(b"\x92\xa1\xff\x01", 9), Ok((Some(Flaw::NotUtf8), 4)));
        assert_eq!(passed(b"\xc4\x01\xff", 9), Ok((None, 3)));
    }
}

//! Durations ("500ms", "30s", "7d") and sizes ("64KiB") as people write them.

use std::fmt::Write as _;
use std::time::Duration;

/// Reads a duration: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit_ms = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?.1;
    Some(Duration::from_millis(number.checked_mul(unit_ms)?))
}

/// Reads a size in bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    number.checked_mul(SIZE_UNITS.iter().find(|(name, _)| *name == unit)?.1)
}

/// Writes a duration as it is read: in the largest unit that is exact.
pub fn show_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    show(ms, &DURATION_UNITS)
}

/// Writes a size as it is read: in the largest unit that is exact.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZE_UNITS)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start_matches(' ')))
}

fn show(number: u64, units: &[(&str, u64)]) -> String {
    let exact =
        units.iter().rev().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor));
    let (name, factor) = *exact.unwrap_or(&units[0]);
    let mut text = String::new();
    write!(text, "{}{name}", number / factor).expect("writing to a String does not fail");
    text
}

/// Ascending.
const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Ascending.
const SIZE_UNITS: [(&str, u64); 4] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_five_units_and_written_back() {
        let pairs = [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("7h", 25_200_000),
            ("7d", 604_800_000),
        ];
        for (text, ms) in pairs {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(parse_duration("1 s"), Some(Duration::from_secs(1)));
        assert_eq!(show_duration(Duration::ZERO), "0ms");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in
            ["", "30", "s", "1.5s", "-1s", "+1s", "1S", "1w", "1s ", " 1s", "99999999999999999d"]
        {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read_in_four_units_and_written_back() {
        for (text, bytes) in [("10B", 10), ("64KiB", 65_536), ("16MiB", 1 << 24), ("3GiB", 3 << 30)]
        {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
            assert_eq!(show_size(bytes), text);
        }
        assert_eq!(show_size(1025), "1025B");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "64", "64KB", "64k", "KiB", "-1B", "1.5MiB", "18446744073709551615GiB"] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }
}

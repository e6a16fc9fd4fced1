//! How MessagePack values are made up for the property tests: in every format, the shortest or not.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategy::any_text;

/// One value that is no bytes (which are no value but a body of their own), with bytes inside.
pub(crate) fn msgpack_value() -> impl Strategy<Value = Vec<u8>> {
    let container = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..20), 0..3_u8).prop_map(|(items, format)| {
                let mut out = sized([0x90, 0xdc, 0xdd], format, items.len());
                out.extend(items.concat());
                out
            }),
            (vec((leaf(), inner), 0..20), 0..3_u8).prop_map(|(pairs, format)| {
                let mut out = sized([0x80, 0xde, 0xdf], format, pairs.len());
                out.extend(pairs.into_iter().flat_map(|(key, value)| [key, value]).flatten());
                out
            }),
        ]
    });
    container.prop_map(|value| match value[0] {
        0xc4..=0xc6 => [&[0x91], &value[..]].concat(),
        _ => value,
    })
}

fn leaf() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..300_u64, any::<u64>()];
    prop_oneof![
        prop::sample::select(&b"\xc0\xc2\xc3\x00\x7f\xff\xe0"[..]).prop_map(|byte| vec![byte]),
        (number, 0..8_u32).prop_map(|(number, format)| {
            let first = [0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3][format as usize];
            let bytes = 1 << (format % 4);
            [&[first], &number.to_be_bytes()[8 - bytes..]].concat()
        }),
        any::<f32>().prop_map(|number| [&[0xca], &number.to_be_bytes()[..]].concat()),
        any::<f64>().prop_map(|number| [&[0xcb], &number.to_be_bytes()[..]].concat()),
        (any_text(), 0..3_u8).prop_map(|(text, format)| {
            let mut out = content([0xd9, 0xda, 0xdb], format, text.len());
            out.extend(text.bytes());
            out
        }),
        (vec(any::<u8>(), 0..40), 0..3_u8).prop_map(|(bytes, format)| {
            let mut out = content([0xc4, 0xc5, 0xc6], format, bytes.len());
            out.extend(bytes);
            out
        }),
    ]
}

/// The head of a container with so many entries, in a format that can hold them.
fn sized([short, middle, long]: [u8; 3], format: u8, entries: usize) -> Vec<u8> {
    let count = u32::try_from(entries).expect("few").to_be_bytes();
    match format {
        0 if entries < 16 => vec![short | count[3]],
        0 | 1 => vec![middle, count[2], count[3]],
        _ => [&[long], &count[..]].concat(),
    }
}

/// The head of a string or of bytes; of up to 255 bytes in the first format.
fn content(firsts: [u8; 3], format: u8, bytes: usize) -> Vec<u8> {
    let format = usize::from(if 255 < bytes { format.max(1) } else { format });
    let length = u32::try_from(bytes).expect("few").to_be_bytes();
    [&[firsts[format]], &length[4 - (1 << format)..]].concat()
}

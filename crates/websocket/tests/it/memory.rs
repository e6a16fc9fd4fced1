//! What a connection's decoder costs, and where messages lie.

use ackd_websocket::{Decoded, Decoder, Item, Limits, Role};

use crate::peer::{RawFrame, stream};

#[test]
fn whole_message_is_lent_from_the_callers_buffer() {
    let mut buf = stream(Role::Server, &[RawFrame::binary([7; 100])]);
    let end = buf.as_ptr_range().end;
    let mut decoder = decoder();
    let Ok(Decoded::Item { consumed: 106, item: Item::Binary(payload) }) = decoder.decode(&mut buf)
    else {
        panic!("a whole binary message");
    };
    assert_eq!(payload, [7; 100]);
    assert_eq!(payload.as_ptr_range().end, end, "no copy was made");
}

#[test]
fn decoder_is_small() {
    assert!(size_of::<Decoder>() <= 64, "{} bytes", size_of::<Decoder>());
}

#[test]
fn decoder_is_mid_message_until_the_last_fragment() {
    let frames = [
        RawFrame::first_text("a"),
        RawFrame::ping(b""),
        RawFrame::middle("b"),
        RawFrame::last("c"),
    ];
    let mut buf = stream(Role::Server, &frames);
    let mut decoder = decoder();
    let (mut start, mut seen) = (0, vec![decoder.is_mid_message()]);
    while start < buf.len() {
        match decoder.decode(&mut buf[start..]) {
            Ok(Decoded::Item { consumed, .. } | Decoded::Absorbed { consumed }) => {
                start += consumed;
            }
            other => panic!("{other:?}"),
        }
        seen.push(decoder.is_mid_message());
    }
    assert_eq!(seen, [false, true, true, true, false]);
}

#[test]
fn unconsumed_bytes_are_left_as_they_are() {
    let whole = stream(Role::Server, &[RawFrame::text("Hello, world!")]);
    for length in 0..whole.len() {
        let mut partial = whole[..length].to_vec();
        assert!(matches!(decoder().decode(&mut partial), Ok(Decoded::Need { .. })));
        assert_eq!(partial, whole[..length]);
    }
}

fn decoder() -> Decoder {
    Decoder::new(Role::Server, Limits { message_bytes_max: 1000 })
}

//! Autobahn sections 1 (framing: every size, both kinds) and 2 (pings and pongs). Chopped delivery
//! (1.1.8, 1.2.8, 2.6, 2.11) is done to every case by `check_all`.

use ackd_websocket::ProtocolError;

use crate::peer::RawFrame;
use crate::support::{End, Received, case, check_all};

#[test]
fn text_and_binary_messages_of_every_length_form_arrive() {
    let lengths = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
    check_all(lengths.into_iter().enumerate().flat_map(|(index, length)| {
        let text = "*".repeat(length);
        let bytes = vec![0xfe; length];
        [
            case(
                format!("1.1.{}", index + 1),
                [RawFrame::text(&text)],
                [Received::Text(text)],
                End::Open,
            ),
            case(
                format!("1.2.{}", index + 1),
                [RawFrame::binary(&bytes)],
                [Received::Binary(bytes)],
                End::Open,
            ),
        ]
    }));
}

#[test]
fn pings_and_pongs_arrive_with_their_payload() {
    let bytes = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let ping = |name: &str, payload: &[u8]| {
        case(name, [RawFrame::ping(payload)], [Received::Ping(payload.to_vec())], End::Open)
    };
    let pong = b"unsolicited pong payload";
    let numbered: Vec<_> = (0..10).map(|n| format!("payload-{n}").into_bytes()).collect();
    check_all([
        ping("2.1", b""),
        ping("2.2", b"Hello, world!"),
        ping("2.3", bytes),
        ping("2.4 2.6", &[0xfe; 125]),
        case("2.5", [RawFrame::ping([0xfe; 126])], [], End::Failed(ProtocolError::ControlTooLong)),
        case(
            "2.7",
            [RawFrame::pong(b""), RawFrame::close(1000, "")],
            [Received::Pong(vec![]), Received::Close(Some((1000, String::new())))],
            End::Closed,
        ),
        case(
            "2.8",
            [RawFrame::pong(pong), RawFrame::close(1000, "")],
            [Received::Pong(pong.to_vec()), Received::Close(Some((1000, String::new())))],
            End::Closed,
        ),
        case(
            "2.9",
            [RawFrame::pong(pong), RawFrame::ping(b"ping payload")],
            [Received::Pong(pong.to_vec()), Received::Ping(b"ping payload".to_vec())],
            End::Open,
        ),
        case(
            "2.10 2.11",
            numbered.iter().map(RawFrame::ping),
            numbered.iter().cloned().map(Received::Ping),
            End::Open,
        ),
    ]);
}

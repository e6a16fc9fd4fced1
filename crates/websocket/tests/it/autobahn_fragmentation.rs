//! Autobahn section 5: fragments, and control frames between them. The cases that differ only in
//! how the bytes are chopped (5.4, 5.5, 5.7, 5.8, 5.10, 5.11, 5.13, 5.14, 5.20) are one here:
//! `check_all` chops everything in every way.

use ackd_websocket::ProtocolError;

use crate::peer::RawFrame;
use crate::support::{End, Received, case, check_all};

#[test]
fn fragmented_control_frames_fail_the_connection() {
    let failed = End::Failed(ProtocolError::FragmentedControl);
    check_all([
        case("5.1", [RawFrame::new(0x09, "fragment1"), RawFrame::last("fragment2")], [], failed),
        case("5.2", [RawFrame::new(0x0a, "fragment1"), RawFrame::last("fragment2")], [], failed),
        case("close in fragments", [RawFrame::new(0x08, "\x03\u{68}")], [], failed),
    ]);
}

#[test]
fn fragments_make_one_message_with_control_frames_between_them() {
    let two = || Received::Text("fragment1fragment2".to_owned());
    check_all([
        case(
            "5.3 5.4 5.5",
            [RawFrame::first_text("fragment1"), RawFrame::last("fragment2")],
            [two()],
            End::Open,
        ),
        case(
            "5.6 5.7 5.8",
            [
                RawFrame::first_text("fragment1"),
                RawFrame::ping("ping payload"),
                RawFrame::last("fragment2"),
            ],
            [Received::Ping(b"ping payload".to_vec()), two()],
            End::Open,
        ),
        case(
            "5.19 5.20",
            [
                RawFrame::first_text("fragment1"),
                RawFrame::middle("fragment2"),
                RawFrame::ping("pongme 1!"),
                RawFrame::middle("fragment3"),
                RawFrame::middle("fragment4"),
                RawFrame::ping("pongme 2!"),
                RawFrame::last("fragment5"),
            ],
            [
                Received::Ping(b"pongme 1!".to_vec()),
                Received::Ping(b"pongme 2!".to_vec()),
                Received::Text("fragment1fragment2fragment3fragment4fragment5".to_owned()),
            ],
            End::Open,
        ),
        case(
            "a fragmented message after another",
            [
                RawFrame::first_text("fragment1"),
                RawFrame::last("fragment2"),
                RawFrame::new(0x02, b"\xff"),
                RawFrame::last(b"\xfe"),
                RawFrame::text("whole"),
            ],
            [two(), Received::Binary(vec![0xff, 0xfe]), Received::Text("whole".to_owned())],
            End::Open,
        ),
    ]);
}

#[test]
fn continuation_without_a_message_fails_the_connection() {
    let failed = End::Failed(ProtocolError::UnexpectedContinuation);
    let hello = || RawFrame::text("Hello, world!");
    let stray = "non-continuation payload";
    let twice = |stray: RawFrame| {
        let message = [stray, RawFrame::first_text("fragment2"), RawFrame::last("fragment3")];
        [message.clone(), message].concat()
    };
    check_all([
        case("5.9 5.10 5.11", [RawFrame::last(stray), hello()], [], failed),
        case("5.12 5.13 5.14", [RawFrame::middle(stray), hello()], [], failed),
        case(
            "5.15",
            [
                RawFrame::first_text("fragment1"),
                RawFrame::last("fragment2"),
                RawFrame::middle("fragment3"),
                RawFrame::text("fragment4"),
            ],
            [Received::Text("fragment1fragment2".to_owned())],
            failed,
        ),
        case("5.16", twice(RawFrame::middle("fragment1")), [], failed),
        case("5.17", twice(RawFrame::last("fragment1")), [], failed),
    ]);
}

#[test]
fn new_message_inside_a_fragmented_one_fails_the_connection() {
    let failed = End::Failed(ProtocolError::ExpectedContinuation);
    let first = || RawFrame::first_text("fragment1");
    check_all([
        case("5.18", [first(), RawFrame::text("fragment2")], [], failed),
        case("5.18, second without FIN", [first(), first()], [], failed),
        case("5.18, binary", [first(), RawFrame::binary("fragment2")], [], failed),
    ]);
}

//! Autobahn section 7: the close handshake, its payload and its codes.

use ackd_websocket::{Encoder, ProtocolError, close_code_is_valid, echo_close_code};

use crate::peer::RawFrame;
use crate::support::{End, Received, case, check_all};

#[test]
fn nothing_after_a_close_frame_is_looked_at() {
    let hello = "Hello World!";
    let large = "BAsd7&jh23".repeat(26_215)[..256 * 1024].to_owned();
    let close = || RawFrame::close(1000, "");
    check_all([
        case(
            "7.1.1",
            [RawFrame::text(hello), close()],
            [Received::Text(hello.to_owned()), closed(1000, "")],
            End::Closed,
        ),
        case("7.1.2", [close(), RawFrame::new(0x88, b"")], [closed(1000, "")], End::Closed),
        case("7.1.3", [close(), RawFrame::ping(b"")], [closed(1000, "")], End::Closed),
        case("7.1.4", [close(), RawFrame::text(hello)], [closed(1000, "")], End::Closed),
        case(
            "7.1.5",
            [RawFrame::first_text("fragment1"), close(), RawFrame::last("fragment2")],
            [closed(1000, "")],
            End::Closed,
        ),
        case(
            "7.1.6",
            [RawFrame::text(&large), RawFrame::text(hello), close(), RawFrame::ping(b"")],
            [Received::Text(large), Received::Text(hello.to_owned()), closed(1000, "")],
            End::Closed,
        ),
    ]);
}

#[test]
fn payload_of_a_close_frame_is_nothing_or_a_code_and_a_reason() {
    let reason = "*".repeat(123);
    let invalid_utf8 = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    check_all([
        case("7.3.1", [RawFrame::new(0x88, b"")], [Received::Close(None)], End::Closed),
        case(
            "7.3.2",
            [RawFrame::new(0x88, b"a")],
            [],
            End::Failed(ProtocolError::ClosePayloadTruncated),
        ),
        case("7.3.3", [RawFrame::close(1000, "")], [closed(1000, "")], End::Closed),
        case(
            "7.3.4",
            [RawFrame::close(1000, "Hello World!")],
            [closed(1000, "Hello World!")],
            End::Closed,
        ),
        case("7.3.5", [RawFrame::close(1000, &reason)], [closed(1000, &reason)], End::Closed),
        case(
            "7.3.6",
            [RawFrame::close(1000, "*".repeat(124))],
            [],
            End::Failed(ProtocolError::ControlTooLong),
        ),
        case(
            "7.5.1",
            [RawFrame::close(1000, invalid_utf8)],
            [],
            End::Failed(ProtocolError::InvalidUtf8),
        ),
    ]);
}

#[test]
fn valid_close_codes_arrive_and_are_echoed() {
    let codes =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999, 1012, 1014];
    for code in codes {
        let mut echo = Vec::new();
        Encoder::server().close(&mut echo, echo_close_code(Some(code)), "");
        assert_eq!(echo[2..], code.to_be_bytes());
    }
    check_all(codes.into_iter().enumerate().map(|(index, code)| {
        let name = format!("7.7.{} ({code})", index + 1);
        case(name, [RawFrame::close(code, "")], [closed(code, "")], End::Closed)
    }));
}

#[test]
fn invalid_close_codes_fail_the_connection() {
    let codes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 1015];
    check_all(codes.into_iter().enumerate().map(|(index, code)| {
        let end = End::Failed(ProtocolError::InvalidCloseCode(code));
        case(format!("7.9.{} ({code})", index + 1), [RawFrame::close(code, "")], [], end)
    }));
    // Autobahn only informs about these.
    check_all([("7.13.1", 5000), ("7.13.2", 65_535)].map(|(name, code)| {
        let end = End::Failed(ProtocolError::InvalidCloseCode(code));
        case(name, [RawFrame::close(code, "")], [], end)
    }));
}

#[test]
fn every_error_has_a_close_code_that_may_travel() {
    let errors = [
        (ProtocolError::InvalidUtf8, 1007),
        (ProtocolError::MessageTooLarge, 1009),
        (ProtocolError::UnmaskedClientFrame, 1002),
        (ProtocolError::InvalidCloseCode(1005), 1002),
    ];
    for (error, code) in errors {
        assert_eq!(error.close_code(), code, "{error}");
        assert!(close_code_is_valid(code));
    }
}

fn closed(code: u16, reason: &str) -> Received {
    Received::Close(Some((code, reason.to_owned())))
}

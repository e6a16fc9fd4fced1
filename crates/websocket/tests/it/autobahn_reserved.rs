//! Autobahn sections 3 (reserved bits) and 4 (reserved opcodes): what came before is delivered,
//! the bad frame fails the connection, what follows is not looked at. And the faults of a header
//! that Autobahn cannot produce.

use ackd_websocket::{ProtocolError, Role};

use crate::peer::{LengthForm, RawFrame, stream, write_frame};
use crate::support::{Calls, Case, End, MESSAGE_BYTES_MAX, Received, case, check_all, receive};

#[test]
fn reserved_bits_fail_the_connection() {
    let hello = "Hello, world!";
    let bits = |rsv: u8, frame: RawFrame| RawFrame::new(frame.first_byte | rsv << 4, frame.payload);
    let alone =
        |name: &str, frame| case(name, [frame], [], End::Failed(ProtocolError::ReservedBits));
    let second = |name: &str, rsv| {
        let frames = [RawFrame::text(hello), bits(rsv, RawFrame::text(hello)), RawFrame::ping(b"")];
        let items = [Received::Text(hello.to_owned())];
        case(name, frames, items, End::Failed(ProtocolError::ReservedBits))
    };
    check_all([
        alone("3.1", bits(1, RawFrame::text(hello))),
        second("3.2", 2),
        second("3.3", 3),
        second("3.4", 4),
        alone("3.5", bits(5, RawFrame::binary(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))),
        alone("3.6", bits(6, RawFrame::binary(hello))),
        alone("3.6, as its text says", bits(6, RawFrame::ping(hello))),
        alone("3.7", bits(7, RawFrame::new(0x88, b""))),
    ]);
}

#[test]
fn reserved_opcodes_fail_the_connection() {
    let hello = "Hello, world!";
    let reserved = |name: &str, opcode: u8, before: bool, payload: &[u8]| -> Case {
        let mut frames = vec![RawFrame::new(0x80 | opcode, payload), RawFrame::ping(b"")];
        let mut items = vec![];
        if before {
            frames.insert(0, RawFrame::text(hello));
            items.push(Received::Text(hello.to_owned()));
        }
        case(name, frames, items, End::Failed(ProtocolError::ReservedOpcode(opcode)))
    };
    let payload = b"reserved opcode payload";
    check_all([
        reserved("4.1.1", 3, false, b""),
        reserved("4.1.2", 4, false, payload),
        reserved("4.1.3", 5, true, b""),
        reserved("4.1.4", 6, true, hello.as_bytes()),
        reserved("4.1.5", 7, true, hello.as_bytes()),
        reserved("4.2.1", 11, false, b""),
        reserved("4.2.2", 12, false, payload),
        reserved("4.2.3", 13, true, b""),
        reserved("4.2.4", 14, true, hello.as_bytes()),
        reserved("4.2.5", 15, true, hello.as_bytes()),
    ]);
}

#[test]
fn frame_masked_for_the_wrong_role_fails_the_connection() {
    for (role, other, error) in [
        (Role::Server, Role::Client, ProtocolError::UnmaskedClientFrame),
        (Role::Client, Role::Server, ProtocolError::MaskedServerFrame),
    ] {
        for frame in [RawFrame::text("hello"), RawFrame::ping(b""), RawFrame::close(1000, "")] {
            let stream = stream(other, &[frame]);
            let outcome = receive((role, MESSAGE_BYTES_MAX), Calls::EachRead, [&stream[..]]);
            assert_eq!((outcome.end, outcome.items.len()), (End::Failed(error), 0));
        }
    }
}

#[test]
fn length_in_more_bytes_than_it_needs_fails_the_connection() {
    for (length, form) in [
        (0, LengthForm::U16),
        (125, LengthForm::U16),
        (0, LengthForm::U64),
        (126, LengthForm::U64),
        (65_535, LengthForm::U64),
    ] {
        let mut stream = Vec::new();
        write_frame(&mut stream, &RawFrame::binary(vec![0; length]), form, None);
        let outcome = receive((Role::Client, MESSAGE_BYTES_MAX), Calls::EachRead, [&stream[..]]);
        assert_eq!(outcome.end, End::Failed(ProtocolError::LengthNotMinimal), "{length} {form:?}");
    }
}

#[test]
fn length_with_its_top_bit_set_is_broken_protocol_rather_than_a_large_message() {
    let header = |top: u8| [0x82, 127, top, 0, 0, 0, 0, 1, 0, 0];
    for (top, error) in
        [(0x80, ProtocolError::LengthTopBit), (0x7f, ProtocolError::MessageTooLarge)]
    {
        let outcome =
            receive((Role::Client, MESSAGE_BYTES_MAX), Calls::EachRead, [&header(top)[..]]);
        assert_eq!(outcome.end, End::Failed(error));
    }
}

//! Autobahn section 9, as far as a codec goes: large messages, whole (9.1, 9.2), in fragments (9.3,
//! 9.4) and in chops (9.5, 9.6), up to 4 MiB; 9.7 and 9.8 measure round trips. And the limit.

use ackd_websocket::{ProtocolError, Role};

use crate::peer::{RawFrame, stream};
use crate::support::{Calls, End, Received, receive};

#[test]
fn large_messages_arrive_whole_and_in_fragments() {
    let sizes = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1 << 20, 4 << 20];
    for (index, size) in sizes.into_iter().enumerate() {
        let whole = [RawFrame::binary(vec![0xfe; size])];
        assert_arrives(&format!("9.1, 9.2 with {size} bytes"), size, usize::MAX, &whole);
        let fragments = RawFrame::fragments(2, &vec![0xfe; 4 << 20], size);
        let name = format!("9.3.{0} 9.4.{0}", index + 1);
        assert_arrives(&name, 4 << 20, usize::MAX, &fragments);
    }
}

#[test]
fn large_message_arrives_in_small_chops() {
    for (index, chop) in [64, 128, 256, 512, 1024, 2048].into_iter().enumerate() {
        let name = format!("9.5.{0} 9.6.{0}", index + 1);
        assert_arrives(&name, 1 << 20, chop, &[RawFrame::binary(vec![0xfe; 1 << 20])]);
    }
}

#[test]
fn message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    for limit in [0, 1, 125, 126, 65_536] {
        let text = |length: usize| "x".repeat(length);
        let exact = receive_as_server(limit, &[RawFrame::text(text(limit))]);
        assert_eq!(exact, (vec![Received::Text(text(limit))], End::Open));
        let above = receive_as_server(limit, &[RawFrame::text(text(limit + 1))]);
        assert_eq!(above, (vec![], End::Failed(ProtocolError::MessageTooLarge)));
    }
}

#[test]
fn limit_counts_all_fragments_and_no_control_frames() {
    let parts = |sizes: [usize; 3]| {
        let [first, middle, last] = sizes.map(|size| "x".repeat(size));
        let control = RawFrame::ping([7; 125]);
        let (first, middle) = (RawFrame::first_text(first), RawFrame::middle(middle));
        [first, control.clone(), middle, control, RawFrame::last(last)]
    };
    let ping = || Received::Ping(vec![7; 125]);
    let exact = receive_as_server(10, &parts([4, 4, 2]));
    assert_eq!(exact, (vec![ping(), ping(), Received::Text("x".repeat(10))], End::Open));
    for (sizes, pings) in [([4, 4, 3], 2), ([4, 7, 0], 1), ([11, 0, 0], 0)] {
        let (items, end) = receive_as_server(10, &parts(sizes));
        assert_eq!(end, End::Failed(ProtocolError::MessageTooLarge), "{sizes:?}");
        assert_eq!(items.len(), pings, "{sizes:?}");
    }
}

#[test]
fn message_over_the_limit_is_refused_by_its_header_alone() {
    let stream = stream(Role::Server, &[RawFrame::binary(vec![0; 70_000])]);
    for (bytes, end) in [(13, End::Open), (14, End::Failed(ProtocolError::MessageTooLarge))] {
        let outcome = receive((Role::Server, 69_999), Calls::EachRead, [&stream[..bytes]]);
        assert_eq!(outcome.end, end, "after {bytes} bytes");
    }
}

fn receive_as_server(limit: usize, frames: &[RawFrame]) -> (Vec<Received>, End) {
    let stream = stream(Role::Server, frames);
    let outcome = receive((Role::Server, limit), Calls::EachRead, [&stream[..]]);
    (outcome.items, outcome.end)
}

fn assert_arrives(name: &str, size: usize, chop: usize, frames: &[RawFrame]) {
    let stream = stream(Role::Server, frames);
    let chunks = stream.chunks(chop.min(stream.len()));
    let outcome = receive((Role::Server, 4 << 20), Calls::EachRead, chunks);
    assert_eq!(outcome.end, End::Open, "case {name}");
    assert!(outcome.items == [Received::Binary(vec![0xfe; size])], "case {name}");
}

//! What one side's encoder writes, the other side's decoder reads, however it is chopped.

use ackd_websocket::{Encoder, Opcode, Role};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Calls, End, MESSAGE_BYTES_MAX, Outcome, Random, Received, receive};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_sent_is_received(
        messages in vec((message(), 1..200_usize), 0..8),
        as_server in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let role = if as_server { Role::Server } else { Role::Client };
        let mut random = Random::new(seed);
        let mut stream = Vec::new();
        for (message, fragment_bytes) in &messages {
            send(&mut stream, role, message, *fragment_bytes, &mut random);
        }
        let expected: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        let chunks = random_chunks(&stream, &mut random);
        let calls = if random.one_in(2) { Calls::EachRead } else { Calls::WhenAskedFor };
        let Outcome { items, end, consumed } =
            receive((role, MESSAGE_BYTES_MAX), calls, chunks);
        prop_assert_eq!(items, expected);
        prop_assert_eq!(end, End::Open);
        prop_assert_eq!(consumed, stream.len());
    }
}

fn message() -> impl Strategy<Value = Received> {
    let length = prop_oneof![4 => 0..130_usize, 1 => 0..2000_usize, 1 => 65_530..65_540_usize];
    let bytes = (length, any::<u64>()).prop_map(|(length, seed)| Random::new(seed).bytes(length));
    prop_oneof![
        any::<String>().prop_map(Received::Text),
        bytes.prop_map(Received::Binary),
        vec(any::<u8>(), 0..=125).prop_map(Received::Ping),
        vec(any::<u8>(), 0..=125).prop_map(Received::Pong),
    ]
}

/// Sends `message` to `role`, in one of the ways the encoder offers.
fn send(
    out: &mut Vec<u8>,
    role: Role,
    message: &Received,
    fragment_bytes: usize,
    random: &mut Random,
) {
    let way = random.below(3);
    let key = (random.next() as u32).to_ne_bytes();
    let encoder = match role {
        Role::Server => Encoder::client(key),
        Role::Client => Encoder::server(),
    };
    match (message, way) {
        (Received::Text(text), 0) => encoder.text(out, text),
        (Received::Text(text), 1) => reserve(out, encoder, Opcode::Text, text.as_bytes()),
        (Received::Text(text), _) => {
            fragment(out, encoder, Opcode::Text, text.as_bytes(), fragment_bytes);
        }
        (Received::Binary(bytes), 0) => encoder.binary(out, bytes),
        (Received::Binary(bytes), 1) => reserve(out, encoder, Opcode::Binary, bytes),
        (Received::Binary(bytes), _) => {
            fragment(out, encoder, Opcode::Binary, bytes, fragment_bytes);
        }
        (Received::Ping(bytes), _) => encoder.ping(out, bytes),
        (Received::Pong(bytes), _) => encoder.pong(out, bytes),
        (Received::Close(_), _) => unreachable!("not generated"),
    }
}

fn reserve(out: &mut Vec<u8>, encoder: Encoder, opcode: Opcode, payload: &[u8]) {
    let reserved = encoder.reserve_header(out);
    out.extend_from_slice(payload);
    reserved.finish(out, opcode);
}

fn fragment(out: &mut Vec<u8>, encoder: Encoder, opcode: Opcode, payload: &[u8], size: usize) {
    let mut opcode = opcode;
    for chunk in payload.chunks(size) {
        encoder.fragment(out, opcode, chunk);
        opcode = Opcode::Continuation;
    }
    if opcode == Opcode::Continuation {
        encoder.last_fragment(out, b"");
    } else {
        encoder.fragment(out, opcode, b"");
        encoder.last_fragment(out, b"");
    }
}

/// Cuts `stream` at random points; often into single bytes, sometimes not at all.
pub(crate) fn random_chunks<'a>(stream: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let size_max = random.pick(&[1, 3, 20, 200, 5_000, usize::MAX >> 1]);
    // Single bytes of a large stream would take long and show nothing new.
    let size_max = size_max.max(stream.len() / 1000);
    let mut chunks = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (chunk, tail) = rest.split_at(1 + random.below(size_max.min(rest.len())));
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

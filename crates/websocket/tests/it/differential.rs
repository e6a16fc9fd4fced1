//! The codec against tungstenite on generated streams: the same items, and the same end, by class.
//!
//! `ACKD_FUZZ_CASES` says how many streams, `ACKD_FUZZ_SEED` which; a failure prints both and the
//! case. What differs on purpose is in [`compare`], one arm each:
//!
//! 1. A length not in its shortest form is 1002 here (RFC 6455 §5.2), which in a control frame is
//!    any length with bytes of its own; tungstenite accepts it.
//! 2. A frame with several faults: here the header is judged first, there the size (for frames
//!    above the limit, 64-bit lengths with their top bit set among them) or, in a close frame, the
//!    reason's UTF-8 before the code.
//! 3. A bad header fails here at once, there when the payload has come: it is given that payload.
//! 4. A close frame with an invalid code fails with 1002 here; tungstenite hands out a close frame
//!    of its own, 1002 "Protocol violation". It does so for 1014 too, which was registered since.

use std::io::{self, Read, Write};

use ackd_websocket::{ProtocolError, Role};
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use crate::generator::Connection;
use crate::roundtrip::random_chunks;
use crate::support::{Calls, End, Outcome, Random, Received, receive};

#[test]
fn verdicts_agree_with_tungstenite_on_generated_streams() {
    let cases = variable("ACKD_FUZZ_CASES").unwrap_or(CASES);
    let seed = variable("ACKD_FUZZ_SEED").unwrap_or(1);
    let mut ends = Vec::new();
    for case in 0..cases {
        let end = run(seed, case);
        let kind = std::mem::discriminant(&end);
        let error = match end {
            End::Failed(error) => Some(std::mem::discriminant(&error)),
            _ => None,
        };
        if !ends.contains(&(kind, error)) {
            ends.push((kind, error));
        }
    }
    let all = 16; // open, closed, and 14 errors
    assert!(cases < CASES || ends.len() == all, "{} of {all} kinds of end seen", ends.len());
}

/// Runs one case and returns how it ended.
fn run(seed: u64, case: u64) -> End {
    let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(case));
    let connection = Connection::generate(&mut random);
    let Connection { role, message_bytes_max, ref stream } = connection;
    let reader = (role, message_bytes_max);
    let ours = receive(reader, Calls::EachRead, random_chunks(stream, &mut random));
    let patient = receive(reader, Calls::WhenAskedFor, random_chunks(stream, &mut random));
    let whole = receive(reader, Calls::EachRead, [&stream[..]]);
    let completed = match ours.end {
        End::Failed(_) => complete(stream, ours.consumed, message_bytes_max),
        _ => stream.clone(),
    };
    let theirs = Theirs::receive(&connection, &completed, &mut random);
    let verdict = compare(&ours, &theirs, claimed_length(&completed[ours.consumed..]), reader.1);
    assert!(
        ours == whole && ours == patient && verdict,
        "ACKD_FUZZ_SEED={seed}, case {case}: {connection:02x?}\nours:    {ours:?}\nwhole:   \
         {whole:?}\npatient: {patient:?}\ntheirs:  {theirs:?}",
    );
    ours.end
}

/// Whether both said the same, or differ as intended.
fn compare(ours: &Outcome, theirs: &Theirs, claimed: u64, message_bytes_max: usize) -> bool {
    let same_items = ours.items == theirs.items;
    let (End::Failed(error), class) = (ours.end, theirs.class) else {
        return match (ours.end, theirs.class) {
            (End::Open, Class::Open) => same_items,
            (End::Closed, Class::Closed) => same_items || is_1014(&ours.items, &theirs.items),
            _ => false,
        };
    };
    match (error, class) {
        (ProtocolError::LengthNotMinimal, _) => theirs.items.starts_with(&ours.items), // 1
        (ProtocolError::ControlTooLong, _) if claimed <= 125 => {
            theirs.items.starts_with(&ours.items) // 1
        }
        (error, Class::TooLarge) if error.close_code() == 1002 => {
            same_items && frame_bytes_max(message_bytes_max) < claimed // 2
        }
        (ProtocolError::InvalidCloseCode(_), Class::InvalidUtf8) => same_items, // 2
        (ProtocolError::InvalidCloseCode(_), Class::Closed) => {
            theirs.items.split_last() == Some((&protocol_violation(), &ours.items[..])) // 4
        }
        (error, class) => same_items && Class::of(error) == class,
    }
}

fn is_1014(ours: &[Received], theirs: &[Received]) -> bool {
    let (Some((our_close, ours)), Some((their_close, theirs))) =
        (ours.split_last(), theirs.split_last())
    else {
        return false;
    };
    matches!(our_close, Received::Close(Some((1014, _))))
        && *their_close == protocol_violation()
        && ours == theirs
}

fn protocol_violation() -> Received {
    Received::Close(Some((1002, "Protocol violation".to_owned())))
}

/// How a stream ended, as coarsely as two libraries can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Open,
    Closed,
    Protocol,
    InvalidUtf8,
    TooLarge,
}

impl Class {
    fn of(error: ProtocolError) -> Self {
        match error.close_code() {
            1007 => Self::InvalidUtf8,
            1009 => Self::TooLarge,
            _ => Self::Protocol,
        }
    }
}

/// What tungstenite made of a stream.
#[derive(Debug)]
struct Theirs {
    items: Vec<Received>,
    class: Class,
}

impl Theirs {
    fn receive(connection: &Connection, stream: &[u8], random: &mut Random) -> Self {
        let role = match connection.role {
            Role::Server => tungstenite::protocol::Role::Server,
            Role::Client => tungstenite::protocol::Role::Client,
        };
        let limit = Some(connection.message_bytes_max);
        let config = WebSocketConfig::default()
            .read_buffer_size(256)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(Some(frame_bytes_max(connection.message_bytes_max) as usize));
        let chunks = random_chunks(stream, random).into_iter();
        let socket = Chunks { chunks: chunks.collect(), next: 0 };
        let mut socket = WebSocket::from_raw_socket(socket, role, Some(config));
        let mut items = Vec::new();
        let class = loop {
            match socket.read() {
                Ok(message) => items.push(received(message)),
                Err(error) => break class_of(&error),
            }
            if let Some(Received::Close(_)) = items.last() {
                break Class::Closed;
            }
        };
        Self { items, class }
    }
}

fn received(message: Message) -> Received {
    match message {
        Message::Text(text) => Received::Text(text.to_string()),
        Message::Binary(bytes) => Received::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Received::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Received::Pong(bytes.to_vec()),
        Message::Close(close) => {
            Received::Close(close.map(|close| (u16::from(close.code), close.reason.to_string())))
        }
        Message::Frame(frame) => panic!("never read: {frame:?}"),
    }
}

fn class_of(error: &Error) -> Class {
    match error {
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            Class::Open
        }
        Error::Protocol(_) => Class::Protocol,
        Error::Utf8(_) => Class::InvalidUtf8,
        Error::Capacity(_) => Class::TooLarge,
        other => panic!("neither the stream's fault nor its end: {other}"),
    }
}

/// A socket on which the chunks arrive, one a read, and into which writes vanish.
#[derive(Debug)]
struct Chunks<'a> {
    chunks: Vec<&'a [u8]>,
    next: usize,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(chunk) = self.chunks.get_mut(self.next) else {
            return Ok(0);
        };
        let length = chunk.read(buf)?;
        if chunk.is_empty() {
            self.next += 1;
        }
        Ok(length)
    }
}

impl Write for Chunks<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `stream` with the frame at `start` brought to its full length, if that is within reach.
fn complete(stream: &[u8], start: usize, message_bytes_max: usize) -> Vec<u8> {
    let mut stream = stream.to_vec();
    stream.resize(stream.len().max(start + 14), 0);
    let claimed = claimed_length(&stream[start..]);
    if claimed <= frame_bytes_max(message_bytes_max) {
        stream.resize(stream.len().max(start + 14 + claimed as usize), 0);
    }
    stream
}

/// What tungstenite takes at most in one frame: its limit holds for control frames too.
fn frame_bytes_max(message_bytes_max: usize) -> u64 {
    message_bytes_max.max(125) as u64
}

/// The payload length that the frame at the start of `frame` claims; 0 if it does not get so far.
fn claimed_length(frame: &[u8]) -> u64 {
    match frame {
        [_, short, ..] if short & 0x7f < 126 => u64::from(short & 0x7f),
        [_, form, rest @ ..] => {
            let bytes = rest.get(..if form & 0x7f == 126 { 2 } else { 8 }).unwrap_or(&[]);
            bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
        }
        _ => 0,
    }
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// About five seconds in a debug build.
const CASES: u64 = 30_000;

//! Byte streams as a peer might send them: right ones, ones with faults of every kind, right ones
//! with bytes changed, and noise. The same seed gives the same stream.

use ackd_websocket::{CONTROL_PAYLOAD_BYTES_MAX, Encoder, Opcode, Role};

use crate::peer::{LengthForm, RawFrame, shortest, write_frame};
use crate::support::Random;

/// One generated connection: who reads it, under what limit, and what it is sent.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) role: Role,
    pub(crate) message_bytes_max: usize,
    pub(crate) stream: Vec<u8>,
}

impl Connection {
    pub(crate) fn generate(random: &mut Random) -> Self {
        let role = random.pick(&[Role::Server, Role::Client]);
        let message_bytes_max = random.pick(&[0, 10, 125, 126, 300, 300, 70_000]);
        let mut stream = Vec::new();
        match random.below(8) {
            0 => noise(&mut stream, role, random),
            1..=2 => {
                say(&mut stream, role, 0, random);
                mutate(&mut stream, random);
            }
            3..=5 => say(&mut stream, role, 6, random),
            _ => say(&mut stream, role, 0, random),
        }
        if random.one_in(8) {
            stream.truncate(random.below(stream.len() + 1));
        }
        Self { role, message_bytes_max, stream }
    }
}

/// Bytes without meaning; most of them start like a frame, or they would all end the same way.
fn noise(out: &mut Vec<u8>, role: Role, random: &mut Random) {
    let length = random.below(200);
    *out = random.bytes(length);
    if let [first, second, ..] = &mut out[..]
        && !random.one_in(4)
    {
        *first = random.pick(&[0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8a, 0x80]);
        *second = (*second & 0x7f) | if role == Role::Server { 0x80 } else { 0 };
    }
}

fn mutate(stream: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        if stream.is_empty() {
            return;
        }
        let at = random.below(stream.len());
        match random.below(5) {
            0 => stream[at] = random.next() as u8,
            1 => stream[at] ^= 1 << random.below(8),
            2 => stream.insert(at, random.next() as u8),
            3 => drop(stream.remove(at)),
            _ => {
                let end = at + random.below((stream.len() - at).min(40) + 1);
                let again = stream[at..end].to_vec();
                stream.splice(at..at, again);
            }
        }
    }
}

/// A few messages; each frame has a fault once in `fault_one_in` times (0: never).
fn say(out: &mut Vec<u8>, role: Role, fault_one_in: usize, random: &mut Random) {
    for _ in 0..=random.below(5) {
        let mut frames = Vec::new();
        match random.below(10) {
            0..=3 => frames.push(RawFrame::new(random.pick(&[0x81, 0x82]), [])),
            4..=6 => fragments(&mut frames, random),
            7 => frames.push(RawFrame::ping([])),
            8 => frames.push(RawFrame::pong([])),
            _ => frames.push(RawFrame::new(0x88, close_payload(random))),
        }
        fill(&mut frames, random);
        for frame in frames {
            if fault_one_in != 0 && random.one_in(fault_one_in) {
                write_faulty(out, role, frame, random);
            } else {
                write_right(out, role, &frame, random);
            }
        }
    }
}

fn fragments(frames: &mut Vec<RawFrame>, random: &mut Random) {
    frames.push(RawFrame::new(random.pick(&[0x01, 0x02]), []));
    for _ in 0..random.below(4) {
        frames.push(RawFrame::new(random.pick(&[0x00, 0x00, 0x89, 0x8a]), []));
    }
    frames.push(RawFrame::last([]));
}

/// Gives the frames their payload: a text's is UTF-8 over all its fragments, not within each.
fn fill(frames: &mut [RawFrame], random: &mut Random) {
    let is_text = frames[0].first_byte & 0x0f == 1;
    let mut text = Vec::new();
    let mut fragments = 0;
    for frame in frames.iter_mut() {
        match frame.first_byte & 0x0f {
            0..=2 if is_text => {
                fragments += 1;
                let length = length(random);
                extend_text(&mut text, length, random);
            }
            0..=2 => {
                let length = length(random);
                frame.payload = random.bytes(length);
            }
            9 | 10 => {
                let length = random.below(CONTROL_PAYLOAD_BYTES_MAX + 1);
                frame.payload = random.bytes(length);
            }
            _ => {}
        }
    }
    for frame in frames.iter_mut().filter(|frame| is_text && frame.first_byte & 0x0f <= 2) {
        fragments -= 1;
        let cut = if fragments == 0 { text.len() } else { random.below(text.len() + 1) };
        frame.payload = text.drain(..cut).collect();
    }
}

fn length(random: &mut Random) -> usize {
    match random.below(40) {
        0 => random.pick(&[65_535, 65_536, 70_000, 70_001]),
        1..=3 => random.pick(&[125, 126, 127, 300, 301]),
        4..=8 => random.below(400),
        _ => random.below(20),
    }
}

fn extend_text(text: &mut Vec<u8>, length: usize, random: &mut Random) {
    let end = text.len() + length;
    if 1000 < length {
        text.resize(end, b'x');
        return;
    }
    while text.len() < end {
        let character = random.pick(&['a', 'z', '\0', 'µ', '€', '\u{d7ff}', '\u{10ffff}', '😀']);
        text.extend_from_slice(character.to_string().as_bytes());
    }
}

fn close_payload(random: &mut Random) -> Vec<u8> {
    if random.one_in(4) {
        return Vec::new();
    }
    let code: u16 = random.pick(&[1000, 1001, 1002, 1007, 1011, 1013, 1014, 3000, 4400, 4999]);
    let mut payload = code.to_be_bytes().to_vec();
    let length = random.below(30);
    extend_text(&mut payload, length, random);
    payload
}

/// Most by the crate's own encoder, so that the other library judges that as well.
fn write_right(out: &mut Vec<u8>, role: Role, frame: &RawFrame, random: &mut Random) {
    let key = (random.next() as u32).to_ne_bytes();
    let mask = (role == Role::Server).then_some(key);
    let encoder = mask.map_or(Encoder::server(), Encoder::client);
    let payload = &frame.payload[..];
    match (frame.first_byte, str::from_utf8(payload)) {
        (0x81, Ok(text)) => encoder.text(out, text),
        (0x82, _) => encoder.binary(out, payload),
        (0x89, _) => encoder.ping(out, payload),
        (0x8a, _) => encoder.pong(out, payload),
        (0x00, _) => encoder.fragment(out, Opcode::Continuation, payload),
        (0x01, _) => encoder.fragment(out, Opcode::Text, payload),
        (0x02, _) => encoder.fragment(out, Opcode::Binary, payload),
        (0x80, _) => encoder.last_fragment(out, payload),
        _ => write_frame(out, frame, shortest(payload.len()), mask),
    }
}

fn write_faulty(out: &mut Vec<u8>, role: Role, mut frame: RawFrame, random: &mut Random) {
    let mut masked = role == Role::Server;
    let mut form = None;
    match random.below(10) {
        0 => frame.first_byte |= random.pick(&[0x10, 0x20, 0x40, 0x70]),
        1 => frame.first_byte = 0x80 | random.below(16) as u8,
        2 => frame.first_byte ^= 0x80,
        3 => masked = !masked,
        4 => form = Some(random.pick(&[LengthForm::U16, LengthForm::U64])),
        5 => frame.payload.push(random.pick(&[0x80, 0xc0, 0xf4, 0xed, 0xff])),
        6 => frame = RawFrame::new(0x88, (random.next() as u16).to_be_bytes()),
        7 => frame = RawFrame::close(random.pick(&[0, 1004, 1005, 1015, 2999, 5000]), "why"),
        8 => {
            let payloads = [&b"\x03"[..], b"\x03\xe8\xff", b"\0\0\xff"];
            let payload = random.pick(&payloads);
            frame = RawFrame::new(0x88, payload);
        }
        _ => frame.first_byte = random.pick(&[0x00, 0x80, 0x01, 0x81]),
    }
    let form = form
        .filter(|_| frame.payload.len() <= 65_535)
        .unwrap_or_else(|| shortest(frame.payload.len()));
    let mask = masked.then(|| (random.next() as u32).to_ne_bytes());
    let start = out.len();
    write_frame(out, &frame, form, mask);
    if matches!(form, LengthForm::U64) && random.one_in(2) {
        out[start + 2] |= random.pick(&[0x80, 0x40, 0x01]);
    }
}

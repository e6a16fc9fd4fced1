//! The receiving socket in miniature, and one `check` for every case: a stream must give the same
//! items whole, byte by byte, split at every point, and when only as many bytes are waited for as
//! the decoder asked for.

use ackd_websocket::{Decoded, Decoder, Item, Limits, ProtocolError, Role};

use crate::peer::{RawFrame, stream};

/// An [`Item`] that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Item<'_>> for Received {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.to_owned()),
            Item::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Item::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Item::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Item::Close(close) => Self::Close(close.map(|(code, why)| (code, why.to_owned()))),
        }
    }
}

/// How a stream ended, as far as the decoder can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// More may come.
    Open,
    Closed,
    Failed(ProtocolError),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Received>,
    pub(crate) end: End,
    /// Where the first byte not consumed stands: of the bad frame, if it failed.
    pub(crate) consumed: usize,
}

/// When the socket calls the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// After each read.
    EachRead,
    /// Only once as many bytes are there as it asked for.
    WhenAskedFor,
}

/// Feeds `chunks`, read after read, as a socket would.
pub(crate) fn receive<'a>(
    (role, message_bytes_max): (Role, usize),
    calls: Calls,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut decoder = Decoder::new(role, Limits { message_bytes_max });
    let mut outcome = Outcome { items: Vec::new(), end: End::Open, consumed: 0 };
    let mut buf = Vec::new();
    let mut needed = 0;
    for chunk in chunks {
        buf.extend_from_slice(chunk);
        if calls == Calls::WhenAskedFor && buf.len() < needed {
            continue;
        }
        match drain(&mut decoder, &mut buf, &mut outcome) {
            Some(bytes) => needed = bytes,
            None => break,
        }
    }
    assert_end_is_final(&mut decoder, outcome.end);
    outcome
}

/// Decodes all that is in `buf`; how many bytes are needed next, unless the stream has ended.
fn drain(decoder: &mut Decoder, buf: &mut Vec<u8>, outcome: &mut Outcome) -> Option<usize> {
    let mut start = 0;
    let needed = loop {
        match decoder.decode(&mut buf[start..]) {
            Ok(Decoded::Item { consumed, item }) => {
                outcome.items.push(item.into());
                start += consumed;
            }
            Ok(Decoded::Absorbed { consumed }) => start += consumed,
            Ok(Decoded::Need { bytes }) => {
                assert!(buf.len() - start < bytes, "asked for what is there already");
                break Some(bytes);
            }
            Ok(Decoded::Closed) => {
                outcome.end = End::Closed;
                break None;
            }
            Err(error) => {
                outcome.end = End::Failed(error);
                break None;
            }
        }
    };
    outcome.consumed += start;
    buf.drain(..start);
    needed
}

fn assert_end_is_final(decoder: &mut Decoder, end: End) {
    let mut late_ping = stream(Role::Server, &[RawFrame::ping(b"late")]);
    match end {
        End::Open => {}
        End::Closed => assert_eq!(decoder.decode(&mut late_ping), Ok(Decoded::Closed)),
        End::Failed(error) => assert_eq!(decoder.decode(&mut late_ping), Err(error)),
    }
}

/// One case of the suite: what a peer sends, what must come of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) frames: Vec<RawFrame>,
    pub(crate) items: Vec<Received>,
    pub(crate) end: End,
}

pub(crate) fn case(
    name: impl Into<String>,
    frames: impl IntoIterator<Item = RawFrame>,
    items: impl IntoIterator<Item = Received>,
    end: End,
) -> Case {
    let (frames, items) = (frames.into_iter().collect(), items.into_iter().collect());
    Case { name: name.into(), frames, items, end }
}

pub(crate) fn check_all(cases: impl IntoIterator<Item = Case>) {
    for case in cases {
        check(&case);
    }
}

fn check(case: &Case) {
    for role in [Role::Server, Role::Client] {
        let stream = stream(role, &case.frames);
        let whole = receive((role, MESSAGE_BYTES_MAX), Calls::EachRead, [&stream[..]]);
        assert!(whole.items == case.items, "case {} as {role:?}: items {whole:?}", case.name);
        assert_eq!(whole.end, case.end, "case {} as {role:?}", case.name);
        check_chopped(case, role, &stream, &whole);
    }
}

fn check_chopped(case: &Case, role: Role, stream: &[u8], whole: &Outcome) {
    for calls in [Calls::EachRead, Calls::WhenAskedFor] {
        for size in [1, 997] {
            let chopped = receive((role, MESSAGE_BYTES_MAX), calls, stream.chunks(size));
            assert!(chopped == *whole, "case {} as {role:?} in chops of {size}", case.name);
        }
    }
    for at in split_points(stream.len()) {
        let (head, tail) = stream.split_at(at);
        let split = receive((role, MESSAGE_BYTES_MAX), Calls::EachRead, [head, tail]);
        assert!(split == *whole, "case {} as {role:?} split at {at}", case.name);
    }
}

/// Every point of a short stream; of a long one its ends, where the headers are, and samples.
fn split_points(length: usize) -> impl Iterator<Item = usize> {
    (0..=length).filter(move |at| length <= 2048 || *at < 32 || length - at < 32 || at % 9973 == 0)
}

/// The limit most cases run under.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// A small generator of numbers (splitmix64), so that a seed means the same everywhere.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is positive.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

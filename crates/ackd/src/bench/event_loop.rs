//! What an event loop lends to its connections, and what both workloads do with what they read: answers must come in the
//! order of the numbers, deliveries in the order of numbers and places, each once.

use anyhow::bail;
use hdrhistogram::Histogram;

use super::encoding::Encoding;
use super::link::{Link, SCRATCH_BYTES};
use super::scan::{Scanned, Scanner};
use super::template::read_body;

/// Buffers, the scanner and the latencies of one thread.
#[derive(Debug)]
pub(crate) struct Loop {
    encoding: Encoding,
    scratch: Vec<u8>,
    scanner: Scanner,
    /// Microseconds from a send to its delivery.
    pub(crate) latencies: Histogram<u64>,
}

/// What a receiver has got and acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Received {
    /// The highest number.
    pub(crate) n: u64,
    /// Its place.
    pub(crate) seq: u64,
}

impl Loop {
    /// Empty buffers.
    pub(crate) fn new(encoding: Encoding) -> Self {
        let (scratch, scanner) = (vec![0; SCRATCH_BYTES], Scanner::new(encoding));
        Self { encoding, scratch, scanner, latencies: histogram() }
    }

    /// Reads a sender's answers.
    pub(crate) fn read_answers(
        &mut self,
        link: &mut Link,
        accepted: &mut u64,
    ) -> anyhow::Result<()> {
        let mut wrong = None;
        link.read(&mut self.scratch, |text| {
            self.scanner.scan(text, |scanned| match scanned {
                Scanned::Accepted { n } if n == *accepted + 1 => *accepted = n,
                other => {
                    wrong.get_or_insert_with(|| other.to_string());
                }
            });
        })?;
        match wrong {
            None => Ok(()),
            Some(wrong) => bail!("accepted up to {accepted}, then {wrong}"),
        }
    }

    /// Reads what a receiver gets, notes the latencies, and acknowledges it, all at once.
    pub(crate) fn read_deliveries(
        &mut self,
        link: &mut Link,
        received: &mut Received,
        now: u64,
    ) -> anyhow::Result<()> {
        if self.read_numbered(link, received, now)? {
            let ack = format!(r#"{{"op":"ack","seq":{}}}"#, received.seq);
            link.push(&self.encoding.client_frame(&ack));
        }
        link.flush()
    }

    /// The same of a durable room.
    pub(crate) fn read_room(
        &mut self,
        link: &mut Link,
        room: &str,
        received: &mut Received,
    ) -> anyhow::Result<()> {
        if self.read_numbered(link, received, 0)? {
            let ack = format!(r#"{{"op":"ack","room":"{room}","seq":{}}}"#, received.seq);
            link.push(&self.encoding.client_frame(&ack));
        }
        link.flush()
    }

    /// Whether there was anything.
    fn read_numbered(
        &mut self,
        link: &mut Link,
        received: &mut Received,
        now: u64,
    ) -> anyhow::Result<bool> {
        let (before, mut wrong) = (received.n, None);
        link.read(&mut self.scratch, |text| {
            self.scanner.scan(text, |scanned| {
                let Scanned::Message { seq, body } = scanned else {
                    wrong.get_or_insert_with(|| scanned.to_string());
                    return;
                };
                match read_body(body) {
                    Some((n, nanos)) if n == received.n + 1 && received.seq < seq => {
                        *received = Received { n, seq };
                        self.latencies.saturating_record(now.saturating_sub(nanos) / 1000);
                    }
                    read => {
                        wrong.get_or_insert_with(|| format!("{read:?} at {seq}"));
                    }
                }
            });
        })?;
        match wrong {
            None => Ok(before < received.n),
            Some(wrong) => bail!("delivered up to {received:?}, then {wrong}"),
        }
    }
}

impl Loop {
    /// Reads what a member of a room gets from memory; notes the latencies, and hands out each number and ID. Numbers may be
    /// missing where that is allowed, never double or out of order.
    pub(crate) fn read_live(
        &mut self,
        link: &mut Link,
        last: &mut u64,
        now: u64,
        mut found: impl FnMut(u64, &[u8]),
    ) -> anyhow::Result<()> {
        let mut wrong = None;
        link.read(&mut self.scratch, |text| {
            self.scanner.scan(text, |scanned| {
                let Scanned::Live { id, body } = scanned else {
                    wrong.get_or_insert_with(|| scanned.to_string());
                    return;
                };
                match read_body(body) {
                    Some((n, nanos)) if *last < n => {
                        *last = n;
                        self.latencies.saturating_record(now.saturating_sub(nanos) / 1000);
                        found(n, id);
                    }
                    read => {
                        wrong.get_or_insert_with(|| format!("{read:?}"));
                    }
                }
            });
        })?;
        match wrong {
            None => Ok(()),
            Some(wrong) => bail!("delivered up to {last}, then {wrong}"),
        }
    }
}

/// For one microsecond to a minute, three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("good bounds")
}

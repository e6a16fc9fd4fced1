//! Random bytes of the system, fetched in blocks: every frame needs a fresh mask key.

/// A block of random bytes.
#[derive(Debug)]
pub(crate) struct Random {
    block: [u8; 256],
    /// `used <= block.len()`
    used: usize,
}

impl Random {
    pub(crate) fn new() -> Self {
        Self { block: [0; 256], used: 256 }
    }

    /// `N` random bytes, at most 256.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if self.block.len() - self.used < N {
            getrandom::fill(&mut self.block).expect("the system gives random bytes");
            self.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.block[self.used..self.used + N]);
        self.used += N;
        bytes
    }

    pub(crate) fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A name that no other has: 32 hex digits of an outbox.
    pub(crate) fn name(&mut self) -> ackd_wire::Name {
        let text = ackd_wire::MessageId(self.bytes()).to_string();
        ackd_wire::Name::parse_outbox(&text).expect("hex digits are a name")
    }
}

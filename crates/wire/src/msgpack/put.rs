//! Appending MessagePack to a buffer, or counting what would be appended: one writer for both, so that a length is
//! exact. Everything is written in its shortest format.

/// Where MessagePack goes.
pub(crate) trait Put {
    /// Bytes as they are.
    fn raw(&mut self, bytes: &[u8]);

    /// How many bytes there are.
    fn position(&self) -> usize;

    /// Forgets what was put behind this position.
    fn go_back(&mut self, position: usize);

    /// Leaves room for the head of an array or a map. The position is to be given to [`Put::close`].
    fn open(&mut self) -> usize {
        self.raw(&[0]);
        self.position()
    }

    /// Writes the head of a container whose entries have been put since [`Put::open`].
    fn close(&mut self, position: usize, container: Container, entries: usize);

    fn nil(&mut self) {
        self.raw(&[0xc0]);
    }

    fn boolean(&mut self, boolean: bool) {
        self.raw(&[if boolean { 0xc3 } else { 0xc2 }]);
    }

    /// An integer that is not negative.
    fn integer(&mut self, number: u64) {
        match number {
            0..0x80 => self.raw(&[number as u8]),
            0x80..0x100 => self.raw(&[0xcc, number as u8]),
            0x100..0x1_0000 => self.head(0xcd, (number as u16).to_be_bytes()),
            0x1_0000..0x1_0000_0000 => self.head(0xce, (number as u32).to_be_bytes()),
            0x1_0000_0000.. => self.head(0xcf, number.to_be_bytes()),
        }
    }

    /// An integer that may be negative.
    fn signed(&mut self, number: i64) {
        match number {
            0.. => self.integer(number.cast_unsigned()),
            -0x20..0 => self.raw(&(number as i8).to_be_bytes()),
            -0x80..-0x20 => self.head(0xd0, (number as i8).to_be_bytes()),
            -0x8000..-0x80 => self.head(0xd1, (number as i16).to_be_bytes()),
            -0x8000_0000..-0x8000 => self.head(0xd2, (number as i32).to_be_bytes()),
            ..-0x8000_0000 => self.head(0xd3, number.to_be_bytes()),
        }
    }

    fn float(&mut self, number: f64) {
        self.head(0xcb, number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.text_head(text.len());
        self.raw(text.as_bytes());
    }

    /// The head of a string of so many bytes, which are to follow.
    fn text_head(&mut self, bytes: usize) {
        match bytes {
            0..0x20 => self.raw(&[0xa0 | bytes as u8]),
            0x20..0x100 => self.raw(&[0xd9, bytes as u8]),
            0x100..0x1_0000 => self.head(0xda, (bytes as u16).to_be_bytes()),
            0x1_0000.. => self.head(0xdb, (bytes as u32).to_be_bytes()),
        }
    }

    fn binary(&mut self, bytes: &[u8]) {
        match bytes.len() {
            0..0x100 => self.raw(&[0xc4, bytes.len() as u8]),
            0x100..0x1_0000 => self.head(0xc5, (bytes.len() as u16).to_be_bytes()),
            0x1_0000.. => self.head(0xc6, (bytes.len() as u32).to_be_bytes()),
        }
        self.raw(bytes);
    }

    /// The first byte of a value, and the number behind it.
    fn head<const N: usize>(&mut self, first: u8, number: [u8; N]) {
        self.raw(&[first]);
        self.raw(&number);
    }
}

/// What has entries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Container {
    Array,
    Map,
}

impl Container {
    /// The first bytes of a container with so many entries (for a map: pairs).
    fn head(self, entries: usize) -> ([u8; 5], usize) {
        let [short, middle, long] = match self {
            Self::Array => [0x90, 0xdc, 0xdd],
            Self::Map => [0x80, 0xde, 0xdf],
        };
        let [.., a, b, c, d] = (entries as u64).to_be_bytes();
        match entries {
            0..0x10 => ([short | d, 0, 0, 0, 0], 1),
            0x10..0x1_0000 => ([middle, c, d, 0, 0], 3),
            0x1_0000.. => ([long, a, b, c, d], 5),
        }
    }
}

impl Put for Vec<u8> {
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn position(&self) -> usize {
        self.len()
    }

    fn go_back(&mut self, position: usize) {
        self.truncate(position);
    }

    fn close(&mut self, position: usize, container: Container, entries: usize) {
        let (head, length) = container.head(entries);
        if length == 1 {
            self[position - 1] = head[0];
        } else {
            self.splice(position - 1..position, head[..length].iter().copied());
        }
    }
}

/// Counts bytes.
#[derive(Default)]
pub(crate) struct Count(pub(crate) usize);

impl Put for Count {
    fn raw(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn position(&self) -> usize {
        self.0
    }

    fn go_back(&mut self, position: usize) {
        self.0 = position;
    }

    fn close(&mut self, _: usize, container: Container, entries: usize) {
        self.0 += container.head(entries).1 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both writers; what they wrote.
    fn both(vec: impl Fn(&mut Vec<u8>), count: impl Fn(&mut Count)) -> Vec<u8> {
        let (mut out, mut counted) = (Vec::new(), Count::default());
        vec(&mut out);
        count(&mut counted);
        assert_eq!(counted.0, out.len());
        out
    }

    #[test]
    fn integers_are_written_in_the_shortest_format() {
        let table: [(i64, &[u8]); 12] = [
            (0, b"\x00"),
            (127, b"\x7f"),
            (128, b"\xcc\x80"),
            (256, b"\xcd\x01\x00"),
            (65_536, b"\xce\x00\x01\x00\x00"),
            (1 << 32, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
            (-1, b"\xff"),
            (-32, b"\xe0"),
            (-33, b"\xd0\xdf"),
            (-129, b"\xd1\xff\x7f"),
            (-32_769, b"\xd2\xff\xff\x7f\xff"),
            (i64::MIN, b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        ];
        for (number, bytes) in table {
            assert_eq!(both(|out| out.signed(number), |out| out.signed(number)), bytes);
        }
    }

    #[test]
    fn containers_and_strings_have_the_shortest_heads_at_every_limit() {
        for (entries, head) in [(15, 1), (16, 3), (65_535, 3), (65_536, 5)] {
            let fill = |out: &mut dyn FnMut()| (0..entries).for_each(|_| out());
            let bytes = both(
                |out| {
                    let start = out.open();
                    fill(&mut || out.nil());
                    out.close(start, Container::Array, entries);
                },
                |out| {
                    let start = out.open();
                    fill(&mut || out.nil());
                    out.close(start, Container::Array, entries);
                },
            );
            assert_eq!(bytes.len(), head + entries);
            assert!(bytes[head..].iter().all(|byte| *byte == 0xc0));
        }
        for (length, head) in [(31, 1), (32, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 5)] {
            let text = "x".repeat(length);
            let bytes = both(|out| out.text(&text), |out| out.text(&text));
            assert_eq!(bytes.len(), head + length);
            let bytes = both(|out| out.binary(text.as_bytes()), |out| out.binary(text.as_bytes()));
            assert_eq!(bytes.len(), head.max(2) + length);
        }
    }
}

//! Cuts a torn batch off the library's newest journal. The library does that itself unless the end of the batch is
//! whole and its middle is not, as a power cut may leave it; then it refuses to open. Older journals were synced.
//!
//! ```text
//! batch: 1 │ count: u32 │ number: u64      then `count` items
//! item:  2 │ kind: u8 │ compression: u8 │ keyspace: u64 │ key bytes: u16 │ value bytes: u32 │ stored bytes: u32 │ key │ value
//! end:   3 │ xxh3 of the items: u64 │ "FJL" 3
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

pub(super) fn cut(tables: &Path) -> io::Result<()> {
    let Some(path) = newest(tables)? else { return Ok(()) };
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let whole = whole_bytes(&file)?;
    file.set_len(whole)?;
    file.sync_all()
}

fn newest(tables: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in fs::read_dir(tables)? {
        let path = entry?.path();
        let serial = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl"));
        let Some(serial) = serial.and_then(|serial| serial.parse::<u64>().ok()) else { continue };
        newest = newest.max(Some((serial, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

/// Bytes of the batches before the first that is not whole.
fn whole_bytes(file: &File) -> io::Result<u64> {
    let mut scan = Scan { input: BufReader::new(file), position: 0, item: Vec::new() };
    let mut whole = 0;
    while scan.batch()?.is_some() {
        whole = scan.position;
    }
    Ok(whole)
}

struct Scan<R> {
    input: R,
    position: u64,
    item: Vec<u8>,
}

impl<R: Read> Scan<R> {
    /// Passes one batch; none: what is there is none, or not whole.
    fn batch(&mut self) -> io::Result<Option<()>> {
        let Some([1, count @ ..]) = self.take::<13>()? else { return Ok(None) };
        let count = u32::from_le_bytes([count[0], count[1], count[2], count[3]]);
        let mut checksum = Xxh3::new();
        for _ in 0..count {
            if self.item()?.is_none() {
                return Ok(None);
            }
            checksum.update(&self.item);
        }
        let Some(end) = self.take::<13>()? else { return Ok(None) };
        let mut expected = [3, 0, 0, 0, 0, 0, 0, 0, 0, b'F', b'J', b'L', 3];
        expected[1..9].copy_from_slice(&checksum.digest().to_le_bytes());
        Ok((end == expected).then_some(()))
    }

    /// Reads one item into `self.item`.
    fn item(&mut self) -> io::Result<Option<()>> {
        let Some(head) = self.take::<21>()? else { return Ok(None) };
        let [2, _kind, _compression, _, _, _, _, _, _, _, _, k0, k1, _, _, _, _, v0, v1, v2, v3] =
            head
        else {
            return Ok(None);
        };
        let bytes = u64::from(u16::from_le_bytes([k0, k1]))
            + u64::from(u32::from_le_bytes([v0, v1, v2, v3]));
        self.item.clear();
        self.item.extend_from_slice(&head);
        let got = self.input.by_ref().take(bytes).read_to_end(&mut self.item)? as u64;
        self.position += got;
        Ok((got == bytes).then_some(()))
    }

    /// The next bytes, if there are so many.
    fn take<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => {
                self.position += N as u64;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

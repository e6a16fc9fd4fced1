//! The mark: the number of the last batch that was synced, in a file of its own. The library drops the end of its
//! journal when it cannot read it, without a word; by the mark we know whether that end was promised to anybody.
//!
//! ```text
//! number: u64 le │ crc32c of it: u32 le
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{ArchiveError, damaged};

#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    number: u64,
}

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Option<Self>, ArchiveError> {
        let file = match OpenOptions::new().read(true).write(true).open(dir.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut bytes = [0; BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let number = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        // Twelve bytes of one sector are written whole or not at all.
        if encode(number) != bytes {
            return Err(damaged("the mark of what was synced is not one"));
        }
        Ok(Some(Self { file, number }))
    }

    /// Makes the mark durable, and with it the directory.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        // Under its name only when it is whole.
        let draft = dir.join("synced.new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&draft)?;
        file.write_all_at(&encode(0), 0)?;
        file.sync_all()?;
        std::fs::rename(&draft, dir.join(NAME))?;
        File::open(dir)?.sync_all()?;
        Ok(Self { file, number: 0 })
    }

    /// The number of the last batch that was synced.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Makes a number durable.
    pub(super) fn set(&mut self, number: u64) -> io::Result<()> {
        self.file.write_all_at(&encode(number), 0)?;
        self.file.sync_data()?;
        self.number = number;
        Ok(())
    }
}

fn encode(number: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..8]);
    bytes[8..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

const NAME: &str = "synced";
const BYTES: usize = 12;

//! Making a store of a backup, or only looking whether that could be done.

use std::io::{self, Read};

use super::read::{BackupReader, Part, entries};
use super::{BackupSummary, RestoreError};
use crate::archive::{ARCHIVE_KEY_BYTES_MAX, Archive, ArchiveBatch};
use crate::disk::{Disk, DiskFile};
use crate::embedded::Renewal;
use crate::journal::make_segment;

/// Reads a backup to its end. An error means that it cannot be restored.
pub fn verify(from: &mut dyn Read) -> Result<BackupSummary, RestoreError> {
    let mut reader = BackupReader::begin(from)?;
    loop {
        if let Part::End(summary) = reader.next()? {
            return Ok(summary);
        }
    }
}

/// Writes the store of a backup to a journal's directory and an archive, both empty. When it returns, all is durable
/// there, and with it that the next start renews every epoch. Until it has returned the store must not be opened.
pub fn restore<D: Disk>(
    from: &mut dyn Read,
    disk: &D,
    archive: &dyn Archive,
) -> Result<BackupSummary, RestoreError> {
    let mut reader = BackupReader::begin(from)?;
    let mut journal = Segments { disk, file: None, count: 0 };
    let mut batch = ArchiveBatch::new();
    loop {
        match reader.next()? {
            Part::Segment { file_bytes } => journal.begin(file_bytes)?,
            Part::Bytes(bytes) => journal.write(bytes)?,
            Part::Entries(payload) => {
                // A key that is none would be a panic.
                let keys = entries(payload)
                    .filter(|(key, _)| (1..=ARCHIVE_KEY_BYTES_MAX).contains(&key.len()));
                for (key, value) in keys {
                    batch.put(key, value);
                }
                archive.write(&mut batch)?;
            }
            Part::End(summary) => {
                journal.end()?;
                archive.sync()?;
                Renewal::order(disk).map_err(RestoreError::Write)?;
                return Ok(summary);
            }
        }
    }
}

/// The journal's segments, one after the other.
struct Segments<'d, D: Disk> {
    disk: &'d D,
    /// The one that is being written, and how far.
    file: Option<(D::File, u64)>,
    count: u64,
}

impl<D: Disk> Segments<'_, D> {
    fn begin(&mut self, file_bytes: u64) -> Result<(), RestoreError> {
        self.end()?;
        self.count += 1;
        let file = make_segment(self.disk, self.count, file_bytes).map_err(RestoreError::Write)?;
        self.file = Some((file, 0));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        let Some((file, offset)) = &mut self.file else {
            return Err(RestoreError::Write(io::ErrorKind::InvalidData.into()));
        };
        file.write_at(bytes, *offset).map_err(RestoreError::Write)?;
        *offset += bytes.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<(), RestoreError> {
        let Some((file, _)) = self.file.take() else { return Ok(()) };
        file.sync_data().map_err(RestoreError::Write)
    }
}

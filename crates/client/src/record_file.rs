//! A file that grows by records, each with its checksum and length, for people to read: `CHECKSUM LENGTH TEXT\n`. A
//! crash can tear off its end only; the tear is found when the file is opened, and cut away. Knows no record's meaning.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::file;

/// The file. After a write that failed it takes no more: where its end is would be a guess.
#[derive(Debug)]
pub(crate) struct RecordFile {
    path: PathBuf,
    /// Opened with the first write.
    file: Option<File>,
    bytes: u64,
    failed: bool,
}

impl RecordFile {
    /// Opens the file, which need not be there, and reads its records.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<String>), FileError> {
        let bytes = file::read(path)?.unwrap_or_default();
        let (records, whole) = parse(&bytes);
        if records_follow(&bytes[whole..]) {
            let what = format!("the record at byte {whole} is damaged, and others follow it");
            return Err(FileError::Content { path: path.to_owned(), what });
        }
        let records_file =
            Self { path: path.to_owned(), file: None, bytes: whole as u64, failed: false };
        if whole < bytes.len() {
            records_file.cut().map_err(|source| records_file.io_error(source))?;
        }
        Ok((records_file, records))
    }

    /// Without looking at what is there: [`RecordFile::replace`] comes next.
    pub(crate) fn anew(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, bytes: 0, failed: false }
    }

    /// How long it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes records at the end. They survive the process now, and with [`RecordFile::sync`] a power loss.
    pub(crate) fn append(&mut self, records: &[String]) -> Result<(), FileError> {
        self.check()?;
        let bytes = compose(records);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(file::open_at_end(&self.path)?),
        };
        let written = file.write_all(&bytes);
        self.failed = written.is_err();
        self.bytes += bytes.len() as u64;
        written.map_err(|source| self.io_error(source))
    }

    /// What was written survives a power loss from now on.
    pub(crate) fn sync(&mut self) -> Result<(), FileError> {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        // What a failed sync has left on the disk nobody knows: a later one that succeeds would prove nothing.
        self.failed |= synced.is_err();
        synced.map_err(|source| self.io_error(source))
    }

    /// Replaces all records; synced.
    pub(crate) fn replace(&mut self, records: &[String]) -> Result<(), FileError> {
        self.check()?;
        let bytes = compose(records);
        self.file = Some(file::replace(&self.path, &bytes)?);
        self.bytes = bytes.len() as u64;
        Ok(())
    }

    fn cut(&self) -> io::Result<()> {
        let file = File::options().write(true).open(&self.path)?;
        file.set_len(self.bytes)?;
        file.sync_all()
    }

    fn check(&self) -> Result<(), FileError> {
        let failed = || io::Error::other("an earlier write failed");
        if self.failed { Err(self.io_error(failed())) } else { Ok(()) }
    }

    fn io_error(&self, source: io::Error) -> FileError {
        FileError::Io { path: self.path.clone(), source }
    }
}

fn compose(records: &[String]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(records.iter().map(|text| text.len() + 24).sum());
    for text in records {
        let checksum = crc32c::crc32c(text.as_bytes());
        bytes.extend_from_slice(format!("{checksum:08x} {} ", text.len()).as_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// The records at the start, and how many bytes they take.
fn parse(bytes: &[u8]) -> (Vec<String>, usize) {
    let (mut records, mut whole) = (Vec::new(), 0);
    while let Some((text, length)) = record(&bytes[whole..]) {
        records.push(text.to_owned());
        whole += length;
    }
    (records, whole)
}

/// Whether whole records stand behind one that is not: then it was not a crash that tore it.
fn records_follow(bytes: &[u8]) -> bool {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    starts.map(|(end, _)| &bytes[end + 1..]).any(|rest| record(rest).is_some())
}

/// The record at the start, and its length.
fn record(bytes: &[u8]) -> Option<(&str, usize)> {
    let checksum = std::str::from_utf8(bytes.get(..8)?).ok()?;
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    let rest = bytes.get(8..)?.strip_prefix(b" ")?;
    let digits = rest.iter().take(LENGTH_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(b" ")?;
    let text = rest.get(..length)?;
    let is_whole = rest.get(length) == Some(&b'\n') && crc32c::crc32c(text) == checksum;
    let text = std::str::from_utf8(text).ok().filter(|_| is_whole)?;
    Some((text, 8 + 1 + digits + 1 + length + 1))
}

/// No record is as long as ten digits can say.
const LENGTH_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> (RecordFile, Vec<String>) {
        RecordFile::open(path).expect("opened")
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn records_are_read_as_they_were_written_whatever_they_hold() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("f");
        let (mut file, none) = open(&path);
        assert!(none.is_empty() && !path.exists(), "nothing is written for nothing");
        file.append(&texts(&["one", ""])).expect("written");
        file.sync().expect("synced");
        let (mut file, read) = open(&path);
        assert_eq!(read, ["one", ""]);
        file.append(&texts(&["two\n00000000 1 x\n", "drei ü"])).expect("written");
        assert_eq!(open(&path).1, ["one", "", "two\n00000000 1 x\n", "drei ü"]);
        file.replace(&texts(&["new"])).expect("replaced");
        file.append(&texts(&["and"])).expect("written behind it");
        assert_eq!(open(&path).1, ["new", "and"]);
        assert_eq!(file.bytes(), path.metadata().expect("exists").len());
    }

    #[test]
    fn a_torn_end_is_cut_away_wherever_it_was_torn() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("f");
        let whole = compose(&texts(&["first", "the second"]));
        let first = compose(&texts(&["first"])).len();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("written");
            let (mut file, read) = open(&path);
            let expected = usize::from(first <= length);
            assert_eq!(read.len(), expected, "torn at {length}");
            file.append(&texts(&["third"])).expect("written");
            assert_eq!(open(&path).1.len(), expected + 1, "torn at {length}");
        }
    }

    #[test]
    fn damage_before_the_end_is_no_tear_and_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("f");
        let mut bytes = compose(&texts(&["first", "second", "third"]));
        let second = compose(&texts(&["first"])).len();
        bytes[second + 12] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        let error = RecordFile::open(&path).expect_err("damaged").to_string();
        assert!(error.contains(&format!("the record at byte {second} is damaged")), "{error}");
        assert_eq!(std::fs::read(&path).expect("read"), bytes, "and nothing is changed");
    }
}

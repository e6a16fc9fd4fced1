//! Where it is remembered what the application is done with: a message that comes again because the server did not hear
//! the ack is not handed over again by the next process. Written before the ack leaves and not synced: after a power loss
//! a message may be handed over twice, as it may where the process ends before its ack.

use std::fs::File;
use std::path::Path;

use ackd_wire::{ClientId, MessageId, Name};

use crate::error::FileError;
use crate::file;
use crate::reading::Note;
use crate::recent::KEYS_MAX;
use crate::record_file::RecordFile;

/// The file of one receiver, locked.
#[derive(Debug)]
pub(crate) struct SeenFile {
    records: RecordFile,
    /// Whose memory the file holds; another's is replaced with the first writing.
    owner: Option<String>,
    lines: usize,
    _lock: File,
}

impl SeenFile {
    /// The file beside an identity file, and what it holds. `None`: another process has it, and receives with the same
    /// identity; both get every message, and this one remembers for as long as it lives.
    pub(crate) fn open(identity: &Path) -> Result<Option<(Self, Remembered)>, FileError> {
        let lock = match file::lock(&file::beside(identity, ".seen.lock")) {
            Ok(lock) => lock,
            Err(FileError::InUse { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let path = file::beside(identity, ".seen");
        let (records, texts) = match RecordFile::open(&path) {
            // Not to remember costs redeliveries, not to start would cost more.
            Err(FileError::Content { .. }) => (RecordFile::anew(&path), Vec::new()),
            opened => opened?,
        };
        let owner = texts.first().cloned();
        let lines = texts.len();
        let remembered = Remembered { texts };
        Ok(Some((Self { records, owner, lines, _lock: lock }, remembered)))
    }

    /// Whether the file is to be made anew: it is another's, or would grow too long.
    pub(crate) fn is_due_anew(&self, owner: &str, changed: usize) -> bool {
        self.owner.as_deref() != Some(owner) || LINES_MAX < self.lines + changed
    }

    /// Remembers what has changed. Only where it is not due anew.
    pub(crate) fn append(&mut self, changed: &[Note]) -> Result<(), FileError> {
        self.lines += changed.len();
        self.records.append(&changed.iter().map(compose).collect::<Vec<_>>())
    }

    /// Makes the file anew with everything that is worth remembering.
    pub(crate) fn replace(&mut self, owner: &str, all: &[Note]) -> Result<(), FileError> {
        let head = std::iter::once(owner.to_owned());
        let texts: Vec<_> = head.chain(all.iter().map(compose)).collect();
        self.lines = texts.len();
        self.owner = Some(owner.to_owned());
        self.records.replace(&texts)
    }
}

/// What a file holds: of one identity and device.
#[derive(Debug)]
pub(crate) struct Remembered {
    texts: Vec<String>,
}

impl Remembered {
    /// What is remembered, oldest first, if it is this owner's. What cannot be read is passed over: not to remember
    /// costs a redelivery.
    pub(crate) fn notes(&self, owner: &str) -> Vec<Note> {
        let is_own = self.texts.first().is_some_and(|first| first == owner);
        let texts = self.texts.iter().skip(1).filter(|_| is_own);
        texts.filter_map(|text| parse(text)).collect()
    }
}

/// The first record: a position counts for one device of one identity.
pub(crate) fn owner(id: &ClientId, device: &Name) -> String {
    format!("seen by {id} {device}")
}

fn compose(note: &Note) -> String {
    match note {
        Note::Acked { epoch, seq } => format!("acked {seq} {epoch}"),
        Note::Done(id) => format!("done {id}"),
        Note::Rejected(id) => format!("rejected {id}"),
        Note::Failed(id, failures) => format!("failed {id} {failures}"),
    }
}

fn parse(text: &str) -> Option<Note> {
    let (kind, rest) = text.split_once(' ')?;
    let id = |text| MessageId::parse(text).ok();
    Some(match kind {
        "acked" => {
            let (seq, epoch) = rest.split_once(' ')?;
            Note::Acked { epoch: epoch.to_owned(), seq: seq.parse().ok()? }
        }
        "done" => Note::Done(id(rest)?),
        "rejected" => Note::Rejected(id(rest)?),
        "failed" => {
            let (of, failures) = rest.split_once(' ')?;
            Note::Failed(id(of)?, failures.parse().ok()?)
        }
        _ => return None,
    })
}

/// Records after which the file is made anew; what is worth remembering is at most a quarter.
const LINES_MAX: usize = 4 * KEYS_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Vec<Note> {
        let id = |number| MessageId([number; 16]);
        vec![
            Note::Acked { epoch: "an epoch".to_owned(), seq: 7 },
            Note::Done(id(1)),
            Note::Rejected(id(2)),
            Note::Failed(id(3), 4),
        ]
    }

    fn open(path: &Path) -> (SeenFile, Remembered) {
        SeenFile::open(path).expect("opened").expect("free")
    }

    #[test]
    fn what_is_noted_is_read_again_by_its_owner_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("me.json");
        let (mut file, none) = open(&path);
        assert!(none.notes("ann").is_empty());
        assert!(file.is_due_anew("ann", 1), "there is none");
        file.replace("ann", &[]).expect("written");
        assert!(!file.is_due_anew("ann", 4));
        file.append(&notes()).expect("written");
        assert!(SeenFile::open(&path).expect("no error").is_none(), "held by one");
        drop(file);
        let (mut file, remembered) = open(&path);
        assert_eq!(remembered.notes("ann"), notes());
        assert!(remembered.notes("bob").is_empty());
        assert!(file.is_due_anew("bob", 1));
        file.replace("bob", &[Note::Done(MessageId([9; 16]))]).expect("written");
        drop(file);
        assert!(open(&path).1.notes("ann").is_empty());
    }

    #[test]
    fn the_file_is_made_anew_before_it_grows_too_long() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("me.json");
        let (mut file, _) = open(&path);
        file.replace("ann", &[]).expect("written");
        file.append(&vec![notes().remove(1); LINES_MAX - 2]).expect("written");
        assert!(!file.is_due_anew("ann", 1) && file.is_due_anew("ann", 2));
        drop(file);
        let (mut file, _) = open(&path);
        assert!(!file.is_due_anew("ann", 1) && file.is_due_anew("ann", 2), "counted anew");
        file.replace("ann", &notes()).expect("made anew");
        drop(file);
        assert_eq!(open(&path).1.notes("ann"), notes());
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("me.json");
        let (mut file, _) = open(&path);
        file.replace("ann", &notes()).expect("written");
        drop(file);
        let seen = file::beside(&path, ".seen");
        let mut bytes = std::fs::read(&seen).expect("read");
        bytes[2] ^= 1;
        std::fs::write(&seen, bytes).expect("written");
        let (mut file, remembered) = open(&path);
        assert!(remembered.notes("ann").is_empty());
        file.replace("ann", &notes()).expect("written");
        drop(file);
        assert_eq!(open(&path).1.notes("ann"), notes());
    }

    #[test]
    fn a_position_is_one_devices() {
        let id = ClientId::parse("ann").expect("an ID");
        let phone = Name::parse_device("phone").expect("a name");
        assert_ne!(owner(&id, &phone), owner(&id, &Name::default()));
    }
}

//! Where an outbox is remembered: its name, its next number and what is unanswered. A send is written down before it
//! leaves, so that the next process repeats it with the same number.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ackd_wire::v1::{Persist, Target};
use ackd_wire::{ClientId, Millis, Name, Room};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::FileError;
use crate::file;
use crate::outbox::Outbox;
use crate::outgoing::Outgoing;

/// The file of one outbox, locked: one process at a time sends with an identity.
#[derive(Debug, Clone)]
pub(crate) struct OutboxFile {
    path: PathBuf,
    _lock: Arc<File>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    /// The identity that the outbox belongs to.
    id: String,
    outbox: String,
    next: u64,
    unanswered: Vec<SendRecord>,
}

#[derive(Serialize, Deserialize)]
struct SendRecord {
    n: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    body: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persist: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<Millis>,
    #[serde(default)]
    receipt: bool,
}

impl OutboxFile {
    /// The outbox file of an identity file.
    pub(crate) fn open(identity: &Path) -> Result<Self, FileError> {
        let lock = file::lock(&file::beside(identity, ".lock"))?;
        Ok(Self { path: file::beside(identity, ".outbox"), _lock: Arc::new(lock) })
    }

    /// The outbox that is remembered, if it is this identity's.
    pub(crate) fn read<T>(&self, id: &ClientId) -> Result<Option<Outbox<T>>, FileError> {
        let Some(text) = file::read(&self.path)? else { return Ok(None) };
        let record: Record = serde_json::from_str(&text).map_err(|error| self.unfit(&error))?;
        if record.id != id.as_str() {
            return Ok(None);
        }
        let name = Name::parse_outbox(&record.outbox).map_err(|error| self.unfit(&error))?;
        let sends = record.unanswered.iter().map(|send| {
            let outgoing =
                send.outgoing().ok_or_else(|| self.unfit(&"an unanswered send is broken"));
            Ok((send.n, outgoing?))
        });
        let mut sends = sends.collect::<Result<Vec<_>, FileError>>()?;
        sends.sort_by_key(|(n, _)| *n);
        Ok(Some(Outbox::restore(name, record.next, sends)))
    }

    /// The text that remembers the outbox as it is.
    pub(crate) fn compose<T>(id: &ClientId, outbox: &Outbox<T>) -> String {
        let sends = outbox.unanswered().map(|(n, outgoing)| SendRecord::new(n, outgoing));
        let record = Record {
            id: id.to_string(),
            outbox: outbox.name().to_string(),
            next: outbox.next(),
            unanswered: sends.collect(),
        };
        serde_json::to_string(&record).expect("texts and numbers can be written as JSON")
    }

    /// Replaces the file.
    pub(crate) fn write(&self, text: &str) -> Result<(), FileError> {
        file::write(&self.path, text)
    }

    fn unfit(&self, what: &dyn ToString) -> FileError {
        FileError::Content { path: self.path.clone(), what: what.to_string() }
    }
}

impl SendRecord {
    fn new(n: u64, outgoing: &Outgoing) -> Self {
        let (to, room) = match &outgoing.target {
            Target::To(id) => (Some(id.to_string()), None),
            Target::Room(room) => (None, Some(room.to_string())),
            Target::All => (None, None),
        };
        Self {
            n,
            to,
            room,
            body: RawValue::from_string(outgoing.body.to_string())
                .expect("the body of an outgoing message is JSON"),
            persist: outgoing.persist.map(|persist| persist.as_str().to_owned()),
            ttl_ms: outgoing.ttl_ms,
            receipt: outgoing.receipt,
        }
    }

    fn outgoing(&self) -> Option<Outgoing> {
        let target = match (&self.to, &self.room) {
            (Some(to), None) => Target::To(ClientId::parse(to).ok()?),
            (None, Some(room)) => Target::Room(Room::parse(room).ok()?),
            (None, None) => Target::All,
            (Some(_), Some(_)) => return None,
        };
        let mut outgoing = Outgoing::new(target);
        outgoing.body = self.body.get().into();
        outgoing.persist = match &self.persist {
            Some(text) => Some(Persist::parse(text)?),
            None => None,
        };
        outgoing.ttl_ms = self.ttl_ms;
        outgoing.receipt = self.receipt;
        Some(outgoing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unanswered_is_read_as_it_was_written_and_only_by_its_identity() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = OutboxFile::open(&dir.path().join("me.json")).expect("free");
        let ann = ClientId::parse("ann").expect("an ID");
        assert!(file.read::<()>(&ann).expect("no error").is_none());

        let mut outbox = Outbox::new(Name::parse_outbox("o").expect("a name"));
        let sends = [
            Outgoing::to("bob").expect("an ID").raw_json("{ \"a\": 1.0 }").expect("JSON").ttl_ms(5),
            Outgoing::room("lobby").expect("a room").text("é\n").persist(Persist::Never),
            Outgoing::all().text("all").receipt(),
        ];
        for outgoing in &sends {
            outbox.push(outgoing.clone(), ());
        }
        outbox.accepted(1);
        outbox.push(sends[0].clone(), ());
        file.write(&OutboxFile::compose(&ann, &outbox)).expect("written");

        let again = file.read::<()>(&ann).expect("readable").expect("remembered");
        assert_eq!((again.name().as_str(), again.next()), ("o", 5));
        let read: Vec<_> = again.unanswered().map(|(n, outgoing)| (n, outgoing.clone())).collect();
        let [first, second, third] = sends;
        assert_eq!(read, [(2, second), (3, third), (4, first)]);
        let bob = ClientId::parse("bob").expect("an ID");
        assert!(file.read::<()>(&bob).expect("readable").is_none());
    }
}

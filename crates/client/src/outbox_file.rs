//! Where an outbox is remembered: its name, its next number and what is unanswered. A send is written down, and synced,
//! before it leaves, so that the next process repeats it with the same number, after a power loss too. An answer is
//! written and not synced: without it the send is repeated, and answered as a repeat.

use std::fs::File;
use std::path::Path;

use ackd_wire::v1::{Persist, Target};
use ackd_wire::{ClientId, Millis, Name, Room};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::FileError;
use crate::file;
use crate::outbox::{Outbox, OutboxChanges};
use crate::outgoing::Outgoing;
use crate::record_file::RecordFile;

/// The file of one outbox, locked: one process at a time sends with an identity.
#[derive(Debug)]
pub(crate) struct OutboxFile {
    records: RecordFile,
    /// Whether it does not say whose outbox it is yet, or says another's.
    is_foreign: bool,
    _lock: File,
}

/// What is written next.
#[derive(Debug)]
pub(crate) enum Writing {
    /// Records at the end.
    Append {
        records: Vec<String>,
        /// Sends are among them.
        sync: bool,
    },
    /// A file that says no more than is needed.
    Replace(Vec<String>),
}

/// The first record.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The identity that the outbox belongs to.
    id: String,
    outbox: String,
    next: u64,
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
    /// The outbox file of an identity file, and the outbox that it remembers for this identity (`None`: the identity is
    /// not made yet). Unanswered sends of another are an error: nobody else would send them.
    pub(crate) fn open<T>(
        identity: &Path,
        id: Option<&ClientId>,
    ) -> Result<(Self, Option<Outbox<T>>), FileError> {
        let lock = file::lock(&file::beside(identity, ".lock"))?;
        let (records, texts) = RecordFile::open(&file::beside(identity, ".outbox"))?;
        let unfit = |what: String| FileError::Content { path: records.path().to_owned(), what };
        let remembered = restore(&texts).map_err(unfit)?;
        let outbox = match remembered {
            Some((owner, outbox)) if id.is_some_and(|id| id.as_str() == owner) => Some(outbox),
            Some((owner, outbox)) if !outbox.is_empty() => {
                let count = outbox.unanswered().count();
                let path = records.path().to_owned();
                return Err(FileError::Unsent { path, owner, count });
            }
            _ => None,
        };
        Ok((Self { records, is_foreign: outbox.is_none(), _lock: lock }, outbox))
    }

    /// What has to be written after these changes, if anything.
    pub(crate) fn plan<T>(
        &self,
        id: &ClientId,
        outbox: &Outbox<T>,
        changes: &OutboxChanges,
    ) -> Option<Writing> {
        if changes.numbered.is_empty() && changes.answered.is_empty() {
            return None;
        }
        let live = outbox.body_bytes() as u64;
        if self.is_foreign || BYTES_MIN + 2 * live < self.records.bytes() {
            let head =
                Head { id: id.to_string(), outbox: outbox.name().to_string(), next: outbox.next() };
            let sends = outbox.unanswered().map(|(n, outgoing)| compose_send(n, outgoing));
            let head = format!("outbox {}", json(&head));
            return Some(Writing::Replace(std::iter::once(head).chain(sends).collect()));
        }
        // What was answered without having been sent needs no writing; its number stays used all the same.
        let numbered = changes.numbered.iter();
        let record = |n| outbox.get(n).map_or(format!("used {n}"), |send| compose_send(n, send));
        let mut records: Vec<_> = numbered.map(|n| record(*n)).collect();
        records.extend(changes.answered.iter().map(|n| format!("answered {n}")));
        Some(Writing::Append { records, sync: !changes.numbered.is_empty() })
    }

    /// Writes it.
    pub(crate) fn write(&mut self, writing: &Writing) -> Result<(), FileError> {
        match writing {
            Writing::Append { records, sync } => {
                self.records.append(records)?;
                if *sync { self.records.sync() } else { Ok(()) }
            }
            Writing::Replace(records) => {
                self.records.replace(records)?;
                self.is_foreign = false;
                Ok(())
            }
        }
    }
}

/// Whose outbox the records are of, and the outbox as it was.
fn restore<T>(texts: &[String]) -> Result<Option<(String, Outbox<T>)>, String> {
    let Some((first, rest)) = texts.split_first() else { return Ok(None) };
    let head = first.strip_prefix("outbox ").ok_or("it does not begin with an outbox")?;
    let head: Head = serde_json::from_str(head).map_err(|error| error.to_string())?;
    let name = Name::parse_outbox(&head.outbox).map_err(|error| format!("its name {error}"))?;
    let (mut next, mut sends) = (head.next, std::collections::BTreeMap::new());
    for text in rest {
        let broken = || format!("a record is not understood: {text:.40}");
        match text.split_once(' ').ok_or_else(broken)? {
            ("send", record) => {
                let record: SendRecord = serde_json::from_str(record).map_err(|_| broken())?;
                next = next.max(record.n + 1);
                sends.insert(record.n, record.outgoing().ok_or_else(broken)?);
            }
            ("used", n) => next = next.max(number(n).ok_or_else(broken)? + 1),
            ("answered", n) => {
                sends.remove(&number(n).ok_or_else(broken)?);
            }
            _ => return Err(broken()),
        }
    }
    Ok(Some((head.id, Outbox::restore(name, next, sends.into_iter().collect()))))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n| *n < u64::MAX)
}

fn compose_send(n: u64, outgoing: &Outgoing) -> String {
    format!("send {}", json(&SendRecord::new(n, outgoing)))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written as JSON")
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

/// A file that is shorter is not worth making anew.
const BYTES_MIN: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Rig {
        _dir: tempfile::TempDir,
        path: PathBuf,
        ann: ClientId,
    }

    impl Rig {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("me.json");
            Self { _dir: dir, path, ann: ClientId::parse("ann").expect("an ID") }
        }

        fn open(&self) -> (OutboxFile, Option<Outbox<()>>) {
            OutboxFile::open(&self.path, Some(&self.ann)).expect("opened")
        }

        fn save(&self, file: &mut OutboxFile, outbox: &mut Outbox<()>) {
            let changes = outbox.take_changes();
            let writing = file.plan(&self.ann, outbox, &changes).expect("something has changed");
            file.write(&writing).expect("written");
        }
    }

    fn outbox() -> Outbox<()> {
        Outbox::new(Name::parse_outbox("o").expect("a name"))
    }

    fn hello() -> Outgoing {
        Outgoing::to("bob").expect("an ID").text("hello")
    }

    fn unanswered(outbox: &Outbox<()>) -> Vec<(u64, Outgoing)> {
        outbox.unanswered().map(|(n, outgoing)| (n, outgoing.clone())).collect()
    }

    #[test]
    fn what_is_unanswered_is_read_as_it_was_written() {
        let rig = Rig::new();
        let (mut file, none) = rig.open();
        assert!(none.is_none());
        let mut outbox = outbox();
        let sends = [
            Outgoing::to("bob")
                .expect("an ID")
                .raw_json("{ \"a\":\n1.0 }")
                .expect("JSON")
                .ttl_ms(5),
            Outgoing::room("lobby").expect("a room").text("é\n").persist(Persist::Never),
            Outgoing::all().text("all").receipt(),
        ];
        outbox.push(sends[0].clone(), ());
        rig.save(&mut file, &mut outbox); // the file is made
        outbox.push(sends[1].clone(), ());
        outbox.push(sends[2].clone(), ());
        rig.save(&mut file, &mut outbox); // and grows
        outbox.answered(1);
        outbox.push(sends[0].clone(), ());
        rig.save(&mut file, &mut outbox);
        drop(file);

        let (_, again) = rig.open();
        let again = again.expect("remembered");
        assert_eq!((again.name().as_str(), again.next()), ("o", 5));
        let [first, second, third] = sends;
        assert_eq!(unanswered(&again), [(2, second), (3, third), (4, first)]);
    }

    #[test]
    fn no_number_is_given_twice_though_all_are_answered() {
        let rig = Rig::new();
        let (mut file, _) = rig.open();
        let mut outbox = outbox();
        for _ in 0..3 {
            outbox.push(hello(), ());
            outbox.answered(outbox.next() - 1);
            rig.save(&mut file, &mut outbox);
        }
        drop(file);
        let (_, again) = rig.open();
        assert_eq!(again.expect("remembered").push(hello(), ()), 4);
    }

    #[test]
    fn the_file_stays_short_however_much_is_sent() {
        let rig = Rig::new();
        let (mut file, _) = rig.open();
        let mut outbox = outbox();
        let large = Outgoing::to("bob").expect("an ID").text(&"x".repeat(1_000));
        outbox.push(large.clone(), ());
        for _ in 0..1_000 {
            outbox.push(large.clone(), ());
            outbox.answered(outbox.next() - 1);
            rig.save(&mut file, &mut outbox);
            assert!(file.records.bytes() < 2 * BYTES_MIN);
        }
        drop(file);
        let (_, again) = rig.open();
        let again = again.expect("remembered");
        assert_eq!((unanswered(&again), again.next()), (vec![(1, large)], 1_002));
    }

    #[test]
    fn what_another_identity_has_not_sent_yet_is_not_forgotten_silently() {
        let rig = Rig::new();
        let (mut file, _) = rig.open();
        let mut outbox = outbox();
        outbox.push(hello(), ());
        rig.save(&mut file, &mut outbox);
        drop(file);
        let bob = ClientId::parse("bob").expect("an ID");
        for id in [Some(&bob), None] {
            let error = OutboxFile::open::<()>(&rig.path, id).expect_err("ann's").to_string();
            assert!(error.contains("1 unanswered send of ann"), "{error}");
        }
        let (mut file, ours) = rig.open();
        let mut outbox = ours.expect("ann's");
        outbox.answered(1);
        rig.save(&mut file, &mut outbox);
        drop(file);
        let (mut file, none) = OutboxFile::open::<()>(&rig.path, Some(&bob)).expect("empty");
        assert!(none.is_none());
        let mut own = Outbox::<()>::new(Name::parse_outbox("p").expect("a name"));
        own.push(hello(), ());
        let changes = own.take_changes();
        let writing = file.plan(&bob, &own, &changes).expect("a send");
        file.write(&writing).expect("written");
        drop(file);
        assert!(OutboxFile::open::<()>(&rig.path, Some(&bob)).expect("bob's").1.is_some());
    }

    #[test]
    fn a_crash_while_writing_leaves_what_was_written_before() {
        let rig = Rig::new();
        let (mut file, _) = rig.open();
        let mut outbox = outbox();
        outbox.push(hello(), ());
        rig.save(&mut file, &mut outbox);
        let whole = file.records.bytes();
        outbox.push(hello(), ());
        rig.save(&mut file, &mut outbox);
        drop(file);
        let path = file::beside(&rig.path, ".outbox");
        let bytes = std::fs::read(&path).expect("read");
        for length in whole as usize..bytes.len() {
            std::fs::write(&path, &bytes[..length]).expect("written");
            let (file, again) = rig.open();
            assert_eq!(unanswered(&again.expect("remembered")), [(1, hello())], "at {length}");
            drop(file);
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused_by_name() {
        let rig = Rig::new();
        let path = file::beside(&rig.path, ".outbox");
        let (mut other, _) = RecordFile::open(&path).expect("opened");
        other.append(&["seen by ann".to_owned()]).expect("written");
        let error = OutboxFile::open::<()>(&rig.path, Some(&rig.ann)).expect_err("no outbox");
        assert!(error.to_string().contains("me.json.outbox"), "{error}");
    }
}

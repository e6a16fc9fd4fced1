//! The receivers that are away: who they are, kept small, since there may be millions.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use crate::bench::Target;
use crate::bench::pair;

/// All of them, and how many messages wait for each.
#[derive(Debug)]
pub(crate) struct Away {
    pub(crate) receivers: Vec<Receiver>,
    pub(crate) messages: u64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) id: Box<str>,
    token: Box<str>,
}

impl Away {
    /// Has identities issued, some at a time, and leaves again.
    pub(crate) fn make(target: Target, receivers: u32) -> anyhow::Result<Self> {
        let mut left = receivers as usize;
        let mut away = Self { receivers: Vec::with_capacity(left), messages: 0 };
        while 0 < left {
            let some = left.min(AT_ONCE);
            for (_link, connected) in pair::enter(target, some, |_| json!({"op": "connect"}))? {
                away.receivers.push(Receiver::from(&connected)?);
            }
            left -= some;
        }
        Ok(away)
    }

    /// What [`Away::write`] wrote.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines = BufReader::new(file).lines();
        let damaged = || anyhow!("{} is not what --store-only writes", path.display());
        let messages = lines.next().transpose()?.and_then(|line| line.parse().ok());
        let mut away = Self { receivers: Vec::new(), messages: messages.ok_or_else(damaged)? };
        for line in lines {
            let line = line?;
            let (id, token) = line.split_once(' ').ok_or_else(damaged)?;
            away.receivers.push(Receiver { id: id.into(), token: token.into() });
        }
        Ok(away)
    }

    /// Writes the number of messages, then each receiver's ID and token, a line each.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()));
        let mut file = BufWriter::new(file?);
        writeln!(file, "{}", self.messages)?;
        for Receiver { id, token } in &self.receivers {
            writeln!(file, "{id} {token}")?;
        }
        Ok(file.flush()?)
    }
}

impl Receiver {
    fn from(connected: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let text = connected[name].as_str().map(Box::from);
            text.ok_or_else(|| anyhow!("no {name} in {connected}"))
        };
        Ok(Self { id: text("id")?, token: text("token")? })
    }

    /// The `connect` that brings it back.
    pub(crate) fn comeback(&self) -> Value {
        json!({"op": "connect", "id": self.id, "token": self.token, "window": WINDOW})
    }
}

/// Few enough to need no more open files than any process may have.
const AT_ONCE: usize = 512;
/// Unacknowledged messages that each takes.
const WINDOW: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let receiver = |n: u8| Receiver { id: format!("id{n}").into(), token: "t".into() };
        let away = Away { receivers: (0..3).map(receiver).collect(), messages: 7 };
        away.write(file.path()).expect("written");
        let read = Away::read(file.path()).expect("read");
        assert_eq!(read.messages, 7);
        let ids: Vec<&str> = read.receivers.iter().map(|receiver| &*receiver.id).collect();
        assert_eq!(ids, ["id0", "id1", "id2"]);
        assert!(read.receivers.iter().all(|receiver| &*receiver.token == "t"));
    }
}

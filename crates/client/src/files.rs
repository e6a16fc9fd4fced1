//! What a client remembers in files, and when it is written: before anything is said that depends on it.

use crate::error::FileError;
use crate::identity::IdentityFile;
use crate::outbox::{Outbox, OutboxChanges};
use crate::outbox_file::{OutboxFile, Writing};
use crate::reading::Note;
use crate::seen_file::{self, SeenFile};
use crate::session::Session;

/// The files; none of them is there where nothing is to outlive the client.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) identity: Option<IdentityFile>,
    pub(crate) outbox: Option<OutboxFile>,
    pub(crate) seen: Option<SeenFile>,
}

/// What is to be written, worked out beforehand: writing blocks.
#[derive(Debug)]
struct Plan {
    outbox: Option<Writing>,
    seen: Option<SeenPlan>,
}

#[derive(Debug)]
struct SeenPlan {
    owner: String,
    changed: Vec<Note>,
    /// Everything, where the file is made anew.
    all: Option<Vec<Note>>,
}

impl Files {
    /// Remembers an identity that has just been entered.
    pub(crate) async fn remember_identity<T, J>(
        &self,
        session: &Session<T, J>,
    ) -> Result<(), FileError> {
        let Some(file) = self.identity.clone() else { return Ok(()) };
        let identity = session.identity.clone();
        blocking(move || file.write_first(&identity)).await
    }

    /// Writes down what has changed in the session. Sends are on the disk when this returns: the numbers of those that
    /// were written (or need no writing).
    pub(crate) async fn save<T, J>(
        &mut self,
        session: &mut Session<T, J>,
    ) -> Result<Vec<u64>, FileError> {
        let changes = session.outbox.as_mut().map(Outbox::take_changes).unwrap_or_default();
        let notes = session.reading.take_notes();
        let plan = self.plan(session, &changes, notes);
        if plan.outbox.is_some() || plan.seen.is_some() {
            let (mut outbox, mut seen) = (self.outbox.take(), self.seen.take());
            let written = blocking(move || {
                let written = plan.write(outbox.as_mut(), seen.as_mut());
                (outbox, seen, written)
            });
            let (outbox, seen, written) = written.await;
            (self.outbox, self.seen) = (outbox, seen);
            written?;
        }
        Ok(changes.numbered)
    }

    fn plan<T, J>(
        &self,
        session: &Session<T, J>,
        changes: &OutboxChanges,
        changed: Vec<Note>,
    ) -> Plan {
        let Some(id) = session.identity.id() else { return Plan { outbox: None, seen: None } };
        let outbox = self.outbox.as_ref().zip(session.outbox.as_ref());
        let outbox = outbox.and_then(|(file, outbox)| file.plan(id, outbox, changes));
        let seen = self.seen.as_ref().filter(|_| !changed.is_empty()).map(|file| {
            let owner = seen_file::owner(id, session.device());
            let all = file.is_due_anew(&owner, changed.len()).then(|| session.reading.notes());
            SeenPlan { owner, changed, all }
        });
        Plan { outbox, seen }
    }
}

impl Plan {
    fn write(
        &self,
        outbox: Option<&mut OutboxFile>,
        seen: Option<&mut SeenFile>,
    ) -> Result<(), FileError> {
        if let Some((file, writing)) = outbox.zip(self.outbox.as_ref()) {
            file.write(writing)?;
        }
        if let Some((file, plan)) = seen.zip(self.seen.as_ref()) {
            match &plan.all {
                Some(all) => file.replace(&plan.owner, all)?,
                None => file.append(&plan.changed)?,
            }
        }
        Ok(())
    }
}

/// Does something that waits for the disk, away from the runtime.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    tokio::task::spawn_blocking(work).await.expect("writing a file does not panic")
}

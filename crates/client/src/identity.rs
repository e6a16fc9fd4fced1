//! Who the client is, and the file that remembers it, as a browser does in its local storage.

use std::path::PathBuf;

use ackd_wire::v1::Credential;
use ackd_wire::{ClientId, Token};
use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file;

/// What entitles the client to an identity.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Nothing yet: the server makes one.
    New,
    /// An identity that exists, by its secret.
    Known { id: ClientId, token: Token },
    /// A name of the client's choice, with a secret of its own making. A claim may be repeated, so it is every
    /// connection's credential: it also takes the name back after the identity has ended.
    Claimed { id: ClientId, token: Token },
}

impl Identity {
    pub(crate) fn credential(&self) -> Credential<'static> {
        match self.clone() {
            Self::New => Credential::New,
            Self::Known { id, token } => Credential::Resume { id, token },
            Self::Claimed { id, token } => Credential::Claim { id, token },
        }
    }

    pub(crate) fn id(&self) -> Option<&ClientId> {
        match self {
            Self::New => None,
            Self::Known { id, .. } | Self::Claimed { id, .. } => Some(id),
        }
    }
}

/// Where an identity is remembered.
#[derive(Debug, Clone)]
pub(crate) struct IdentityFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    token: String,
    #[serde(default)]
    claimed: bool,
}

impl IdentityFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The identity that is remembered.
    pub(crate) fn read(&self) -> Result<Option<Identity>, FileError> {
        let Some(text) = file::read(&self.path)? else { return Ok(None) };
        let record = serde_json::from_str(&text).map_err(|error| self.unfit(&error))?;
        self.identity(&record).map(Some)
    }

    /// Remembers an identity; a new one has nothing to remember.
    pub(crate) fn write(&self, identity: &Identity) -> Result<(), FileError> {
        let (id, token, claimed) = match identity {
            Identity::New => return Ok(()),
            Identity::Known { id, token } => (id, token, false),
            Identity::Claimed { id, token } => (id, token, true),
        };
        let record = Record { id: id.to_string(), token: token.reveal(), claimed };
        let text = serde_json::to_string_pretty(&record).map_err(|error| self.unfit(&error))?;
        file::write(&self.path, &format!("{text}\n"))
    }

    fn identity(&self, record: &Record) -> Result<Identity, FileError> {
        let id = ClientId::parse(&record.id).map_err(|error| self.unfit(&error))?;
        let token = Token::parse(&record.token).map_err(|error| self.unfit(&error))?;
        let known = if record.claimed {
            Identity::Claimed { id, token }
        } else {
            Identity::Known { id, token }
        };
        Ok(known)
    }

    fn unfit(&self, what: &dyn ToString) -> FileError {
        FileError::Content { path: self.path.clone(), what: what.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_remembered_and_claims_stay_claims() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = IdentityFile::new(dir.path().join("me.json"));
        assert!(file.read().expect("no error").is_none());
        file.write(&Identity::New).expect("nothing to do");
        assert!(file.read().expect("no error").is_none());
        let (id, token) = (ClientId::parse("ann").expect("an ID"), Token::new([7; 32]));
        file.write(&Identity::Claimed { id: id.clone(), token: token.clone() }).expect("written");
        assert!(matches!(file.read(), Ok(Some(Identity::Claimed { .. }))));
        file.write(&Identity::Known { id, token: token.clone() }).expect("written");
        let Ok(Some(Identity::Known { id, token: again })) = file.read() else { panic!("known") };
        assert_eq!((id.as_str(), again.hash()), ("ann", token.hash()));
    }

    #[test]
    fn another_file_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("me.json");
        std::fs::write(&path, "{\"id\":\"ann\"}").expect("written");
        let error = IdentityFile::new(path).read().expect_err("no token").to_string();
        assert!(error.contains("me.json is no identity file of ackd: missing field"), "{error}");
    }
}

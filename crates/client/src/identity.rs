//! Who the client is, and the file that remembers it, as a browser does in its local storage.

use std::path::PathBuf;

use ackd_wire::v1::Credential;
use ackd_wire::{ClientId, ParseIdError, Token};
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
    /// A name of the client's choice, with a secret of its own making.
    Claimed {
        id: ClientId,
        token: Token,
        /// Whether the claim was heard. Then the identity is entered by its secret, which works where claims are off by
        /// now; if it has ended, the name is claimed again.
        held: bool,
    },
}

impl Identity {
    pub(crate) fn credential(&self) -> Credential<'static> {
        match self.clone() {
            Self::New => Credential::New,
            Self::Known { id, token } | Self::Claimed { id, token, held: true } => {
                Credential::Resume { id, token }
            }
            Self::Claimed { id, token, held: false } => Credential::Claim { id, token },
        }
    }

    pub(crate) fn id(&self) -> Option<&ClientId> {
        match self {
            Self::New => None,
            Self::Known { id, .. } | Self::Claimed { id, .. } => Some(id),
        }
    }

    /// The server has let the client in; whether there is something new to remember.
    pub(crate) fn entered(
        &mut self,
        id: &str,
        token: Option<&Token>,
    ) -> Result<bool, ParseIdError> {
        match (&mut *self, token) {
            (Self::New, Some(token)) => {
                *self = Self::Known { id: ClientId::parse(id)?, token: token.clone() };
                Ok(true)
            }
            (Self::Claimed { held, .. }, _) => Ok(!std::mem::replace(held, true)),
            _ => Ok(false),
        }
    }

    /// The server knows no such identity; whether the name can be claimed (again).
    pub(crate) fn ended(&mut self) -> bool {
        match self {
            Self::Claimed { held, .. } => std::mem::replace(held, false),
            Self::New | Self::Known { .. } => false,
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
    #[serde(default)]
    held: bool,
}

impl IdentityFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The identity that is remembered.
    pub(crate) fn read(&self) -> Result<Option<Identity>, FileError> {
        let Some(text) = file::read(&self.path)? else { return Ok(None) };
        let record = serde_json::from_slice(&text).map_err(|error| self.unfit(&error))?;
        self.identity(&record).map(Some)
    }

    /// Remembers an identity; a new one has nothing to remember.
    pub(crate) fn write(&self, identity: &Identity) -> Result<(), FileError> {
        let (id, token, claimed, held) = match identity {
            Identity::New => return Ok(()),
            Identity::Known { id, token } => (id, token, false, false),
            Identity::Claimed { id, token, held } => (id, token, true, *held),
        };
        let record = Record { id: id.to_string(), token: token.reveal(), claimed, held };
        let text = serde_json::to_string_pretty(&record).map_err(|error| self.unfit(&error))?;
        file::replace(&self.path, format!("{text}\n").as_bytes()).map(drop)
    }

    /// Remembers an identity that was just made. Another process may have been quicker: its identity stays, and this
    /// one is an error.
    pub(crate) fn write_first(&self, identity: &Identity) -> Result<(), FileError> {
        match self.read()? {
            Some(other) if other.id() != identity.id() => {
                Err(self.unfit(&"another process has made an identity in the meantime; try again"))
            }
            _ => self.write(identity),
        }
    }

    /// Remembers nothing any more, as far as that is possible.
    pub(crate) fn forget(&self) {
        drop(std::fs::remove_file(&self.path)); // what stays is refused again
    }

    fn identity(&self, record: &Record) -> Result<Identity, FileError> {
        let id = ClientId::parse(&record.id).map_err(|error| self.unfit(&error))?;
        let token = Token::parse(&record.token).map_err(|error| self.unfit(&error))?;
        let known = if record.claimed {
            Identity::Claimed { id, token, held: record.held }
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
        for held in [false, true] {
            let claimed = Identity::Claimed { id: id.clone(), token: token.clone(), held };
            file.write(&claimed).expect("written");
            let read = file.read().expect("no error").expect("remembered");
            assert!(matches!(read, Identity::Claimed { held: again, .. } if again == held));
        }
        file.write(&Identity::Known { id, token: token.clone() }).expect("written");
        let Ok(Some(Identity::Known { id, token: again })) = file.read() else { panic!("known") };
        assert_eq!((id.as_str(), again.hash()), ("ann", token.hash()));
    }

    #[test]
    fn a_claim_that_was_heard_is_entered_by_its_secret_until_it_has_ended() {
        let id = ClientId::parse("ann").expect("an ID");
        let mut ann = Identity::Claimed { id, token: Token::new([7; 32]), held: false };
        assert!(matches!(ann.credential(), Credential::Claim { .. }));
        assert_eq!([ann.entered("ann", None), ann.entered("ann", None)], [Ok(true), Ok(false)]);
        assert!(matches!(ann.credential(), Credential::Resume { .. }));
        assert!(ann.ended() && !ann.ended(), "a claim that finds nobody is not repeated");
        assert!(matches!(ann.credential(), Credential::Claim { .. }));
    }

    #[test]
    fn an_identity_that_another_process_has_made_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = IdentityFile::new(dir.path().join("me.json"));
        let known = |id| Identity::Known {
            id: ClientId::parse(id).expect("an ID"),
            token: Token::new([7; 32]),
        };
        file.write_first(&known("ann")).expect("the first");
        let error = file.write_first(&known("bob")).expect_err("too late").to_string();
        assert!(error.contains("try again"), "{error}");
        assert_eq!(file.read().unwrap().unwrap().id().unwrap().as_str(), "ann");
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

//! How a client is set up, and its first connection.

use std::path::PathBuf;

use ackd_wire::limits::{WINDOW_DEFAULT, WINDOW_MAX, WINDOW_MIN};
use ackd_wire::{ClientId, Token};
use tokio::sync::mpsc;

use crate::address::Address;
use crate::client::Client;
use crate::driver::{Driver, Files, Handles};
use crate::error::{ConnectError, FileError, Stopped};
use crate::identity::{Identity, IdentityFile};
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::outbox_file::OutboxFile;
use crate::random::Random;
use crate::session::Session;

/// Settings of a client; made by [`Client::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    url: String,
    identity: Identity,
    claim: Option<ClientId>,
    file: Option<PathBuf>,
    window: u16,
    receive_only: bool,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            identity: Identity::New,
            claim: None,
            file: None,
            window: WINDOW_DEFAULT,
            receive_only: false,
        }
    }

    /// Remembers the identity, and what is not answered yet, in this file and one beside it. What the file remembers
    /// wins over a new identity; the files hold a secret and are their owner's only.
    #[must_use]
    pub fn identity_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Claims a name that nobody holds, with a secret of the client's making (or the one that the file remembers).
    #[must_use]
    pub fn claim(mut self, id: ClientId) -> Self {
        self.claim = Some(id);
        self
    }

    /// Enters an identity by its secret.
    #[must_use]
    pub fn token(mut self, id: ClientId, token: Token) -> Self {
        self.identity = Identity::Known { id, token };
        self
    }

    /// Most messages that are delivered and not acknowledged at a time: 1 to 1,024, 64 where nothing is said.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.window = window.clamp(WINDOW_MIN, WINDOW_MAX);
        self
    }

    /// Has no outbox: it cannot send, and does not keep others from sending with the same identity file.
    #[must_use]
    pub fn receive_only(mut self) -> Self {
        self.receive_only = true;
        self
    }

    /// Connects. A first attempt that fails is told; later the client comes back by itself, until it is closed or told
    /// to stop. Must be called within a tokio runtime.
    pub async fn connect(self) -> Result<(Client, Inbox), ConnectError> {
        let address = Address::parse(&self.url)?;
        let file = self.file.clone().map(IdentityFile::new);
        let mut random = Random::new();
        let identity = self.identity(file.as_ref(), &mut random)?;
        let (outbox_file, outbox) = self.outbox(&identity, &mut random)?;
        let session = Session::new(identity, outbox, self.window);
        let files = Files { identity: file, outbox: outbox_file };

        let (sends_tx, sends) = mpsc::channel(SENDS);
        let (controls_tx, controls) = mpsc::channel(CONTROLS);
        let (events, events_rx) = mpsc::channel(EVENTS);
        let mut driver = Driver::new(address, session, files, Handles { sends, controls, events });
        let mut socket = driver.dial().await?;
        let welcome = match driver.enter(&mut socket).await {
            Ok(welcome) => welcome,
            Err(Some(stopped)) => return Err(stopped.into()),
            Err(None) => {
                let what =
                    "the server was reached, but did not let this client in; try again later";
                return Err(Stopped::Unreachable(what.to_owned()).into());
            }
        };
        let id = driver.session().identity.id().cloned().ok_or_else(|| {
            Stopped::Unreachable("the server made an identity without a token".to_owned())
        })?;
        let task = tokio::spawn(driver.run(socket, welcome));
        let client = Client::new(id, welcome, sends_tx, controls_tx.clone());
        Ok((client, Inbox::new(events_rx, controls_tx, task)))
    }

    /// Who to be: the file's memory before a claim or a new identity; a token that was given before the file's.
    fn identity(
        &self,
        file: Option<&IdentityFile>,
        random: &mut Random,
    ) -> Result<Identity, ConnectError> {
        let remembered = match file {
            Some(file) if matches!(self.identity, Identity::New) => file.read()?,
            _ => None,
        };
        let identity = match (remembered, &self.claim) {
            (Some(identity), None) => identity,
            (Some(identity), Some(name)) if identity.id() == Some(name) => identity,
            (Some(identity), Some(name)) => {
                let held = identity.id().map_or("", ClientId::as_str);
                let path = self.file.clone().unwrap_or_default();
                let what = format!("it is {held:?}, not {name:?}: name another file");
                return Err(FileError::Content { path, what }.into());
            }
            (None, Some(id)) => {
                Identity::Claimed { id: id.clone(), token: Token::new(random.bytes()) }
            }
            (None, None) => self.identity.clone(),
        };
        // Before the claim: one whose answer is lost can be repeated.
        if let (Some(file), Identity::Claimed { .. }) = (file, &identity) {
            file.write(&identity)?;
        }
        Ok(identity)
    }

    fn outbox<T>(
        &self,
        identity: &Identity,
        random: &mut Random,
    ) -> Result<(Option<OutboxFile>, Option<Outbox<T>>), FileError> {
        if self.receive_only {
            return Ok((None, None));
        }
        let file = self.file.as_deref().map(OutboxFile::open).transpose()?;
        let remembered = match (&file, identity.id()) {
            (Some(file), Some(id)) => file.read(id)?,
            _ => None,
        };
        let outbox = remembered.unwrap_or_else(|| Outbox::new(random.name()));
        Ok((file, Some(outbox)))
    }
}

/// Sends that wait to be numbered.
const SENDS: usize = 64;
/// Acks and the like that wait for the task.
const CONTROLS: usize = 1_024;
/// Events that the application can take without waking the task.
const EVENTS: usize = 64;

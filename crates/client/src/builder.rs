//! How a client is set up, and its first connection.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ackd_wire::limits::{WINDOW_DEFAULT, WINDOW_MAX, WINDOW_MIN};
use ackd_wire::{ClientId, Name, Token};
use tokio::sync::mpsc;

use crate::address::Address;
use crate::client::Client;
use crate::dial::Dialer;
use crate::driver::{Application, Driver, Over};
use crate::error::{ConnectError, FileError, Stopped};
use crate::files::Files;
use crate::identity::{Identity, IdentityFile};
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::outbox_file::OutboxFile;
use crate::random::Random;
use crate::reading::Reading;
use crate::seen_file::{self, SeenFile};
use crate::session::Beginning;

/// Settings of a client; made by [`Client::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    url: String,
    /// As it was given; the file's memory comes before a claim or a new one.
    identity: Identity,
    claim: Option<ClientId>,
    file: Option<PathBuf>,
    authorities: Option<Vec<u8>>,
    device: Name,
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
            authorities: None,
            device: Name::default(),
            window: WINDOW_DEFAULT,
            receive_only: false,
        }
    }

    /// Remembers in this file who the client is, and beside it what is unanswered (`.outbox`) and which messages are
    /// processed (`.seen`). The files hold a secret and are their owner's only. See [the crate's
    /// documentation](crate#what-survives) for what they are good for.
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

    /// Trusts the certificate authorities of this PEM text, in place of the system's. Of use with `https://` and `wss://`
    /// only. A server's own certificate may stand there too, one that signs itself: it is trusted for the names in it for
    /// as long as it is shown, also when it is out of date.
    #[must_use]
    pub fn trust_pem(mut self, authorities: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(authorities.into());
        self
    }

    /// Reads as one device of the identity: each has its own position in the mailbox, and gets every message. Where
    /// nothing is said, the device has no name ([`Name::parse_device`] reads one).
    #[must_use]
    pub fn device(mut self, name: Name) -> Self {
        self.device = name;
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
        let dialer = Dialer::new(Address::parse(&self.url)?, self.authorities.as_deref())?;
        let (beginning, files) = self.begin()?;
        let (sends_tx, sends) = mpsc::channel(SENDS);
        let (controls_tx, controls) = mpsc::channel(CONTROLS);
        let (events, events_rx) = mpsc::channel(EVENTS);
        let stopped = Arc::new(OnceLock::new());
        let application = Application::new(sends, controls, events, stopped.clone());
        let mut driver = Driver::new(dialer, beginning, files, application);
        let mut socket = driver.dial().await?;
        let welcome = loop {
            match driver.enter(&mut socket).await {
                Ok(welcome) => break welcome,
                Err(Over::Stop(stopped)) => {
                    driver.forget_refused_claim();
                    return Err(stopped.into());
                }
                Err(Over::Again(reason)) => return Err(ConnectError::NotNow(reason)),
                // At most once: the other credential is the last.
                Err(Over::AtOnce) => socket = driver.dial().await?,
            }
        };
        let id = driver.session().identity.id().cloned().ok_or_else(|| {
            Stopped::Unreachable("the server made an identity without a token".to_owned())
        })?;
        // Boxed: the future holds buffers of several KiB.
        let task = tokio::spawn(Box::pin(driver.run(socket, welcome)));
        let client = Client::new(id, welcome, sends_tx, controls_tx.clone(), stopped);
        Ok((client, Inbox::new(events_rx, controls_tx, task)))
    }

    /// What is known before the first connection.
    fn begin<T>(&self) -> Result<(Beginning<T>, Files), ConnectError> {
        let mut random = Random::new();
        let file = self.file.clone().map(IdentityFile::new);
        let identity = self.identity(file.as_ref(), &mut random)?;
        let (outbox_file, outbox) = self.outbox(&identity, &mut random)?;
        let (seen, reading) = self.reading(&identity)?;
        let (device, window) = (self.device.clone(), self.window);
        let files = Files { identity: file, outbox: outbox_file, seen };
        Ok((Beginning { identity, outbox, reading, device, window }, files))
    }

    /// Who to be. A file that remembers somebody else is left alone: it has the only copy of a secret.
    fn identity(
        &self,
        file: Option<&IdentityFile>,
        random: &mut Random,
    ) -> Result<Identity, ConnectError> {
        let remembered = file.map(IdentityFile::read).transpose()?.flatten();
        let wanted = self.claim.as_ref().or(self.identity.id());
        if let (Some(held), Some(wanted)) = (remembered.as_ref().and_then(Identity::id), wanted)
            && held != wanted
        {
            let path = self.file.clone().unwrap_or_default();
            let what = format!("it is {held:?}, not {wanted:?}: name another file");
            return Err(FileError::Content { path, what }.into());
        }
        if let Identity::Known { .. } = self.identity {
            return Ok(self.identity.clone());
        }
        let identity = match (remembered, &self.claim) {
            (Some(identity), _) => identity,
            (None, Some(id)) => {
                Identity::Claimed { id: id.clone(), token: Token::new(random.bytes()), held: false }
            }
            (None, None) => Identity::New,
        };
        // Before the claim: one whose answer is lost can be repeated.
        if let (Some(file), Identity::Claimed { held: false, .. }) = (file, &identity) {
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
        let opened = self.file.as_deref().map(|path| OutboxFile::open(path, identity.id()));
        let (file, remembered) = opened.transpose()?.unzip();
        let outbox = remembered.flatten().unwrap_or_else(|| Outbox::new(random.name()));
        Ok((file, Some(outbox)))
    }

    fn reading(&self, identity: &Identity) -> Result<(Option<SeenFile>, Reading), FileError> {
        let opened = self.file.as_deref().map(SeenFile::open).transpose()?.flatten();
        let Some((file, remembered)) = opened else { return Ok((None, Reading::default())) };
        let owner = identity.id().map(|id| seen_file::owner(id, &self.device));
        let notes = owner.map(|owner| remembered.notes(&owner)).unwrap_or_default();
        Ok((Some(file), Reading::restore(notes)))
    }
}

/// Sends that wait to be numbered.
const SENDS: usize = 1_024;
/// Acks and the like that wait for the task.
const CONTROLS: usize = 1_024;
/// Events that the application can take without waking the task.
const EVENTS: usize = 64;

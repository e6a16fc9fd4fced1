//! Which server a command talks to, and as whom: the flags that `send` and `listen` share, and what to do about errors of
//! the first connection.

use std::path::{Path, PathBuf};

use ackd_client::{
    Builder, Client, ClientId, ConnectError, DialError, FileError, Inbox, Stopped, Token,
};
use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::failure::Usage;

/// Flags of every command that connects.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server, `http://HOST:PORT` or `https://HOST`
    #[arg(long, value_name = "URL", env = "ACKD_URL", default_value = "http://localhost:5000")]
    url: String,
    /// Be NAME: claims it if nobody holds it
    #[arg(long, value_name = "NAME", alias = "claim", value_parser = parse_id)]
    name: Option<ClientId>,
    /// Enters NAME by its secret, in place of what the identity file remembers
    #[arg(
        long, value_name = "TOKEN", env = "ACKD_TOKEN", hide_env_values = true, requires = "name",
        value_parser = parse_token
    )]
    token: Option<Token>,
    /// File that remembers the identity, and beside it what is unanswered or processed [default: one for each server and
    /// name (without a name: command), in the state directory]
    #[arg(long, value_name = "FILE", env = "ACKD_IDENTITY")]
    identity: Option<PathBuf>,
    /// Trusts the certificates in this PEM file (of authorities, or the server's own), in place of the system's
    #[arg(long, value_name = "FILE", env = "ACKD_CA")]
    ca: Option<PathBuf>,
}

/// What a command is called, and whether several of it may run at a time without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum As {
    /// `send`: each that runs at a time is somebody of its own.
    Sender,
    /// `listen`: all are the same.
    Listener,
}

/// Reads an ID that was typed.
pub(crate) fn parse_id(text: &str) -> Result<ClientId, String> {
    ClientId::parse(text).map_err(|error| format!("an ID {error}"))
}

fn parse_token(text: &str) -> Result<Token, String> {
    Token::parse(text).map_err(|error| error.to_string())
}

impl ServerArgs {
    /// Connects; `set` adds what the command wants of the client.
    pub(crate) async fn connect(
        &self,
        command: As,
        set: impl Fn(Builder) -> Builder,
    ) -> anyhow::Result<Connected> {
        let mut place = 1;
        loop {
            let file = self.identity_file(command, place)?;
            let connecting = set(self.builder(&file)?).connect().await;
            let is_ours_to_choose = self.identity.is_none() && self.name.is_none();
            match connecting {
                Ok((client, inbox)) => return Ok(Connected { client, inbox, file }),
                // Commands without a name that run at the same time are different senders.
                Err(ConnectError::File(FileError::InUse { .. }))
                    if is_ours_to_choose && place < PLACES =>
                {
                    place += 1;
                }
                Err(error) => return Err(self.explain(error, &file)),
            }
        }
    }

    fn builder(&self, file: &Path) -> Result<Builder, Usage> {
        let mut builder = Client::builder(&self.url).identity_file(file);
        if let Some(path) = &self.ca {
            let pem = std::fs::read(path)
                .map_err(|error| Usage(format!("cannot read --ca {}: {error}", path.display())))?;
            builder = builder.trust_pem(pem);
        }
        Ok(match (&self.name, &self.token) {
            (Some(name), Some(token)) => builder.token(name.clone(), token.clone()),
            (Some(name), None) => builder.claim(name.clone()),
            (None, _) => builder,
        })
    }

    /// An error of the first connection, with what to do about it.
    fn explain(&self, error: ConnectError, file: &Path) -> anyhow::Error {
        let file = file.display();
        match error {
            ConnectError::Address(error) => Usage(format!("--url {}: {error}", self.url)).into(),
            ConnectError::Tls(error) => Usage(format!("{error} (--ca)")).into(),
            ConnectError::Unreachable(error @ DialError::Tls { .. }) => {
                anyhow!("{error}; if it is the right server, name who vouches for it with --ca")
            }
            ConnectError::Unreachable(error @ DialError::Http { .. }) => {
                anyhow!("{error}; does the server speak TLS? Then its --url begins with https://")
            }
            ConnectError::Unreachable(error @ DialError::Refused { status: 403, .. }) => {
                anyhow!("{error}; it does not want this client")
            }
            ConnectError::Unreachable(error @ DialError::Refused { .. }) => {
                anyhow!("{error}; it takes nobody now, try again later")
            }
            ConnectError::Unreachable(error @ DialError::NotAckd { .. }) => {
                anyhow!("{error}; is --url {} right?", self.url)
            }
            ConnectError::Unreachable(error) => {
                anyhow!(
                    "{error}; is the server running? (`ackd serve` starts one, --url names another)"
                )
            }
            ConnectError::Stopped(Stopped::UnknownIdentity) => anyhow!(
                "the server at {} does not know the identity in {file} (any more); remove the file for a new \
                 one, or name another with --identity",
                self.url
            ),
            ConnectError::Stopped(Stopped::Unauthorized(_)) => match &self.name {
                Some(name) => anyhow!(
                    "{name} is held at {} with another secret than that in {file}; choose another --name, or \
                     name the file or the --token that has its secret",
                    self.url
                ),
                None => {
                    anyhow!("the secret in {file} is not good any more; name another --identity")
                }
            },
            ConnectError::File(error @ FileError::InUse { .. }) => {
                anyhow!("{error}; wait for it, or be somebody else with --name or --identity")
            }
            other => other.into(),
        }
    }

    /// The file; without a name the `place`th of the command.
    fn identity_file(&self, command: As, place: usize) -> Result<PathBuf, Usage> {
        if let Some(path) = &self.identity {
            return Ok(path.clone());
        }
        let who = match (&self.name, command) {
            (Some(name), _) => format!("name-{name}"),
            (None, As::Listener) => "listen".to_owned(),
            (None, As::Sender) if place == 1 => "send".to_owned(),
            (None, As::Sender) => format!("send-{place}"),
        };
        let server = self.url.rsplit_once("://").map_or(&*self.url, |(_, rest)| rest);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        let server = server.trim_end_matches('/').replace(|letter| !plain(letter), "_");
        Ok(state_dir()?.join(format!("{server}-{who}.json")))
    }
}

/// A command that is in.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) inbox: Inbox,
    /// Where its identity is.
    pub(crate) file: PathBuf,
}

/// Where a user's programs keep their state (XDG base directories).
fn state_dir() -> Result<PathBuf, Usage> {
    let variable = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    let base = variable("XDG_STATE_HOME").or_else(home);
    let needed =
        || Usage("neither HOME nor XDG_STATE_HOME is set; name a file with --identity".to_owned());
    base.map(|base| base.join("ackd")).ok_or_else(needed)
}

/// A runtime for a command that mostly waits.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")
}

/// Senders without a name that can run at a time.
const PLACES: usize = 32;

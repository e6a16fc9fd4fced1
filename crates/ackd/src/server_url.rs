//! Which server a command talks to, and as whom: the flags that `send` and `listen` share.

use std::path::PathBuf;

use ackd_client::{Builder, Client, ClientId, ConnectError, Stopped};
use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::failure::Usage;

/// Flags of every command that connects.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server
    #[arg(long, value_name = "URL", env = "ACKD_URL", default_value = "http://localhost:5000")]
    url: String,
    /// File that remembers the identity [default: one for each server and command, or claimed name, in the state
    /// directory]
    #[arg(long, value_name = "FILE", env = "ACKD_IDENTITY")]
    identity: Option<PathBuf>,
    /// Be NAME: claims it if nobody holds it
    #[arg(long, value_name = "NAME", value_parser = parse_id)]
    claim: Option<ClientId>,
}

/// Reads an ID that was typed.
pub(crate) fn parse_id(text: &str) -> Result<ClientId, String> {
    ClientId::parse(text).map_err(|error| format!("an ID {error}"))
}

impl ServerArgs {
    /// A client of that server as that identity; `command` names the file of who is nobody in particular.
    pub(crate) fn builder(&self, command: &str) -> Result<Builder, Usage> {
        let builder = Client::builder(&self.url).identity_file(self.identity_file(command)?);
        Ok(match &self.claim {
            Some(name) => builder.claim(name.clone()),
            None => builder,
        })
    }

    /// An error of the first connection, with what to do about it.
    pub(crate) fn explain(&self, error: ConnectError) -> anyhow::Error {
        match error {
            ConnectError::Address(error) => Usage(format!("--url {}: {error}", self.url)).into(),
            ConnectError::Unreachable(error) => {
                anyhow!(
                    "{error}; is the server running? (`ackd serve` starts one, --url names another)"
                )
            }
            ConnectError::Stopped(Stopped::UnknownIdentity) => anyhow!(
                "the server at {} does not know the remembered identity (any more); remove its file \
                 or name another with --identity",
                self.url
            ),
            other => other.into(),
        }
    }

    fn identity_file(&self, command: &str) -> Result<PathBuf, Usage> {
        if let Some(path) = &self.identity {
            return Ok(path.clone());
        }
        let who = self.claim.as_ref().map_or(command, ClientId::as_str);
        let server = self.url.rsplit_once("://").map_or(&*self.url, |(_, rest)| rest);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        let server = server.trim_end_matches('/').replace(|letter| !plain(letter), "_");
        let kind = if self.claim.is_some() { "claim" } else { "command" };
        Ok(state_dir()?.join(format!("{server}-{kind}-{who}.json")))
    }
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

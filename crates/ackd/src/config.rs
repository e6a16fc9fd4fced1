//! `ackd config`, and the flags that configure a server.

use std::path::PathBuf;

use ackd_server::config::{Config, ConfigFile, Flags, Raw, Sources, example};
use clap::{Args, Subcommand};

use crate::failure::Usage;

/// Flags that configure the server; they beat the environment, which beats the file.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "ACKD_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Directory of the store
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where messages are kept: embedded
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Sets any key, dotted: --set auth.claims=false (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// `ackd config …`
#[derive(Debug, Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Checks the configuration and names what is wrong
    Check(ConfigArgs),
    /// Prints the configuration in force, and where what is no default comes from
    Show(ConfigArgs),
    /// Prints a file of all keys with their meanings and defaults
    Example,
}

pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<()> {
    match &command.verb {
        Verb::Check(args) => {
            ackd_server::check_files(&args.load()?)?;
            println!("the configuration is valid");
        }
        Verb::Show(args) => {
            let raw = args.raw()?;
            raw.check()?;
            print!("{}", raw.show());
        }
        Verb::Example => print!("{}", example()),
    }
    Ok(())
}

impl ConfigArgs {
    /// The checked configuration.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Ok(self.raw()?.check()?)
    }

    /// The configuration as it is given now.
    pub(crate) fn raw(&self) -> anyhow::Result<Raw> {
        let sources = Sources {
            file: self.file()?,
            environment: environment(),
            flags: Flags {
                set: self.set.clone(),
                listen: self.listen.clone(),
                data_dir: self.data_dir.clone(),
                store: self.store.clone(),
            },
        };
        Ok(Raw::gather(&sources)?)
    }

    fn file(&self) -> Result<Option<ConfigFile>, Usage> {
        let Some(path) = &self.config else { return Ok(None) };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(ConfigFile { name, text })),
            Err(error) => Err(Usage(format!("cannot read the configuration file {name}: {error}"))),
        }
    }
}

fn environment() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

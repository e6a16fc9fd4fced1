//! The configuration as it was given: known keys only, the later source winning, each with where it comes from.
//! Values are not looked at yet, but for the port.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::document;
use super::environment;
use super::error::{ConfigError, Origin, Problem};
use super::flags::Flags;
use super::key::{self, Key};
use super::nearest::nearest;
use super::value::Value;

/// A configuration file that has been read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// What errors call it.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// All that a configuration is made of; the later wins: file, environment, flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<ConfigFile>,
    /// The environment, whole; only `ACKD_…` and the original server's variables are looked at.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub flags: Flags,
}

/// The configuration as it was given; [`Raw::check`] makes a [`super::Config`] of it.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    given: BTreeMap<Key, Given>,
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Raw {
    /// Lays the sources over one another.
    pub fn gather(sources: &Sources) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        if let Some(file) = &sources.file {
            document::read(file, &mut raw)?;
        }
        environment::read(&sources.environment, &mut raw)?;
        sources.flags.read(&mut raw)?;
        Ok(raw)
    }

    /// The configuration in force as TOML, with a comment at what is no default. Secrets are hidden in it.
    pub fn show(&self) -> String {
        let mut text = String::new();
        let mut table = "";
        for &key in Key::ALL {
            if key.table() != table {
                table = key.table();
                write!(text, "\n[{table}]\n").expect("writing to a String does not fail");
            }
            let given = self.get(key);
            let from = match &given.origin {
                Origin::Default => String::new(),
                origin => format!("  # {origin}"),
            };
            writeln!(text, "{} = {}{from}", key.leaf(), given.value)
                .expect("writing to a String does not fail");
        }
        text
    }

    /// Sets a key by its dotted name; `spell` writes a known key as its source would.
    pub(super) fn set(
        &mut self,
        name: &str,
        given: Given,
        spell: impl Fn(Key) -> String,
    ) -> Result<(), ConfigError> {
        match Key::parse(name) {
            Some(key) => {
                let Given { value, origin } = given;
                let value = if key.is_secret() { value.hidden() } else { value };
                self.given.insert(key, Given { value, origin });
                Ok(())
            }
            None => Err(ConfigError { origin: given.origin, problem: unknown(name, spell) }),
        }
    }

    pub(super) fn replace(&mut self, key: Key, given: Given) {
        self.given.insert(key, given);
    }

    /// What is in force for a key: what was given, or its default.
    pub(super) fn get(&self, key: Key) -> Given {
        self.given.get(&key).cloned().unwrap_or_else(|| {
            let value = Value::read_for(key, key.default_toml());
            Given { value, origin: Origin::Default }
        })
    }
}

/// Why a name is no key.
pub(super) fn unknown(name: &str, spell: impl Fn(Key) -> String) -> Problem {
    if key::is_not_built_yet(name) {
        return Problem::NotBuiltYet(name.to_owned());
    }
    Problem::UnknownKey { key: name.to_owned(), suggestion: nearest(name).map(spell) }
}

/// A key as a file or `--set` names it.
pub(super) fn spell_dotted(key: Key) -> String {
    format!("`{}`", key.name())
}

//! The part of the command line that configures the server.

use super::error::{ConfigError, Origin, Problem};
use super::key::Key;
use super::raw::{Given, Raw, spell_dotted};
use super::value::Value;

/// Flags as they were given; the texts are not looked at yet.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--set KEY=VALUE`, in order: the later wins.
    pub set: Vec<String>,
    /// `--listen ADDR`.
    pub listen: Option<String>,
    /// `--data-dir DIR`.
    pub data_dir: Option<String>,
    /// `--store STORE`.
    pub store: Option<String>,
}

impl Flags {
    pub(super) fn read(&self, raw: &mut Raw) -> Result<(), ConfigError> {
        for assignment in &self.set {
            let origin = Origin::Flag("--set");
            let Some((name, text)) = assignment.split_once('=') else {
                let problem = Problem::NotAnAssignment(assignment.clone());
                return Err(ConfigError { origin, problem });
            };
            let (name, text) = (name.trim(), text.trim());
            let given = Given { value: Value::read_named(name, text), origin };
            raw.set(name, given, spell_dotted)?;
        }
        let own = [
            (Key::Listen, "--listen", &self.listen),
            (Key::DataDir, "--data-dir", &self.data_dir),
            (Key::Store, "--store", &self.store),
        ];
        for (key, flag, text) in own {
            if let Some(text) = text {
                let given = Given { value: Value::Text(text.clone()), origin: Origin::Flag(flag) };
                raw.set(key.name(), given, spell_dotted)?;
            }
        }
        Ok(())
    }
}

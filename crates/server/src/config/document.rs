//! The configuration file: TOML, walked with its spans so that every error has its line.

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin, Problem};
use super::key;
use super::raw::{ConfigFile, Given, Raw, spell_dotted, unknown};
use super::value::Value;

/// Reads a whole file into `raw`.
pub(super) fn read(file: &ConfigFile, raw: &mut Raw) -> Result<(), ConfigError> {
    let table = DeTable::parse(&file.text).map_err(|error| ConfigError {
        origin: origin(file, error.span().map_or(0, |span| span.start)),
        problem: Problem::Syntax(error.message().replace('\n', ", ")),
    })?;
    walk(file, "", table.get_ref(), raw)
}

fn walk(
    file: &ConfigFile,
    prefix: &str,
    table: &DeTable<'_>,
    raw: &mut Raw,
) -> Result<(), ConfigError> {
    // The table is sorted by name; the first error in the file is the one to tell.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let name = format!("{prefix}{}", key.get_ref());
        let origin = origin(file, key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) if key::is_table(&name) => {
                walk(file, &format!("{name}."), inner, raw)?;
            }
            _ if key::is_table(&name) => return Err(not_a_table(origin, &name)),
            DeValue::Table(inner) if !key::is_not_built_yet(&name) && !inner.is_empty() => {
                return Err(unknown_table(origin, &name, inner));
            }
            leaf => {
                let given = Given { value: Value::from_toml(leaf), origin };
                raw.set(&name, given, spell_dotted)?;
            }
        }
    }
    Ok(())
}

/// A table of another name: its first key may be found elsewhere.
fn unknown_table(origin: Origin, name: &str, inner: &DeTable<'_>) -> ConfigError {
    let first = inner.keys().next().map_or("", |key| key.get_ref());
    let problem = match key::Key::parse(name) {
        Some(key) => Problem::BadValue {
            key: key.name(),
            found: "a table".to_owned(),
            expected: format!("a value, as {}", key.default_toml()),
        },
        None => match unknown(&format!("{name}.{first}"), spell_dotted) {
            Problem::UnknownKey { suggestion, .. } => {
                Problem::UnknownKey { key: name.to_owned(), suggestion }
            }
            other => other,
        },
    };
    ConfigError { origin, problem }
}

fn not_a_table(origin: Origin, name: &str) -> ConfigError {
    let first = key::Key::ALL.iter().find(|key| key.table() == name);
    let suggestion = first.map(|key| spell_dotted(*key));
    ConfigError { origin, problem: Problem::UnknownKey { key: name.to_owned(), suggestion } }
}

fn origin(file: &ConfigFile, offset: usize) -> Origin {
    let before = file.text.get(..offset).unwrap_or(&file.text);
    let line = 1 + before.matches('\n').count();
    Origin::Line { file: file.name.clone(), line }
}

//! A value as it was given: TOML reduced to what any key takes.

use std::fmt;

use toml::de::DeValue;

use super::key::Key;
use super::secret::Secret;

/// A value. `Display` writes it as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<String>),
    /// A text that is shown to nobody.
    Secret(Secret),
    /// What no key takes; its TOML type, for the error.
    Other(&'static str),
}

impl Value {
    /// Reads a value of a flag or variable: as TOML where it is TOML, else it is a text.
    pub(super) fn read(text: &str) -> Self {
        DeValue::parse(text)
            .map_or_else(|_| Self::Text(text.to_owned()), |value| Self::from_toml(value.get_ref()))
    }

    /// The same for a known key. A secret is the text as it is, also where that looks like a number, but without the
    /// quotation marks that TOML wants.
    pub(super) fn read_for(key: Key, text: &str) -> Self {
        match Self::read(text) {
            value if !key.is_secret() => value,
            Self::Text(inner) => Self::Secret(Secret::new(inner)),
            _ => Self::Secret(Secret::new(text)),
        }
    }

    /// The same for any name.
    pub(super) fn read_named(name: &str, text: &str) -> Self {
        Key::parse(name).map_or_else(|| Self::read(text), |key| Self::read_for(key, text))
    }

    /// The same value, out of sight.
    pub(super) fn hidden(self) -> Self {
        match self {
            Self::Text(text) => Self::Secret(Secret::new(text)),
            Self::Secret(secret) => Self::Secret(secret),
            // No secret is any of these: it is refused without being repeated.
            _ => Self::Secret(Secret::new("?")),
        }
    }

    pub(super) fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(is) => Self::Bool(*is),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("an integer that is too large"), Self::Integer),
            DeValue::Array(items) => {
                let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                texts
                    .collect::<Option<_>>()
                    .map_or(Self::Other("a list of other things"), Self::List)
            }
            DeValue::Float(_) => Self::Other("a fraction"),
            DeValue::Datetime(_) => Self::Other("a date or time"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::List(texts) => write!(f, "{}", toml::Value::from(texts.clone())),
            Self::Secret(secret) if secret.reveal().is_empty() => f.write_str("\"\""),
            Self::Secret(secret) => write!(f, "\"{secret}\""),
            Self::Other(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_toml_is_a_text() {
        assert_eq!(Value::read("true"), Value::Bool(true));
        assert_eq!(Value::read("1_000"), Value::Integer(1000));
        assert_eq!(Value::read("30s"), Value::Text("30s".to_owned()));
        assert_eq!(Value::read("\"30s\""), Value::Text("30s".to_owned()));
        assert_eq!(Value::read("0.0.0.0:5000"), Value::Text("0.0.0.0:5000".to_owned()));
        assert_eq!(
            Value::read("[\"a\", \"b\"]"),
            Value::List(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(Value::read("[1]"), Value::Other("a list of other things"));
        assert_eq!(Value::read("*"), Value::Text("*".to_owned()));
        assert_eq!(Value::read(""), Value::Text(String::new()));
    }

    #[test]
    fn a_value_is_written_as_it_is_read() {
        for text in ["'a \" b'", "\"x\"", "7", "false", "[\"x\", \"y\"]"] {
            assert_eq!(Value::read(text).to_string(), text);
        }
    }
}

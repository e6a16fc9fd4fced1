//! What is wrong with a configuration, and where.

use std::fmt;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The table of keys.
    Default,
    /// A line (from 1) of a file.
    Line { file: String, line: usize },
    /// An environment variable.
    Variable(String),
    /// A flag, as it is written.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One sentence for whoever wrote the configuration: where, what, and what to do. Exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct ConfigError {
    pub(super) origin: Origin,
    pub(super) problem: Problem,
}

impl ConfigError {
    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is no TOML: correct the line.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// No such key: correct its name, or take it out.
    #[error("unknown key `{key}`{}", suggestion.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownKey {
        /// What was written.
        key: String,
        /// The nearest known one, as it is written there.
        suggestion: Option<String>,
    },
    /// A feature that this build does not have: take the key out.
    #[error("`{0}` is not in this build yet; remove it")]
    NotBuiltYet(String),
    /// The Redis store: use the embedded one.
    #[error("the Redis store is not part of this build yet; use store = \"embedded\"{}", if *.by_redis_url { " (--store embedded, or unset REDIS_URL)" } else { "" })]
    RedisStore {
        /// Whether the original server's variable asks for it.
        by_redis_url: bool,
    },
    /// A value of the wrong kind or out of range.
    #[error("`{key}` is {found}: expected {expected}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What was given.
        found: String,
        /// What would do.
        expected: String,
    },
    /// `--set` without a `=`.
    #[error("expected KEY=VALUE, found `{0}`")]
    NotAnAssignment(String),
}

//! What is wrong, and where.

use std::fmt;

/// One fault; shown as `file:line: what`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    /// From the workspace's folder on, with `/`.
    pub(super) path: String,
    /// From 1; 0 where the whole file is meant.
    pub(super) line: usize,
    /// What is wrong, and what to do about it.
    pub(super) what: String,
}

impl Fault {
    pub(super) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

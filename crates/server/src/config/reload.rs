//! Reading the configuration again while the server runs: what of it is taken over, and what waits for the next start.

use std::fmt;

use super::key::Key;
use super::raw::Raw;

/// What has changed since the configuration that is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Taken over.
    pub applied: Vec<Change>,
    /// Not before the next start.
    pub at_restart: Vec<Change>,
}

/// One key that has changed. `Display` says from what to what, and hides secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: Key,
    from: String,
    to: String,
}

impl Raw {
    /// Takes over from `new`, which is a good configuration, what can change while the server runs.
    pub fn adopt(&mut self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        for &key in Key::ALL {
            let (was, is) = (self.get(key), new.get(key));
            if was.value == is.value {
                continue;
            }
            let (from, to) = (was.value.to_string(), is.value.to_string());
            let change = Change { key, from, to };
            if key.is_reloaded() {
                self.replace(key, is);
                changes.applied.push(change);
            } else {
                changes.at_restart.push(change);
            }
        }
        changes
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to } = self;
        if from == to {
            return write!(f, "{} = {to}", key.name()); // two secrets look the same
        }
        write!(f, "{} = {to} (was {from})", key.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigFile, Sources};
    use super::*;

    fn raw(text: &str) -> Raw {
        let file = Some(ConfigFile { name: "ackd.toml".to_owned(), text: text.to_owned() });
        Raw::gather(&Sources { file, ..Sources::default() }).expect("valid")
    }

    fn show(changes: &[Change]) -> Vec<String> {
        changes.iter().map(Change::to_string).collect()
    }

    #[test]
    fn what_a_running_server_can_take_over_is_taken_over_and_the_rest_named() {
        let mut in_force = raw("ack_timeout = \"5s\"\n[limits]\nconnections = 7\n");
        let new = raw("max_attempts = 3\n[limits]\nconnections = 9\n[log]\nlevel = \"warn\"\n");
        let changes = in_force.adopt(&new);
        assert_eq!(
            show(&changes.applied),
            ["limits.connections = 9 (was 7)", "log.level = \"warn\" (was \"info\")"]
        );
        assert_eq!(
            show(&changes.at_restart),
            ["ack_timeout = \"30s\" (was \"5s\")", "max_attempts = 3 (was 0)"]
        );
        let config = in_force.check().expect("valid");
        assert_eq!((config.limits.connections, config.max_attempts), (9, 0));
        assert_eq!(config.ack_timeout.as_secs(), 5, "in force until the restart");
        let again = in_force.adopt(&new);
        assert_eq!((again.applied.len(), again.at_restart.len()), (0, 2), "named until then");
    }

    #[test]
    fn a_new_secret_is_a_change_and_seen_by_nobody() {
        let mut in_force = raw("[admin]\ntoken = \"aaaaaaaaaaaaaaaaaaaa\"\n");
        let changes = in_force.adopt(&raw("[admin]\ntoken = \"bbbbbbbbbbbbbbbbbbbb\"\n"));
        assert_eq!(show(&changes.applied), ["admin.token = \"(hidden)\""]);
        assert!(!format!("{changes:?}").contains("bbbb"));
        let token = in_force.check().expect("valid").admin.token;
        assert_eq!(token.expect("set").reveal(), "bbbbbbbbbbbbbbbbbbbb");
    }
}

//! How the store is: whether it answers, and what it does with what it was given.

/// Against what the data of a Redis is safe, as it is configured now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Whether it writes an append-only file.
    pub appendonly: bool,
    /// When that is synced: `always`, `everysec` or `no`; empty where the server does not tell.
    pub appendfsync: String,
    /// What it does when its memory is full; anything but `noeviction` can lose messages. Empty where it does not tell.
    pub maxmemory_policy: String,
    /// Replicas that follow it.
    pub replicas: u32,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Its version.
    pub version: String,
    /// Against what it keeps what it has.
    pub durability: Durability,
}

impl Durability {
    /// What an operator should know before trusting it with messages.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.appendonly {
            warnings.push("appendonly is off: a restart of Redis loses messages".to_owned());
        }
        if !matches!(self.maxmemory_policy.as_str(), "noeviction" | "") {
            let policy = &self.maxmemory_policy;
            warnings.push(format!("maxmemory-policy is {policy}: Redis may drop messages"));
        }
        warnings
    }
}

/// From the text of `INFO` and, where the server tells them, its configured values.
pub(super) fn read(info: &str, config: &[(String, String)]) -> Health {
    let value = |name: &str| {
        let found = config.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.or_else(|| field(info, name)).unwrap_or_default().to_owned()
    };
    Health {
        version: field(info, "valkey_version")
            .or_else(|| field(info, "redis_version"))
            .unwrap_or_default()
            .to_owned(),
        durability: Durability {
            appendonly: field(info, "aof_enabled") == Some("1"),
            appendfsync: value("appendfsync"),
            maxmemory_policy: value("maxmemory-policy").if_empty(|| value("maxmemory_policy")),
            replicas: field(info, "connected_slaves").and_then(|n| n.parse().ok()).unwrap_or(0),
        },
    }
}

/// One field of what `INFO` says.
pub(super) fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
}

trait IfEmpty {
    fn if_empty(self, other: impl FnOnce() -> String) -> String;
}

impl IfEmpty for String {
    fn if_empty(self, other: impl FnOnce() -> String) -> String {
        if self.is_empty() { other() } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_lost_is_told() {
        let info = "# Server\r\nredis_version:7.0.15\r\naof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n\
                    connected_slaves:2\r\n";
        let health = read(info, &[("appendfsync".to_owned(), "everysec".to_owned())]);
        assert_eq!(health.version, "7.0.15");
        let Durability { appendonly, ref appendfsync, replicas, .. } = health.durability;
        assert_eq!((appendonly, appendfsync.as_str(), replicas), (false, "everysec", 2));
        assert_eq!(health.durability.warnings().len(), 2);
        let safe = read("aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n", &[]);
        assert_eq!(safe.durability.warnings(), Vec::<String>::new());
    }
}

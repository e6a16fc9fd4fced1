//! Where Redis is and as whom it is entered, as an operator writes it.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// How a Redis is reached. Its `Debug` output shows no password.
#[derive(Clone)]
pub struct RedisSettings {
    info: ConnectionInfo,
    prefix: String,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

/// Why a URL does not say where a Redis is.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Neither `redis://`, `rediss://` nor `host:port`.
    #[error(
        "`{0}` is no address of a Redis: write redis://HOST:PORT, rediss://HOST:PORT or HOST:PORT"
    )]
    Url(String),
    /// A kind of deployment that is not served yet.
    #[error("`{0}` is not supported yet: only a single Redis is")]
    Unsupported(&'static str),
    /// A prefix that would be read as part of the keys' own punctuation.
    #[error("the key prefix takes letters, digits, `.`, `_`, `-` and `:` only, 64 at most")]
    Prefix,
}

impl RedisSettings {
    /// From `redis://[user:password@]host[:port][/db]`, `rediss://…` (TLS, with the system's certificates) or
    /// `host[:port]`. All keys and channels begin with `prefix`.
    pub fn parse(url: &str, prefix: &str) -> Result<Self, SettingsError> {
        for scheme in ["redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"] {
            if url.split_once("://").is_some_and(|(found, _)| found == scheme) {
                return Err(SettingsError::Unsupported(scheme));
            }
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        if 64 < prefix.len() || !prefix.chars().all(is_plain) {
            return Err(SettingsError::Prefix);
        }
        let full = if url.contains("://") { url.to_owned() } else { format!("redis://{url}") };
        // What stands before an `@` may be a password.
        let shown = || SettingsError::Url(url.rsplit('@').next().unwrap_or_default().to_owned());
        let info = full.as_str().into_connection_info().map_err(|_| shown())?;
        // The third version tells of hints on the connection that subscribed.
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(redis);
        Ok(Self {
            info,
            prefix: prefix.to_owned(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
        })
    }

    /// The same with this password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        let redis = self.info.redis_settings().clone().set_password(password);
        self.info = self.info.set_redis_settings(redis);
        self
    }

    /// The same in this numbered database.
    #[must_use]
    pub fn with_database(mut self, db: i64) -> Self {
        let redis = self.info.redis_settings().clone().set_db(db);
        self.info = self.info.set_redis_settings(redis);
        self
    }

    /// What all keys and channels begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Host and port, or the path of a socket: for people.
    pub fn address(&self) -> String {
        self.info.addr().to_string()
    }

    pub(super) fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.info.clone())
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("address", &self.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, address: &str, db: i64) {
        let settings = RedisSettings::parse(url, "ackd:").unwrap();
        assert_eq!(
            (settings.address().as_str(), settings.info.redis_settings().db()),
            (address, db)
        );
    }

    #[test]
    fn every_way_to_write_an_address_is_read() {
        check("redis://cache:7000/3", "cache:7000", 3);
        check("rediss://cache", "cache:6379", 0);
        check("127.0.0.1:6380", "127.0.0.1:6380", 0);
        let settings = RedisSettings::parse("redis://:one@h", "a").unwrap();
        let settings = settings.with_password("two").with_database(5);
        let redis = settings.info.redis_settings();
        assert_eq!((redis.password(), redis.db()), (Some("two"), 5));
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_a_secret() {
        let told = RedisSettings::parse("http://u:secret@h", "a").unwrap_err().to_string();
        assert!(told.contains("`h`") && !told.contains("secret"), "{told}");
        let settings = RedisSettings::parse("redis://u:secret@h", "a").unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
        for prefix in ["{a}", "a b", &"x".repeat(65)] {
            assert!(matches!(RedisSettings::parse("h:1", prefix), Err(SettingsError::Prefix)));
        }
        let cluster = RedisSettings::parse("redis+cluster://h:1,i:2", "a");
        assert!(matches!(cluster, Err(SettingsError::Unsupported("redis+cluster"))));
    }
}

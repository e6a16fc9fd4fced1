//! From what was given to what holds: kinds, ranges, and how values fit one another.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::checked::{
    Admin, Auth, Config, Durability, Level, Limits, Log, LogFormat, Origins, Tls, UnknownRecipients,
};
use super::error::{ConfigError, Problem};
use super::key::Key;
use super::raw::{Given, Raw};
use super::secret::Secret;
use super::unit::{parse_duration, parse_size, show_duration, show_size};
use super::value::Value;

impl Raw {
    /// Checks every value, and that they fit one another.
    pub fn check(&self) -> Result<Config, ConfigError> {
        self.store()?;
        let config = self.config()?;
        self.fit(&config)?;
        Ok(config)
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let mailbox_limit = self.count(Key::MailboxLimit, 1, COUNT_MAX)?;
        let sender_limit = self.count(Key::MailboxSenderLimit, 1, COUNT_MAX)?;
        Ok(Config {
            listen: self.listen()?,
            data_dir: self.path(Key::DataDir)?,
            durability: self.one_of(Key::Durability, &DURABILITIES)?,
            journal_bytes: self.size(Key::JournalBytes, MIB, u64::MAX)?,
            index_bytes: self.size(Key::IndexBytes, 0, u64::MAX)?,
            ack_timeout: self.duration(Key::AckTimeout, PAUSE_MIN, DAY)?,
            ping_interval: self.duration(Key::PingInterval, PAUSE_MIN, DAY)?,
            connect_timeout: self.duration(Key::ConnectTimeout, PAUSE_MIN, DAY)?,
            max_message: self.size(Key::MaxMessage, KIB, 16 * MIB)? as usize,
            message_ttl: self.duration(Key::MessageTtl, PAUSE_MIN, LIFE_MAX)?,
            identity_ttl: self.duration(Key::IdentityTtl, PAUSE_MIN, LIFE_MAX)?,
            dedup_window: self.duration(Key::DedupWindow, PAUSE_MIN, LIFE_MAX)?,
            presence_grace: self.duration(Key::PresenceGrace, Duration::ZERO, DAY)?,
            mailbox_limit,
            mailbox_bytes: self.size(Key::MailboxBytes, KIB, u64::MAX)?,
            mailbox_sender_limit: sender_limit.min(mailbox_limit),
            room_limit: self.count(Key::RoomLimit, 1, COUNT_MAX)?,
            room_bytes: self.size(Key::RoomBytes, KIB, u64::MAX)?,
            unclaimed_bytes: self.size(Key::UnclaimedBytes, 0, u64::MAX)?,
            max_attempts: self.count(Key::MaxAttempts, 0, u16::MAX.into())? as u16,
            drain_timeout: self.duration(Key::DrainTimeout, Duration::ZERO, DAY)?,
            auth: self.auth()?,
            admin: Admin { token: self.token()? },
            tls: self.tls()?,
            limits: self.limits()?,
            log: self.log()?,
        })
    }

    fn auth(&self) -> Result<Auth, ConfigError> {
        Ok(Auth {
            anonymous: self.switch(Key::AuthAnonymous)?,
            claims: self.switch(Key::AuthClaims)?,
            allow_all: self.switch(Key::AuthAllowAll)?,
            open_claims: self.switch(Key::AuthOpenClaims)?,
            unknown_recipients: self.one_of(Key::AuthUnknownRecipients, &UNKNOWN_RECIPIENTS)?,
            allowed_origins: self.origins()?,
        })
    }

    fn token(&self) -> Result<Option<Secret>, ConfigError> {
        let key = Key::AdminToken;
        let Value::Secret(token) = self.get(key).value else { return Ok(None) };
        let text = token.reveal();
        let is_good = TOKEN_CHARACTERS.contains(&text.len())
            && text.bytes().all(|letter| letter.is_ascii_graphic());
        match (text.is_empty(), is_good) {
            (true, _) => Ok(None),
            (_, true) => Ok(Some(token)),
            _ => Err(self.bad(key, "16 to 256 visible ASCII characters, or none".to_owned())),
        }
    }

    fn tls(&self) -> Result<Option<Tls>, ConfigError> {
        let file = |key| match self.get(key).value {
            Value::Text(text) => Ok(Some(PathBuf::from(text)).filter(|path| path != Path::new(""))),
            _ => Err(self.bad(key, "the path of a PEM file".to_owned())),
        };
        let of = |other: Key| format!("the path of a PEM file, since `{}` is set", other.name());
        match (file(Key::TlsCert)?, file(Key::TlsKey)?) {
            (Some(cert), Some(key)) => Ok(Some(Tls { cert, key })),
            (Some(_), None) => Err(self.bad(Key::TlsKey, of(Key::TlsCert))),
            (None, Some(_)) => Err(self.bad(Key::TlsCert, of(Key::TlsKey))),
            (None, None) => Ok(None),
        }
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        Ok(Limits {
            connections: self.count(Key::LimitsConnections, 1, COUNT_MAX)? as usize,
            connections_per_ip: self.count(Key::LimitsConnectionsPerIp, 1, COUNT_MAX)? as usize,
            frames_per_second: self.count(Key::LimitsFramesPerSecond, 1, COUNT_MAX)?,
        })
    }

    fn log(&self) -> Result<Log, ConfigError> {
        Ok(Log {
            format: self.one_of(Key::LogFormat, &LOG_FORMATS)?,
            level: self.one_of(Key::LogLevel, &LEVELS)?,
        })
    }

    /// How values fit one another.
    fn fit(&self, config: &Config) -> Result<(), ConfigError> {
        let message = config.max_message as u64;
        let sizes = [
            (Key::MailboxBytes, config.mailbox_bytes, message),
            (Key::RoomBytes, config.room_bytes, message),
            (Key::JournalBytes, config.journal_bytes, 16 * message),
        ];
        for (key, found, least) in sizes {
            if found < least {
                let least = show_size(least);
                return Err(self.bad(
                    key,
                    format!("at least {least}, since max_message is {}", show_size(message)),
                ));
            }
        }
        if config.message_ttl < config.ack_timeout {
            let ack_timeout = show_duration(config.ack_timeout);
            return Err(self.bad(Key::MessageTtl, format!("at least ack_timeout, {ack_timeout}")));
        }
        Ok(())
    }

    fn store(&self) -> Result<(), ConfigError> {
        let Given { value, origin } = self.get(Key::Store);
        match value {
            Value::Text(text) if text == "embedded" => Ok(()),
            Value::Text(text) if text.starts_with("redis") && text.contains("://") => {
                let by_redis_url = origin.to_string().ends_with("REDIS_URL");
                Err(ConfigError { origin, problem: Problem::RedisStore { by_redis_url } })
            }
            // What was given may hold a password: it is not repeated.
            _ => Err(ConfigError {
                origin,
                problem: Problem::BadValue {
                    key: Key::Store.name(),
                    found: "no store that is known".to_owned(),
                    expected: "\"embedded\" or a redis:// URL".to_owned(),
                },
            }),
        }
    }

    fn listen(&self) -> Result<SocketAddr, ConfigError> {
        let expected =
            || self.bad(Key::Listen, "an IP address and a port, as \"0.0.0.0:5000\"".to_owned());
        let Value::Text(text) = self.get(Key::Listen).value else { return Err(expected()) };
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        numeric.unwrap_or(text).parse().map_err(|_| expected())
    }

    fn path(&self, key: Key) -> Result<PathBuf, ConfigError> {
        match self.get(key).value {
            Value::Text(text) if !text.is_empty() => Ok(text.into()),
            _ => Err(self.bad(key, "the path of a directory".to_owned())),
        }
    }

    fn switch(&self, key: Key) -> Result<bool, ConfigError> {
        match self.get(key).value {
            Value::Bool(is) => Ok(is),
            _ => Err(self.bad(key, "true or false".to_owned())),
        }
    }

    fn count(&self, key: Key, least: u32, most: u32) -> Result<u32, ConfigError> {
        let found = match self.get(key).value {
            Value::Integer(number) => u32::try_from(number).ok(),
            _ => None,
        };
        found
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.bad(key, format!("a whole number, {least} to {most}")))
    }

    fn size(&self, key: Key, least: u64, most: u64) -> Result<u64, ConfigError> {
        let found = match self.get(key).value {
            Value::Integer(number) => u64::try_from(number).ok(),
            Value::Text(text) => parse_size(&text),
            _ => None,
        };
        found.filter(|bytes| (least..=most).contains(bytes)).ok_or_else(|| {
            let range = if most == u64::MAX {
                format!("at least {}", show_size(least))
            } else {
                format!("{} to {}", show_size(least), show_size(most))
            };
            self.bad(key, format!("a size as \"64KiB\" (B, KiB, MiB, GiB), {range}"))
        })
    }

    fn duration(&self, key: Key, least: Duration, most: Duration) -> Result<Duration, ConfigError> {
        let found = match self.get(key).value {
            Value::Text(text) => parse_duration(&text),
            _ => None,
        };
        found.filter(|duration| (least..=most).contains(duration)).ok_or_else(|| {
            let range = format!("{} to {}", show_duration(least), show_duration(most));
            self.bad(key, format!("a duration as \"30s\" (ms, s, m, h, d), {range}"))
        })
    }

    fn one_of<T: Copy>(&self, key: Key, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let value = self.get(key).value;
        let found = choices.iter().find(|(name, _)| value == Value::Text((*name).to_owned()));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            self.bad(key, names.join(" or "))
        })
    }

    fn origins(&self) -> Result<Origins, ConfigError> {
        let key = Key::AuthAllowedOrigins;
        let texts = match self.get(key).value {
            Value::List(texts) => texts,
            Value::Text(text) => text.split(',').map(|text| text.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        if texts.iter().any(|text| text == "*") {
            return Ok(Origins::Any);
        }
        if texts.is_empty() || !texts.iter().all(|text| is_origin(text)) {
            let expected = "[\"*\"] or a list of origins as \"https://chat.example.org\"";
            return Err(self.bad(key, expected.to_owned()));
        }
        Ok(Origins::Only(texts.iter().map(|text| text.to_ascii_lowercase()).collect()))
    }

    fn bad(&self, key: Key, expected: String) -> ConfigError {
        let Given { value, origin } = self.get(key);
        let problem = Problem::BadValue { key: key.name(), found: value.to_string(), expected };
        ConfigError { origin, problem }
    }
}

/// Scheme, host and perhaps a port: what a browser sends as `Origin` (RFC 6454 section 6.2).
fn is_origin(text: &str) -> bool {
    let rest = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty());
    rest.is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']))
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const COUNT_MAX: u32 = u32::MAX;
/// Long enough not to be guessed, short enough for a header.
const TOKEN_CHARACTERS: RangeInclusive<usize> = 16..=256;
const PAUSE_MIN: Duration = Duration::from_millis(10);
const DAY: Duration = Duration::from_secs(86_400);
const LIFE_MAX: Duration = Duration::from_secs(3_650 * 86_400);

const DURABILITIES: [(&str, Durability); 2] =
    [("fsync", Durability::Fsync), ("os", Durability::Os)];
const UNKNOWN_RECIPIENTS: [(&str, UnknownRecipients); 2] =
    [("reject", UnknownRecipients::Reject), ("accept", UnknownRecipients::Accept)];
const LOG_FORMATS: [(&str, LogFormat); 2] =
    [("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
const LEVELS: [(&str, Level); 5] = [
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];

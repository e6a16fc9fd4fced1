//! The configuration: from a file, the environment and flags ([`Raw`], as it was given) to a checked [`Config`].
//!
//! Owns names, defaults, documentation and limits of every key. It reads neither file nor environment itself: the
//! caller hands both in ([`Sources`]). The binary calls it; the server takes the finished [`Config`].

mod checked;
mod document;
mod environment;
mod error;
mod example;
mod flags;
mod key;
mod nearest;
mod raw;
mod reload;
mod secret;
mod unit;
mod validate;
mod value;

// The public interface is:
pub use checked::{
    Admin, Auth, Config, Durability, Level, Limits, Log, LogFormat, Origins, Tls, UnknownRecipients,
};
pub use error::{ConfigError, Problem};
pub use example::example;
pub use flags::Flags;
pub use key::Key;
pub use raw::{ConfigFile, Raw, Sources};
pub use reload::{Change, Changes};
pub use secret::Secret;
pub use unit::{parse_duration, show_duration};

#[cfg(test)]
mod tests;

//! Redis as a store for several nodes: how it is reached, how it is, and hints between nodes.
//!
//! [`RedisSettings`] say where it is, [`RedisStore`] is the way there and comes back by itself, [`Hints`] are its
//! sharded publish and subscribe: a hint only, whose loss must never cost more than time.

mod health;
mod hints;
mod link;
mod settings;
mod store;

pub use health::{Durability, Health};
pub use hints::{Heard, Hints};
pub use settings::{RedisSettings, SettingsError};
pub use store::{RedisStore, StoreError};

//! The way to a Redis: one shared connection that is made again when it is lost, and what is asked on it.

use std::sync::Arc;

use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, Value};
use tokio::sync::Mutex;

use super::health::{self, Health};
use super::hints::{Heard, Hints};
use super::link::Link;
use super::settings::RedisSettings;

/// A Redis. Clones share its connection.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    settings: RedisSettings,
    link: Mutex<Option<Link>>,
}

/// Why the store has not done what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not reached, or did not answer in time: what was asked may have been done.
    #[error("the store is not reached: {0}")]
    Unreachable(#[source] RedisError),
    /// It has answered that it does not do it.
    #[error("the store refuses: {0}")]
    Refused(#[source] RedisError),
}

impl RedisStore {
    /// A way to a Redis that answers now.
    pub async fn connect(settings: RedisSettings) -> Result<Self, StoreError> {
        let store = Self { inner: Arc::new(Inner { settings, link: Mutex::default() }) };
        store.link().await?;
        Ok(store)
    }

    /// How it was said to be reached.
    pub fn settings(&self) -> &RedisSettings {
        &self.inner.settings
    }

    /// A name under the store's prefix. Keys that are changed in one step need the same `{tag}` in their names.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.inner.settings.prefix())
    }

    /// Asks one thing. A connection that was lost is made anew by the next question, never for the same one.
    pub async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        let mut link = self.link().await?;
        let answer = link.ask(cmd).await;
        self.kept(answer).await
    }

    /// Asks many things at once, in order. One value for each; refusals of single ones are among them.
    pub async fn ask_all(&self, pipeline: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let mut link = self.link().await?;
        let answers = link.send(pipeline).await;
        self.kept(answers).await
    }

    /// Whether it answers, and against what its data is safe.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let info: String = self.ask(redis::cmd("INFO").arg("everything")).await?;
        let names = ["appendfsync", "maxmemory-policy"];
        // A server in somebody's cloud may not tell its configuration.
        let config = self.ask(redis::cmd("CONFIG").arg("GET").arg(&names)).await;
        let config: Vec<(String, String)> = match config {
            Err(error @ StoreError::Unreachable(_)) => return Err(error),
            told => told.unwrap_or_default(),
        };
        Ok(health::read(&info, &config))
    }

    /// Which data it is that is reached now (`master_replid`): another one after a restart or a change of primary, either of
    /// which may have lost the newest of it.
    pub async fn incarnation(&self) -> Result<String, StoreError> {
        Ok(self.link().await?.replid)
    }

    /// Hints of this and other nodes, on a connection of their own. What is heard goes to `heard`, which must not block.
    /// To be called in a tokio runtime; it ends with the last clone.
    pub fn hints(&self, heard: impl Fn(Heard) + Send + Sync + 'static) -> Hints {
        Hints::start(self.clone(), Arc::new(heard))
    }

    pub(super) async fn link(&self) -> Result<Link, StoreError> {
        let mut kept = self.inner.link.lock().await;
        if let Some(link) = &*kept {
            return Ok(link.clone());
        }
        let link = Link::connect(&self.inner.settings, None).await.map_err(failed)?;
        *kept = Some(link.clone());
        Ok(link)
    }

    /// A connection that has failed is not used again.
    pub(super) async fn kept<T>(&self, answer: Result<T, RedisError>) -> Result<T, StoreError> {
        match answer.map_err(failed) {
            Err(error @ StoreError::Unreachable(_)) => {
                *self.inner.link.lock().await = None;
                Err(error)
            }
            other => other,
        }
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

fn failed(error: RedisError) -> StoreError {
    match error.kind() {
        // A primary that became a replica answers, and is not the store any more.
        ErrorKind::Server(redis::ServerErrorKind::ReadOnly) => StoreError::Unreachable(error),
        ErrorKind::Server(_) | ErrorKind::Extension => StoreError::Refused(error),
        _ => StoreError::Unreachable(error),
    }
}

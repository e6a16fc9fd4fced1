//! One connection, with the identity of the data it leads to: whatever is sent on it meets that data or fails.

use std::sync::Arc;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Pipeline, RedisResult, Value};

use super::health;
use super::settings::RedisSettings;

/// A connection that ends with its first fault, and never reconnects by itself.
#[derive(Clone)]
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// `master_replid` when it was made: another one after a restart or a change of primary.
    pub(super) replid: String,
}

impl Link {
    /// Connects; what the server tells unasked goes to `told`.
    pub(super) async fn connect(
        settings: &RedisSettings,
        told: Option<Arc<dyn AsyncPushSender>>,
    ) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_timeout))
            .set_response_timeout(Some(settings.response_timeout));
        let config = match told {
            Some(told) => config.set_push_sender(told),
            None => config,
        };
        let client = settings.client()?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let info: String =
            redis::cmd("INFO").arg("replication").query_async(&mut connection).await?;
        let replid = health::field(&info, "master_replid").unwrap_or_default().to_owned();
        Ok(Self { connection, replid })
    }

    /// Sends all at once; one value for each, errors of single commands among them.
    pub(super) async fn send(&mut self, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        self.connection.send_packed_commands(pipeline, 0, pipeline.len()).await
    }

    pub(super) async fn ask<T: redis::FromRedisValue>(
        &mut self,
        cmd: &redis::Cmd,
    ) -> RedisResult<T> {
        cmd.query_async(&mut self.connection).await
    }
}

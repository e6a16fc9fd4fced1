//! Sharded publish and subscribe: what nodes tell each other. A hint may be lost (with its connection, or because nobody
//! listened yet); whoever needs what it says looks when told [`Heard::Anew`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;

use super::link::Link;
use super::store::{RedisStore, StoreError};

/// What comes from the other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A hint.
    Hint {
        /// Where, without the store's prefix.
        channel: String,
        /// What.
        payload: Vec<u8>,
    },
    /// All channels are subscribed (again): what was told before now may have been missed.
    Anew,
}

/// The channels this node listens to, and the way to tell others. Clones are the same subscriber.
#[derive(Clone)]
pub struct Hints {
    shared: Arc<Shared>,
    /// The task ends when the last clone is dropped.
    alive: Arc<Alive>,
}

struct Shared {
    store: RedisStore,
    wanted: Mutex<BTreeSet<String>>,
    changed: Notify,
}

struct Alive(tokio::task::AbortHandle);

type Listener = Arc<dyn Fn(Heard) + Send + Sync>;

impl Hints {
    pub(super) fn start(store: RedisStore, listener: Listener) -> Self {
        let (wanted, changed) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { store, wanted, changed });
        let task = tokio::spawn(listen(Arc::clone(&shared), listener));
        Self { shared, alive: Arc::new(Alive(task.abort_handle())) }
    }

    /// Listens to these channels from soon on, until they are taken out. [`Heard::Anew`] follows.
    pub fn subscribe(&self, channels: impl IntoIterator<Item = String>) {
        self.shared.wanted.lock().extend(channels);
        self.shared.changed.notify_one();
    }

    /// Listens to these no more.
    pub fn unsubscribe<'c>(&self, channels: impl IntoIterator<Item = &'c str>) {
        let mut wanted = self.shared.wanted.lock();
        for channel in channels {
            wanted.remove(channel);
        }
        drop(wanted);
        self.shared.changed.notify_one();
    }

    /// Tells whoever listens to this channel now. How many that are, of those this server knows.
    pub async fn publish(&self, channel: &str, payload: &[u8]) -> Result<u64, StoreError> {
        let store = &self.shared.store;
        store.ask(redis::cmd("SPUBLISH").arg(store.key(channel)).arg(payload)).await
    }
}

impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").field("alive", &!self.alive.0.is_finished()).finish_non_exhaustive()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects again and again, and listens.
async fn listen(shared: Arc<Shared>, listener: Listener) {
    loop {
        if let Err(error) = listen_once(&shared, &listener).await {
            tracing::warn!(%error, "hints between nodes are interrupted");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(shared: &Arc<Shared>, listener: &Listener) -> redis::RedisResult<()> {
    let lost = Arc::new(Notify::new());
    let prefix = shared.store.settings().prefix().to_owned();
    let told = {
        let (listener, lost) = (Arc::clone(listener), Arc::clone(&lost));
        move |push| match heard(push, &prefix) {
            Push::Hint(hint) => listener(hint),
            Push::Lost => lost.notify_one(),
            Push::Other => {}
        }
    };
    let told = move |push: PushInfo| -> Result<(), redis::aio::SendError> {
        told(push);
        Ok(())
    };
    let mut link = Link::connect(shared.store.settings(), Some(Arc::new(told))).await?;
    let mut subscribed = BTreeSet::new();
    loop {
        let wanted = shared.wanted.lock().clone();
        follow(shared, &mut link, &subscribed, &wanted).await?;
        if !subscribed.is_superset(&wanted) || subscribed.is_empty() {
            listener(Heard::Anew);
        }
        subscribed = wanted;
        tokio::select! {
            () = shared.changed.notified() => {}
            () = lost.notified() => return Ok(()),
        }
    }
}

/// Subscribes to what is new and leaves what is not wanted any more. Channels of other slots go in commands of their own.
async fn follow(
    shared: &Shared,
    link: &mut Link,
    subscribed: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) -> redis::RedisResult<()> {
    let mut pipeline = redis::pipe();
    for channel in wanted.difference(subscribed) {
        pipeline.cmd("SSUBSCRIBE").arg(shared.store.key(channel));
    }
    for channel in subscribed.difference(wanted) {
        pipeline.cmd("SUNSUBSCRIBE").arg(shared.store.key(channel));
    }
    if !pipeline.is_empty() {
        for value in link.send(&pipeline).await? {
            value.extract_error()?;
        }
    }
    Ok(())
}

enum Push {
    Hint(Heard),
    Lost,
    Other,
}

fn heard(push: PushInfo, prefix: &str) -> Push {
    match push.kind {
        PushKind::Disconnection => Push::Lost,
        PushKind::SMessage => hint(push.data, prefix).map_or(Push::Other, Push::Hint),
        _ => Push::Other,
    }
}

fn hint(data: Vec<Value>, prefix: &str) -> Option<Heard> {
    let [Value::BulkString(channel), Value::BulkString(payload)] =
        <[Value; 2]>::try_from(data).ok()?
    else {
        return None;
    };
    let channel = String::from_utf8(channel).ok()?.strip_prefix(prefix)?.to_owned();
    Some(Heard::Hint { channel, payload })
}

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(500);

//! What a service manager is told (systemd's `sd_notify` protocol): that the server is ready, reloads, stops, and lives.
//! Without one, nothing is.

use std::time::Duration;

use sd_notify::NotifyState;

/// The server listens.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It takes nobody new, and leaves.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// It reads its configuration again, until [`ready`].
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Says that the server lives, as often as is asked for and as long as it is so. Runs until it is dropped.
pub(crate) async fn watch(is_alive: impl Fn() -> bool) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    loop {
        if is_alive() {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(
                "no pulse: something stands still, and the service manager is not told otherwise"
            );
        }
        tokio::time::sleep((limit / 3).max(PAUSE_MIN)).await;
    }
}

fn tell(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// Between two signs of life, however little the service manager waits.
const PAUSE_MIN: Duration = Duration::from_millis(10);

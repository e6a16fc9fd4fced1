//! Leaving: nobody new is let in, and those who are here are told to go, so many a second. Whatever they do, it ends in time,
//! and nobody's live messages are lost by it.

use std::future::Future;
use std::time::Duration;

use crate::socket::{Context, SHARES};

/// Drains within `timeout`, or at once when `hurry` resolves. All sessions have ended then; sockets that did not take the
/// last words may still be open.
pub(crate) async fn run(context: &Context, timeout: Duration, hurry: impl Future<Output = ()>) {
    context.phase.drain();
    tracing::info!(connections = context.router.switchboard().len(), "draining");
    let patience = timeout.saturating_sub(RESERVE.min(timeout / 5));
    let leave = async {
        send_away(context, timeout / 2).await;
        wait(context, |context| context.router.switchboard().is_empty()).await;
    };
    tokio::select! {
        () = leave => return tracing::info!("everyone has gone"),
        () = tokio::time::sleep(patience) => {}
        () = hurry => tracing::info!("hurried: nobody is waited for any more"),
    }
    context.phase.set_leaving(SHARES);
    let ended = wait(context, |context| !context.router.switchboard().is_anyone_in());
    if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
        tracing::error!("sessions have not ended: what was live for them is lost");
    }
    let connections = context.router.switchboard().len();
    tracing::warn!(connections, "left before they had gone");
}

/// Tells the connections to leave, share after share, in `spread_max` at the longest.
async fn send_away(context: &Context, spread_max: Duration) {
    let Context { phase, timers, router, .. } = context;
    let connections = u32::try_from(router.switchboard().len()).unwrap_or(u32::MAX);
    let spread = LEAVE_PAUSE.saturating_mul(connections).min(spread_max);
    let steps = (spread.as_millis() / TICK.as_millis()).clamp(1, u128::from(SHARES)) as u64;
    for step in 1..=steps {
        phase.set_leaving(SHARES * step / steps);
        timers.wake(|key| phase.leaves(key));
        if step != steps {
            tokio::time::sleep(spread / steps as u32).await;
        }
    }
}

/// Waits until it is so.
async fn wait(context: &Context, is_so: impl Fn(&Context) -> bool) {
    for tick in 0_u64.. {
        if is_so(context) {
            return;
        }
        if tick.is_multiple_of(10) {
            context.timers.wake(|_| true); // again, for whoever was between two deadlines
        }
        tokio::time::sleep(TICK).await;
    }
}

/// So fast at most: 2,000 connections a second.
const LEAVE_PAUSE: Duration = Duration::from_micros(500);
/// How often it looks around.
const TICK: Duration = Duration::from_millis(10);
/// Of the time a drain may take: what the last words, the end of all tasks and the store's closing may need.
const RESERVE: Duration = Duration::from_secs(2);
/// How long sessions may take to end once they are told.
const LAST_WORDS: Duration = Duration::from_secs(1);

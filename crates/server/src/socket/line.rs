//! A connection's line to the rest of the server: its place among the sessions, its inbox and its deadline. Dropped, it
//! takes all of them back, also if the connection's task has panicked.

use std::sync::Arc;

use ackd_engine::{Answer, Command, SessionKey};
use ackd_wire::Millis;

use super::http::Context;
use crate::router::Inbox;
use crate::session::{DialectKind, Request, Signal};

/// One session's line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) context: Arc<Context>,
    pub(super) key: SessionKey,
    pub(super) inbox: Arc<Inbox>,
    /// The deadline that the timers know.
    armed: Option<Millis>,
}

impl Line {
    pub(super) fn new(context: Arc<Context>, dialect: DialectKind) -> Self {
        let (key, inbox) = context.router.switchboard().open(dialect);
        Self { context, key, inbox, armed: None }
    }

    pub(super) fn now(&self) -> Millis {
        self.context.clock.now()
    }

    pub(super) fn submit(&self, now: Millis, requests: &mut Vec<Request<'_>>) {
        self.context.router.submit(self.key, now, requests);
    }

    /// Whether no other session is here as the same identity.
    pub(super) fn is_alone(&self) -> bool {
        self.context.router.switchboard().is_alone(self.key)
    }

    pub(super) fn drain(&self) -> Vec<Signal> {
        let mut signals = Vec::new();
        self.inbox.drain(&mut signals);
        signals
    }

    /// Sees to it that the inbox wakes its owner at this time, or before.
    pub(super) fn arm(&mut self, now: Millis, at: Millis) {
        // A deadline that has only become later is noticed when the earlier one comes: no work for each message.
        if self.armed.is_none_or(|armed| armed <= now || at < armed) {
            let timers = &self.context.timers;
            self.armed = Some(timers.set(self.key, &self.inbox, self.armed, at));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(armed) = self.armed {
            self.context.timers.remove(self.key, armed);
        }
        self.context.router.switchboard().close(self.key);
    }
}

/// Asks the engine one thing, as a session that asks nothing else.
pub(super) async fn ask(context: &Arc<Context>, command: Command<'_>) -> Answer {
    let line = Line::new(context.clone(), DialectKind::V1);
    line.submit(line.now(), &mut vec![Request::Engine { slot: 0, command }]);
    std::future::poll_fn(|cx| {
        line.inbox.register(cx.waker());
        let answer = line.drain().into_iter().find_map(|signal| match signal {
            Signal::Answer(_, answer) => Some(answer),
            _ => None,
        });
        answer.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

//! A backup for an operator: written by a thread of its own, as fast as it is read.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Cx, Poll};
use std::time::Duration;

use ackd_engine::BackupError;
use bytes::Bytes;
use http_body_util::Either;
use hyper::body::{Body, Frame};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::http::{Answer, Context, problem};

/// Bytes that come while they are sent. An error cuts the answer off, so that it is not taken for whole.
#[derive(Debug)]
pub(super) struct Streamed {
    /// Came before it was known that there is an answer.
    first: Option<Bytes>,
    rest: Receiver<Result<Bytes, BackupError>>,
}

/// The backup, or why there is none.
pub(super) async fn backup(context: &Arc<Context>) -> Answer {
    let (into, mut parts) = channel(PARTS);
    let (context, runtime) = (context.clone(), Handle::current());
    tokio::task::spawn_blocking(move || write(&context, Pipe { into, runtime }));
    match parts.recv().await {
        Some(Ok(first)) => {
            let body = Streamed { first: Some(first), rest: parts };
            let mut answer = Response::new(Either::Right(body));
            let kind = HeaderValue::from_static("application/octet-stream");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            answer
        }
        Some(Err(BackupError::Running)) => {
            let title = "another backup is being made";
            problem(StatusCode::TOO_MANY_REQUESTS, "rate_limited", title)
        }
        Some(Err(_)) | None => {
            let title = "the store cannot be read now; see the log";
            problem(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", title)
        }
    }
}

/// Holds the context until it ends, so that the server waits for it before it closes the store.
fn write(context: &Context, mut pipe: Pipe) {
    match context.store.backup(&mut pipe) {
        Ok(backup) => {
            let (segments, entries, bytes) = (backup.segments, backup.entries, backup.bytes);
            tracing::info!(segments, entries, bytes, "a backup was made");
        }
        Err(error) => {
            tracing::warn!(%error, "no backup was made");
            // Whoever reads may be gone.
            let _told = pipe.send(Err(error));
        }
    }
}

/// To the task that sends.
struct Pipe {
    into: Sender<Result<Bytes, BackupError>>,
    runtime: Handle,
}

impl Pipe {
    fn send(&self, part: Result<Bytes, BackupError>) -> io::Result<()> {
        // Within the runtime's own time: whoever reads nothing for so long keeps no segment and no thread.
        let sending = async { tokio::time::timeout(STALL, self.into.send(part)).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_late) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(PART_BYTES)];
        self.send(Ok(Bytes::copy_from_slice(part)))?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = BackupError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Cx<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BackupError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.rest.poll_recv(cx).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// Parts on their way.
const PARTS: usize = 4;
/// A part is not larger.
const PART_BYTES: usize = 1024 * 1024;
/// Whoever has read nothing for so long is given up.
const STALL: Duration = Duration::from_secs(60);

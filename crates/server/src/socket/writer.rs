//! The sending side of a connection: frames that wait for the socket. All that there is to say leaves in one write. It
//! owns no buffer while nothing waits.

use std::io;
use std::task::{Context, Poll, Waker};

use ackd_wire::limits::SIGNAL_UNSENT_BYTES_MAX;

use super::pool;
use super::stream::Stream;

/// What is encoded and not written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// `written <= bytes.len()`
    written: usize,
}

impl Writer {
    /// Where frames are to be appended.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = pool::take();
        }
        &mut self.bytes
    }

    /// Whether the client owes a read of what it was sent.
    pub(super) fn is_choked(&self) -> bool {
        SIGNAL_UNSENT_BYTES_MAX < self.bytes.len() - self.written
    }

    /// Writes until nothing waits. `progress` is set if the socket took anything.
    pub(super) fn poll_flush(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
        progress: &mut bool,
    ) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            match stream.poll_send(cx, &self.bytes[self.written..]) {
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    *progress = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.forget_written();
                    return Poll::Pending;
                }
            }
        }
        self.written = 0;
        pool::give(&mut self.bytes);
        stream.poll_leave(cx)
    }

    /// Writes what the socket takes now, for the last time.
    pub(super) fn flush_some(&mut self, stream: &mut Stream) {
        // Nobody is to be woken: what the socket does not take now is not said.
        let mut cx = Context::from_waker(Waker::noop());
        let _said = self.poll_flush(stream, &mut cx, &mut false);
    }

    /// What is written goes once it is most of the buffer: each byte is moved once at most.
    fn forget_written(&mut self) {
        if self.bytes.len() / 2 < self.written {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

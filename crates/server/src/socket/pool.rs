//! Buffers that connections share: taken when there are bytes, given back when there are none. One pool a thread, so
//! that taking one costs no lock; a buffer may end on another thread than it began.

use std::cell::RefCell;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for [`BUFFER_BYTES`] at least.
pub(super) fn take() -> Vec<u8> {
    let pooled = POOL.with_borrow_mut(Vec::pop);
    pooled.unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
}

/// Gives back the memory of a buffer, whatever it holds; it is empty then and owns none.
pub(super) fn give(buffer: &mut Vec<u8>) {
    let mut buffer = std::mem::take(buffer);
    if !(BUFFER_BYTES..=KEPT_BYTES_MAX).contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    POOL.with_borrow_mut(|pool| {
        if pool.len() < KEPT_MAX {
            pool.push(buffer);
        }
    });
}

/// One read.
pub(super) const BUFFER_BYTES: usize = 16 * 1024;
/// A buffer that has grown over it is not kept.
const KEPT_BYTES_MAX: usize = 64 * 1024;
/// Buffers of a thread.
const KEPT_MAX: usize = 32;

//! Against a real Redis, which each test starts for itself on a free port, with nothing kept.

mod server;
mod store;

//! The built program, as its users meet it.

mod bench;
mod cli;
mod draining;
mod reloading;
mod serving;
mod support;
mod talking;

//! The built program, as its users meet it.

mod backup;
mod bench;
mod cli;
mod draining;
mod health;
mod peer;
mod reloading;
mod serving;
mod supervised;
mod support;
mod talking;

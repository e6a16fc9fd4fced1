//! The client over real sockets, against a server whose every word is scripted.

mod receiving;
mod reconnecting;
mod sending;
mod support;

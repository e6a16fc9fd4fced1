//! The wire contract from outside: golden vectors, and properties of the codecs.

mod describe_client;
mod describe_server;
mod golden;
mod property;
mod strategy;

//! The wire contract from outside: golden vectors, and properties of the codecs.

mod asyncapi;
mod describe_client;
mod describe_server;
mod golden;
mod golden_msgpack;
mod json_schema;
mod property;
mod property_msgpack;
mod strategy;
mod strategy_msgpack;
mod strategy_server;

//! The `ackd` server binary. In this commit the libraries stand alone; the server is put together next.
fn main() {}

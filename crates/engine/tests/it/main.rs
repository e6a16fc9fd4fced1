//! The embedded engine from outside: a few histories over a simulated disk, and what a crash leaves of them.

mod backup;
mod checkpoint;
mod crash;
mod day;
mod history;
mod observing;
mod receipts;
mod repair;
mod rig;
mod rooms;
mod threads;
mod verbs;

//! The whole plane under seeded storms: lists of operations over many tenants, faults, processes that vanish, clocks that
//! jump, strangers and the operator's hand in the account; and after every operation what must hold is checked.
//!
//! | to read about | open |
//! |---|---|
//! | what can happen | `op`; how it is chosen: `random` |
//! | what must hold | after every operation: `invariants`; at every call and batch: `watch`; in the end: `calm` |
//! | what runs, and in which order | `tasks` |
//! | the plane and its ports | `plane` |
//! | what an operation does | `apply`; past the plane: `hand` |
//! | what owners know | `model` |
//! | bugs that were found | `reproductions` |
//!
//! `make simulate RUNS=100000` runs many; `SEED=123 make simulate` runs one and prints all that happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails the test that called it"
)]

mod apply;
mod calm;
#[path = "../it/fixtures.rs"]
mod fixtures;
mod hand;
mod invariants;
mod many;
mod model;
mod op;
mod plane;
mod random;
mod report;
mod reproductions;
mod run;
mod shrink;
mod tasks;
mod watch;

//! The plane as a whole, in one process: real router, rounds, SQL and client, against the emulator's router.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails the test that called it"
)]

mod api;
mod faults;
mod fixtures;
mod jobs;
mod life;
mod plane;
mod registry;

//! The plane as a whole, in one process: real router, rounds, SQL and client, against the emulator's router.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails the test that called it"
)]

mod access;
mod api;
mod burst;
mod doctor;
mod emptying;
mod every_step;
mod faults;
mod fixtures;
mod fleet;
mod forgeries;
mod jobs;
mod life;
mod limits;
mod log;
mod once;
mod openapi;
mod operators;
mod plane;
mod races;
mod registry;
mod requests;
mod restart;
mod s3;
mod site;
mod suspension;
mod sweep;
mod turnstile;

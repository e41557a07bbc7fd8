//! What the emulator promises about the API, in process. Each test is a sentence; the sources are in the code that it tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod account;
mod api;
mod containers;
mod faults;
mod r2;
mod s3;
mod scripts;
mod secrets;
mod state;
mod triggers;
mod turnstile;

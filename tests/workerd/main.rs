//! The plane as it is deployed, in the real Workers runtime; and its uploads beside those of the real wrangler.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails the test that called it"
)]

mod cloudflare;
mod customer;
mod fleet;
#[path = "../it/forgeries.rs"]
mod forgeries;
mod harness;
mod http;
mod kills;
mod life;
mod operators;
mod owner;
mod schemathesis;
mod stability;
mod starts;
mod wrangler_agrees;

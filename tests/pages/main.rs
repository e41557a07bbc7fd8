//! Every page, parsed as a browser does it. What only a browser can tell is in `tests/browser`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong in a helper fails the test that called it"
)]

mod console;
mod fleet;
mod fleet_live;
mod html;
mod live;
mod samples;
mod states;
mod tenant_page;

//! What several test files share.

#![allow(dead_code, reason = "each test file compiles all of it and uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that panics fails its test, which is what it is for"
)]

pub mod workerd;

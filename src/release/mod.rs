//! Releases.

pub mod store;

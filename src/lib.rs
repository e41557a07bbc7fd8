//! Paramita control plane.

pub mod app;
pub mod clock;
pub mod cloudflare;
pub mod config;
pub mod cost;
pub mod entropy;
pub mod http;
pub mod jobs;
pub mod reconcile;
pub mod registry;
pub mod release;
pub mod tenant;
pub mod vault;
pub mod wake;
#[cfg(target_arch = "wasm32")]
mod worker;

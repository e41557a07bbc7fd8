//! Paramita control plane: hosts isolated OpenClaw instances for many tenants on Cloudflare.
//!
//! | to read about | open |
//! |---|---|
//! | what a tenant is | [`tenant`] |
//! | the loop that makes Cloudflare agree with what is wanted | [`reconcile`] |
//! | what is stored, and every SQL statement | [`registry`] |
//! | Cloudflare's API, and what its errors mean | [`cloudflare`] |
//! | every route | [`http`] |
//! | secrets and tokens | [`vault`] |
//! | who an operator is | [`access`] |
//! | what tenants are deployed from | [`release`] |
//! | prices | [`cost`] |
//! | what runs without a caller | [`jobs`] |
//! | what the plane says of its own work | [`log`] |
//! | settings; the ports to the outside, put together | [`config`]; [`app`] |
//!
//! All of it builds natively and for wasm; the edge to the Workers runtime, `worker`, for wasm only.

pub mod access;
pub mod app;
pub mod clock;
pub mod cloudflare;
pub mod config;
pub mod cost;
pub mod entropy;
pub mod hex;
pub mod http;
pub mod jobs;
pub mod json;
pub mod log;
pub mod reconcile;
pub mod registry;
pub mod release;
pub mod tenant;
pub mod vault;
pub mod wake;
#[cfg(target_arch = "wasm32")]
mod worker;

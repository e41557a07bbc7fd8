//! Paramita control plane: hosts isolated OpenClaw instances for many tenants on Cloudflare.
//!
//! | to read about | open |
//! |---|---|
//! | what a tenant is | [`tenant`] |
//! | the loop that makes Cloudflare agree with what is wanted | [`reconcile`] |
//! | what is stored, and every SQL statement | [`registry`] |
//! | Cloudflare's API, and what its errors mean | [`cloudflare`] |
//! | every route | [`http`] |
//! | the pages for people | [`pages`] |
//! | secrets and tokens | [`vault`] |
//! | who an operator is | [`access`] |
//! | what tenants are deployed from | [`release`] |
//! | whether a person signs up | [`turnstile`] |
//! | how often one caller may come | [`rate_limit`] |
//! | prices | [`cost`] |
//! | how many tenants the account has room for | [`capacity`] |
//! | what runs without a caller | [`jobs`] |
//! | whether the deployment itself is sound | [`doctor`] |
//! | what the plane says of its own work | [`log`] |
//! | settings; the ports to the outside, put together | [`config`]; [`app`] |
//!
//! All of it builds natively and for wasm; the edge to the Workers runtime, `worker`, for wasm only.

pub mod access;
pub mod app;
pub mod audit;
pub mod capacity;
pub mod clock;
pub mod cloudflare;
pub mod config;
pub mod cost;
pub mod doctor;
pub mod entropy;
pub mod fleet;
pub mod hex;
pub mod http;
pub mod jobs;
pub mod json;
pub mod log;
pub mod pages;
pub mod rate_limit;
pub mod reconcile;
pub mod registry;
pub mod release;
pub mod tenant;
pub mod turnstile;
pub mod vault;
pub mod wake;
#[cfg(target_arch = "wasm32")]
mod worker;

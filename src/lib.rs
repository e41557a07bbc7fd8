//! Paramita control plane.

pub mod clock;
pub mod cloudflare;
pub mod entropy;

//! Paramita control plane.

pub mod clock;
pub mod cloudflare;
pub mod entropy;
pub mod registry;
pub mod release;
pub mod wake;

//! Releases: what a tenant's Worker is deployed from. Immutable; tenants point to one.

pub mod manifest;
pub mod store;

pub use manifest::{Manifest, Release, ReleaseId};

//! Cloudflare's limits on names, sizes and counts, each with the page that it comes from.
//!
//! Counts are fields of [`Limits`], so that a test can make an account full without five hundred uploads. Sizes and name rules
//! are constants: nobody needs another length of a bucket name.

use crate::error::ApiError;

/// How much one account may hold. `Default` is the paid plan.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Workers per account (Workers limits, 2026-07-28: 500 on the paid plan).
    pub workers: usize,
    /// Cron triggers per account, over all Workers (Workers limits, 2026-07-28: 250 on the paid plan).
    pub crons: usize,
    /// Variables and secrets of one Worker (Workers limits, 2026-07-28: 128).
    pub bindings: usize,
    /// Buckets per account (R2 limits, 2026-06-08: 1,000,000).
    pub buckets: usize,
    /// Durable Object classes per account (Durable Objects limits: 500 on the paid plan).
    pub durable_object_classes: usize,
    /// Largest Worker, all modules together, uncompressed, in bytes (changelog of 2026-09-04: 64 MiB on every plan).
    pub worker_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 500,
            crons: 250,
            bindings: 128,
            buckets: 1_000_000,
            durable_object_classes: 500,
            worker_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Longest text of one variable or secret, in bytes (Workers limits, 2026-07-28: 5 KB).
pub const BINDING_TEXT_BYTES: usize = 5 * 1024;

/// Largest script metadata, in bytes (D1 limits page, "script metadata": 1 MB).
pub const METADATA_BYTES: usize = 1024 * 1024;

/// Static assets of one version (Workers limits: 100,000 files on the paid plan).
pub const ASSET_FILES: usize = 100_000;

/// Largest single static asset, in bytes (Workers limits: 25 MiB).
pub const ASSET_BYTES: u64 = 25 * 1024 * 1024;

/// Largest object that the REST route takes, in bytes (300 MB, per the API reference of "Upload Object").
pub const OBJECT_BYTES: usize = 300 * 1000 * 1000;

/// Longest object key, in bytes (R2 limits).
pub const OBJECT_KEY_BYTES: usize = 1024;

/// How long an assets token is good for, in milliseconds (direct upload page: one hour, both tokens).
pub const ASSETS_TOKEN_MS: i64 = 3_600_000;

/// Items on a page when the caller does not say (API schema: R2 buckets, R2 objects, Durable Object namespaces).
pub const PAGE_DEFAULT: usize = 20;

/// Most items on a page (API schema: the same three).
pub const PAGE_MAX: usize = 1000;

/// Versions of one script that the emulator remembers. Its own number, to keep the state small; Cloudflare keeps more.
pub const VERSIONS_KEPT: usize = 20;

/// Bucket names are 3 to 63 characters of `[a-z0-9-]`, alphanumeric at both ends (the rule that wrangler checks).
pub fn bucket_name(name: &str) -> Result<(), ApiError> {
    let inside = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let ends = !name.starts_with('-') && !name.ends_with('-');
    if (3..=63).contains(&name.len()) && inside && ends { Ok(()) } else { Err(ApiError::bucket_name_invalid()) }
}

/// Worker names are at most 255 of `[a-z0-9_-]` (wrangler's configuration page).
pub fn script_name(name: &str) -> Result<(), ApiError> {
    let inside = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if (1..=255).contains(&name.len()) && inside {
        Ok(())
    } else {
        Err(ApiError::invalid(format!("script name {name:?} is not valid")))
    }
}

/// On workers.dev the name is a DNS label: at most 63, no `-` at either end (wrangler's configuration page).
pub fn workers_dev_label(name: &str) -> Result<(), ApiError> {
    if name.len() <= 63 && !name.starts_with('-') && !name.ends_with('-') {
        Ok(())
    } else {
        Err(ApiError::invalid(format!("{name:?} cannot be a workers.dev host name")))
    }
}

/// Container applications: at most 253 of `[A-Za-z0-9_-]`, not starting with a digit (wrangler's check).
pub fn application_name(name: &str) -> Result<(), ApiError> {
    let inside = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let start = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if name.len() <= 253 && inside && start {
        Ok(())
    } else {
        Err(ApiError::container_input(format!("application name {name:?} is not valid")))
    }
}

//! The Cloudflare API, in Cloudflare's own nouns. Knows nothing of tenants.

pub mod transport;

//! The plane as it is deployed, in the real Workers runtime; and its uploads beside those of the real wrangler.

mod cloudflare;
mod harness;
mod life;
mod starts;
mod wrangler_agrees;

//! The loop that makes Cloudflare agree with what is wanted of a tenant.
//!
//! A round leases one tenant, then again and again plans, runs the plan's first stage, and records what came of it,
//! until the plan is empty or something is in the way. Before the calls of a stage the ledger says *unknown* for what
//! they touch; after them, what is known. So whenever a round is cut off, the next one knows what to look at, and takes
//! the same path. A round that has lost its lease writes nothing any more.

pub mod backoff;
pub mod budget;
mod conclusion;
pub mod desired;
pub mod execute;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod plan;
mod report;
mod round;
pub mod step;
mod verdict;
pub mod wrangler_config;

pub use conclusion::{RESTART_MS, TRY_AGAIN, WAITING_SINCE};
pub use report::{Outcome, Report};
pub use round::{LEASE_MS, run_round};

//! The loop.

pub mod backoff;
pub mod desired;
pub mod plan;
pub mod step;

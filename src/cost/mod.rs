//! What a tenant costs: exact whole-number money, no floats.

pub mod estimate;
pub mod money;

pub use estimate::{Estimate, Usage};
pub use money::Money;

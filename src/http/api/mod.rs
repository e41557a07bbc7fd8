//! One file an endpoint, or a family of them.

mod admission;
pub mod change;
pub mod estimate;
pub mod events;
pub mod health;
pub mod instance_types;
pub mod lifecycle;
pub mod names;
pub mod operator;
pub mod receipt;
pub mod secret_values;
pub mod secrets;
pub mod sign_up;
mod spec;
pub mod tenant;
pub mod tokens;
pub mod wrangler_config;

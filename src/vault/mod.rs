//! Secrets: opened values, sealed values, and the tokens that callers show.
//!
//! What must hold: a value rests only sealed, and only until the step that pushes it has succeeded; nothing here prints
//! or serialises an opened one.

pub mod plain;
pub mod sealed;
pub mod secret;
pub mod token;

pub use plain::PlainSecret;
pub use sealed::{SealedSecret, SealingKey};
pub use secret::Secret;
pub use token::{ApiToken, TokenHash};

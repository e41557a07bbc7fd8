//! Secrets: opened values, sealed values, and the tokens and codes that callers show.
//!
//! What must hold: a value rests only sealed, and only until the step that pushes it has succeeded, an answer kept for a
//! repeated request for a day; of tokens and codes rests only a hash; nothing here prints or serialises an opened one.

mod checked;
pub mod plain;
pub mod scope;
pub mod sealed;
pub mod secret;
pub mod signing;
pub mod token;

pub use plain::PlainSecret;
pub use scope::{Scope, Scopes};
pub use sealed::{SealedAnswer, SealedSecret, SealingKey};
pub use secret::Secret;
pub use signing::SigningKey;
pub use token::{ApiToken, InviteCode, TokenHash};

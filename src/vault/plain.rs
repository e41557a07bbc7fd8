//! An opened secret.

use std::fmt;

use crate::entropy::{self, Entropy};
use crate::tenant::id::hex;

/// A secret's value, alive as briefly as can be. Prints as `REDACTED` and has no serialisation.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainSecret(String);

impl PlainSecret {
    /// Takes a value in.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// A new value of 256 random bits, as hexadecimal digits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(hex(&entropy::bytes::<32>(entropy)))
    }

    /// The value itself. Call it only where the value leaves for Cloudflare, is sealed, or is shown this once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

//! The name of a secret, and which names are not a tenant's to set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most bytes of a secret's value: 5 KB each (developers.cloudflare.com/workers/platform/limits).
pub const MAX_VALUE_BYTES: usize = 5 * 1024;

/// Most secrets of one tenant. A Worker takes 128 variables and secrets together (the same page); the rest is room for
/// those that the plane sets itself.
pub const MAX_SECRETS: usize = 100;

/// Most characters of a name.
pub const MAX_NAME_LENGTH: usize = 64;

/// These switch the tenant's own protection off: with them set, the Worker serves whoever asks.
const UNSAFE: [&str; 2] = ["DEV_MODE", "E2E_TEST_MODE"];

/// A name that a secret may have: upper-case letters, digits and underscores, starting with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretName(String);

/// Why a text names no secret of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretNameError {
    /// Wrong characters or length.
    #[error(
        "a secret's name is 1 to {MAX_NAME_LENGTH} upper-case letters, digits and underscores, starting with a letter, such as ANTHROPIC_API_KEY"
    )]
    Malformed,
    /// One of those that would open the tenant to everybody.
    #[error("{0} switches the tenant's own access protection off and is refused")]
    Unsafe(String),
}

impl SecretName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, SecretNameError> {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let starts_with_letter = text.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        if !starts_with_letter || text.len() > MAX_NAME_LENGTH || !text.bytes().all(allowed) {
            return Err(SecretNameError::Malformed);
        }
        if UNSAFE.contains(&text) {
            return Err(SecretNameError::Unsafe(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_environment_variables_are_accepted() {
        for name in ["ANTHROPIC_API_KEY", "A", "R2_ACCESS_KEY_ID", &"X".repeat(64)] {
            assert!(SecretName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in ["", "a", "1A", "_A", "A-B", "A B", "Ä", "A\0", &"X".repeat(65), "__proto__"] {
            assert_eq!(SecretName::parse(name), Err(SecretNameError::Malformed), "{name:?}");
        }
    }

    #[test]
    fn secrets_that_switch_protection_off_are_refused() {
        for name in UNSAFE {
            assert!(matches!(SecretName::parse(name), Err(SecretNameError::Unsafe(_))));
        }
    }
}

//! The name a tenant goes by, and what may not be one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most characters of a name. The longest derived name must stay a DNS label of 63 characters and a valid bucket name
/// (developers.cloudflare.com/r2/platform/limits); 40 leaves room for prefixes of up to 23.
pub const MAX_LENGTH: usize = 40;

/// Names of the deployments that exist beside the plane, made by hand with `--env`.
const ENVIRONMENTS: [&str; 6] = ["production", "development", "staging", "test", "dev", "prod"];

/// Names that would look like the plane's own.
const OWN_WORDS: [&str; 5] = ["admin", "api", "www", "control", "control-plane"];

/// A valid tenant name: 1 to [`MAX_LENGTH`] lower-case letters, digits and hyphens, alphanumeric at both ends, not
/// reserved. Never changes once given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantName(String);

/// Why a text is no tenant name. The first words of each message are those of the guide that operators know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wrong characters, or a hyphen at an end, or empty.
    #[error("Tenant name must be lowercase alphanumeric (a-z, 0-9), with hyphens inside only")]
    Malformed,
    /// Too long.
    #[error(
        "Tenant name must be lowercase alphanumeric and at most {MAX_LENGTH} characters long; this one has {length}"
    )]
    TooLong {
        /// Characters given.
        length: usize,
    },
    /// One of the words that nobody may have.
    #[error("{0:?} is a reserved environment name; choose a different tenant name")]
    Reserved(String),
}

/// The words that nobody may have.
pub fn reserved() -> impl Iterator<Item = &'static str> {
    ENVIRONMENTS.into_iter().chain(OWN_WORDS)
}

impl NameError {
    /// The stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed | Self::TooLong { .. } => "name_malformed",
            Self::Reserved(_) => "name_reserved",
        }
    }
}

impl TenantName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || !text.chars().all(allowed) || text.starts_with('-') || text.ends_with('-') {
            return Err(NameError::Malformed);
        }
        if text.len() > MAX_LENGTH {
            return Err(NameError::TooLong { length: text.len() });
        }
        if ENVIRONMENTS.contains(&text) || OWN_WORDS.contains(&text) {
            return Err(NameError::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_guide_are_accepted_as_it_says() {
        for good in ["alice", "bob", "my-company", "user123", "acme-corp", "a", "0", &"x".repeat(40)] {
            assert_eq!(TenantName::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn malformed_names_are_refused_in_the_classic_words() {
        for bad in ["", "Alice", "-invalid", "invalid-", "-", "a_b", "a.b", "a b", "ä", "a\n", "a/b", "アリス"] {
            let error = TenantName::parse(bad).unwrap_err();
            assert_eq!(error, NameError::Malformed, "{bad:?}");
            assert!(error.to_string().starts_with("Tenant name must be lowercase alphanumeric"));
        }
        assert_eq!(TenantName::parse(&"x".repeat(41)), Err(NameError::TooLong { length: 41 }));
    }

    #[test]
    fn reserved_words_are_refused_in_the_classic_words() {
        for word in ENVIRONMENTS.iter().chain(&OWN_WORDS) {
            let message = TenantName::parse(word).unwrap_err().to_string();
            assert!(message.contains("is a reserved environment name"), "{message}");
        }
        assert!(TenantName::parse("production-2").is_ok());
    }
}

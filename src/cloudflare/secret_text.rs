//! A value that is never printed.

use std::fmt;

use serde::{Deserialize, Serializer};

/// A secret's value or a short-lived credential on its way to Cloudflare.
///
/// Prints as `REDACTED`; has no `Serialize` of its own, so that it cannot slip into a log, an event or a page inside
/// another structure. Only the bodies that this module sends write it out.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the value in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. For the wire and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

/// `#[serde(serialize_with)]` of a field that goes onto the wire.
pub(super) fn exposed<S: Serializer>(value: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.expose())
}

//! What a Worker is given by name, in Cloudflare's form.

use serde::Serialize;
use serde_json::{Map, Value};

use super::secret_text::SecretText;
use super::secrets::Secret;

/// What a Worker finds under a name in its environment.
///
/// Serialising one writes a secret's value: that is how it travels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Binding {
    /// A secret with its value.
    Secret(Secret),
    /// Every other type as Cloudflare writes it, `type` and `name` included. With the type `inherit` it is whatever the
    /// last version has under this name; under `bindings_inherit=strict`, which every upload of ours sends, its absence
    /// fails the upload.
    Other(Map<String, Value>),
}

impl Binding {
    /// The value that it carries to Cloudflare, if it is a secret.
    pub(super) fn secret(&self) -> Option<&SecretText> {
        match self {
            Self::Secret(secret) => Some(&secret.text),
            Self::Other(_) => None,
        }
    }
}

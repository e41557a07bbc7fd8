//! What a Worker is given by name, in Cloudflare's form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::secret_text::{SecretText, exposed_option};

/// What a Worker finds under a name in its environment.
///
/// Serialising one writes a secret's value: that is how it travels. Read back from Cloudflare, a secret has no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Binding {
    /// A variable.
    PlainText {
        /// Name in the environment.
        name: String,
        /// Value, readable by whoever may read the Worker.
        text: String,
    },
    /// A secret.
    SecretText {
        /// Name in the environment.
        name: String,
        /// Value; `None` in replies.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_option")]
        text: Option<SecretText>,
    },
    /// A Durable Object class.
    DurableObjectNamespace {
        /// Name in the environment.
        name: String,
        /// Class that the script, or `script_name`, exports.
        class_name: String,
        /// Another script that exports it. `None`: this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        script_name: Option<String>,
        /// The namespace; in replies only.
        #[serde(default, skip_serializing)]
        namespace_id: Option<String>,
    },
    /// An R2 bucket, which has to exist.
    R2Bucket {
        /// Name in the environment.
        name: String,
        /// The bucket.
        bucket_name: String,
        /// `None`: the default one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jurisdiction: Option<String>,
    },
    /// Browser Run.
    Browser {
        /// Name in the environment.
        name: String,
    },
    /// The Worker's static assets.
    Assets {
        /// Name in the environment.
        name: String,
    },
    /// Whatever the last version has under this name. With `bindings_inherit=strict`, which every upload of ours
    /// sends, its absence fails the upload.
    Inherit {
        /// Name in the environment.
        name: String,
    },
    /// Every other type, in Cloudflare's form, `type` and `name` included: `kv_namespace`, `d1`, `service`, …
    #[serde(untagged)]
    Other(Map<String, Value>),
}

impl Binding {
    /// Name in the environment; empty if Cloudflare sent a binding without one.
    pub fn name(&self) -> &str {
        match self {
            Self::PlainText { name, .. }
            | Self::SecretText { name, .. }
            | Self::DurableObjectNamespace { name, .. }
            | Self::R2Bucket { name, .. }
            | Self::Browser { name }
            | Self::Assets { name }
            | Self::Inherit { name } => name,
            Self::Other(fields) => fields.get("name").and_then(Value::as_str).unwrap_or_default(),
        }
    }

    /// The value that it carries to Cloudflare, if it is a secret with one.
    pub(super) fn secret(&self) -> Option<&SecretText> {
        match self {
            Self::SecretText { text, .. } => text.as_ref(),
            _ => None,
        }
    }
}

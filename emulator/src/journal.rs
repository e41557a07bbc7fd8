//! What was asked and what was answered, call by call, for assertions and for reading.
//!
//! No secret value gets in: JSON is walked before it is kept, and everything that is not understood is kept as a size only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Payload;
use crate::world::hex_sha256;

/// Stands where a secret's value was.
pub const REDACTED: &str = "[secret]";

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up from 1; the order in which calls arrived.
    pub n: u64,
    /// When it arrived, in milliseconds since the epoch.
    pub at_ms: i64,
    /// How long a fault or the set latency held it up, in milliseconds.
    pub delayed_ms: u64,
    /// HTTP method.
    pub method: String,
    /// Path below `/client/v4`; of the S3 face and of Access the whole one.
    pub path: String,
    /// Query string as sent; empty without one.
    pub query: String,
    /// The caller's `user-agent`.
    pub user_agent: String,
    /// Stable name of the operation, such as `r2.bucket.create`; `unknown` for what no route takes.
    pub kind: String,
    /// HTTP status of the answer; `None` until answered and for ever if the connection broke.
    pub status: Option<u16>,
    /// Cloudflare's code in a refusal of the v4 API.
    pub code: Option<u32>,
    /// Id of the fault that struck.
    pub fault: Option<u64>,
    /// The body, without secret values: JSON as it is; an upload as its metadata and the parts' names, types, sizes and hashes;
    /// anything else as its size and hash.
    pub body: Value,
}

/// The calls since the start or since it was last cleared.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    next: u64,
    entries: Vec<Entry>,
}

impl Journal {
    /// Note a call that has arrived; its number.
    pub(crate) fn begin(&mut self, mut entry: Entry) -> u64 {
        self.next += 1;
        entry.n = self.next;
        self.entries.push(entry);
        self.next
    }

    /// Note more about a call. Nothing happens if the journal was cleared meanwhile.
    pub(crate) fn amend(&mut self, n: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.n == n) {
            change(entry);
        }
    }

    pub(crate) fn list(&self) -> Vec<Entry> {
        self.entries.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// What the journal keeps of a body.
pub(crate) fn summary(kind: &str, payload: &Payload) -> Value {
    // In a call about secrets, nothing but names and types is safe to keep, however malformed the body is.
    // Nor is there in one that nobody understands: it may be one with a slip in its path.
    let strict = kind.starts_with("secret.") || kind.starts_with("turnstile.") || kind == "unknown";
    match payload {
        Payload::Empty => Value::Null,
        Payload::Json(value) => redact(value, strict),
        Payload::Multipart(parts) => {
            let mut summary = Map::new();
            let mut rest = Vec::new();
            for part in parts {
                let json = matches!(part.name.as_str(), "metadata" | "settings")
                    .then(|| serde_json::from_slice::<Value>(&part.bytes).ok())
                    .flatten();
                match json {
                    Some(value) => {
                        summary.insert(part.name.clone(), redact(&value, strict));
                    }
                    None => rest.push(json!({
                        "name": part.name,
                        "filename": part.filename,
                        "content_type": part.content_type,
                        "bytes": part.bytes.len(),
                        "sha256": hex_sha256(&part.bytes),
                    })),
                }
            }
            summary.insert("parts".to_owned(), Value::Array(rest));
            Value::Object(summary)
        }
        // The hash of a short text would give it away.
        Payload::Bytes(bytes) | Payload::Malformed { bytes, .. } if strict => json!({"bytes": bytes.len()}),
        Payload::Bytes(bytes) => json!({"bytes": bytes.len(), "sha256": hex_sha256(bytes)}),
        Payload::Malformed { bytes, why } => json!({"bytes": bytes.len(), "malformed": why}),
    }
}

/// Replace secret values. `text` is kept only beside `"type": "plain_text"`, so that a misspelt type does not leak one.
fn redact(value: &Value, strict: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let plain = fields.get("type").and_then(Value::as_str) == Some("plain_text");
            let redacted = fields.iter().map(|(key, value)| {
                let secret = match key.as_str() {
                    "text" | "key_base64" | "key_jwk" | "value" => !plain || strict,
                    "jwt" => true,
                    "name" | "type" if value.is_string() => return (key.clone(), value.clone()),
                    _ => strict && !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null),
                };
                (key.clone(), if secret { json!(REDACTED) } else { redact(value, strict) })
            });
            Value::Object(redacted.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| redact(item, strict)).collect()),
        // Reached only at the top or inside an array: an object's own values are dealt with above.
        Value::String(_) | Value::Number(_) if strict => json!(REDACTED),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_only_in_plain_text_bindings() {
        let metadata = json!({"bindings": [
            {"type": "plain_text", "name": "ENVIRONMENT", "text": "alice"},
            {"type": "secret_text", "name": "KEY", "text": "hush"},
            {"type": "sceret_text", "name": "TYPO", "text": "hush"},
            {"type": "secret_key", "name": "JWK", "key_jwk": {"k": "hush"}, "key_base64": "hush"},
        ], "assets": {"jwt": "hush"}});
        let kept = redact(&metadata, false).to_string();
        assert!(!kept.contains("hush"), "{kept}");
        assert!(kept.contains("alice") && kept.contains("TYPO"), "{kept}");
    }

    #[test]
    fn a_call_about_secrets_keeps_names_only_whatever_its_shape() {
        for body in [
            json!({"secrets": {"A": {"name": "A", "type": "secret_text", "text": "hush"}, "B": null}}),
            json!({"secrets": {"A": "hush"}}),
            json!({"A": "hush", "deep": [{"x": "hush"}]}),
            json!({"name": "A", "type": "plain_text", "text": "hush"}),
            json!(["hush"]),
            json!("hush"),
        ] {
            let kept = summary("secret.bulk", &Payload::Json(body.clone())).to_string();
            assert!(!kept.contains("hush"), "{body} is kept as {kept}");
        }
        let raw = Payload::Bytes(bytes::Bytes::from_static(b"hush"));
        assert_eq!(summary("secret.put", &raw), json!({"bytes": 4}));
    }
}

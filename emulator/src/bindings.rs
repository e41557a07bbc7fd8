//! The kinds of bindings: which fields each must and may have, and what they must refer to.
//!
//! Strict on purpose: what Cloudflare may silently ignore is a mistake that a test should see.

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::limits;
use crate::world::{Binding, Script, World, bucket_key};

/// `type`, fields that must be there, fields that may be there; `name` goes without saying. From `ScriptUpdateParams.Metadata`
/// of the `cloudflare` package 7.3.0.
const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("ai", &[], &[]),
    ("ai_search", &["instance_name"], &["namespace"]),
    ("ai_search_namespace", &["namespace"], &[]),
    ("analytics_engine", &["dataset"], &[]),
    ("artifacts", &["namespace"], &[]),
    ("assets", &[], &[]),
    ("browser", &[], &[]),
    ("d1", &[], &["database_id", "id"]),
    ("data_blob", &["part"], &[]),
    ("dispatch_namespace", &["namespace"], &["outbound"]),
    (
        "durable_object_namespace",
        &[],
        &["class_name", "dispatch_namespace", "environment", "namespace_id", "script_name"],
    ),
    ("flagship", &["app_id"], &[]),
    ("hyperdrive", &["id"], &[]),
    ("images", &[], &[]),
    ("inherit", &[], &["old_name", "version_id"]),
    ("json", &["json"], &[]),
    ("k2", &["stream"], &[]),
    ("kv_namespace", &["namespace_id"], &[]),
    ("media", &[], &[]),
    ("messaging", &["namespace"], &[]),
    ("mtls_certificate", &["certificate_id"], &[]),
    ("pipelines", &["pipeline"], &[]),
    ("plain_text", &["text"], &[]),
    ("queue", &["queue_name"], &["delivery_delay"]),
    ("r2_bucket", &["bucket_name"], &["jurisdiction"]),
    ("ratelimit", &["namespace_id", "simple"], &[]),
    ("secret_key", &["algorithm", "format", "usages"], &["key_base64", "key_jwk"]),
    ("secret_text", &["text"], &[]),
    ("secrets_store_secret", &["secret_name", "store_id"], &[]),
    ("send_email", &[], &["allowed_destination_addresses", "allowed_sender_addresses", "destination_address"]),
    ("service", &["service"], &["entrypoint", "environment"]),
    ("text_blob", &["part"], &[]),
    ("vectorize", &["index_name"], &[]),
    ("version_metadata", &[], &[]),
    ("vpc_network", &[], &["identity", "network_id", "tunnel_id"]),
    ("vpc_service", &["service_id"], &[]),
    ("wasm_module", &["part"], &[]),
    ("workflow", &["workflow_name"], &["class_name", "script_name"]),
];

/// Read one binding of the metadata.
pub(crate) fn parse(value: &Value) -> Result<Binding, ApiError> {
    let mut fields: Map<String, Value> =
        value.as_object().cloned().ok_or_else(|| ApiError::invalid("a binding must be an object"))?;
    let name = take_text(&mut fields, "name")?;
    let kind = take_text(&mut fields, "type")?;
    let Some((_, required, optional)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
        return Err(ApiError::invalid(format!("binding {name} has an unknown type {kind:?}")));
    };
    for field in *required {
        if !fields.contains_key(*field) {
            return Err(ApiError::invalid(format!(
                "binding {name} of type {kind} must have a valid `{field}` specified"
            )));
        }
    }
    for field in fields.keys() {
        if !required.contains(&field.as_str()) && !optional.contains(&field.as_str()) {
            return Err(ApiError::invalid(format!("binding {name} of type {kind} has an unknown field `{field}`")));
        }
    }
    if let Some(text) = fields.get("text") {
        let text = text.as_str().ok_or_else(|| ApiError::invalid(format!("binding {name} must have text")))?;
        if text.len() > limits::BINDING_TEXT_BYTES {
            return Err(ApiError::invalid(format!("binding {name} is longer than 5 KB")));
        }
    }
    Ok(Binding { name, kind, fields })
}

fn take_text(fields: &mut Map<String, Value>, field: &str) -> Result<String, ApiError> {
    match fields.remove(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(ApiError::invalid(format!("a binding must have a `{field}`"))),
    }
}

/// A secret as a binding.
pub(crate) fn secret(name: &str, text: &str) -> Result<Binding, ApiError> {
    parse(&json!({"name": name, "type": "secret_text", "text": text}))
}

/// What an upload leaves the script with: the uploaded bindings, `inherit` resolved by name, and the previous version's bindings
/// of the kinds in `keep`. Everything else of the previous version is gone, secrets included.
pub(crate) fn resolve(
    uploaded: Vec<Binding>,
    previous: Option<&Script>,
    keep: &[String],
    strict: bool,
) -> Result<Vec<Binding>, ApiError> {
    let before: &[Binding] = previous.and_then(Script::latest).map_or(&[], |version| &version.bindings);
    let mut resolved: Vec<Binding> = Vec::new();
    for binding in uploaded {
        let binding = if binding.kind == "inherit" {
            let source = binding.text("old_name").unwrap_or(&binding.name);
            let version = binding.text("version_id").and_then(|id| previous?.versions.iter().find(|v| v.id == id));
            let bindings = version.map_or(before, |version| &version.bindings);
            match bindings.iter().find(|b| b.name == source) {
                Some(found) => Binding { name: binding.name.clone(), ..found.clone() },
                // Without `bindings_inherit=strict` it vanishes silently (SDK's text on the parameter).
                None if !strict => continue,
                None => return Err(ApiError::cannot_inherit(source)),
            }
        } else {
            binding
        };
        if resolved.iter().any(|other| other.name == binding.name) {
            return Err(ApiError::invalid(format!("binding {} is given twice", binding.name)));
        }
        resolved.push(binding);
    }
    for kept in before.iter().filter(|b| keep.contains(&b.kind)) {
        if !resolved.iter().any(|b| b.name == kept.name) {
            resolved.push(kept.clone());
        }
    }
    Ok(resolved)
}

/// What the bindings refer to is there. `world` is the one that the upload would lead to, migrations applied.
pub(crate) fn check(bindings: &[Binding], script: &str, world: &World, most: usize) -> Result<(), ApiError> {
    let variables =
        bindings.iter().filter(|b| b.is_secret() || matches!(b.kind.as_str(), "plain_text" | "json")).count();
    if variables > most {
        return Err(ApiError::invalid(format!(
            "a Worker can have {most} variables and secrets, this one has {variables}"
        )));
    }
    for binding in bindings {
        match binding.kind.as_str() {
            "r2_bucket" => {
                let bucket = binding.text("bucket_name").unwrap_or("");
                if !world.buckets.contains_key(&bucket_key(bucket, binding.text("jurisdiction").unwrap_or("default"))) {
                    return Err(ApiError::binding_without_bucket(bucket));
                }
            }
            "durable_object_namespace" => {
                let class = binding.text("class_name").unwrap_or("");
                let owner = binding.text("script_name").unwrap_or(script);
                let by_id = binding.text("namespace_id").is_some_and(|id| world.namespaces.iter().any(|n| n.id == id));
                if !by_id && world.namespace_of(owner, class).is_none() {
                    return Err(ApiError::class_not_configured(class));
                }
            }
            "service" => {
                let service = binding.text("service").unwrap_or("");
                if service != script && !world.scripts.contains_key(service) {
                    return Err(ApiError::no_bound_service(service));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_and_fields_are_refused_by_name() {
        for (binding, says) in [
            (json!({"type": "secret", "name": "A", "text": "x"}), "unknown type"),
            (json!({"type": "r2_bucket", "name": "A", "bucket": "x"}), "bucket_name"),
            (json!({"type": "browser", "name": "A", "extra": 1}), "extra"),
            (json!({"type": "browser"}), "name"),
            (json!({"type": "plain_text", "name": "A", "text": 5}), "text"),
            (json!({"type": "secret_text", "name": "A", "text": "x".repeat(5 * 1024 + 1)}), "5 KB"),
        ] {
            let error = parse(&binding).unwrap_err();
            assert_eq!(error.code, 10021);
            assert!(error.message.contains(says), "{binding}: {}", error.message);
        }
    }
}

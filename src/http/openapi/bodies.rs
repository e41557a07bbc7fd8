//! Schemas of what is sent. Bodies are read field by field, so that everything wrong is said at once; so there is no type
//! to draw these from, and tests see to it that they are true.

use serde_json::{Value as Json, json};

use super::common::{secret_name, tenant_name};
use crate::http::api::operator::invites;
use crate::http::api::tokens::MAX_DAYS;
use crate::tenant::secret_name::{MAX_SECRETS, MAX_VALUE_BYTES};
use crate::tenant::spec::MAX_INSTANCES;
use crate::tenant::{InstanceType, TenantSpec};
use crate::vault::Scope;

/// A sign-up.
pub fn sign_up() -> Json {
    object(
        &["name"],
        json!({
            "name": tenant_name(),
            "spec": {"$ref": "#/components/schemas/SpecChange"},
            "secrets": {
                "type": "object",
                "description": "Secrets by name. The release says which are required; those that it has the plane make are made.",
                "propertyNames": secret_name(),
                "maxProperties": MAX_SECRETS,
                "additionalProperties": value(),
            },
            "invite": {
                "type": "string",
                "description": "The code of an invite: `inv_` and 35 more characters. Needed when sign-up is by invitation.",
                "pattern": "^inv_[A-Za-z0-9_-]{35}$",
            },
            "challenge": {
                "type": "string",
                "description": "The token of a solved Turnstile challenge. Needed without an invite when the plane has a widget.",
            },
        }),
    )
}

/// A change of a spec.
pub fn change() -> Json {
    object(&["spec"], json!({"spec": {"$ref": "#/components/schemas/SpecChange"}}))
}

/// What of a spec somebody says; the rest stays, or is as it is for whoever says nothing.
pub fn spec_change() -> Json {
    let sizes: Vec<&str> =
        InstanceType::ALL.into_iter().filter(|size| size.is_open_to_tenants()).map(InstanceType::as_str).collect();
    let spec = TenantSpec::default();
    object(
        &[],
        json!({
            "instance_type": {
                "description": "Size of the container; new tenants that do not say get the default.",
                "enum": sizes,
                "default": spec.instance_type.as_str(),
            },
            "max_instances": {
                "type": "integer",
                "description": "How many containers may run at once.",
                "minimum": 1,
                "maximum": MAX_INSTANCES,
                "default": spec.max_instances,
            },
            "sleep_after": {"$ref": "#/components/schemas/SleepAfter"},
        }),
    )
}

/// Several secrets.
pub fn secrets() -> Json {
    json!({
        "type": "object",
        "description": "Secrets by name; `null` deletes one.",
        "propertyNames": secret_name(),
        "minProperties": 1,
        "maxProperties": MAX_SECRETS,
        "additionalProperties": {"anyOf": [value(), {"type": "null"}]},
    })
}

/// One secret.
pub fn secret() -> Json {
    object(&["value"], json!({"value": value()}))
}

/// A new invite.
pub fn invite() -> Json {
    let text = |most: usize, description: &str| {
        json!({
            "type": "string",
            "description": description,
            "minLength": 1,
            "maxLength": most,
            "pattern": "^[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$",
        })
    };
    object(
        &[],
        json!({
            "name": tenant_name(),
            "largest": {"enum": InstanceType::ALL.map(InstanceType::as_str), "description": "The largest size that it is for."},
            "owner": text(invites::MAX_OWNER, "For whom it is."),
            "note": text(invites::MAX_NOTE, "For operators."),
            "expires_in_days": {"type": "integer", "minimum": 1, "maximum": invites::MAX_DAYS, "default": 7},
        }),
    )
}

/// A release to move to.
pub fn release() -> Json {
    object(&[], json!({"release": {"type": "string", "description": "Its id. Without: the one that sign-ups get."}}))
}

/// The end of a trial.
pub fn trial() -> Json {
    let pattern =
        "^(19[7-9][0-9]|[2-9][0-9]{3})-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$";
    let time = json!({"type": ["string", "null"], "format": "date-time", "pattern": pattern, "description": "When it ends, in UTC; null: it has no end."});
    object(&["ends_at"], json!({"ends_at": time}))
}

/// A new token.
pub fn token() -> Json {
    object(
        &[],
        json!({
            "scopes": {
                "type": "array",
                "description": "What it is good for: no more than the token that asks. Without: as much.",
                "items": {"enum": Scope::ALL.map(Scope::as_str)},
                "minItems": 1,
            },
            "expires_in_days": {
                "type": "integer",
                "description": "Without: good for ever.",
                "minimum": 1,
                "maximum": MAX_DAYS,
            },
        }),
    )
}

fn value() -> Json {
    json!({
        "type": "string",
        "description": "The value, of 5 KiB at most. Never readable again.",
        "minLength": 1,
        "maxLength": MAX_VALUE_BYTES,
    })
}

fn object(required: &[&str], properties: Json) -> Json {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

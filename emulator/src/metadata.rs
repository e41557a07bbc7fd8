//! The `metadata` part of an upload, read strictly: an unknown field is refused (10021), for it is more likely a mistake of the
//! caller than a novelty of Cloudflare's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::bindings;
use crate::call::{Call, Part, Payload};
use crate::error::ApiError;
use crate::limits;
use crate::world::{Binding, Blob, Module};

/// Fields of `ScriptUpdateParams.Metadata` of the `cloudflare` package 7.3.0, and those that wrangler 4.164.0 sends besides:
/// `containers` and `code_update_strategy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub main_module: Option<String>,
    #[serde(default)]
    pub bindings: Vec<Value>,
    #[serde(default)]
    pub containers: Option<Vec<Container>>,
    #[serde(default)]
    pub migrations: Option<Migrations>,
    #[serde(default)]
    pub exports: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub compatibility_date: Option<String>,
    #[serde(default)]
    pub compatibility_flags: Vec<String>,
    #[serde(default)]
    pub observability: Option<Value>,
    #[serde(default)]
    pub assets: Option<Assets>,
    #[serde(default)]
    pub keep_assets: bool,
    #[serde(default)]
    pub keep_bindings: Vec<String>,
    /// Accepted and checked; the emulator changes code at once.
    #[serde(default)]
    pub code_update_strategy: Option<CodeUpdateStrategy>,
    /// `None` leaves the script's tags as they are.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    #[serde(default)]
    pub annotations: Option<Value>,
    #[serde(default)]
    pub limits: Option<Value>,
    #[serde(default)]
    pub logpush: Option<bool>,
    #[serde(default)]
    pub placement: Option<Value>,
    #[serde(default)]
    pub tail_consumers: Option<Value>,
    #[serde(default)]
    pub usage_model: Option<String>,
    #[serde(default, rename = "cache_options")]
    _cache_options: Option<Value>,
    #[serde(default, rename = "package_dependencies")]
    _package_dependencies: Option<Value>,
}

/// A class whose objects have a container.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Container {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub class_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Value>,
}

/// Either several steps, or the fields of one beside the tags.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Migrations {
    #[serde(default)]
    pub old_tag: Option<String>,
    #[serde(default)]
    pub new_tag: Option<String>,
    #[serde(default)]
    pub steps: Option<Vec<MigrationStep>>,
    #[serde(default)]
    pub new_classes: Vec<String>,
    #[serde(default)]
    pub new_sqlite_classes: Vec<String>,
    #[serde(default)]
    pub deleted_classes: Vec<String>,
    #[serde(default)]
    pub renamed_classes: Vec<Rename>,
    #[serde(default)]
    pub transferred_classes: Vec<Transfer>,
}

impl Migrations {
    /// The steps, whichever form they came in.
    pub(crate) fn into_steps(self) -> Vec<MigrationStep> {
        self.steps.unwrap_or_else(|| {
            vec![MigrationStep {
                new_classes: self.new_classes,
                new_sqlite_classes: self.new_sqlite_classes,
                deleted_classes: self.deleted_classes,
                renamed_classes: self.renamed_classes,
                transferred_classes: self.transferred_classes,
            }]
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MigrationStep {
    #[serde(default)]
    pub new_classes: Vec<String>,
    #[serde(default)]
    pub new_sqlite_classes: Vec<String>,
    #[serde(default)]
    pub deleted_classes: Vec<String>,
    #[serde(default)]
    pub renamed_classes: Vec<Rename>,
    #[serde(default)]
    pub transferred_classes: Vec<Transfer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    pub from: String,
    pub to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    pub from: String,
    pub from_script: String,
    pub to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assets {
    #[serde(default)]
    pub jwt: Option<String>,
    #[serde(default)]
    pub config: Option<AssetsConfig>,
}

#[derive(Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetsConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    html_handling: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_found_handling: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_worker_first: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serve_directly: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    _headers: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    _redirects: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeUpdateStrategy {
    pub mode: String,
    #[serde(default)]
    pub max_delay: Option<u32>,
}

/// An upload taken apart: metadata, bindings, modules.
pub(crate) struct Upload {
    pub metadata: Metadata,
    pub bindings: Vec<Binding>,
    pub main_module: String,
    pub modules: Vec<Module>,
}

impl Upload {
    /// Read the multipart body of an upload and check all that can be checked without looking at the account.
    pub(crate) fn read(call: &Call) -> Result<Self, ApiError> {
        let parts = multipart(call)?;
        let text = part(parts, "metadata")?;
        if text.bytes.len() > limits::METADATA_BYTES {
            return Err(ApiError::invalid("the metadata is longer than 1 MB"));
        }
        let metadata: Metadata = serde_json::from_slice(&text.bytes)
            .map_err(|error| ApiError::invalid(format!("Could not parse the metadata: {error}")))?;
        let bindings = metadata.bindings.iter().map(bindings::parse).collect::<Result<Vec<_>, _>>()?;
        let modules: Vec<Module> = parts
            .iter()
            .filter(|part| part.name != "metadata")
            .map(|part| Module {
                name: part.name.clone(),
                content_type: part.content_type.clone(),
                content: Blob::new(part.bytes.clone()),
            })
            .collect();
        if modules.iter().map(|m| m.content.size).sum::<u64>() > call.emulator.options().limits.worker_bytes {
            return Err(ApiError::script_too_large());
        }
        let main_module = match &metadata.main_module {
            Some(name) if modules.iter().any(|module| module.name == *name) => name.clone(),
            Some(name) => {
                return Err(ApiError::invalid(format!("No such module: the main module {name:?} is not a part")));
            }
            None => return Err(ApiError::invalid("`main_module` must be given")),
        };
        if let Some(strategy) = &metadata.code_update_strategy {
            // Workers docs: `immediate` or `deferred`, at most a day.
            let known = matches!(strategy.mode.as_str(), "immediate" | "deferred");
            if !known || strategy.max_delay.is_some_and(|seconds| seconds > 86_400) {
                return Err(ApiError::invalid("`code_update_strategy` is not valid"));
            }
        }
        if metadata.exports.is_some() && metadata.migrations.is_some() {
            return Err(ApiError::invalid("`exports` and `migrations` exclude each other"));
        }
        Ok(Self { metadata, bindings, main_module, modules })
    }
}

/// The parts of the call's multipart body.
pub(crate) fn multipart(call: &Call) -> Result<&[Part], ApiError> {
    match &call.payload {
        Payload::Multipart(parts) => Ok(parts),
        Payload::Malformed { why, .. } => Err(ApiError::invalid(format!("the multipart body cannot be read: {why}"))),
        _ => Err(ApiError::invalid("the body must be multipart/form-data")),
    }
}

/// The part of this name.
pub(crate) fn part<'a>(parts: &'a [Part], name: &str) -> Result<&'a Part, ApiError> {
    parts
        .iter()
        .find(|part| part.name == name)
        .ok_or_else(|| ApiError::invalid(format!("the part `{name}` is missing")))
}

//! `GET /v1/tenants/{name}/receipt`: what was deleted, and the proof of it.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::tenant::{Phase, Resource, ResourceKind, Tenant};

/// The receipt of a deletion, complete or not.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Receipt<'a> {
    tenant: &'a str,
    tenant_id: &'a str,
    deletion_asked_at: String,
    data_kept_until: String,
    /// Whether every resource is proved to be gone.
    complete: bool,
    completed_at: Option<String>,
    resources: Vec<ReceiptLine<'a>>,
}

/// One resource. Times that are null have not come yet, or there never was anything.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ReceiptLine<'a> {
    kind: ResourceKind,
    name: &'a str,
    id: Option<&'a str>,
    /// When it was first asked to go.
    asked_to_go_at: Option<String>,
    /// When Cloudflare said that it is deleted.
    deleted_at: Option<String>,
    /// When a read after that showed that it is gone.
    confirmed_gone_at: Option<String>,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["deleted", "there", "gone", "never made"])))]
    status: &'static str,
}

/// Only of a tenant that is being deleted or is deleted.
pub async fn read(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Subject { tenant, resources, .. } = subject;
    let Tenant { id, name, phase, deletion, updated_at, .. } = &tenant;
    let deletion = deletion.ok_or(ApiError::NotDeleted)?;
    let complete = *phase == Phase::Deleted;
    let receipt = Receipt {
        tenant: name.as_str(),
        tenant_id: &id.0,
        deletion_asked_at: deletion.asked_at.to_string(),
        data_kept_until: deletion.keep_data_until.to_string(),
        complete,
        completed_at: complete.then(|| updated_at.to_string()),
        resources: resources.iter().map(line).collect(),
    };
    json(&receipt)
}

fn line(resource: &Resource) -> ReceiptLine<'_> {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let Resource { kind, name, external_id, asked_at, removal_asked_at, removed_at, gone_at, .. } = resource;
    ReceiptLine {
        kind: *kind,
        name,
        id: external_id.as_deref(),
        asked_to_go_at: time(*removal_asked_at),
        deleted_at: time(*removed_at),
        confirmed_gone_at: time(*gone_at),
        status: match (asked_at, gone_at) {
            (Some(_), _) if removed_at.is_some() => "deleted",
            (Some(_), _) => "there",
            (None, Some(_)) => "gone",
            (None, None) => "never made",
        },
    }
}

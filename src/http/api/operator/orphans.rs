//! `GET /admin/api/orphans`, `DELETE /admin/api/orphans/{kind}/{name}`: what is in the account and on nobody's ledger.

use serde::Serialize;
use serde_json::json;

use crate::access::Operator;
use crate::http::auth::act_of;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response, accepted};
use crate::registry::SeenOrphan;
use crate::tenant::ResourceKind;

/// Orphans in an answer; the sweep looks at no more than there are in the account.
const LINES: i64 = 200;

/// Something in the account that is on nobody's ledger.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Orphan"))]
pub struct OrphanView<'a> {
    kind: ResourceKind,
    name: &'a str,
    /// Cloudflare's id, where it has one beside the name.
    id: Option<&'a str>,
    /// Whether it carries the plane's own mark.
    is_ours: bool,
    first_seen_at: String,
    last_seen_at: String,
    /// When an operator said that it is to go.
    delete_asked_at: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Orphans"))]
pub struct Listing<'a> {
    /// By kind and name.
    orphans: Vec<OrphanView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "OrphanAnswer"))]
pub struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    orphan: OrphanView<'a>,
}

impl<'a> OrphanView<'a> {
    fn of(seen: &'a SeenOrphan) -> Self {
        Self {
            kind: seen.orphan.kind,
            name: &seen.orphan.name,
            id: seen.orphan.external_id.as_deref(),
            is_ours: seen.is_ours,
            first_seen_at: seen.first_seen.to_string(),
            last_seen_at: seen.last_seen.to_string(),
            delete_asked_at: seen.orphan.delete_asked_at.map(|at| at.to_string()),
        }
    }
}

/// What the last sweeps saw.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    call.query.finish()?;
    let orphans = call.app.registry.orphans(LINES).await?;
    reply::json(&Listing { orphans: orphans.iter().map(OrphanView::of).collect() })
}

/// Has an orphan deleted by the next sweeps, once it was seen for as long as they wait; a bucket only if it is empty.
pub async fn delete(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (registry, now) = (&call.app.registry, call.app.clock.now());
    let kind =
        ResourceKind::ALL.into_iter().find(|kind| kind.as_str() == call.param(0)).ok_or(ApiError::NoSuchOrphan)?;
    let name = call.param(1).to_owned();
    let mut seen = registry.orphan(kind, &name).await?.ok_or(ApiError::NoSuchOrphan)?;
    let is_news = seen.orphan.delete_asked_at.is_none();
    if is_news && !is_dry_run {
        let before = json!({"id": seen.orphan.external_id, "is_ours": seen.is_ours, "delete_asked_at": null});
        let after = json!({"id": seen.orphan.external_id, "is_ours": seen.is_ours, "delete_asked_at": now.to_string()});
        let target = format!("{} {name}", kind.as_str());
        let act = act_of(&operator, &call, "orphan.delete", &target, before, after);
        registry.ask_orphan_deletion(&seen.orphan, &act, now).await?;
    }
    seen.orphan.delete_asked_at.get_or_insert(now);
    let answer = Answer { dry_run: is_dry_run.then_some(true), orphan: OrphanView::of(&seen) };
    if is_news && !is_dry_run { accepted(&answer) } else { reply::json(&answer) }
}

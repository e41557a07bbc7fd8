//! `GET /admin/api/tenants/{name}`: a tenant as operators see it.

use serde::Serialize;

use crate::app::App;
use crate::clock::Timestamp;
use crate::http::api::change::{self, ledger_of, next_plan, release_of};
use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response};
use crate::http::view::{PlanView, TenantView};
use crate::tenant::{Resource, ResourceKind};

/// A tenant, and what only operators see of it.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "OperatorsTenant"))]
pub struct Answer<'a> {
    tenant: TenantView<'a>,
    /// For ever; a name may be given again.
    id: &'a str,
    /// Who counts for the limit of tenants per owner.
    owner: Option<&'a str>,
    /// When its next round is due; null: it wants none.
    next_round_at: Option<String>,
    /// Rounds since the last progress.
    attempts: u32,
    /// What it has in Cloudflare, by its ledger.
    ledger: Vec<LedgerLine<'a>>,
    /// What the next round would do, as far as that can be told without a look at Cloudflare.
    plan: PlanView<'a>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct LedgerLine<'a> {
    kind: ResourceKind,
    name: &'a str,
    /// Cloudflare's id, where it has one beside the name.
    id: Option<&'a str>,
    /// When it was first asked for.
    asked_at: Option<String>,
    /// Where the Cloudflare dashboard shows it.
    dashboard: Option<String>,
}

/// The tenant, with its forecast for `?preset=&hours_per_day=&cpu_percent=`.
pub async fn read(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let activity = change::activity(&mut call.query);
    call.query.finish()?;
    let (app, tenant) = (&call.app, &subject.tenant);
    let release = release_of(app, tenant).await?;
    let secrets = app.registry.secrets(&tenant.id).await?;
    let ledger = ledger_of(&subject.resources)?;
    let plan = next_plan(tenant, &ledger, &release, &secrets, app.clock.now());
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());

    reply::json(&Answer {
        tenant: TenantView::of(app, tenant, &subject.resources, activity),
        id: &tenant.id.0,
        owner: tenant.owner.as_deref(),
        next_round_at: time(tenant.due_at),
        attempts: tenant.attempts,
        ledger: subject
            .resources
            .iter()
            .map(|resource| LedgerLine {
                kind: resource.kind,
                name: &resource.name,
                id: resource.external_id.as_deref(),
                asked_at: time(resource.asked_at),
                dashboard: dashboard(app, resource),
            })
            .collect(),
        plan: PlanView::of(&plan, &ledger),
    })
}

/// Where the Cloudflare dashboard shows a resource; `None`: it has no page of its own.
pub fn dashboard(app: &App, resource: &Resource) -> Option<String> {
    let account = format!("https://dash.cloudflare.com/{}", app.config.account_id);
    let name = &resource.name;
    match resource.kind {
        ResourceKind::Bucket => Some(format!("{account}/r2/default/buckets/{name}")),
        ResourceKind::Script => Some(format!("{account}/workers/services/view/{name}/production")),
        ResourceKind::Application => Some(format!("{account}/workers/containers")),
        ResourceKind::Route | ResourceKind::Schedule => {
            Some(format!("{account}/workers/services/view/{name}/production/settings"))
        }
    }
}

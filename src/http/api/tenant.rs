//! `GET`, `PATCH`, `DELETE /v1/tenants/{name}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::spec;
use crate::app::App;
use crate::clock::{DAY_MS, Timestamp};
use crate::http::auth::Owner;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::http::view::TenantView;
use crate::registry::Change;
use crate::tenant::event::Event;
use crate::tenant::spec::SpecChange;
use crate::tenant::{Condition, GRACE_DAYS, Phase, Resource, Status, Tenant, condition};
use crate::wake::Nudge;

/// Most days that a deleted tenant's bucket is kept.
const MAX_GRACE_DAYS: i64 = 30;

/// The tenant.
pub async fn read(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    answer(&call.app, &owner.tenant, &owner.resources)
}

/// Changes the spec; what the body does not name stays. A change that changes nothing is answered 200, unless the tenant
/// has failed: then it asks for another try.
pub async fn change(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let change = read_change(call.json()?)?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    let wanted = change.apply_to(tenant.spec.clone());
    if wanted == tenant.spec && tenant.phase != Phase::Failed {
        return answer(&call.app, &tenant, &resources);
    }
    let message = format!(
        "wanted from now on: {}, at most {} at once, sleep after {}",
        wanted.instance_type, wanted.max_instances, wanted.sleep_after
    );
    let news = News::new(&tenant, "SpecChanged", message, call.app.clock.now());
    call.app.registry.change_spec(&tenant, &wanted, news.as_change()).await?;
    accepted(&call.app, &tenant, call.request_id).await
}

/// Deletes the tenant: Worker, container and route at once, the bucket after `?grace_days=`.
pub async fn delete(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    let grace_days = call.query.number("grace_days", 0..=MAX_GRACE_DAYS).unwrap_or(GRACE_DAYS);
    call.query.finish()?;
    let Owner { tenant, resources } = owner;
    if tenant.phase == Phase::Deleted {
        return answer(&call.app, &tenant, &resources);
    }
    let now = call.app.clock.now();
    let message = match grace_days {
        0 => "deletion asked for, data included".to_owned(),
        days => format!("deletion asked for; data is kept for {days} days at most"),
    };
    let news = News::new(&tenant, "DeletionAsked", message, now);
    call.app.registry.ask_deletion(&tenant, now.plus_ms(grace_days * DAY_MS), news.as_change()).await?;
    accepted(&call.app, &tenant, call.request_id).await
}

/// Reads a body of the form `{"spec": {…}}`; every complaint at once.
fn read_change(body: serde_json::Map<String, Value>) -> Result<SpecChange, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", body, &mut complaints);
    fields.require("spec");
    let spec = fields.object("spec");
    fields.finish();
    let change = spec.map_or_else(SpecChange::default, |spec| spec::read(spec, &mut complaints));
    if complaints.is_empty() { Ok(change) } else { Err(ApiError::Invalid(complaints)) }
}

/// A tenant that is going takes no changes.
pub fn refuse_if_going(tenant: &Tenant) -> Result<(), ApiError> {
    if tenant.deletion.is_some() { Err(ApiError::BeingDeleted) } else { Ok(()) }
}

/// What a change does to the tenant at once, before any round.
pub struct News {
    conditions: Vec<Condition>,
    event: Event,
    now: Timestamp,
}

impl News {
    /// Something else is wanted, so the tenant is not ready any more.
    pub fn new(tenant: &Tenant, reason: &str, message: String, now: Timestamp) -> Self {
        let mut conditions = tenant.conditions.clone();
        condition::set(&mut conditions, now, "Ready", Status::False, reason, message.clone());
        Self { conditions, event: Event::new(reason, message), now }
    }

    /// In the registry's words.
    pub fn as_change(&self) -> Change<'_> {
        Change { conditions: &self.conditions, event: &self.event, now: self.now }
    }
}

/// Nudges, and answers 202 with the tenant as it is now.
pub async fn accepted(app: &App, tenant: &Tenant, request_id: String) -> Result<Response, ApiError> {
    app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id }, 0).await;
    let (tenant, resources) = app.registry.find_tenant(&tenant.id).await?.ok_or(ApiError::NoSuchTenant)?;
    let mut response = answer(app, &tenant, &resources)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// 200 with the tenant.
pub fn answer(app: &App, tenant: &Tenant, resources: &[Resource]) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Answer<'a> {
        tenant: TenantView<'a>,
    }
    json(&Answer { tenant: TenantView::of(app, tenant, resources) })
}

//! `GET`, `PATCH`, `DELETE /v1/tenants/{name}`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::spec;
use crate::app::App;
use crate::clock::{DAY_MS, Timestamp};
use crate::http::auth::Owner;
use crate::http::body::{Fields, JsonObject};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request_id::RequestId;
use crate::http::view::TenantView;
use crate::registry::Change;
use crate::tenant::event::Event;
use crate::tenant::spec::SpecChange;
use crate::tenant::{Condition, GRACE_DAYS, Phase, Resource, Status, Tenant, condition};
use crate::wake::Nudge;

/// Most days that a deleted tenant's bucket is kept.
const MAX_GRACE_DAYS: i64 = 30;

/// The tenant.
pub async fn read(State(app): State<App>, owner: Owner, query: Query) -> Result<Response, ApiError> {
    query.finish()?;
    Ok(answer(&app, &owner.tenant, &owner.resources))
}

/// Changes the spec; what the body does not name stays. A change that changes nothing is answered 200, unless the tenant
/// has failed: then it asks for another try.
pub async fn change(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    owner: Owner,
    query: Query,
    JsonObject(body): JsonObject,
) -> Result<Response, ApiError> {
    query.finish()?;
    let change = read_change(body)?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    let wanted = change.apply_to(tenant.spec.clone());
    if wanted == tenant.spec && tenant.phase != Phase::Failed {
        return Ok(answer(&app, &tenant, &resources));
    }
    let message = format!(
        "wanted from now on: {}, at most {} at once, sleep after {}",
        wanted.instance_type, wanted.max_instances, wanted.sleep_after
    );
    let news = News::new(&tenant, "SpecChanged", message, app.clock.now());
    app.registry.change_spec(&tenant, &wanted, news.as_change()).await?;
    accepted(&app, &tenant, request_id).await
}

/// Deletes the tenant: Worker, container and route at once, the bucket after `?grace_days=`.
pub async fn delete(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    owner: Owner,
    mut query: Query,
) -> Result<Response, ApiError> {
    let grace_days = query.number("grace_days", 0..=MAX_GRACE_DAYS).unwrap_or(GRACE_DAYS);
    query.finish()?;
    let Owner { tenant, resources } = owner;
    if tenant.phase == Phase::Deleted {
        return Ok(answer(&app, &tenant, &resources));
    }
    let now = app.clock.now();
    let message = match grace_days {
        0 => "deletion asked for, data included".to_owned(),
        days => format!("deletion asked for; data is kept for {days} days at most"),
    };
    let news = News::new(&tenant, "DeletionAsked", message, now);
    app.registry.ask_deletion(&tenant, now.plus_ms(grace_days * DAY_MS), news.as_change()).await?;
    accepted(&app, &tenant, request_id).await
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
        Change { conditions: &self.conditions, event: &self.event, now: self.now, answer: None }
    }
}

/// Nudges, and answers 202 with the tenant as it is now.
pub async fn accepted(app: &App, tenant: &Tenant, request_id: RequestId) -> Result<Response, ApiError> {
    app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id: request_id.id }, 0).await;
    let (tenant, resources) = app.registry.find_tenant(&tenant.id).await?.ok_or(ApiError::NoSuchTenant)?;
    Ok((StatusCode::ACCEPTED, answer(app, &tenant, &resources)).into_response())
}

/// 200 with the tenant.
pub fn answer(app: &App, tenant: &Tenant, resources: &[Resource]) -> Response {
    #[derive(Serialize)]
    struct Answer<'a> {
        tenant: TenantView<'a>,
    }
    Json(Answer { tenant: TenantView::of(app, tenant, resources) }).into_response()
}

//! `GET`, `PATCH`, `DELETE /v1/tenants/{name}`.

use serde_json::{Map, Value};

use super::change::{self, Change, dry_run, refuse_if_going, unchanged};
use super::{admission, spec};
use crate::app::App;
use crate::capacity::{Load, PerTenant, Room};
use crate::clock::DAY_MS;
use crate::http::auth::Subject;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::tenant::spec::SpecChange;
use crate::tenant::{GRACE_DAYS, Phase, Tenant, TenantSpec, Wish};

/// Most days that a deleted tenant's bucket is kept.
pub const MAX_GRACE_DAYS: i64 = 30;

/// The tenant, with its forecast for `?preset=&hours_per_day=&cpu_percent=`.
pub async fn read(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let activity = change::activity(&mut call.query);
    call.query.finish()?;
    change::read(&call.app, &subject, activity)
}

/// Changes the spec; what the body does not name stays. A change that changes nothing is answered 200, unless the tenant
/// has failed: then it asks for another try.
pub async fn change(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    let is_operator = subject.operator().is_some();
    let change = read_change(call.json()?, is_operator)?;
    let tenant = &subject.tenant;
    refuse_if_going(tenant)?;
    call.refuse_if_changed(|| unchanged(&call.app, &subject))?;
    let wanted = change.apply_to(tenant.spec.clone());
    if wanted == tenant.spec && tenant.phase != Phase::Failed && dry_run.is_none() {
        return unchanged(&call.app, &subject);
    }
    // What a tenant has it keeps, though the operator would not give it any more.
    if !is_operator
        && wanted.instance_type != tenant.spec.instance_type
        && let Some(complaint) = spec::beyond(tenant.largest, &wanted)
    {
        return Err(ApiError::Invalid(vec![complaint]));
    }
    let room = check_room(&call.app, tenant, &wanted).await?;
    let message = format!(
        "wanted from now on: {}, at most {} at once, sleep after {}",
        wanted.instance_type, wanted.max_instances, wanted.sleep_after
    );
    let change = Change { room, ..Change::new(Wish::Spec(wanted), "SpecChanged", message) };
    change.make(&call, &subject, dry_run).await
}

/// Deletes the tenant: Worker, container and route at once, the bucket after `?grace_days=`.
pub async fn delete(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    let grace_days = call.query.number("grace_days", 0..=MAX_GRACE_DAYS).unwrap_or(GRACE_DAYS);
    call.query.finish()?;
    call.refuse_if_changed(|| unchanged(&call.app, &subject))?;
    if subject.tenant.phase == Phase::Deleted {
        return unchanged(&call.app, &subject);
    }
    let message = match grace_days {
        0 => "deletion asked for, data included".to_owned(),
        days => format!("deletion asked for; data is kept for {days} days at most"),
    };
    let keep_data_until = call.app.clock.now().plus_ms(grace_days * DAY_MS);
    Change::new(Wish::Deleted { keep_data_until }, "DeletionAsked", message).make(&call, &subject, dry_run).await
}

/// Reads a body of the form `{"spec": {…}}`; every complaint at once.
fn read_change(body: Map<String, Value>, is_operator: bool) -> Result<SpecChange, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", body, &mut complaints);
    fields.require("spec");
    let spec = fields.object("spec");
    fields.finish();
    let change = spec.map_or_else(SpecChange::default, |spec| spec::read(spec, is_operator, &mut complaints));
    if complaints.is_empty() { Ok(change) } else { Err(ApiError::Invalid(complaints)) }
}

/// What grows must find its place in the account: now, and beside what else grows when it is written.
async fn check_room(app: &App, tenant: &Tenant, wanted: &TenantSpec) -> Result<Room, ApiError> {
    let (before, after) = (Load::of(&tenant.spec), Load::of(wanted));
    if before != after {
        let each = PerTenant::of(&change::release_of(app, tenant).await?.manifest);
        let fleet = app.registry.fleet().await?;
        app.config.account.check_change(&admission::load(&fleet), &before, &after, each)?;
    }
    Ok(app.config.account.room(&before, &after))
}

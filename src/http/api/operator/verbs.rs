//! What only operators do to a tenant: `POST /admin/api/tenants/{name}/retry`, `…/pause`, `…/unpause`, `PUT …/release`,
//! `…/trial`, `DELETE …/tokens`. Each asked for twice is answered like once.

use serde::Serialize;
use serde_json::json;

use crate::clock::Timestamp;
use crate::http::api::change::{Change, dry_run, refuse_if_going, unchanged};
use crate::http::auth::Subject;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response};
use crate::registry::TokenState;
use crate::release::ReleaseId;
use crate::tenant::event::Event;
use crate::tenant::{Phase, Wish};

/// How many tokens were revoked.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct TokensRevoked {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    revoked: u64,
}

/// Has everything about the tenant tried again from the start, at once: also what failed for good, and what waits for a
/// later try.
pub async fn retry(call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.refuse_body()?;
    let is_gone = subject.tenant.phase == Phase::Deleted;
    let change = Change::new(Wish::Retry, "RetryAsked", "an operator asked for another try");
    make(call, subject, is_gone, change).await
}

/// Has the tenant's rounds wait: whatever is asked of it from now on is written down and done once they run again. A round
/// that is under way goes on to its end.
pub async fn pause(call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.refuse_body()?;
    let is_so = subject.tenant.paused_at.is_some() || subject.tenant.phase == Phase::Deleted;
    let change = Change::new(Wish::Paused(true), "Paused", "an operator has all work on it wait");
    make(call, subject, is_so, change).await
}

/// Has them run again, the first one at once.
pub async fn unpause(call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.refuse_body()?;
    let is_so = subject.tenant.paused_at.is_none();
    let change = Change::new(Wish::Paused(false), "Unpaused", "work on it goes on");
    make(call, subject, is_so, change).await
}

/// Has the tenant deployed from another release: `{"release": "rel_…"}`, or from the one that sign-ups get: `{}`.
pub async fn release(call: Call, subject: Subject) -> Result<Response, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    let id = fields.text("release", |id| Ok::<_, String>(ReleaseId(id.to_owned())));
    fields.finish();
    if !complaints.is_empty() {
        return Err(ApiError::Invalid(complaints));
    }
    refuse_if_going(&subject.tenant)?;
    let registry = &call.app.registry;
    let release = match id {
        Some(id) => registry.release(&id).await?.ok_or(ApiError::NoSuchRelease)?,
        None => registry.default_release().await?.ok_or(ApiError::NoRelease)?,
    };
    let is_so = release.id == subject.tenant.release;
    let message = format!("wanted from now on: release {}", release.id);
    make(call, subject, is_so, Change::new(Wish::Release(release.id), "ReleaseChanged", message)).await
}

/// Sets when the tenant's trial ends, or that it has no end: `{"ends_at": "2026-12-24T00:00:00Z"}`, `{"ends_at": null}`.
pub async fn trial(call: Call, subject: Subject) -> Result<Response, ApiError> {
    let mut body = call.json()?;
    let is_to_have_none = body.get("ends_at").is_some_and(serde_json::Value::is_null);
    if is_to_have_none {
        body.remove("ends_at");
    }
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", body, &mut complaints);
    if !is_to_have_none {
        fields.require("ends_at");
    }
    let ends_at = fields.text("ends_at", |text| {
        Timestamp::parse(text).ok_or("must be a time such as 2026-12-24T00:00:00Z, or null: it has no end")
    });
    fields.finish();
    if !complaints.is_empty() {
        return Err(ApiError::Invalid(complaints));
    }
    refuse_if_going(&subject.tenant)?;
    let is_so = ends_at == subject.tenant.expires_at;
    let message = match ends_at {
        Some(at) => format!("its trial ends at {at}"),
        None => "its trial has no end".to_owned(),
    };
    make(call, subject, is_so, Change::new(Wish::Trial { ends_at }, "TrialChanged", message)).await
}

/// Revokes every token of the tenant, and with them all sessions of its pages: for a token that got into wrong hands. Its
/// owner needs a new one then, which only an operator can make.
pub async fn revoke_tokens(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (app, now) = (&call.app, call.app.clock.now());
    let tokens = app.registry.tokens(&subject.tenant.id).await?;
    let good = tokens.iter().filter(|token| token.state(now) == TokenState::Good);
    let good: Vec<&str> = good.map(|token| token.id.as_str()).collect();
    let mut revoked = u64::try_from(good.len()).unwrap_or_default();
    if !is_dry_run && revoked > 0 {
        let act = subject.act(&call, "token.revoke_all", json!({"good": good}), json!({"good": []}));
        let event = Event::new("TokensRevoked", "an operator revoked all tokens");
        revoked = app.registry.revoke_other_tokens(&subject.tenant.id, None, &event, act.as_ref(), now).await?;
    }
    reply::json(&TokensRevoked { dry_run: is_dry_run.then_some(true), revoked })
}

/// Makes `change` unless it `is_so` already.
async fn make(mut call: Call, subject: Subject, is_so: bool, change: Change) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    call.refuse_if_changed(|| unchanged(&call.app, &subject))?;
    if is_so && dry_run.is_none() {
        return unchanged(&call.app, &subject);
    }
    change.make(&call, &subject, dry_run).await
}

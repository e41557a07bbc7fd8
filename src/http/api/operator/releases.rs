//! `GET /admin/api/releases`, `PUT /admin/api/releases/{id}/default`.

use serde::Serialize;
use serde_json::json;

use crate::access::Operator;
use crate::http::auth::act_of;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response};
use crate::registry::ListedRelease;
use crate::release::ReleaseId;

const LINES: i64 = 50;
pub const MAX_LINES: i64 = 200;

/// A release: what a tenant's Worker is deployed from.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Release"))]
pub struct ReleaseView<'a> {
    id: &'a str,
    /// When it was published.
    created_at: String,
    /// Since when sign-ups got it; null: they never did.
    default_since: Option<String>,
    /// Whether sign-ups get it now.
    is_default: bool,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Releases"))]
pub struct Listing<'a> {
    /// Newest first.
    releases: Vec<ReleaseView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "ReleaseAnswer"))]
pub struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    release: ReleaseView<'a>,
}

impl<'a> ReleaseView<'a> {
    fn of(release: &'a ListedRelease) -> Self {
        Self {
            id: &release.id.0,
            created_at: release.created_at.to_string(),
            default_since: release.default_since.map(|at| at.to_string()),
            is_default: release.is_default,
        }
    }
}

/// The newest releases: `?limit=` of them.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    call.query.finish()?;
    let releases = call.app.registry.releases(limit).await?;
    reply::json(&Listing { releases: releases.iter().map(ReleaseView::of).collect() })
}

/// Has sign-ups get this release from now on. Tenants that are there stay with theirs.
pub async fn make_default(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    call.refuse_body()?;
    let (registry, now, id) = (&call.app.registry, call.app.clock.now(), ReleaseId(call.param(0).to_owned()));
    let mut release = registry.listed_release(&id).await?.ok_or(ApiError::NoSuchRelease)?;
    if !release.is_default {
        if !is_dry_run {
            let former = registry.default_release().await?.map(|release| release.id.0);
            let before = json!({"default": former});
            let act = act_of(&operator, &call, "release.default", &id.0, before, json!({"default": id.0}));
            registry.make_default(&id, &act, now).await?;
        }
        (release.default_since, release.is_default) = (Some(now), true);
    }
    reply::json(&Answer { dry_run: is_dry_run.then_some(true), release: ReleaseView::of(&release) })
}

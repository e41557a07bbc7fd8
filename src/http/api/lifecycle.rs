//! `POST /v1/tenants/{name}/suspend`, `…/resume`, `…/undelete`. Each asked for twice is answered like once.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Serialize;

use super::secrets::{generate, seal};
use super::tenant::{News, accepted, answer, refuse_if_going};
use crate::app::App;
use crate::http::auth::Owner;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request_id::RequestId;
use crate::http::view::TenantView;
use crate::tenant::Phase;
use crate::vault::PlainSecret;
use crate::wake::Nudge;

/// Has the tenant stand still: nothing runs, nothing answers; data, Worker and secrets are kept.
pub async fn suspend(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    owner: Owner,
    query: Query,
) -> Result<Response, ApiError> {
    query.finish()?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    if tenant.suspended_at.is_some() {
        return Ok(answer(&app, &tenant, &resources));
    }
    let message = "to stand still: nothing runs and nothing answers, all data is kept".to_owned();
    let news = News::new(&tenant, "SuspensionAsked", message, app.clock.now());
    app.registry.suspend(&tenant, false, news.as_change()).await?;
    accepted(&app, &tenant, request_id).await
}

/// Has it run again.
pub async fn resume(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    owner: Owner,
    query: Query,
) -> Result<Response, ApiError> {
    query.finish()?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    let now = app.clock.now();
    if tenant.expires_at.is_some_and(|expires| expires <= now) {
        return Err(ApiError::TrialEnded);
    }
    if tenant.suspended_at.is_none() {
        return Ok(answer(&app, &tenant, &resources));
    }
    let news = News::new(&tenant, "ResumptionAsked", "to run again".to_owned(), now);
    app.registry.suspend(&tenant, true, news.as_change()).await?;
    accepted(&app, &tenant, request_id).await
}

/// The answer to an undeletion: the only time that the new gateway token is shown.
#[derive(Serialize)]
struct Undeleted<'a> {
    tenant: TenantView<'a>,
    gateway_token: Option<&'a str>,
}

/// Takes a deletion back while the data is kept. The Worker is made anew, so its secrets are lost: those that the plane
/// makes are made anew, the others are for the owner to set, as the condition `SecretsReady` will say.
pub async fn undelete(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    owner: Owner,
    query: Query,
) -> Result<Response, ApiError> {
    query.finish()?;
    let Owner { tenant, resources } = owner;
    let now = app.clock.now();
    match tenant.deletion {
        None => return Ok(answer(&app, &tenant, &resources)),
        Some(deletion) if tenant.phase == Phase::Deleted || deletion.keep_data_until <= now => {
            return Err(ApiError::DataGone);
        }
        Some(_) => {}
    }
    let release = app.registry.release(&tenant.release).await?.ok_or(ApiError::NoRelease)?;
    let mut fresh = Vec::new();
    let gateway_token = generate(&app, &release, &mut fresh);
    let present = app.registry.secrets(&tenant.id).await?;
    let sealed = fresh.iter().map(|(name, value)| seal(&app, &tenant, &present, name, Some(value)));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    let news = News::new(&tenant, "UndeletionAsked", "to be made anew around its data".to_owned(), now);
    app.registry.undelete(&tenant, &sealed, news.as_change()).await?;
    app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id: request_id.id }, 0).await;
    let (tenant, resources) = app.registry.find_tenant(&tenant.id).await?.ok_or(ApiError::NoSuchTenant)?;
    let answer = Undeleted {
        tenant: TenantView::of(&app, &tenant, &resources),
        gateway_token: gateway_token.as_ref().map(PlainSecret::expose),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

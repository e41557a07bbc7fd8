//! `POST /v1/tenants/{name}/suspend`, `…/resume`, `…/undelete`. Each asked for twice is answered like once.

use serde::Serialize;

use super::secrets::{generate, seal};
use super::tenant::{News, accepted, answer, refuse_if_going};
use crate::http::auth::Owner;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response};
use crate::http::view::TenantView;
use crate::tenant::Phase;
use crate::vault::PlainSecret;
use crate::wake::Nudge;

/// Has the tenant stand still: nothing runs, nothing answers; data, Worker and secrets are kept.
pub async fn suspend(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    if tenant.suspended_at.is_some() {
        return answer(&call.app, &tenant, &resources);
    }
    let message = "to stand still: nothing runs and nothing answers, all data is kept".to_owned();
    let news = News::new(&tenant, "SuspensionAsked", message, call.app.clock.now());
    call.app.registry.suspend(&tenant, false, news.as_change()).await?;
    accepted(&call.app, &tenant, call.request_id).await
}

/// Has it run again.
pub async fn resume(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Owner { tenant, resources } = owner;
    refuse_if_going(&tenant)?;
    let now = call.app.clock.now();
    if tenant.expires_at.is_some_and(|expires| expires <= now) {
        return Err(ApiError::TrialEnded);
    }
    if tenant.suspended_at.is_none() {
        return answer(&call.app, &tenant, &resources);
    }
    let news = News::new(&tenant, "ResumptionAsked", "to run again".to_owned(), now);
    call.app.registry.suspend(&tenant, true, news.as_change()).await?;
    accepted(&call.app, &tenant, call.request_id).await
}

/// The answer to an undeletion: the only time that the new gateway token is shown.
#[derive(Serialize)]
struct Undeleted<'a> {
    tenant: TenantView<'a>,
    gateway_token: Option<&'a str>,
}

/// Takes a deletion back while the data is kept. The Worker is made anew, so its secrets are lost: those that the plane
/// makes are made anew, the others are for the owner to set, as the condition `SecretsReady` will say.
pub async fn undelete(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Owner { tenant, resources } = owner;
    let now = call.app.clock.now();
    match tenant.deletion {
        None => return answer(&call.app, &tenant, &resources),
        Some(deletion) if tenant.phase == Phase::Deleted || deletion.keep_data_until <= now => {
            return Err(ApiError::DataGone);
        }
        Some(_) => {}
    }
    let release = call.app.registry.release(&tenant.release).await?.ok_or(ApiError::NoRelease)?;
    let mut fresh = Vec::new();
    let gateway_token = generate(&call.app, &release, &mut fresh);
    let present = call.app.registry.secrets(&tenant.id).await?;
    let sealed = fresh.iter().map(|(name, value)| seal(&call.app, &tenant, &present, name, Some(value)));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    let news = News::new(&tenant, "UndeletionAsked", "to be made anew around its data".to_owned(), now);
    call.app.registry.undelete(&tenant, &sealed, news.as_change()).await?;
    call.app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id: call.request_id }, 0).await;
    let (tenant, resources) = call.app.registry.find_tenant(&tenant.id).await?.ok_or(ApiError::NoSuchTenant)?;
    let answer = Undeleted {
        tenant: TenantView::of(&call.app, &tenant, &resources),
        gateway_token: gateway_token.as_ref().map(PlainSecret::expose),
    };
    reply::accepted(&answer)
}

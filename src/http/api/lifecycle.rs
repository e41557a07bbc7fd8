//! `POST /v1/tenants/{name}/suspend`, `…/resume`, `…/undelete`. Each asked for twice is answered like once.

use super::change::{Change, dry_run, refuse_if_going, release_of, unchanged};
use super::secret_values::{generate, seal};
use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::tenant::{Phase, Wish};

/// Has the tenant stand still: nothing runs, nothing answers; data, Worker and secrets are kept.
pub async fn suspend(call: Call, subject: Subject) -> Result<Response, ApiError> {
    let message = "to stand still: nothing runs and nothing answers, all data is kept";
    let is_so = subject.tenant.suspended_at.is_some();
    stand_or_run(call, subject, is_so, Change::new(Wish::Suspended, "SuspensionAsked", message)).await
}

/// Has it run again.
pub async fn resume(call: Call, subject: Subject) -> Result<Response, ApiError> {
    if subject.tenant.expires_at.is_some_and(|expires| expires <= call.app.clock.now()) {
        refuse_if_going(&subject.tenant)?;
        return Err(ApiError::TrialEnded);
    }
    let is_so = subject.tenant.suspended_at.is_none();
    stand_or_run(call, subject, is_so, Change::new(Wish::Running, "ResumptionAsked", "to run again")).await
}

/// Makes `change` unless it `is_so` already.
async fn stand_or_run(mut call: Call, subject: Subject, is_so: bool, change: Change) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    call.refuse_body()?;
    refuse_if_going(&subject.tenant)?;
    call.refuse_if_changed(|| unchanged(&call.app, &subject))?;
    if is_so && dry_run.is_none() {
        unchanged(&call.app, &subject)
    } else {
        change.make(&call, &subject, dry_run).await
    }
}

/// Takes a deletion back while the data is kept. The Worker is made anew, so its secrets are lost: those that the plane
/// makes are made anew, the others are for the owner to set, as the condition `SecretsReady` will say.
pub async fn undelete(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    call.refuse_body()?;
    call.refuse_if_changed(|| unchanged(&call.app, &subject))?;
    let (app, tenant) = (&call.app, &subject.tenant);
    match tenant.deletion {
        None => return unchanged(app, &subject),
        Some(deletion) if tenant.phase == Phase::Deleted || deletion.keep_data_until <= app.clock.now() => {
            return Err(ApiError::DataGone);
        }
        Some(_) => {}
    }
    let release = release_of(app, tenant).await?;
    let mut fresh = Vec::new();
    let gateway_token = generate(app, &release, &mut fresh);
    let present = app.registry.secrets(&tenant.id).await?;
    let sealed = fresh.iter().map(|(name, value)| seal(app, tenant, &present, name, Some(value)));
    let secrets = sealed.collect::<Result<Vec<_>, _>>()?;
    let change = Change::new(Wish::Undeleted, "UndeletionAsked", "to be made anew around its data");
    Change { secrets, gateway_token, ..change }.make(&call, &subject, dry_run).await
}

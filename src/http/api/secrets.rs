//! `GET`, `PATCH /v1/tenants/{name}/secrets`, `PUT`, `DELETE …/secrets/{NAME}`.

use serde::Serialize;

use super::change::{Change, dry_run, refuse_if_going, release_of};
use super::secret_values::{Named, check_against, check_name, check_value, is_set, read_values, seal};
use crate::cost::Activity;
use crate::http::auth::Subject;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::http::view::SecretView;
use crate::release::Release;
use crate::tenant::{SecretName, Wish};
use crate::vault::Secret;

/// Times that a change of secrets is repeated when other requests were there first: as many as a script that sets each
/// secret of the guide by itself could need.
const MAX_REPEATS: u32 = 12;

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Secrets"))]
pub struct Listing<'a> {
    secrets: Vec<SecretView<'a>>,
    /// Required by the release, and not set.
    missing: Vec<&'a String>,
}

/// Names and states; values are never readable.
pub async fn list(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.query.finish()?;
    let secrets = call.app.registry.secrets(&subject.tenant.id).await?;
    listing(&secrets, &release_of(&call.app, &subject.tenant).await?)
}

fn listing(secrets: &[Secret], release: &Release) -> Result<Response, ApiError> {
    let required = &release.manifest.profile.required;
    let missing = required.iter().filter(|name| !secrets.iter().any(|secret| is_set(secret, name))).collect();
    json(&Listing { secrets: secrets.iter().map(SecretView::of).collect(), missing })
}

/// Sets and deletes several at once: `{"NAME": "value", "OTHER": null}`.
pub async fn change(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    refuse_if_going(&subject.tenant)?;
    let release = release_of(&call.app, &subject.tenant).await?;
    let mut complaints = Vec::new();
    let changes = read_values("", call.json()?, &release, &mut complaints);
    if !complaints.is_empty() {
        return Err(ApiError::Invalid(complaints));
    }
    if changes.is_empty() {
        return Err(ApiError::invalid("", "names no secret; send {\"NAME\": \"value\"}, or null to delete one"));
    }
    apply(&call, subject, &release, changes, dry_run).await
}

/// Sets one: `{"value": "…"}`.
pub async fn set(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    refuse_if_going(&subject.tenant)?;
    let release = release_of(&call.app, &subject.tenant).await?;
    let mut complaints = Vec::new();
    let name = check_name("", call.param(1), &release, &mut complaints);
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    fields.require("value");
    let value = fields.text("value", check_value);
    fields.finish();
    match (name, value) {
        (Some(name), Some(value)) if complaints.is_empty() => {
            apply(&call, subject, &release, vec![(name, Some(value))], dry_run).await
        }
        _ => Err(ApiError::Invalid(complaints)),
    }
}

/// Deletes one.
pub async fn delete(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let dry_run = dry_run(&mut call.query);
    call.query.finish()?;
    refuse_if_going(&subject.tenant)?;
    let name = SecretName::parse(call.param(1)).map_err(|_| ApiError::NoSuchSecret)?;
    let release = release_of(&call.app, &subject.tenant).await?;
    apply(&call, subject, &release, vec![(name, None)], dry_run).await
}

/// Makes the changes. Several requests at once, each setting one, are a common way to set many: whoever is not first reads
/// the tenant again and repeats.
async fn apply(
    call: &Call,
    mut subject: Subject,
    release: &Release,
    changes: Vec<Named>,
    dry_run: Option<Activity>,
) -> Result<Response, ApiError> {
    let app = &call.app;
    let names: Vec<&str> = changes.iter().map(|(name, _)| name.as_str()).collect();
    let message = format!("secrets set or deleted: {}", names.join(", "));
    for _ in 0..MAX_REPEATS {
        let present = app.registry.secrets(&subject.tenant.id).await?;
        call.refuse_if_changed(|| listing(&present, release))?;
        check_against(&present, &changes, release)?;
        let sealed = changes.iter().map(|(name, value)| seal(app, &subject.tenant, &present, name, value.as_ref()));
        let secrets = sealed.collect::<Result<Vec<_>, _>>()?;
        let change = Change { secrets, ..Change::new(Wish::Secrets, "SecretsChanged", message.as_str()) };
        match change.make(call, &subject, dry_run).await {
            Err(ApiError::Conflict) => {
                let read = app.registry.find_tenant(&subject.tenant.id).await?;
                let (tenant, resources) = read.ok_or(ApiError::NoSuchTenant)?;
                subject = Subject { tenant, resources, ..subject };
                refuse_if_going(&subject.tenant)?;
            }
            outcome => return outcome,
        }
    }
    Err(ApiError::Conflict)
}

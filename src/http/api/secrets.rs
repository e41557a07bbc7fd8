//! `GET`, `PATCH /v1/tenants/{name}/secrets`, `PUT`, `DELETE …/secrets/{NAME}`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::tenant::{News, accepted, refuse_if_going};
use crate::app::App;
use crate::http::auth::Owner;
use crate::http::body::{Fields, escape};
use crate::http::call::Call;
use crate::http::error::{ApiError, FieldError};
use crate::http::reply::{Response, json};
use crate::http::view::SecretView;
use crate::registry::SecretChange;
use crate::release::Release;
use crate::tenant::secret_name::{MAX_SECRETS, MAX_VALUE_BYTES};
use crate::tenant::{SecretName, Tenant};
use crate::vault::sealed::Place;
use crate::vault::secret::Wanted;
use crate::vault::{PlainSecret, Secret};

/// Times that a change of secrets is repeated when other requests were there first: as many as a script that sets each
/// secret of the guide by itself could need.
const MAX_REPEATS: u32 = 12;

#[derive(Serialize)]
struct Listing<'a> {
    secrets: Vec<SecretView<'a>>,
    /// Required by the release, and not set.
    missing: Vec<&'a String>,
}

/// Names and states; values are never readable.
pub async fn list(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let secrets = call.app.registry.secrets(&owner.tenant.id).await?;
    let release = release_of(&call.app, &owner.tenant).await?;
    let is_set = |name: &&String| {
        secrets.iter().any(|secret| secret.name.as_str() == *name && secret.wanted == Wanted::Set && !secret.is_lost())
    };
    let missing = release.manifest.profile.required.iter().filter(|name| !is_set(name)).collect();
    json(&Listing { secrets: secrets.iter().map(SecretView::of).collect(), missing })
}

/// Sets and deletes several at once: `{"NAME": "value", "OTHER": null}`.
pub async fn change(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    refuse_if_going(&owner.tenant)?;
    let release = release_of(&call.app, &owner.tenant).await?;
    let mut complaints = Vec::new();
    let changes = read_values("", call.json()?, &release, &mut complaints);
    if !complaints.is_empty() {
        return Err(ApiError::Invalid(complaints));
    }
    if changes.is_empty() {
        return Err(ApiError::invalid("", "names no secret; send {\"NAME\": \"value\"}, or null to delete one"));
    }
    apply(&call.app, owner.tenant, changes, call.request_id).await
}

/// Sets one: `{"value": "…"}`.
pub async fn set(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    refuse_if_going(&owner.tenant)?;
    let release = release_of(&call.app, &owner.tenant).await?;
    let mut complaints = Vec::new();
    let name = check_name("", call.param(1), &release, &mut complaints);
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    fields.require("value");
    let value = fields.text("value", check_value);
    fields.finish();
    match (name, value) {
        (Some(name), Some(value)) if complaints.is_empty() => {
            apply(&call.app, owner.tenant, vec![(name, Some(value))], call.request_id).await
        }
        _ => Err(ApiError::Invalid(complaints)),
    }
}

/// Deletes one.
pub async fn delete(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    refuse_if_going(&owner.tenant)?;
    let name = SecretName::parse(call.param(1)).map_err(|_| ApiError::NoSuchSecret)?;
    apply(&call.app, owner.tenant, vec![(name, None)], call.request_id).await
}

/// Makes the changes. Several requests at once, each setting one, are a common way to set many: whoever is not first reads
/// the tenant again and repeats.
async fn apply(
    app: &App,
    tenant: Tenant,
    changes: Vec<(SecretName, Option<PlainSecret>)>,
    request_id: String,
) -> Result<Response, ApiError> {
    let mut tenant = tenant;
    for _ in 0..MAX_REPEATS {
        match try_apply(app, &tenant, &changes).await {
            Err(ApiError::Conflict) => {
                let read = app.registry.find_tenant(&tenant.id).await?;
                (tenant, _) = read.ok_or(ApiError::NoSuchTenant)?;
                refuse_if_going(&tenant)?;
            }
            Err(error) => return Err(error),
            Ok(()) => return accepted(app, &tenant, request_id).await,
        }
    }
    Err(ApiError::Conflict)
}

async fn try_apply(app: &App, tenant: &Tenant, changes: &[(SecretName, Option<PlainSecret>)]) -> Result<(), ApiError> {
    let present = app.registry.secrets(&tenant.id).await?;
    check_against(&present, changes)?;
    let names: Vec<&str> = changes.iter().map(|(name, _)| name.as_str()).collect();
    let message = format!("secrets set or deleted: {}", names.join(", "));
    let sealed = changes.iter().map(|(name, value)| seal(app, tenant, &present, name, value.as_ref()));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    let news = News::new(tenant, "SecretsChanged", message, app.clock.now());
    app.registry.change_secrets(tenant, &sealed, news.as_change()).await?;
    Ok(())
}

/// What is to be deleted is there, and what is there afterwards is not too much.
fn check_against(present: &[Secret], changes: &[(SecretName, Option<PlainSecret>)]) -> Result<(), ApiError> {
    let mut names: Vec<&SecretName> =
        present.iter().filter(|secret| secret.wanted == Wanted::Set).map(|secret| &secret.name).collect();
    let before = names.len();
    for (name, value) in changes {
        let at = names.iter().position(|present| *present == name);
        match (value, at) {
            (Some(_), None) => names.push(name),
            (Some(_), Some(_)) => {}
            (None, Some(at)) => drop(names.swap_remove(at)),
            (None, None) => return Err(ApiError::NoSuchSecret),
        }
    }
    if names.len() > MAX_SECRETS.max(before) { Err(ApiError::TooManySecrets) } else { Ok(()) }
}

/// One secret a version above what is `present`; with no value, to be deleted.
pub fn seal(
    app: &App,
    tenant: &Tenant,
    present: &[Secret],
    name: &SecretName,
    value: Option<&PlainSecret>,
) -> Result<SecretChange, ApiError> {
    let version = present.iter().find(|secret| secret.name == *name).map_or(0, |secret| secret.version) + 1;
    let place = Place { tenant: &tenant.id, name, version };
    let seal = |value| app.config.sealing_key.seal(place, value, app.entropy.as_ref());
    let sealed = value.map(seal).transpose().map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(SecretChange { name: name.clone(), version, sealed })
}

/// Makes the secrets that the release's profile has the plane make, unless the tenant gave them. Returns the gateway's.
pub fn generate(app: &App, release: &Release, secrets: &mut Vec<(SecretName, PlainSecret)>) -> Option<PlainSecret> {
    let profile = &release.manifest.profile;
    for name in profile.generated.iter().filter_map(|name| SecretName::parse(name).ok()) {
        if !secrets.iter().any(|(given, _)| *given == name) {
            secrets.push((name, PlainSecret::generate(app.entropy.as_ref())));
        }
    }
    let gateway = profile.gateway_token.as_deref()?;
    secrets.iter().find(|(name, _)| name.as_str() == gateway).map(|(_, value)| value.clone())
}

async fn release_of(app: &App, tenant: &Tenant) -> Result<Release, ApiError> {
    let found = app.registry.release(&tenant.release).await?;
    found.ok_or_else(|| ApiError::Internal(format!("release {} is missing", tenant.release)))
}

/// Reads names and values at `pointer`; `null` stands for "delete".
pub fn read_values(
    pointer: &str,
    values: Map<String, Value>,
    release: &Release,
    complaints: &mut Vec<FieldError>,
) -> Vec<(SecretName, Option<PlainSecret>)> {
    let mut read = Vec::with_capacity(values.len());
    if values.len() > MAX_SECRETS {
        complaints.push(FieldError {
            pointer: pointer.to_owned(),
            detail: format!("names {} secrets; a tenant has at most {MAX_SECRETS}", values.len()),
        });
        return read;
    }
    for (text, value) in values {
        let at = format!("{pointer}/{}", escape(&text));
        let name = check_name(&at, &text, release, complaints);
        let value = match value {
            Value::Null => Ok(None),
            Value::String(value) => check_value(&value).map(Some),
            _ => Err("must be a string".to_owned()),
        };
        match (name, value) {
            (Some(name), Ok(value)) => read.push((name, value)),
            (None, Ok(_)) => {}
            (_, Err(detail)) => complaints.push(FieldError { pointer: at, detail }),
        }
    }
    read
}

/// A name that a tenant may set under this release.
fn check_name(pointer: &str, text: &str, release: &Release, complaints: &mut Vec<FieldError>) -> Option<SecretName> {
    let profile = &release.manifest.profile;
    let is_binding = || {
        let bound = release.manifest.bindings.iter().filter_map(|binding| binding.get("name")?.as_str());
        let own = [&profile.environment_variable, &profile.bucket_variable].into_iter().flatten().map(String::as_str);
        bound.chain(own).any(|name| name == text)
    };
    let checked = SecretName::parse(text).map_err(|error| error.to_string());
    let checked = match checked {
        Ok(_) if profile.sleep_secret.as_deref() == Some(text) => {
            Err("is set by the plane; change spec.sleep_after instead".to_owned())
        }
        Ok(_) if is_binding() => Err("is the name of one of the Worker's own bindings".to_owned()),
        other => other,
    };
    checked.map_err(|detail| complaints.push(FieldError { pointer: pointer.to_owned(), detail })).ok()
}

fn check_value(value: &str) -> Result<PlainSecret, String> {
    match value.len() {
        0 => Err("is empty; send null to delete a secret".to_owned()),
        length if length > MAX_VALUE_BYTES => {
            Err(format!("has {length} bytes; a secret's value has at most {MAX_VALUE_BYTES}"))
        }
        _ => Ok(PlainSecret::new(value.to_owned())),
    }
}

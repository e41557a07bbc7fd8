//! What a tenant's secrets may be: names and values as they come in, and the rules between them.

use serde_json::{Map, Value};

use crate::app::App;
use crate::http::body::escape;
use crate::http::error::{ApiError, FieldError};
use crate::registry::SecretChange;
use crate::release::Release;
use crate::tenant::secret_name::{MAX_SECRETS, MAX_VALUE_BYTES};
use crate::tenant::{SecretName, Tenant};
use crate::vault::sealed::Place;
use crate::vault::secret::Wanted;
use crate::vault::{PlainSecret, Secret};

/// A secret by name with its new value; without one, to be deleted.
pub type Named = (SecretName, Option<PlainSecret>);

/// Whether `secret` is the one called `name`, and Cloudflare has its value or will.
pub fn is_set(secret: &Secret, name: &str) -> bool {
    secret.name.as_str() == name && secret.wanted == Wanted::Set && !secret.is_lost()
}

/// What is to be deleted is there, what is there afterwards is not too much, and what goes together is there together.
pub fn check_against(present: &[Secret], changes: &[Named], release: &Release) -> Result<(), ApiError> {
    let wanted = |secret: &&Secret| secret.wanted == Wanted::Set;
    let mut names: Vec<&str> = present.iter().filter(wanted).map(|secret| secret.name.as_str()).collect();
    let before = names.len();
    for (name, value) in changes {
        let at = names.iter().position(|present| *present == name.as_str());
        match (value, at) {
            (Some(_), None) => names.push(name.as_str()),
            (Some(_), Some(_)) => {}
            (None, Some(at)) => drop(names.swap_remove(at)),
            (None, None) => return Err(ApiError::NoSuchSecret),
        }
    }
    if names.len() > MAX_SECRETS.max(before) {
        return Err(ApiError::TooManySecrets);
    }
    let is_there_after = |name: &str| match changes.iter().find(|(changed, _)| changed.as_str() == name) {
        Some((_, value)) => value.is_some(),
        None => present.iter().any(|secret| is_set(secret, name)),
    };
    let mut complaints = Vec::new();
    check_together(changes, release, is_there_after, "", &mut complaints);
    if complaints.is_empty() { Ok(()) } else { Err(ApiError::Invalid(complaints)) }
}

/// Of secrets that the release's profile says are of use together only, all are there afterwards or none.
pub fn check_together(
    changes: &[Named],
    release: &Release,
    is_there_after: impl Fn(&str) -> bool,
    pointer: &str,
    complaints: &mut Vec<FieldError>,
) {
    for group in &release.manifest.profile.together {
        let is_touched = changes.iter().any(|(name, _)| group.iter().any(|member| member == name.as_str()));
        let missing: Vec<&str> = group.iter().map(String::as_str).filter(|name| !is_there_after(name)).collect();
        if is_touched && !missing.is_empty() && missing.len() < group.len() {
            let detail = format!(
                "{} go together: set all of them at once, or none; missing would be {}",
                group.join(", "),
                missing.join(", ")
            );
            complaints.push(FieldError { pointer: pointer.to_owned(), detail });
        }
    }
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

/// Reads names and values at `pointer`; `null` stands for "delete".
pub fn read_values(
    pointer: &str,
    values: Map<String, Value>,
    release: &Release,
    complaints: &mut Vec<FieldError>,
) -> Vec<Named> {
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
pub fn check_name(
    pointer: &str,
    text: &str,
    release: &Release,
    complaints: &mut Vec<FieldError>,
) -> Option<SecretName> {
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

/// A value that a secret may have.
pub fn check_value(value: &str) -> Result<PlainSecret, String> {
    match value.len() {
        0 => Err("is empty; send null to delete a secret".to_owned()),
        length if length > MAX_VALUE_BYTES => {
            Err(format!("has {length} bytes; a secret's value has at most {MAX_VALUE_BYTES}"))
        }
        _ => Ok(PlainSecret::new(value.to_owned())),
    }
}

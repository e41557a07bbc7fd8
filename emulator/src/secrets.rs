//! Secrets of a script: set, set many, list names, delete. No answer ever holds a value.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bindings;
use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::scripts::{commit, find, release_copy};
use crate::world::Binding;

fn unreadable(why: &dyn std::fmt::Display) -> ApiError {
    ApiError::invalid(format!("the secret cannot be read: {why}"))
}

#[derive(Deserialize)]
struct Secret {
    name: String,
    text: String,
    #[serde(rename = "type")]
    kind: String,
}

/// `GET workers/scripts/{script}/secrets`.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = find(&world, &call)?;
    let secrets = script.latest().into_iter().flat_map(|version| &version.bindings).filter(|b| b.is_secret());
    Ok(Reply::ok(secrets.map(|b| json!({"name": b.name, "type": b.kind})).collect()))
}

/// `GET workers/scripts/{script}/secrets/{secret}`.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = find(&world, &call)?;
    let mut secrets = script.latest().into_iter().flat_map(|version| &version.bindings).filter(|b| b.is_secret());
    let found = secrets.find(|b| b.name == call.param("secret"));
    found.map(|b| Reply::ok(json!({"name": b.name, "type": b.kind}))).ok_or_else(ApiError::no_such_secret)
}

/// `PUT workers/scripts/{script}/secrets`: one secret, one new version.
pub(crate) async fn put(call: Call) -> Result<Reply, ApiError> {
    find(&call.world(), &call)?;
    let body: Secret = call.json(unreadable)?;
    if body.kind != "secret_text" {
        return Err(unreadable(&"the type must be secret_text"));
    }
    let secret = bindings::secret(&body.name, &body.text)?;
    change(&call, 10214, |bindings| {
        replace(bindings, secret);
        Ok(())
    })
    .await?;
    Ok(Reply::ok(json!({"name": body.name, "type": "secret_text"})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bulk {
    secrets: BTreeMap<String, Option<Secret>>,
    #[serde(default, rename = "version_tags")]
    _version_tags: Value,
}

/// `PATCH workers/scripts/{script}/secrets-bulk`, a merge patch: absent stays, null goes, the rest is set; one new version.
pub(crate) async fn bulk(call: Call) -> Result<Reply, ApiError> {
    find(&call.world(), &call)?;
    let body: Bulk = call.json(unreadable)?;
    let mut set = Vec::new();
    let mut gone = Vec::new();
    for (key, secret) in body.secrets {
        match secret {
            None => gone.push(key),
            Some(secret) if secret.name == key && secret.kind == "secret_text" => {
                set.push(bindings::secret(&secret.name, &secret.text)?);
            }
            Some(_) => return Err(unreadable(&format!("{key} must repeat its name and be secret_text"))),
        }
    }
    let result: Map<String, Value> =
        set.iter().map(|b| (b.name.clone(), json!({"name": b.name, "type": b.kind}))).collect();
    change(&call, 10214, |bindings| {
        bindings.retain(|b| !(b.is_secret() && gone.contains(&b.name)));
        for secret in set {
            replace(bindings, secret);
        }
        Ok(())
    })
    .await?;
    Ok(Reply::ok(Value::Object(result)))
}

/// `DELETE workers/scripts/{script}/secrets/{secret}`: 10056 if there is none.
pub(crate) async fn delete(call: Call) -> Result<Reply, ApiError> {
    find(&call.world(), &call)?;
    let name = call.param("secret").to_owned();
    change(&call, 10215, |bindings| {
        let before = bindings.len();
        bindings.retain(|b| !(b.is_secret() && b.name == name));
        if bindings.len() == before { Err(ApiError::no_such_secret()) } else { Ok(()) }
    })
    .await?;
    Ok(Reply::ok(Value::Null))
}

fn replace(bindings: &mut Vec<Binding>, secret: Binding) {
    bindings.retain(|b| b.name != secret.name);
    bindings.push(secret);
}

/// Release the newest version with changed secrets. Refused with `code` while a newer version is not deployed.
async fn change(
    call: &Call,
    code: u32,
    change: impl FnOnce(&mut Vec<Binding>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut next = call.world().clone();
    let mut script = find(&next, call)?.clone();
    if !script.latest_is_deployed() {
        return Err(ApiError::version_not_deployed(code));
    }
    let mut version = script.latest().cloned().ok_or_else(ApiError::no_such_script)?;
    change(&mut version.bindings)?;
    bindings::check(&version.bindings, &script.name, &next, call.emulator.options().limits.bindings)?;
    release_copy(&mut next, &mut script, version, call);
    commit(call, next, script).await
}

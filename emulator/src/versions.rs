//! Versions and deployments of a script: what wrangler reads after an upload, and gradual deployments.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::metadata::Upload;
use crate::scripts::{commit, etag, find, handlers};
use crate::world::{Deployment, Script, Version, World, rfc3339};
use crate::{assets, bindings, limits};

fn public(world: &World, script: &Script, version: &Version) -> Value {
    let bindings: Vec<Value> = version.bindings.iter().map(|binding| binding.public(world, &script.name)).collect();
    json!({
        "id": version.id,
        "number": version.number,
        "metadata": metadata(version),
        "annotations": version.annotations,
        "startup_time_ms": 12,
        "resources": {
            "bindings": bindings,
            "script": {
                "etag": etag(version),
                "handlers": handlers(version),
                "last_deployed_from": version.source,
            },
            "script_runtime": {
                "compatibility_date": version.compatibility_date,
                "compatibility_flags": version.compatibility_flags,
                "usage_model": script.usage_model,
                "migration_tag": script.migration_tag,
                "containers": version.containers,
            },
        },
    })
}

fn metadata(version: &Version) -> Value {
    json!({
        "created_on": rfc3339(version.created_at),
        "modified_on": rfc3339(version.created_at),
        "source": version.source,
        "author_email": "user@example.com",
        "author_id": "",
        "has_preview": false,
    })
}

/// `GET workers/scripts/{script}/versions/{version}`. 100146 for one that is not there, or not visible yet.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = find(&world, &call)?;
    let version = script.versions.iter().find(|version| version.id == call.param("version"));
    version.map(|version| Reply::ok(public(&world, script, version))).ok_or_else(ApiError::no_such_version)
}

/// `GET workers/scripts/{script}/versions`: newest first.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = find(&world, &call)?;
    let items: Vec<Value> = script
        .versions
        .iter()
        .rev()
        .map(|version| {
            let Version { id, number, annotations, .. } = version;
            json!({"id": id, "number": number, "metadata": metadata(version), "annotations": annotations})
        })
        .collect();
    let count = items.len();
    let info = json!({"page": 1, "per_page": count.max(1), "count": count, "total_count": count, "total_pages": 1});
    Ok(Reply::page(json!({"items": items}), info))
}

/// `POST workers/scripts/{script}/versions`: upload without deploying. Migrations cannot ride along (docs on gradual deployments).
pub(crate) async fn upload(call: Call) -> Result<Reply, ApiError> {
    let upload = Upload::read(&call)?;
    let mut world = call.world();
    let script = find(&world, &call)?.clone();
    let Upload { metadata, bindings, main_module, modules } = upload;
    if metadata.migrations.is_some() {
        return Err(ApiError::invalid("migrations must be uploaded with a deployment, not as a version"));
    }
    let strict = call.query("bindings_inherit") == Some("strict");
    let bindings = bindings::resolve(bindings, Some(&script), &metadata.keep_bindings, strict)?;
    bindings::check(&bindings, &script.name, &world, call.emulator.options().limits.bindings)?;
    let assets = assets::resolve(&world, &script.name, metadata.assets, metadata.keep_assets, Some(&script), call.now)?;
    let version = Version {
        id: world.ids.uuid(),
        number: script.latest().map_or(1, |version| version.number + 1),
        created_at: call.now,
        source: call.source().to_owned(),
        annotations: metadata.annotations.unwrap_or_else(|| json!({})),
        main_module,
        modules,
        bindings,
        containers: json!(metadata.containers.unwrap_or_default()),
        compatibility_date: metadata.compatibility_date,
        compatibility_flags: metadata.compatibility_flags,
        exports: json!(metadata.exports),
        assets,
    };
    let reply = Reply::ok(public(&world, &script, &version));
    if let Some(script) = world.scripts.get_mut(&script.name) {
        // The deployed version must stay, however many newer ones were only uploaded.
        let live = script.live().map(|version| version.id.clone());
        while script.versions.len() >= limits::VERSIONS_KEPT {
            let Some(at) = script.versions.iter().position(|version| Some(&version.id) != live.as_ref()) else { break };
            script.versions.remove(at);
        }
        script.versions.push(version);
    }
    Ok(reply)
}

fn deployment(deployment: &Deployment) -> Value {
    let versions: Vec<Value> =
        deployment.shares.iter().map(|(id, percentage)| json!({"version_id": id, "percentage": percentage})).collect();
    json!({
        "id": deployment.id,
        "source": deployment.source,
        "strategy": "percentage",
        "author_email": "user@example.com",
        "created_on": rfc3339(deployment.created_at),
        "annotations": deployment.annotations,
        "versions": versions,
    })
}

/// `GET workers/scripts/{script}/deployments`: newest first.
pub(crate) async fn deployments(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let deployments: Vec<Value> = find(&world, &call)?.deployments.iter().rev().map(deployment).collect();
    Ok(Reply::ok(json!({"deployments": deployments})))
}

#[derive(Deserialize)]
struct Deploy {
    strategy: String,
    versions: Vec<Share>,
    #[serde(default)]
    annotations: Value,
}

#[derive(Deserialize)]
struct Share {
    version_id: String,
    percentage: f64,
}

/// `POST workers/scripts/{script}/deployments`: one or two versions, together 100 %. Requests all go to the larger share.
pub(crate) async fn deploy(call: Call) -> Result<Reply, ApiError> {
    let mut next = call.world().clone();
    let mut script = find(&next, &call)?.clone();
    let body: Deploy = call.json(|why| ApiError::invalid(format!("the deployment is not valid: {why}")))?;
    let total: f64 = body.versions.iter().map(|share| share.percentage).sum();
    if body.strategy != "percentage" || !(1..=2).contains(&body.versions.len()) || (total - 100.0).abs() > 0.01 {
        return Err(ApiError::invalid("a deployment has one or two versions that add up to 100 percent"));
    }
    for share in &body.versions {
        if !script.versions.iter().any(|version| version.id == share.version_id) {
            return Err(ApiError::no_such_version());
        }
    }
    // Percentages are between 0 and 100 here, so the cast cannot lose more than the fraction.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to add up to 100 above")]
    let shares = body.versions.into_iter().map(|share| (share.version_id, share.percentage as u32)).collect();
    let made = Deployment {
        id: next.ids.uuid(),
        created_at: call.now,
        source: call.source().to_owned(),
        annotations: body.annotations,
        shares,
    };
    let reply = Reply::ok(deployment(&made));
    script.deployments.push(made);
    let surplus = script.deployments.len().saturating_sub(limits::VERSIONS_KEPT);
    script.deployments.drain(..surplus);
    script.modified_at = call.now;
    commit(&call, next, script).await?;
    Ok(reply)
}

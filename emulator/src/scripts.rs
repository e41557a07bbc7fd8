//! Worker scripts: upload, read, settings, delete.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::metadata::{Metadata, Upload, multipart, part};
use crate::world::{Deployment, Script, Version, World, rfc3339};
use crate::{assets, bindings, durable_objects, limits};

/// `PUT workers/scripts/{script}`: create or replace, and deploy at once. All or nothing: a refusal changes nothing.
pub(crate) async fn upload(call: Call) -> Result<Reply, ApiError> {
    let name = call.param("script").to_owned();
    limits::script_name(&name)?;
    let upload = Upload::read(&call)?;
    let options = call.emulator.options();
    let mut next = call.world().clone();
    if next.subdomain.is_none() {
        return Err(ApiError::needs_subdomain());
    }
    let previous = next.scripts.get(&name).cloned();
    if previous.is_none() && next.scripts.len() >= options.limits.workers {
        return Err(ApiError::too_many_scripts());
    }
    let Upload { metadata, bindings, main_module, modules } = upload;
    let containers = metadata.containers.unwrap_or_default();
    let mut script = previous.clone().unwrap_or_else(|| new_script(&mut next, &name, call.now));

    let strict = call.query("bindings_inherit") == Some("strict");
    let bindings = bindings::resolve(bindings, previous.as_ref(), &metadata.keep_bindings, strict)?;
    if let Some(migrations) = metadata.migrations {
        if script.exports_used {
            return Err(ApiError::exports_are_one_way());
        }
        let stored = script.migration_tag.as_deref();
        script.migration_tag = durable_objects::migrate(&mut next, &name, stored, migrations, &containers, &bindings)?;
    }
    if let Some(exports) = &metadata.exports {
        durable_objects::export(&mut next, &name, exports, &containers)?;
        script.exports_used = true;
    }
    if next.namespaces.len() > options.limits.durable_object_classes {
        return Err(ApiError::invalid("too many Durable Object classes on the account"));
    }
    bindings::check(&bindings, &name, &next, options.limits.bindings)?;
    for container in &containers {
        if next.namespace_of(&name, &container.class_name).is_none() {
            return Err(ApiError::class_not_configured(&container.class_name));
        }
    }
    let assets = assets::resolve(&next, &name, metadata.assets, metadata.keep_assets, previous.as_ref(), call.now)?;

    let version = Version {
        id: next.ids.uuid(),
        number: script.latest().map_or(1, |version| version.number + 1),
        created_at: call.now,
        source: call.source().to_owned(),
        annotations: metadata.annotations.unwrap_or_else(|| json!({})),
        main_module,
        modules,
        bindings,
        containers: json!(containers),
        compatibility_date: metadata.compatibility_date,
        compatibility_flags: metadata.compatibility_flags,
        exports: json!(metadata.exports),
        assets,
    };
    script.tags = metadata.tags.unwrap_or(script.tags);
    script.observability = metadata.observability.unwrap_or(script.observability);
    script.logpush = metadata.logpush.unwrap_or(script.logpush);
    script.tail_consumers = metadata.tail_consumers.unwrap_or(script.tail_consumers);
    script.placement = metadata.placement.unwrap_or(script.placement);
    script.limits = metadata.limits.unwrap_or(script.limits);
    script.usage_model = metadata.usage_model.unwrap_or(script.usage_model);
    let deployment_id = version.id.replace('-', "");
    release(&mut next, &mut script, version, call.now);
    let mut result = summary(&script);
    if let Some(fields) = result.as_object_mut() {
        fields.insert("deployment_id".to_owned(), json!(deployment_id));
        fields.insert("startup_time_ms".to_owned(), json!(12));
        let main_module = script.live().map(|version| version.main_module.clone());
        fields.insert("entry_point".to_owned(), json!(main_module));
    }
    next.scripts.insert(name.clone(), script);
    call.emulator.run(&next, &name).await?;
    *call.world() = next;
    Ok(Reply::ok(result))
}

/// A script before its first version.
pub(crate) fn new_script(world: &mut World, name: &str, now: i64) -> Script {
    Script {
        name: name.to_owned(),
        tag: world.ids.hex(),
        created_at: now,
        modified_at: now,
        tags: Vec::new(),
        migration_tag: None,
        exports_used: false,
        observability: json!({"enabled": false}),
        logpush: false,
        tail_consumers: json!([]),
        usage_model: "standard".to_owned(),
        placement: json!({}),
        limits: Value::Null,
        schedules: Vec::new(),
        route_enabled: false,
        previews_enabled: false,
        versions: Vec::new(),
        deployments: Vec::new(),
    }
}

/// Add the version and let it answer everything.
pub(crate) fn release(world: &mut World, script: &mut Script, version: Version, now: i64) {
    let deployment = Deployment {
        id: world.ids.uuid(),
        created_at: now,
        source: version.source.clone(),
        annotations: version.annotations.clone(),
        shares: vec![(version.id.clone(), 100)],
    };
    script.modified_at = now;
    script.versions.push(version);
    script.deployments.push(deployment);
    let surplus = script.versions.len().saturating_sub(limits::VERSIONS_KEPT);
    script.versions.drain(..surplus);
    let surplus = script.deployments.len().saturating_sub(limits::VERSIONS_KEPT);
    script.deployments.drain(..surplus);
}

/// The script as lists and uploads show it.
fn summary(script: &Script) -> Value {
    let version = script.live().or_else(|| script.latest());
    let handlers = version.map(handlers).unwrap_or_default();
    json!({
        "id": script.name,
        "tag": script.tag,
        "tags": script.tags,
        "etag": version.map(etag),
        "handlers": handlers,
        "named_handlers": [],
        "has_assets": version.is_some_and(|version| version.assets.is_some()),
        "has_modules": true,
        "migration_tag": script.migration_tag,
        "created_on": rfc3339(script.created_at),
        "modified_on": rfc3339(script.modified_at),
        "usage_model": script.usage_model,
        "compatibility_date": version.and_then(|version| version.compatibility_date.clone()),
        "compatibility_flags": version.map(|version| version.compatibility_flags.clone()).unwrap_or_default(),
        "observability": script.observability,
        "logpush": script.logpush,
        "tail_consumers": script.tail_consumers,
        "last_deployed_from": version.map(|version| version.source.clone()),
    })
}

/// The same for the same content; changes with it.
pub(crate) fn etag(version: &Version) -> String {
    let content: Vec<&str> = version.modules.iter().map(|module| module.content.sha256.as_str()).collect();
    crate::world::hex_sha256(format!("{}/{}", version.number, content.join(",")).as_bytes())
}

/// Guessed from the text of the main module: the emulator does not run it to find out.
pub(crate) fn handlers(version: &Version) -> Vec<&'static str> {
    let main = version.modules.iter().find(|module| module.name == version.main_module);
    let text = main.map(|module| String::from_utf8_lossy(&module.content.bytes)).unwrap_or_default();
    ["fetch", "scheduled"].into_iter().filter(|handler| text.contains(handler)).collect()
}

/// The script that the path names.
pub(crate) fn find<'a>(world: &'a World, call: &Call) -> Result<&'a Script, ApiError> {
    world.scripts.get(call.param("script")).ok_or_else(ApiError::no_such_script)
}

/// `GET workers/scripts`: all on one page; `tags=a:yes,b:no` selects those with `a` and without `b` (SDK's text).
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let wanted: Vec<(&str, bool)> = call
        .query("tags")
        .unwrap_or("")
        .split(',')
        .filter(|term| !term.is_empty())
        .map(|term| match term.rsplit_once(':') {
            Some((tag, "yes")) => Ok((tag, true)),
            Some((tag, "no")) => Ok((tag, false)),
            _ => Err(ApiError::invalid(format!("the tag filter {term:?} must end in :yes or :no"))),
        })
        .collect::<Result<_, _>>()?;
    let world = call.world();
    let fits = |script: &&Script| wanted.iter().all(|(tag, yes)| script.tags.iter().any(|t| t == tag) == *yes);
    Ok(Reply::ok(world.scripts.values().filter(fits).map(summary).collect()))
}

/// `GET workers/services/{script}`: wrangler's check whether a script is there, with its migration tag.
pub(crate) async fn service(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = world.scripts.get(call.param("script")).ok_or_else(ApiError::no_such_service)?;
    let (created_on, modified_on) = (rfc3339(script.created_at), rfc3339(script.modified_at));
    Ok(Reply::ok(json!({
        "id": script.name,
        "created_on": created_on,
        "modified_on": modified_on,
        "usage_model": script.usage_model,
        "default_environment": {
            "environment": "production",
            "created_on": created_on,
            "modified_on": modified_on,
            "script": summary(script),
        },
    })))
}

/// `GET workers/workers/{script}`: the newer family's view, addressed by name or by id.
pub(crate) async fn worker(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let wanted = call.param("script");
    let script = world.scripts.values().find(|script| script.name == wanted || script.tag == wanted);
    let script = script.ok_or_else(ApiError::no_such_script)?;
    Ok(Reply::ok(json!({
        "id": script.tag,
        "name": script.name,
        "created_on": rfc3339(script.created_at),
        "updated_on": rfc3339(script.modified_at),
        "logpush": script.logpush,
        "observability": script.observability,
        "subdomain": {"enabled": script.route_enabled, "previews_enabled": script.previews_enabled},
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
        "references": {"durable_objects": [], "dispatch_namespace_outbounds": [], "domains": [], "queues": [], "workers": []},
    })))
}

/// `GET workers/scripts/{script}/settings`: bindings without secret values, compatibility, tags. No migration tag: the
/// SDK's type of the reply has none (7.3.0), and wrangler reads it from the service.
pub(crate) async fn settings(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    Ok(Reply::ok(settings_of(&world, find(&world, &call)?)))
}

fn settings_of(world: &World, script: &Script) -> Value {
    let version = script.live().or_else(|| script.latest());
    let bindings: Vec<Value> = version
        .map(|version| version.bindings.iter().map(|binding| binding.public(world, &script.name)).collect())
        .unwrap_or_default();
    json!({
        "bindings": bindings,
        "compatibility_date": version.and_then(|version| version.compatibility_date.clone()),
        "compatibility_flags": version.map(|version| version.compatibility_flags.clone()).unwrap_or_default(),
        "usage_model": script.usage_model,
        "observability": script.observability,
        "logpush": script.logpush,
        "placement": script.placement,
        "limits": script.limits,
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
    })
}

/// `PATCH workers/scripts/{script}/settings`: a part `settings`; makes a new version with the same code. Fields that are absent
/// stay; `bindings`, when given, are all bindings, with `inherit` for those to keep.
pub(crate) async fn patch_settings(call: Call) -> Result<Reply, ApiError> {
    let mut next = call.world().clone();
    let mut script = find(&next, &call)?.clone();
    let text = part(multipart(&call)?, "settings")?;
    let value: Value = serde_json::from_slice(&text.bytes)
        .map_err(|error| ApiError::invalid(format!("Could not parse the settings: {error}")))?;
    let settings = Metadata::deserialize(&value)
        .map_err(|error| ApiError::invalid(format!("the settings are not valid: {error}")))?;
    let mut version = script.latest().cloned().ok_or_else(ApiError::no_such_script)?;
    if value.get("bindings").is_some() {
        let given = settings.bindings.iter().map(bindings::parse).collect::<Result<Vec<_>, _>>()?;
        let strict = call.query("bindings_inherit") == Some("strict");
        version.bindings = bindings::resolve(given, Some(&script), &settings.keep_bindings, strict)?;
        bindings::check(&version.bindings, &script.name, &next, call.emulator.options().limits.bindings)?;
    }
    if settings.compatibility_date.is_some() {
        version.compatibility_date = settings.compatibility_date;
    }
    if value.get("compatibility_flags").is_some() {
        version.compatibility_flags = settings.compatibility_flags;
    }
    script.tags = settings.tags.unwrap_or(script.tags);
    script.observability = settings.observability.unwrap_or(script.observability);
    script.logpush = settings.logpush.unwrap_or(script.logpush);
    release_copy(&mut next, &mut script, version, &call);
    commit(&call, next, script).await?;
    let world = call.world();
    Ok(Reply::ok(settings_of(&world, find(&world, &call)?)))
}

/// Release a changed copy of an earlier version under a number of its own.
pub(crate) fn release_copy(world: &mut World, script: &mut Script, version: Version, call: &Call) {
    let number = script.latest().map_or(1, |latest| latest.number + 1);
    let (id, source) = (world.ids.uuid(), call.source().to_owned());
    let version = Version { id, number, created_at: call.now, source, annotations: json!({}), ..version };
    release(world, script, version, call.now);
}

/// Put the changed script into the changed account, run it, and only then let the account be the changed one.
pub(crate) async fn commit(call: &Call, mut next: World, script: Script) -> Result<(), ApiError> {
    let name = script.name.clone();
    next.scripts.insert(name.clone(), script);
    call.emulator.run(&next, &name).await?;
    *call.world() = next;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptSettings {
    observability: Option<Value>,
    logpush: Option<bool>,
    tags: Option<Vec<String>>,
    tail_consumers: Option<Value>,
}

/// `PATCH workers/scripts/{script}/script-settings`: what belongs to the script and not to a version.
pub(crate) async fn patch_script_settings(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let script = world.scripts.get_mut(call.param("script")).ok_or_else(ApiError::no_such_script)?;
    let settings: ScriptSettings = call.json(|why| ApiError::invalid(format!("the settings are not valid: {why}")))?;
    let before = std::mem::take(&mut script.tags);
    script.tags = settings.tags.unwrap_or(before);
    script.observability = settings.observability.unwrap_or(script.observability.take());
    script.logpush = settings.logpush.unwrap_or(script.logpush);
    script.tail_consumers = settings.tail_consumers.unwrap_or(script.tail_consumers.take());
    Ok(Reply::ok(script_settings_of(script)))
}

/// `GET workers/scripts/{script}/script-settings`.
pub(crate) async fn script_settings(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    Ok(Reply::ok(script_settings_of(find(&world, &call)?)))
}

fn script_settings_of(script: &Script) -> Value {
    json!({
        "observability": script.observability,
        "logpush": script.logpush,
        "tags": script.tags,
        "tail_consumers": script.tail_consumers,
    })
}

/// `DELETE workers/scripts/{script}?force=true`.
pub(crate) async fn delete(call: Call) -> Result<Reply, ApiError> {
    remove(call, ApiError::no_such_script).await
}

/// `DELETE workers/services/{script}?force=true`: what wrangler calls.
pub(crate) async fn delete_service(call: Call) -> Result<Reply, ApiError> {
    remove(call, ApiError::no_such_service).await
}

/// With the script go its versions, secrets, schedules, route, assets and Durable Object namespaces. Its container application
/// stays and keeps pointing at a namespace that is gone. Without `force` a script that another one binds is kept.
async fn remove(call: Call, missing: fn() -> ApiError) -> Result<Reply, ApiError> {
    let name = call.param("script").to_owned();
    {
        let world = call.world();
        if !world.scripts.contains_key(&name) {
            return Err(missing());
        }
        if !call.flag("force")
            && let Some(other) = referrers(&world, &name).first()
        {
            return Err(ApiError::script_referenced(other));
        }
    }
    call.emulator.runtime().delete_worker(&name).await?;
    let mut world = call.world();
    world.scripts.remove(&name);
    world.assets.remove(&name);
    world.sessions.retain(|_, session| session.script != name);
    world.namespaces.retain(|namespace| namespace.script != name);
    Ok(Reply::ok(Value::Null))
}

fn referrers(world: &World, name: &str) -> Vec<String> {
    let refers = |script: &&Script| {
        script.name != name
            && script.live().is_some_and(|version| {
                version.bindings.iter().any(|b| b.text("service") == Some(name) || b.text("script_name") == Some(name))
            })
    };
    world.scripts.values().filter(refers).map(|script| script.name.clone()).collect()
}

/// `GET workers/scripts/{script}/references`: wrangler asks before it deletes.
pub(crate) async fn references(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let script = find(&world, &call)?;
    let incoming: Vec<Value> = referrers(&world, &script.name)
        .into_iter()
        .map(|name| json!({"service": name, "environment": "production", "name": script.name}))
        .collect();
    Ok(Reply::ok(json!({
        "services": {"incoming": incoming, "outgoing": []},
        "durable_objects": [],
        "dispatch_outbounds": [],
    })))
}

/// `GET workers/tails/by-consumer/{script}` and `GET storage/kv/namespaces`: asked by wrangler's delete; always empty here.
pub(crate) async fn nothing(_call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::page(json!([]), json!({"page": 1, "per_page": 100, "count": 0, "total_count": 0})))
}

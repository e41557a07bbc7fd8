//! What sets a script off: the workers.dev route and cron triggers.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::scripts::{commit, find};
use crate::world::{Schedule, Script, rfc3339};

/// `GET workers/subdomain`: the account's own; 10007 while there is none.
pub(crate) async fn account_subdomain(call: Call) -> Result<Reply, ApiError> {
    let lacks = call.emulator.with_lacks(|lacks| lacks.subdomain);
    let subdomain = call.world().subdomain.clone().filter(|_| !lacks);
    subdomain.map(|subdomain| Reply::ok(json!({"subdomain": subdomain}))).ok_or_else(ApiError::no_subdomain)
}

#[derive(Deserialize)]
struct AccountSubdomain {
    subdomain: String,
}

/// `PUT workers/subdomain`.
pub(crate) async fn put_account_subdomain(call: Call) -> Result<Reply, ApiError> {
    let body: AccountSubdomain = call.json(|why| ApiError::invalid(format!("the subdomain cannot be read: {why}")))?;
    limits::workers_dev_label(&body.subdomain)?;
    call.world().subdomain = Some(body.subdomain.clone());
    Ok(Reply::ok(json!({"subdomain": body.subdomain})))
}

fn route(script: &Script) -> Value {
    json!({"enabled": script.route_enabled, "previews_enabled": script.previews_enabled})
}

/// `GET workers/scripts/{script}/subdomain`.
pub(crate) async fn subdomain(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    Ok(Reply::ok(route(find(&world, &call)?)))
}

#[derive(Deserialize)]
struct Subdomain {
    enabled: bool,
    #[serde(default)]
    previews_enabled: Option<bool>,
}

/// `POST workers/scripts/{script}/subdomain`: the route on or off. `previews_enabled` follows `enabled` when absent.
pub(crate) async fn put_subdomain(call: Call) -> Result<Reply, ApiError> {
    find(&call.world(), &call)?;
    let body: Subdomain = call.json(|why| ApiError::invalid(format!("the body cannot be read: {why}")))?;
    set_route(&call, body.enabled, body.previews_enabled.unwrap_or(body.enabled)).await
}

/// `DELETE workers/scripts/{script}/subdomain`: the route off.
pub(crate) async fn delete_subdomain(call: Call) -> Result<Reply, ApiError> {
    set_route(&call, false, false).await
}

async fn set_route(call: &Call, enabled: bool, previews: bool) -> Result<Reply, ApiError> {
    let next = call.world().clone();
    let mut script = find(&next, call)?.clone();
    if enabled {
        if next.subdomain.is_none() {
            return Err(ApiError::needs_subdomain());
        }
        limits::workers_dev_label(&script.name)?;
    }
    script.route_enabled = enabled;
    script.previews_enabled = previews;
    let reply = Reply::ok(route(&script));
    commit(call, next, script).await?;
    Ok(reply)
}

fn shown(script: &Script) -> Value {
    let schedules: Vec<Value> = script
        .schedules
        .iter()
        .map(|s| json!({"cron": s.cron, "created_on": rfc3339(s.created_at), "modified_on": rfc3339(s.modified_at)}))
        .collect();
    json!({"schedules": schedules})
}

/// `GET workers/scripts/{script}/schedules`.
pub(crate) async fn schedules(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    Ok(Reply::ok(shown(find(&world, &call)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cron {
    cron: String,
}

/// `PUT workers/scripts/{script}/schedules`: replaces all. 10072 when the account would have too many; the count is taken after
/// the change, so that less is always possible (workers-sdk#15194 reports that Cloudflare refuses even that when over).
pub(crate) async fn put_schedules(call: Call) -> Result<Reply, ApiError> {
    let next = call.world().clone();
    let mut script = find(&next, &call)?.clone();
    let crons: Vec<Cron> = call.json(|why| ApiError::invalid(format!("the schedules cannot be read: {why}")))?;
    for Cron { cron } in &crons {
        // Five fields; which values they take is left to Cloudflare.
        if cron.split_whitespace().count() != 5 {
            return Err(ApiError::invalid(format!("{cron:?} is not a cron expression")));
        }
    }
    let others: usize = next.scripts.values().filter(|s| s.name != script.name).map(|s| s.schedules.len()).sum();
    let total = others + crons.len();
    if total > call.emulator.options().limits.crons && crons.len() > script.schedules.len() {
        return Err(ApiError::too_many_crons());
    }
    script.schedules = crons
        .into_iter()
        .map(|Cron { cron }| {
            let created_at = script.schedules.iter().find(|s| s.cron == cron).map_or(call.now, |s| s.created_at);
            Schedule { cron, created_at, modified_at: call.now }
        })
        .collect();
    let reply = Reply::ok(shown(&script));
    commit(&call, next, script).await?;
    Ok(reply)
}

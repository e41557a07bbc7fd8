//! Rollouts: the only way for a new image or size to reach an application's instances.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::containers::{Configuration, find, health};
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::instances;
use crate::world::{Application, Rollout, rfc3339};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    description: String,
    strategy: String,
    target_configuration: Configuration,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    step_percentage: Option<u32>,
    #[serde(default)]
    steps: Option<Vec<Step>>,
    #[serde(default)]
    percentage: Option<u32>,
}

#[derive(Deserialize, serde::Serialize)]
struct Step {
    #[serde(default)]
    description: String,
    step_size: StepSize,
}

#[derive(Deserialize, serde::Serialize)]
struct StepSize {
    percentage: u32,
}

/// `POST containers/applications/{application}/rollouts`. Replaces one that is still under way.
///
/// The stored configuration becomes the target's as well: that a rollout does this by itself is not confirmed, so a client should
/// PATCH too, as wrangler does. An absent `instance_type` leaves the stored one.
pub(crate) async fn create(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let application = find(&mut world, &call)?.clone();
    let secrets = instances::secrets(&world, &application);
    let body: Create = call.json(|why| ApiError::container_input(format!("the rollout cannot be read: {why}")))?;
    let sizes = [body.step_percentage.is_some(), body.steps.is_some(), body.percentage.is_some()];
    // SDK: one of the three; these percentages only.
    let known = body.step_percentage.is_none_or(|percentage| matches!(percentage, 5 | 10 | 20 | 25 | 50 | 100));
    if sizes.into_iter().filter(|given| *given).count() != 1 || !known || body.strategy != "rolling" {
        return Err(ApiError::container_input("a rollout is `rolling`, with one of `step_percentage` or `steps`"));
    }
    let id = world.ids.uuid();
    let application = find(&mut world, &call)?;
    let target = body.target_configuration.over(&application.configuration)?;
    for earlier in &mut application.rollouts {
        earlier.replaced |= earlier.done_at > call.now;
    }
    let rollout = Rollout {
        id,
        created_at: call.now,
        done_at: call.now.saturating_add(call.emulator.options().rollout_ms),
        replaced: false,
        description: body.description,
        strategy: body.strategy,
        kind: body.kind.unwrap_or_else(|| "full_auto".to_owned()),
        steps: json!(body.steps.unwrap_or_default()),
        current_version: application.version,
        target_version: application.version + 1,
        current_configuration: application.running.clone(),
        target_configuration: target.clone(),
    };
    application.version += 1;
    application.configuration = target.clone();
    application.running = target;
    // One that runs is replaced by one that is started now.
    application.instance = application.instance.take().map(|_| secrets);
    application.updated_at = call.now;
    let reply = Reply::created(public(&rollout, "progressing"));
    application.rollouts.push(rollout);
    Ok(reply)
}

fn status(rollout: &Rollout, now: i64) -> &'static str {
    match rollout {
        Rollout { replaced: true, .. } => "replaced",
        Rollout { done_at, .. } if *done_at <= now => "completed",
        _ => "progressing",
    }
}

/// Id of the rollout that is under way.
pub(crate) fn active(application: &Application, now: i64) -> Option<&str> {
    application.rollouts.iter().rev().find(|r| status(r, now) == "progressing").map(|r| r.id.as_str())
}

fn public(rollout: &Rollout, status: &str) -> Value {
    json!({
        "id": rollout.id,
        "created_at": rfc3339(rollout.created_at),
        "last_updated_at": rfc3339(rollout.created_at),
        "status": status,
        "strategy": rollout.strategy,
        "kind": rollout.kind,
        "description": rollout.description,
        "current_version": rollout.current_version,
        "target_version": rollout.target_version,
        "current_configuration": rollout.current_configuration,
        "target_configuration": rollout.target_configuration,
        "health": health(),
        "steps": rollout.steps,
        "progress": {"current_step": 1, "total_steps": 1, "total_instances": 0, "updated_instances": 0},
    })
}

/// `GET containers/applications/{application}/rollouts`: newest first.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let application = find(&mut world, &call)?;
    Ok(Reply::ok(application.rollouts.iter().rev().map(|r| public(r, status(r, call.now))).collect()))
}

/// `GET containers/applications/{application}/rollouts/{rollout}`. Which code a missing one has is not known.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let application = find(&mut world, &call)?;
    let found = application.rollouts.iter().find(|rollout| rollout.id == call.param("rollout"));
    found.map(|r| Reply::ok(public(r, status(r, call.now)))).ok_or_else(ApiError::no_such_application)
}

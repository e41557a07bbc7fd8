//! How things look from outside.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::app::App;
use crate::reconcile::plan::Plan;
use crate::registry::EventRow;
use crate::tenant::{Ledger, Resource, ResourceKind, Tenant, TenantSpec};
use crate::vault::Secret;
use crate::vault::secret::Wanted;

#[derive(Serialize)]
struct TenantView<'a> {
    name: &'a str,
    phase: &'static str,
    generation: i64,
    observed_generation: i64,
    spec: &'a TenantSpec,
    conditions: Vec<Json>,
    url: String,
    resources: Vec<Json>,
    release: &'a str,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_kept_until: Option<String>,
}

/// A tenant with its resources.
pub fn tenant(app: &App, tenant: &Tenant, resources: &[Resource]) -> Json {
    let conditions = tenant.conditions.iter().map(|condition| {
        json!({
            "type": condition.kind,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message,
            "last_transition_time": condition.last_transition_time.to_string(),
        })
    });
    let resource = |line: &Resource| json!({ "kind": line.kind, "name": line.name, "state": line.state });
    let script = resources.iter().find(|line| line.kind == ResourceKind::Script);
    let view = TenantView {
        name: tenant.name.as_str(),
        phase: tenant.phase.as_str(),
        generation: tenant.generation,
        observed_generation: tenant.observed_generation,
        spec: &tenant.spec,
        conditions: conditions.collect(),
        url: script.map(|script| app.config.url_of(&script.name)).unwrap_or_default(),
        resources: resources.iter().map(resource).collect(),
        release: &tenant.release.0,
        created_at: tenant.created_at.to_string(),
        updated_at: tenant.updated_at.to_string(),
        data_kept_until: tenant.deletion.map(|deletion| deletion.keep_data_until.to_string()),
    };
    json!(view)
}

/// A plan: its steps in order. Steps of the same stage run at once.
pub fn plan(plan: &Plan, ledger: &Ledger) -> Json {
    let stages = plan.stages.iter().zip(1..);
    let steps = stages.flat_map(|(stage, number)| {
        stage.iter().map(move |planned| {
            json!({
                "kind": planned.step.kind(),
                "target": ledger.get(planned.step.resource()).name,
                "reason": planned.reason,
                "stage": number,
            })
        })
    });
    json!({ "steps": steps.collect::<Vec<_>>() })
}

/// A line of history.
pub fn event(row: &EventRow) -> Json {
    json!({
        "id": row.id,
        "at": row.at_ms.to_string(),
        "generation": row.generation,
        "reason": row.reason,
        "message": row.message,
    })
}

/// A secret: everything but its value.
pub fn secret(secret: &Secret) -> Json {
    let state = match secret.wanted {
        Wanted::Deleted => "removing",
        Wanted::Set if secret.is_lost() => "lost",
        Wanted::Set if secret.is_pending() => "pending",
        Wanted::Set => "live",
    };
    json!({
        "name": secret.name,
        "state": state,
        "version": secret.version,
        "updated_at": secret.updated_at.to_string(),
        "pushed_at": secret.pushed_at.map(|at| at.to_string()),
    })
}

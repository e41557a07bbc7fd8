//! How things look from outside. Fields are written in the order in which people want to read them.

use serde::Serialize;
use serde_json::Value as Json;

use crate::app::App;
use crate::clock::Timestamp;
use crate::cost::{Activity, Estimate, Usage};
use crate::reconcile::plan::Plan;
use crate::registry::{EventRow, Token, TokenState};
use crate::tenant::{
    Condition, InstanceType, Ledger, Resource, ResourceKind, ResourceState, Status, Tenant, TenantSpec,
};
use crate::vault::secret::Wanted;
use crate::vault::{Scope, Scopes, Secret};

/// A tenant with its resources.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Tenant"))]
pub struct TenantView<'a> {
    /// What it goes by; never changes.
    name: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "crate::tenant::Phase"))]
    phase: &'static str,
    /// Raised by each change of what is wanted.
    generation: i64,
    /// The last generation that was made true.
    observed_generation: i64,
    /// What is wanted.
    spec: &'a TenantSpec,
    /// The largest size that its invite is for; a tenant that may have any has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<crate::tenant::InstanceType>"))]
    largest: Option<&'static str>,
    /// What holds right now, a line for each question.
    conditions: Vec<ConditionView<'a>>,
    /// Where its instance answers.
    url: String,
    /// What it has in Cloudflare.
    resources: Vec<ResourceView<'a>>,
    /// What it is deployed from.
    release: &'a str,
    /// When it signed up.
    created_at: String,
    /// When anything about it last changed.
    updated_at: String,
    /// Since when it is to stand still.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<String>,
    /// Since when the operator has work on it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_at: Option<String>,
    /// When its trial ends; a tenant without one has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_ends_at: Option<String>,
    /// Until when a deletion can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_kept_until: Option<String>,
    /// What it will cost a month.
    monthly_usd: Estimate,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Condition"))]
pub struct ConditionView<'a> {
    /// The question, such as `Ready` or `SecretsReady`.
    r#type: &'a str,
    /// The answer.
    status: Status,
    /// Why, in one word for programs.
    reason: &'a str,
    /// Why, for people; when something is wrong, what to do next.
    message: &'a str,
    /// When `status` last changed.
    last_transition_time: String,
}

impl<'a> ConditionView<'a> {
    /// The view of `condition`.
    pub fn of(condition: &'a Condition) -> Self {
        Self {
            r#type: &condition.kind,
            status: condition.status,
            reason: &condition.reason,
            message: &condition.message,
            last_transition_time: condition.last_transition_time.to_string(),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Resource"))]
pub struct ResourceView<'a> {
    /// What it is.
    kind: ResourceKind,
    /// What it is called in Cloudflare.
    name: &'a str,
    /// Whether it is there.
    state: ResourceState,
}

impl<'a> TenantView<'a> {
    /// The tenant's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The view of `tenant`, its forecast that of one as busy as `activity` says.
    pub fn of(app: &App, tenant: &'a Tenant, resources: &'a [Resource], activity: Activity) -> Self {
        let resource = |line: &'a Resource| ResourceView { kind: line.kind, name: &line.name, state: line.state };
        let script = resources.iter().find(|line| line.kind == ResourceKind::Script);
        Self {
            name: tenant.name.as_str(),
            phase: tenant.phase.as_str(),
            generation: tenant.generation,
            observed_generation: tenant.observed_generation,
            spec: &tenant.spec,
            largest: tenant.largest.map(InstanceType::as_str),
            conditions: tenant.conditions.iter().map(ConditionView::of).collect(),
            url: script.map(|script| app.config.url_of(&script.name)).unwrap_or_default(),
            resources: resources.iter().map(resource).collect(),
            release: &tenant.release.0,
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
            suspended_at: tenant.suspended_at.map(|at| at.to_string()),
            paused_at: tenant.paused_at.map(|at| at.to_string()),
            trial_ends_at: tenant.expires_at.map(|at| at.to_string()),
            data_kept_until: tenant.deletion.map(|deletion| deletion.keep_data_until.to_string()),
            monthly_usd: usage(tenant, activity).estimate(),
        }
    }
}

/// What a tenant comes to when it is as busy as `activity` says.
pub fn usage(tenant: &Tenant, activity: Activity) -> Usage {
    let is_still = tenant.suspended_at.is_some() || tenant.deletion.is_some();
    if is_still { Activity::SUSPENDED } else { activity }.usage(&tenant.spec)
}

/// A plan: its steps in order. Steps of the same stage run at once.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Plan"))]
pub struct PlanView<'a> {
    steps: Vec<StepView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Step"))]
pub struct StepView<'a> {
    /// What is done.
    kind: &'static str,
    /// What it is done to.
    target: &'a str,
    /// Why.
    reason: &'a str,
    /// Counted from 1; steps of one stage run at once.
    stage: usize,
}

impl<'a> PlanView<'a> {
    /// The view of `plan` for a tenant with this ledger.
    pub fn of(plan: &'a Plan, ledger: &'a Ledger) -> Self {
        let mut steps = Vec::new();
        for (stage, number) in plan.stages.iter().zip(1..) {
            for planned in stage {
                let target = &ledger.get(planned.step.resource()).name;
                steps.push(StepView { kind: planned.step.kind(), target, reason: &planned.reason, stage: number });
            }
        }
        Self { steps }
    }
}

/// A line of history.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Event"))]
pub struct EventView<'a> {
    /// Grows with each line; the next `after`.
    id: i64,
    /// When.
    at: String,
    /// Of which generation it speaks.
    generation: i64,
    /// What happened, in one word for programs.
    reason: &'a str,
    message: &'a str,
}

impl<'a> EventView<'a> {
    /// The view of `row`.
    pub fn of(row: &'a EventRow) -> Self {
        let EventRow { id, at_ms, generation, reason, message } = row;
        Self { id: *id, at: at_ms.to_string(), generation: *generation, reason, message }
    }
}

/// A token: everything but itself.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Token"))]
pub struct TokenView<'a> {
    id: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["good", "expired", "revoked"])))]
    state: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<Scope>"))]
    scopes: Vec<&'static str>,
    /// When it was made.
    created_at: String,
    /// When it stops being good; null: never.
    expires_at: Option<String>,
    /// When it was last used, up to an hour late.
    last_used_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
}

/// The words of a set of scopes.
pub fn names_of(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}

impl TokenView<'_> {
    /// The same for the audit log.
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl<'a> TokenView<'a> {
    /// The view of `token` at `now`.
    pub fn of(token: &'a Token, now: Timestamp) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: &token.id,
            state: match token.state(now) {
                TokenState::Good => "good",
                TokenState::Expired => "expired",
                TokenState::Revoked => "revoked",
            },
            scopes: names_of(token.scopes),
            created_at: token.created_at.to_string(),
            expires_at: time(token.expires_at),
            last_used_at: time(token.last_used_at),
            revoked_at: time(token.revoked_at),
        }
    }
}

/// A secret: everything but its value.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Secret"))]
pub struct SecretView<'a> {
    name: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["pending", "live", "lost", "removing"])))]
    state: &'static str,
    /// Raised each time that it is set or deleted.
    version: i64,
    /// When it was last set or deleted.
    updated_at: String,
    /// When it last went to the Worker.
    pushed_at: Option<String>,
}

impl SecretView<'_> {
    /// How it stands, in a word.
    pub fn state(&self) -> &'static str {
        self.state
    }
}

impl<'a> SecretView<'a> {
    /// The view of `secret`.
    pub fn of(secret: &'a Secret) -> Self {
        let state = match secret.wanted {
            Wanted::Deleted => "removing",
            Wanted::Set if secret.is_lost() => "lost",
            Wanted::Set if secret.is_pending() => "pending",
            Wanted::Set => "live",
        };
        Self {
            name: secret.name.as_str(),
            state,
            version: secret.version,
            updated_at: secret.updated_at.to_string(),
            pushed_at: secret.pushed_at.map(|at| at.to_string()),
        }
    }
}

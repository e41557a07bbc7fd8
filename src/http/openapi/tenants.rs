//! Signing up, and a tenant's life.

use http::Method;
use serde_json::json;

use super::bodies;
use super::example::{Example, Given};
use super::operation::Operation;
use crate::capacity::{Full, Limit};
use crate::http::api::{change, events, receipt, sign_up};
use crate::http::error::ApiError as E;
use crate::rate_limit::{Limit as Rate, Refusal};
use crate::registry::InviteRefusal;
use crate::turnstile;

const TENANT: &str = "/v1/tenants/{name}";
const DONE_OR_SHOWN: &str =
    "Nothing had to be done, and the tenant is as it was; or, of a dry run, what would be done and what it would cost.";
const WRITTEN: &str = "It is written down and will be done. The tenant as it is from now on; it is true when `observed_generation` has reached `generation` and the phase says so.";

/// The operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = vec![sign_up(), read(), change(), delete()];
    operations.extend(lifecycle());
    operations.extend([receipt(), events(), wrangler_config()]);
    operations
}

fn account_full() -> E {
    E::AccountFull(Full { limit: Limit::Workers, used: 0, of: 0 })
}

/// A change of a tenant, which can be tried first.
pub(super) fn changes(operation: Operation) -> Operation {
    operation
        .dry_run()
        .activity()
        .if_match()
        .answers::<change::Answer<'static>>(200, DONE_OR_SHOWN)
        .answers::<change::DryRun<'static>>(200, "")
        .answers::<change::Answer<'static>>(202, WRITTEN)
        .problems([E::Conflict])
}

fn sign_up() -> Operation {
    let shown = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "sk-ant-example"}});
    Operation::new(Method::POST, "/v1/tenants", "signUp", "Sign up")
        .about("Makes a tenant: its bucket, Worker, container application, secrets, address and cron trigger. Only `name` is needed. Both tokens are shown this once. Send an `Idempotency-Key`: then a lost answer can be had again.")
        .dry_run()
        .activity()
        .body(bodies::sign_up())
        .answers::<sign_up::DryRun<'static>>(200, "Of a dry run: the plan, the configuration that `wrangler deploy` would take, the cost.")
        .answers::<sign_up::SignedUp<'static>>(202, "It is written down, and the first round starts within a minute.")
        .headers(&["Location", "RateLimit", "RateLimit-Policy"])
        .problems([E::NameTaken, E::Conflict, E::SignupClosed, E::InviteRequired])
        .problems([E::InviteRefused(InviteRefusal::Unknown), E::Challenge(turnstile::Refusal::Failed), E::OwnerFull(0)])
        .problems([E::TooManySignUps { retry_after_s: 0 }, E::NoRelease, E::PlaneFull(0), account_full()])
        .problems([E::Challenge(turnstile::Refusal::Unavailable), E::RateLimited(Refusal::Uncounted(Rate::SignUps.policy()))])
        .example(Example::of("A name and a secret", Given::Nobody, 202).body(shown))
        .example(
            Example::of("A dry run", Given::Nobody, 200)
                .query(&[("dry_run", "true"), ("preset", "normal")])
                .body(json!({"name": "alice", "spec": {"instance_type": "standard-2", "sleep_after": "10m"}})),
        )
        .example(Example::of("A taken name", Given::Tenant, 409).body(json!({"name": "alice"})).refused("name_taken"))
        .example(
            Example::of("Every complaint at once", Given::Nobody, 422)
                .body(json!({"name": "production", "spec": {"instance_type": "huge", "sleepafter": "1h"}}))
                .refused("invalid"),
        )
        .example(
            Example::of("Without an invite", Given::ByInvitation, 403)
                .body(json!({"name": "alice"}))
                .refused("invite_required"),
        )
}

fn read() -> Operation {
    Operation::new(Method::GET, TENANT, "readTenant", "Read a tenant")
        .about("What is wanted of it, what is known of it, and what it will cost.")
        .activity()
        .answers::<change::Answer<'static>>(200, "The tenant.")
        .example(Example::of("Ready", Given::Tenant, 200))
        .example(Example::of("Standing still", Given::Suspended, 200))
}

fn change() -> Operation {
    let larger = json!({"spec": {"instance_type": "standard-2"}});
    changes(Operation::new(Method::PATCH, TENANT, "changeTenant", "Change a tenant"))
        .about("What the body does not name stays. Of a tenant that has failed, `{\"spec\": {}}` asks for another try.")
        .body(bodies::change())
        .problems([E::BeingDeleted, account_full()])
        .example(Example::of("A larger size", Given::Tenant, 202).body(larger.clone()))
        .example(Example::of("What it would cost", Given::Tenant, 200).query(&[("dry_run", "true")]).body(larger))
        .example(Example::of("Nothing new", Given::Tenant, 200).body(json!({"spec": {"max_instances": 1}})))
        .example(Example::of("Being deleted", Given::Deleting, 409).body(json!({"spec": {}})).refused("being_deleted"))
}

fn delete() -> Operation {
    changes(Operation::new(Method::DELETE, TENANT, "deleteTenant", "Delete a tenant"))
        .about("Worker, container and address go at once, the bucket when its data need not be kept any more; until then it can be undeleted.")
        .query(
            "grace_days",
            json!({"type": "integer", "minimum": 0, "maximum": 30, "default": 7}),
            "Days for which the data is kept; 0: none.",
        )
        .example(Example::of("Data kept for a week", Given::Tenant, 202))
        .example(Example::of("What would go", Given::Tenant, 200).query(&[("dry_run", "true"), ("grace_days", "0")]))
}

fn lifecycle() -> [Operation; 3] {
    let operation = |path, id, summary| changes(Operation::new(Method::POST, path, id, summary));
    [
        operation("/v1/tenants/{name}/suspend", "suspendTenant", "Have a tenant stand still")
            .about("Nothing runs and nothing answers; data, Worker and secrets are kept, and nothing but storage costs.")
            .problems([E::BeingDeleted])
            .example(Example::of("Running until now", Given::Tenant, 202))
            .example(Example::of("Standing still already", Given::Suspended, 200)),
        operation("/v1/tenants/{name}/resume", "resumeTenant", "Have it run again")
            .problems([E::BeingDeleted, E::TrialEnded])
            .example(Example::of("Standing still until now", Given::Suspended, 202)),
        operation("/v1/tenants/{name}/undelete", "undeleteTenant", "Take a deletion back")
            .about("While the data is kept. The Worker is made anew: what the plane generates is shown again, all other secrets have to be set again.")
            .problems([E::DataGone])
            .example(Example::of("Within the week", Given::Deleting, 202)),
    ]
}

fn receipt() -> Operation {
    Operation::new(Method::GET, "/v1/tenants/{name}/receipt", "readReceipt", "Read the receipt of a deletion")
        .about("What was deleted, and when a look showed that it is gone.")
        .answers::<receipt::Receipt<'static>>(200, "The receipt, complete or not.")
        .problems([E::NotDeleted])
        .example(Example::of("On its way", Given::Deleting, 200))
        .example(Example::of("Nothing deleted", Given::Tenant, 404).refused("not_deleted"))
}

fn events() -> Operation {
    Operation::new(Method::GET, "/v1/tenants/{name}/events", "listEvents", "Read the history")
        .about("Oldest first. `next` is where it goes on; with `wait` the answer waits for news.")
        .query(
            "after",
            json!({"type": "integer", "minimum": 0, "maximum": (1_i64 << 53) - 1, "default": 0}),
            "The last line that you have seen.",
        )
        .query("limit", json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}), "Most lines.")
        .query(
            "wait",
            json!({"type": "integer", "minimum": 0, "maximum": 30, "default": 0}),
            "Seconds to wait for the first line, when there is none yet.",
        )
        .answers::<events::Page<'static>>(200, "Some lines, and where it goes on.")
        .example(Example::of("From the start", Given::Tenant, 200).query(&[("limit", "3")]))
}

fn wrangler_config() -> Operation {
    Operation::new(Method::GET, "/v1/tenants/{name}/wrangler.jsonc", "readWranglerConfig", "Read it as a configuration")
        .about("The configuration with which `wrangler deploy` makes the same tenant by hand.")
        .answers::<String>(200, "A configuration with comments.")
        .example(Example::of("The configuration", Given::Tenant, 200))
}

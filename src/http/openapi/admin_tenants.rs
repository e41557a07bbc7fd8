//! What operators do to tenants: what owners can do as well, described as it is for them, and what only operators can.

use http::Method;
use serde_json::json;

use super::example::{Example, Given};
use super::operation::Operation;
use super::{bodies, secrets, tenants};
use crate::http::api::operator::{tenant, verbs};
use crate::http::error::ApiError as E;

/// Of what an owner can do: its name, and for an operator its address, name and summary.
const LIKE_OWNERS: [(&str, &str, &str, &str); 11] = [
    ("changeTenant", "/admin/api/tenants/{name}", "changeAnyTenant", "Change any tenant"),
    ("deleteTenant", "/admin/api/tenants/{name}", "deleteAnyTenant", "Delete any tenant"),
    ("suspendTenant", "/admin/api/tenants/{name}/suspend", "suspendAnyTenant", "Have any tenant stand still"),
    ("resumeTenant", "/admin/api/tenants/{name}/resume", "resumeAnyTenant", "Have any tenant run again"),
    ("undeleteTenant", "/admin/api/tenants/{name}/undelete", "undeleteAnyTenant", "Take any deletion back"),
    ("readReceipt", "/admin/api/tenants/{name}/receipt", "readAnyReceipt", "Read the receipt of any deletion"),
    ("listEvents", "/admin/api/tenants/{name}/events", "listAnyEvents", "Read any tenant's history"),
    ("listSecrets", "/admin/api/tenants/{name}/secrets", "listAnySecrets", "List any tenant's secrets"),
    ("listTokens", "/admin/api/tenants/{name}/tokens", "listAnyTokens", "List any tenant's tokens"),
    ("createToken", "/admin/api/tenants/{name}/tokens", "createAnyToken", "Make a token for any tenant"),
    ("revokeToken", "/admin/api/tenants/{name}/tokens/{token}", "revokeAnyToken", "Revoke any tenant's token"),
];

/// The operations.
pub fn operations() -> Vec<Operation> {
    let mut owners = tenants::operations();
    owners.extend(secrets::operations());
    let mut operations = vec![read()];
    for (owners_id, path, id, summary) in LIKE_OWNERS {
        if let Some(at) = owners.iter().position(|operation| operation.id == owners_id) {
            let mut operation = owners.swap_remove(at);
            operation.examples.truncate(1);
            operations.push(Operation { path, id, summary, ..operation });
        }
    }
    operations.extend(verbs());
    operations
}

fn read() -> Operation {
    Operation::new(Method::GET, "/admin/api/tenants/{name}", "readAnyTenant", "Read any tenant")
        .about("By its name or its id. What its owner sees, and beside that its ledger with Cloudflare's ids, and what the next round would do.")
        .activity()
        .answers::<tenant::Answer<'static>>(200, "The tenant.")
        .example(Example::of("Ready", Given::Tenant, 200))
        .example(Example::of("No such tenant", Given::Nobody, 404).refused("no_such_tenant"))
}

fn verbs() -> [Operation; 6] {
    let operation = |method, path, id, summary| tenants::changes(Operation::new(method, path, id, summary));
    [
        operation(Method::POST, "/admin/api/tenants/{name}/retry", "retryTenant", "Try everything again")
            .about("At once and from the start: also what failed for good, and what waits for a later try.")
            .example(Example::of("Ready already", Given::Tenant, 202)),
        operation(Method::POST, "/admin/api/tenants/{name}/pause", "pauseTenant", "Have work on a tenant wait")
            .about("Whatever is asked of it from now on is written down, and done when it goes on. A round that is under way goes on to its end.")
            .example(Example::of("Until now at work", Given::Tenant, 202)),
        operation(Method::POST, "/admin/api/tenants/{name}/unpause", "unpauseTenant", "Have work on it go on")
            .example(Example::of("At work already", Given::Tenant, 200)),
        operation(Method::PUT, "/admin/api/tenants/{name}/release", "moveTenant", "Move a tenant to a release")
            .about("Without one: to that which sign-ups get.")
            .body(bodies::release())
            .problems([E::BeingDeleted, E::NoSuchRelease, E::NoRelease])
            .example(Example::of("To the one of sign-ups", Given::Tenant, 200).body(json!({}))),
        operation(Method::PUT, "/admin/api/tenants/{name}/trial", "setTrial", "Set the end of a trial")
            .about("At its end a trial is suspended, and a week later deleted. `null`: it has no end.")
            .body(bodies::trial())
            .problems([E::BeingDeleted])
            .example(Example::of("A month more", Given::Tenant, 202).body(json!({"ends_at": "2030-01-31T00:00:00.000Z"}))),
        Operation::new(Method::DELETE, "/admin/api/tenants/{name}/tokens", "revokeAllTokens", "Revoke all of a tenant's tokens")
            .about("For a token that got into wrong hands. Sessions of the tenant's pages end as well. Its owner needs a new one then, which only an operator can make.")
            .dry_run()
            .answers::<verbs::TokensRevoked>(200, "How many they were.")
            .example(Example::of("Both", Given::SecondToken, 200)),
    ]
}

//! All tenants, for operators.

use http::Method;
use serde_json::{Value as Json, json};

use super::example::{Example, Given};
use super::operation::Operation;
use crate::http::api::operator::{acts, fleet};
use crate::http::api::tenant::MAX_GRACE_DAYS;
use crate::registry::fleet::{Sort, Wrong};
use crate::tenant::{InstanceType, Phase};

/// A parameter that a form may send empty, which asks for nothing.
fn one_of(names: impl IntoIterator<Item = &'static str>) -> Json {
    json!({"enum": std::iter::once("").chain(names).collect::<Vec<_>>()})
}

/// The operations.
pub fn operations() -> Vec<Operation> {
    let text = || json!({"type": "string", "maxLength": 64});
    vec![
        Operation::new(Method::GET, "/admin/api/fleet", "readFleet", "See whether all is well")
            .about("How many tenants there are of each phase and size, which of them need a person, what waits, what runs by itself, what is left of the account's limits, and what all of it costs.")
            .answers::<fleet::Fleet<'static>>(200, "The fleet.")
            .example(Example::of("One tenant", Given::Tenant, 200)),
        Operation::new(Method::GET, "/admin/api/tenants", "listTenants", "List tenants")
            .about("Filters go together. Deleted tenants are listed with `phase=deleted` only. For one page a thousand tenants are looked at at most; if it is not full then, `is_cut` says so and `next` goes on.")
            .query("name", json!({"type": "string", "pattern": "^[ ]*[A-Za-z0-9-]{0,64}[ ]*$"}), "How the name begins.")
            .query("owner", text(), "Whose they are.")
            .query("phase", one_of(fleet::PHASES.map(Phase::as_str)), "Where they stand.")
            .query("instance_type", one_of(InstanceType::ALL.map(InstanceType::as_str)), "Their size.")
            .query("release", text(), "What they are deployed from.")
            .query("condition", one_of(Wrong::ALL.map(Wrong::as_str)), "A condition that does not say what it should: `Stalled` that holds, another one that does not.")
            .query("sort", one_of(Sort::ALL.map(Sort::as_str)), "By name, newest sign-up first, or latest change first.")
            .query(
                "limit",
                json!({"type": "integer", "minimum": 1, "maximum": fleet::MAX_LINES, "default": 50}),
                "Most tenants.",
            )
            .query("cursor", json!({"type": "string", "pattern": "^[ncu][.][a-z0-9-]*[.][A-Za-z0-9-]*$"}), "Where the page before ended; in the same order.")
            .answers::<fleet::Page<'static>>(200, "A page.")
            .example(Example::of("Those that are ready", Given::Tenant, 200).query(&[("phase", "ready")])),
        Operation::new(Method::POST, "/admin/api/acts", "actOnTenants", "Do the same to several tenants")
            .about("One after the other. What is refused for one of them is done for the others all the same, and asked for again it leaves as it is what was done: read the outcomes.")
            .dry_run()
            .body(json!({
                "type": "object",
                "required": ["act", "tenants"],
                "additionalProperties": false,
                "properties": {
                    "act": {"enum": acts::ACTS},
                    "tenants": {
                        "type": "array", "minItems": 1, "maxItems": acts::MAX_TENANTS,
                        "items": {"type": "string", "maxLength": 64},
                        "description": "Their names or ids.",
                    },
                    "release": {"type": "string", "description": "With `release`: which; left out, the one that sign-ups get."},
                    "grace_days": {
                        "type": "integer", "minimum": 0, "maximum": MAX_GRACE_DAYS,
                        "description": "With `delete`: days that their data is kept.",
                    },
                },
            }))
            .answers::<acts::ActsDone>(200, "What became of it, tenant by tenant.")
            .example(
                Example::of("Two of which one is not there", Given::Tenant, 200)
                    .body(json!({"act": "suspend", "tenants": ["alice", "nobody"]})),
            ),
    ]
}

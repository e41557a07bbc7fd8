//! What anyone may ask.

use http::Method;
use serde_json::json;

use super::example::{Example, Given};
use super::operation::{Operation, cpu_percent, flag, hours_per_day};
use crate::cost::Preset;
use crate::http::api::{estimate, health, instance_types, names};
use crate::tenant::InstanceType;
use crate::tenant::spec::MAX_INSTANCES;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let sizes = InstanceType::ALL.map(InstanceType::as_str);
    vec![
        Operation::new(Method::GET, "/healthz", "health", "Is the plane alive?")
            .query("deep", flag(), "Asks the registry, too.")
            .answers::<health::Health>(200, "It is.")
            .example(Example::of("Alive", Given::Nobody, 200))
            .example(Example::of("With the registry", Given::Nobody, 200).query(&[("deep", "true")])),
        Operation::new(Method::GET, "/v1/instance-types", "listInstanceTypes", "List the sizes")
            .about("Every size with what it has and what it costs a month around the clock.")
            .answers::<instance_types::Listing>(200, "The sizes, smallest first.")
            .example(Example::of("The sizes", Given::Nobody, 200)),
        Operation::new(Method::GET, "/v1/estimate", "estimate", "Estimate a month's cost")
            .about(
                "What a use costs: for the only tenant of an account, whose allowance is taken off, and for one more.",
            )
            .query("instance_type", json!({"enum": sizes, "default": "standard-1"}), "The size.")
            .query(
                "instances",
                json!({"type": "integer", "minimum": 1, "maximum": MAX_INSTANCES, "default": 1}),
                "Containers awake at once.",
            )
            .query(
                "preset",
                json!({"enum": Preset::ALL.map(Preset::as_str)}),
                "How busy they are taken to be. Without: awake around the clock, with light use.",
            )
            .query("hours_per_day", hours_per_day(), "Hours a day that they are awake, in place of the preset's.")
            .query("cpu_percent", cpu_percent(), "CPU used while awake, in place of the preset's.")
            .answers::<estimate::Answer>(200, "The estimate.")
            .example(Example::of("The default", Given::Nobody, 200))
            .example(Example::of("A larger size by day", Given::Nobody, 200).query(&[
                ("instance_type", "standard-2"),
                ("hours_per_day", "8"),
                ("cpu_percent", "25"),
            ]))
            .example(
                Example::of("Two mistakes", Given::Nobody, 422)
                    .query(&[("instance_type", "huge"), ("hours", "8")])
                    .refused("invalid"),
            ),
        Operation::new(Method::GET, "/v1/names/{name}", "checkName", "Is a name free?")
            .about("Whether a tenant may be called so, and if not, why.")
            .answers::<names::Answer>(200, "What the name is good for.")
            .example(Example::of("Free", Given::Nobody, 200))
            .example(Example::of("Taken", Given::Tenant, 200)),
    ]
}

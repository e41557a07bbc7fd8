//! Reads a spec, or a change of one, out of a body.

use serde_json::{Map, Value as Json};

use crate::http::body::Fields;
use crate::http::error::FieldError;
use crate::tenant::spec::{MAX_INSTANCES, SpecChange};
use crate::tenant::{InstanceType, SleepAfter, TenantSpec};

/// A size by name.
pub fn parse_instance_type(text: &str) -> Result<InstanceType, String> {
    InstanceType::parse(text).ok_or_else(|| {
        let known: Vec<&str> = InstanceType::ALL.into_iter().map(InstanceType::as_str).collect();
        format!("is not an instance type; known are: {}", known.join(", "))
    })
}

fn parse_open_instance_type(text: &str) -> Result<InstanceType, String> {
    let size = parse_instance_type(text)?;
    if size.is_open_to_tenants() {
        return Ok(size);
    }
    Err(format!("{size} does not suit OpenClaw; choose standard-1 or larger, or ask the operator"))
}

/// What is wrong with a `spec` whose tenant may be no larger than `largest`.
pub fn beyond(largest: Option<InstanceType>, spec: &TenantSpec) -> Option<FieldError> {
    let largest = largest.filter(|largest| spec.instance_type > *largest)?;
    let detail = format!("the invite is for {largest} at most; the operator may give a larger one");
    Some(FieldError { pointer: "/spec/instance_type".to_owned(), detail })
}

/// The fields of a spec; what is absent stays `None`. The sizes that do not suit OpenClaw are an operator's to give.
pub fn read(fields: Map<String, Json>, is_operator: bool, complaints: &mut Vec<FieldError>) -> SpecChange {
    let mut fields = Fields::new("/spec", fields, complaints);
    let change = SpecChange {
        instance_type: fields
            .text("instance_type", if is_operator { parse_instance_type } else { parse_open_instance_type }),
        max_instances: fields.number("max_instances", 1..=MAX_INSTANCES),
        sleep_after: fields.text("sleep_after", SleepAfter::parse),
    };
    fields.finish();
    change
}

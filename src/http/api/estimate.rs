//! `GET /v1/estimate`.

use serde::Serialize;

use super::spec::parse_instance_type;
use crate::cost::{Estimate, Usage};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::tenant::{InstanceType, spec};

/// The estimate with its units.
#[derive(Serialize)]
pub struct Answer {
    currency: &'static str,
    per: &'static str,
    estimate: Estimate,
}

/// What a size costs a month: `?instance_type=&cpu_percent=&hours_per_day=&instances=`, each with a default.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let instance_type = call.query.text("instance_type", parse_instance_type).unwrap_or(InstanceType::Standard1);
    let mut number = |name, most, default: u32| {
        let least = i64::from(name == "instances");
        call.query.number(name, least..=most).and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
    };
    let usage = Usage {
        instance_type,
        instances: number("instances", i64::from(spec::MAX_INSTANCES), 1),
        hours_per_day: number("hours_per_day", 24, 24),
        cpu_percent: number("cpu_percent", 100, 10),
    };
    call.query.finish()?;
    json(&Answer { currency: "USD", per: "month of 730 hours", estimate: usage.estimate() })
}

//! `GET /v1/estimate`.

use serde::Serialize;

use super::spec::parse_instance_type;
use crate::cost::{Estimate, HoursPerDay, Percent, Preset, Usage};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::tenant::{InstanceType, spec};

/// The estimate with its units.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "EstimateAnswer"))]
pub struct Answer {
    currency: &'static str,
    per: &'static str,
    estimate: Estimate,
}

/// What a size costs a month: `?instance_type=&preset=&cpu_percent=&hours_per_day=&instances=`, each with a default. A preset
/// stands for hours and percent that are not said; without one it is awake around the clock, with light use.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let query = &mut call.query;
    let instance_type = query.text("instance_type", parse_instance_type).unwrap_or(InstanceType::Standard1);
    let instances = query.number("instances", 1..=i64::from(spec::MAX_INSTANCES));
    let preset = query.text("preset", Preset::parse);
    let usage = Usage {
        instance_type,
        instances: instances.and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        hours_per_day: query
            .text("hours_per_day", HoursPerDay::parse)
            .unwrap_or_else(|| preset.map_or(HoursPerDay::MOST, Preset::hours_per_day)),
        cpu_percent: query
            .text("cpu_percent", Percent::parse)
            .unwrap_or_else(|| preset.unwrap_or_default().cpu_percent()),
    };
    query.finish()?;
    json(&Answer { currency: "USD", per: "month of 730 hours", estimate: usage.estimate() })
}

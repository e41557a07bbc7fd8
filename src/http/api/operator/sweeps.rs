//! `GET /admin/api/sweeps`: what runs by itself.

use serde::Serialize;
use serde_json::Value as Json;

use crate::access::Operator;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{self, Response};
use crate::registry::Sweep;

/// Something that runs by itself, as its last run left it.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Sweep"))]
pub struct SweepView<'a> {
    /// Such as `rounds` or `orphans`.
    name: &'a str,
    /// When its last run began.
    started_at: String,
    /// When that ended; null: it is under way, or was cut off.
    finished_at: Option<String>,
    /// Whether the next run goes on where the last one ended.
    has_more: bool,
    /// What the last run that ended said: how it ended, and what it did and found.
    report: &'a Json,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Sweeps"))]
pub struct Listing<'a> {
    /// By name.
    sweeps: Vec<SweepView<'a>>,
}

impl<'a> SweepView<'a> {
    fn of(sweep: &'a Sweep) -> Self {
        Self {
            name: &sweep.name,
            started_at: sweep.started_at.to_string(),
            finished_at: sweep.finished_at.map(|at| at.to_string()),
            has_more: sweep.has_more,
            report: &sweep.report,
        }
    }
}

/// The sweeps. One that never ran is not there.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    call.query.finish()?;
    let sweeps = call.app.registry.sweeps().await?;
    reply::json(&Listing { sweeps: sweeps.iter().map(SweepView::of).collect() })
}

//! `GET /admin/api/doctor`: whether the deployment itself is sound.

use serde::Serialize;

use crate::access::Operator;
use crate::doctor::{self, Finding};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};

/// One line.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Finding"))]
pub struct FindingView<'a> {
    /// What was looked at. The names never change; there may be more of them one day.
    check: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["ok", "warning", "failed"])))]
    verdict: &'static str,
    /// What was seen, for people.
    why: &'a str,
    /// What to do about it; absent if there is nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(default))]
    next: &'static str,
}

/// All lines.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Doctor"))]
pub struct Doctor<'a> {
    /// The worst of all lines.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["ok", "warning", "failed"])))]
    verdict: &'static str,
    /// When it was looked at.
    checked_at: String,
    findings: Vec<FindingView<'a>>,
}

impl<'a> FindingView<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Finding { check, verdict, why, next } = finding;
        Self { check: check.as_str(), verdict: verdict.as_str(), why, next }
    }
}

/// Looks, and says what was found: 200 whatever it is.
pub async fn read(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    call.query.finish()?;
    let log = call.app.log.with("request_id", call.request_id.as_str());
    let report = doctor::examine(&call.app, call.host(), &log).await;
    json(&Doctor {
        verdict: report.verdict().as_str(),
        checked_at: report.checked_at.to_string(),
        findings: report.findings.iter().map(FindingView::of).collect(),
    })
}

//! `POST /admin/api/acts`: the same act on several tenants.

use serde::Serialize;
use serde_json::json;

use super::verbs;
use crate::access::Operator;
use crate::http::api;
use crate::http::auth;
use crate::http::body::{Fields, short};
use crate::http::call::Call;
use crate::http::error::{ApiError, FieldError, Problem};
use crate::http::reply::{self, Response};

/// Most tenants of one request: each takes a few round trips to the database, one after the other.
pub const MAX_TENANTS: usize = 100;

/// Characters that no name and no id has more of.
const MAX_NAME: usize = 64;

/// What can be done to several at once.
pub const ACTS: [&str; 5] = ["suspend", "resume", "retry", "release", "delete"];

/// What became of it, tenant by tenant in the order of the request.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ActsDone {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    /// How many were refused.
    refused: usize,
    outcomes: Vec<Outcome>,
}

/// What became of it for one tenant.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "ActOutcome"))]
pub struct Outcome {
    /// Its name, or as it was called where there is none of that name or id.
    tenant: String,
    /// `accepted`: it is written down and will be done; `unchanged`: it was so already, or this is a dry run; `refused`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["accepted", "unchanged", "refused"])))]
    outcome: &'static str,
    /// Why it was refused, in one word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What is asked for.
struct Asked {
    act: &'static str,
    tenants: Vec<String>,
    release: Option<String>,
    grace_days: Option<u32>,
}

/// Does `{"act", "tenants", "release", "grace_days"}`. What is refused for one tenant is done for the others all the same;
/// asked for again, what was done is left as it is.
pub async fn create(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let asked = read(&call)?;
    let mut outcomes = Vec::with_capacity(asked.tenants.len());
    for tenant in &asked.tenants {
        outcomes.push(one(&call, &operator, &asked, tenant, is_dry_run).await);
    }
    let refused = outcomes.iter().filter(|outcome| outcome.code.is_some()).count();
    reply::json(&ActsDone { dry_run: is_dry_run.then_some(true), refused, outcomes })
}

async fn one(call: &Call, operator: &Operator, asked: &Asked, called: &str, is_dry_run: bool) -> Outcome {
    let mut query = String::from(if is_dry_run { "dry_run=true&" } else { "" });
    let mut body = json!({});
    match (asked.act, &asked.release, asked.grace_days) {
        ("release", Some(release), _) => body = json!({"release": release}),
        ("delete", _, Some(days)) => query.push_str(&format!("grace_days={days}")),
        _ => {}
    }
    let mut call = call.with_json(&query, body.to_string());
    call.params = vec![called.to_owned()];
    let request_id = call.request_id.clone();
    let mut tenant = called.to_owned();
    let done = match auth::subject(&call, operator.clone()).await {
        Ok(subject) => {
            subject.tenant.name.as_str().clone_into(&mut tenant);
            match asked.act {
                "suspend" => api::lifecycle::suspend(call, subject).await,
                "resume" => api::lifecycle::resume(call, subject).await,
                "retry" => verbs::retry(call, subject).await,
                "release" => verbs::release(call, subject).await,
                _ => api::tenant::delete(call, subject).await,
            }
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(answer) if answer.status() == http::StatusCode::ACCEPTED => {
            Outcome { tenant, outcome: "accepted", code: None, detail: None }
        }
        Ok(_) => Outcome { tenant, outcome: "unchanged", code: None, detail: None },
        Err(error) => {
            let problem = Problem::of(&error, &request_id);
            let complaint = problem.errors.first().map(|error| error.detail.clone());
            let detail = Some(complaint.unwrap_or(problem.detail));
            Outcome { tenant, outcome: "refused", code: Some(problem.code), detail }
        }
    }
}

/// Reads the body; every complaint at once.
fn read(call: &Call) -> Result<Asked, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    fields.require("act");
    fields.require("tenants");
    let act = fields.text("act", |text| {
        let known = ACTS.into_iter().find(|act| *act == text);
        known.ok_or_else(|| format!("must be one of {}", ACTS.join(", ")))
    });
    let tenants = fields.list("tenants", |names| match names.len() {
        0 => Err("names nobody".to_owned()),
        1..=MAX_TENANTS => {
            let mut tenants: Vec<String> = Vec::with_capacity(names.len());
            for name in names {
                if name.chars().count() > MAX_NAME {
                    return Err(format!("{} is nobody's name or id", short(name)));
                }
                if !tenants.contains(name) {
                    tenants.push(name.clone());
                }
            }
            Ok(tenants)
        }
        _ => Err(format!("has more than {MAX_TENANTS} tenants")),
    });
    let release = fields.text("release", |id| {
        if act == Some("release") { Ok(id.to_owned()) } else { Err("goes with the act release only") }
    });
    let days = u32::try_from(api::tenant::MAX_GRACE_DAYS).unwrap_or_default();
    let grace_days = fields.number("grace_days", 0..=days);
    fields.finish();
    if grace_days.is_some() && act != Some("delete") {
        let (pointer, detail) = ("/grace_days".to_owned(), "goes with the act delete only".to_owned());
        complaints.push(FieldError { pointer, detail });
    }
    match (act, tenants) {
        (Some(act), Some(tenants)) if complaints.is_empty() => Ok(Asked { act, tenants, release, grace_days }),
        _ => Err(ApiError::Invalid(complaints)),
    }
}

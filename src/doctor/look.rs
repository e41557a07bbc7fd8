//! Gathers what is judged: what needs no other answer all at once.
//!
//! Four calls to the Cloudflare API, one of them deep, and beside them one request to the team of Access and one to the
//! plane's own address. A Worker that fetches its own address gets there only with the compatibility flag
//! `global_fetch_strictly_public` (`wrangler.toml`): without it the request would pass by Access and all Workers
//! (<https://developers.cloudflare.com/workers/configuration/compatibility-flags/#global-fetch-strictly-public>).

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{join_all, join4, join5};
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response};

use super::account::{self, Calls};
use super::door::{self, Answered, Certs};
use super::{Check, Finding, Report, plane};
use crate::app::App;
use crate::capacity::PerTenant;
use crate::clock::Timestamp;
use crate::cloudflare::transport::TimeLimit;
use crate::log::Logger;
use crate::reconcile::budget::BLOCK_S;
use crate::registry::Health;
use crate::registry::sign_ups::load;
use crate::release::Manifest;
use crate::release::manifest::blob_key;

/// How long one call may take. They are made at once, so that the whole takes little more.
const CALL_LIMIT: Duration = Duration::from_secs(8);

/// Calls to the Cloudflare API of one examination.
pub const CALLS: u32 = 4;

/// Most modules of the release that are looked for.
const MOST_MODULES: usize = 20;

/// What somebody who shows nothing asks for.
const OPERATORS_ADDRESS: &str = "/admin/api/invites";

/// Examines the deployment, which is known as `host` to whoever asks.
pub async fn examine(app: &App, host: &str, log: &Logger) -> Report {
    let (calls, registry, applied, answered, certs) = join5(
        call(app, log).boxed(),
        look_at_registry(app).boxed(),
        app.registry.applied_migrations().boxed(),
        knock(app, host).boxed(),
        fetch(app, app.config.access.as_ref().map(|access| format!("{}/cdn-cgi/access/certs", access.team_url)))
            .boxed(),
    )
    .await;
    let now = app.clock.now();
    let certs = certs.map(|response| Certs::read(&response));
    let mut findings = Vec::with_capacity(Check::ALL.len());
    findings.extend(account::judge(calls.as_ref(), &app.config.tenant_url, now));
    findings.extend(judge_registry(
        app,
        &registry,
        plane::migrations(&applied.map_err(|error| error.to_string())),
        now,
    ));
    findings.push(plane::clock(certs.as_ref().ok().and_then(|certs| certs.date), now));
    if let Some(settings) = &app.config.access {
        findings.push(door::access(&answered, settings, host));
        findings.push(door::access_keys(&certs));
        findings.push(door::operators(settings));
    }
    findings.push(door::sign_ups(&app.config));
    Report { checked_at: now, findings }
}

/// The calls to the Cloudflare API, if there is budget for them now.
async fn call(app: &App, log: &Logger) -> Option<Calls> {
    let budget = app.config.budget;
    let (cost_ms, burst_ms) = (budget.cost_ms(CALLS), budget.background_burst_ms());
    if !app.registry.take_calls(cost_ms, burst_ms, app.clock.now()).await.unwrap_or(false) {
        return None;
    }
    let client = app.cloudflare.logging_to(log.clone()).within(CALL_LIMIT);
    let (token, subdomain, buckets, applications) = join4(
        client.token_state(),
        client.account_subdomain(),
        client.may_list_buckets(),
        client.may_list_applications(),
    )
    .await;
    let errors = [token.as_ref().err(), subdomain.as_ref().err(), buckets.as_ref().err(), applications.as_ref().err()];
    // When Cloudflare refuses every call for a while, everybody keeps still.
    if let Some(wait_s) = errors.into_iter().flatten().find_map(|error| error.block_s(BLOCK_S)) {
        let until = app.clock.now().plus_ms(i64::from(wait_s) * 1_000);
        // If that is lost, the next round is told the same.
        let _ = app.registry.block_calls(until).await;
    }
    Some(Calls { token, subdomain, buckets, applications })
}

/// What the registry knows, and the first file of the release that is missing.
async fn look_at_registry(app: &App) -> Result<(Health, Result<Option<String>, String>), String> {
    let health =
        app.registry.health(&app.config.sealing_key, app.clock.now()).await.map_err(|error| error.to_string())?;
    let missing = match &health.release {
        Some(release) => first_missing(app, &release.manifest).await,
        None => Ok(None),
    };
    Ok((health, missing))
}

/// The modules, and the list of static assets.
async fn first_missing(app: &App, manifest: &Manifest) -> Result<Option<String>, String> {
    let modules = manifest.modules.iter().take(MOST_MODULES).map(|module| (module.name.as_str(), &module.sha256));
    let assets = manifest.assets.iter().map(|assets| ("The list of static assets", &assets.manifest));
    let files: Vec<(&str, &String)> = modules.chain(assets).collect();
    let found = join_all(files.iter().map(|(_, sha256)| app.releases.has(&blob_key(sha256)))).await;
    for ((name, _), found) in files.iter().zip(found) {
        if !found.map_err(|error| error.to_string())? {
            return Ok(Some((*name).to_owned()));
        }
    }
    Ok(None)
}

fn judge_registry(
    app: &App,
    registry: &Result<(Health, Result<Option<String>, String>), String>,
    migrations: Finding,
    now: Timestamp,
) -> Vec<Finding> {
    match registry {
        Ok((health, missing)) => {
            let nothing = PerTenant { cron_triggers: 0, durable_object_classes: 0 };
            let each = health.release.as_ref().map_or(nothing, |release| PerTenant::of(&release.manifest));
            vec![
                account::limits(&app.config.account, &load(&health.fleet), each),
                migrations,
                plane::cron(&health.jobs, now),
                plane::rounds(health, now),
                plane::release(health.release.as_ref(), missing),
                plane::sealing_key(&health.seals_open),
            ]
        }
        Err(error) => {
            let unseen = |check: Check| check.unseen(error);
            let [limits, cron] = [Check::Limits, Check::Cron].map(unseen);
            let [rounds, release, sealing_key] = [Check::Rounds, Check::Release, Check::SealingKey].map(unseen);
            vec![limits, migrations, cron, rounds, release, sealing_key]
        }
    }
}

/// What somebody who shows nothing is answered at `host`.
async fn knock(app: &App, host: &str) -> Result<Answered, String> {
    let is_host = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
    if host.is_empty() || !is_host(host) {
        return Err("the request did not say which host it asks".to_owned());
    }
    // Only a stand-in on this machine goes without TLS.
    let scheme = if host.starts_with("localhost:") { "http" } else { "https" };
    let answer = fetch(app, Some(format!("{scheme}://{host}{OPERATORS_ADDRESS}"))).await;
    answer.map(|response| Answered::read(&response))
}

/// One request without anything that proves who asks.
async fn fetch(app: &App, address: Option<String>) -> Result<Response<Bytes>, String> {
    let address = address.ok_or("Access is not set up")?;
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = address.parse().map_err(|_| "the address is malformed")?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(TimeLimit(CALL_LIMIT));
    app.outside.send(request).await.map_err(|_| "there was no answer".to_owned())
}

//! Gathers what is judged: what needs no other answer all at once.
//!
//! Four calls to the Cloudflare API, one of them deep, and beside them one request to the team of Access and one to the
//! plane's own address. A Worker that fetches its own address gets there only with the compatibility flag
//! `global_fetch_strictly_public` (`wrangler.toml`): without it the request would pass by Access and all Workers
//! (<https://developers.cloudflare.com/workers/configuration/compatibility-flags/#global-fetch-strictly-public>).

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};

use super::account::{self, Calls};
use super::door::{self, Answered, Certs};
use super::{Check, Report, plane};
use crate::app::App;
use crate::capacity::PerTenant;
use crate::cloudflare::Operation;
use crate::cloudflare::transport::TimeLimit;
use crate::log::Logger;
use crate::reconcile::budget::BLOCK_S;
use crate::registry::Health;
use crate::registry::sign_ups::load;
use crate::release::Manifest;
use crate::release::manifest::blob_key;

/// How long one call may take. They are made at once, so that the whole takes little more.
const CALL_LIMIT: Duration = Duration::from_secs(8);

/// What is asked of the Cloudflare API, in the order of [`Calls`].
pub const CALLS: [Operation; 4] =
    [Operation::TokenVerify, Operation::AccountSubdomainGet, Operation::BucketList, Operation::ApplicationList];

/// Most modules of the release that are looked for.
const MOST_MODULES: usize = 20;

/// What somebody who shows nothing asks for: a page of the operators that costs nothing, should it be shown.
const OPERATORS_ADDRESS: &str = "/admin/audit";

/// What was seen beside the calls to the Cloudflare API. What was not looked at yet stays as it begins.
struct Seen {
    calls: Option<Calls>,
    registry: Result<(Health, Result<Option<String>, String>), String>,
    migrations: Result<Vec<String>, String>,
    answered: Result<Response<Bytes>, String>,
    certs: Result<Response<Bytes>, String>,
}

/// Examines the deployment, which is known as `host` to whoever asks.
pub async fn examine(app: &App, host: &str, log: &Logger) -> Report {
    let seen = look(app, host, log).boxed().await;
    judge(app, host, seen)
}

async fn look(app: &App, host: &str, log: &Logger) -> Seen {
    let none = || Err(String::new());
    let (mut calls, mut registry, mut migrations, mut answered, mut certs) =
        (None, Err(String::new()), Err(String::new()), none(), none());
    all(vec![
        async { calls = call(app, log).await }.boxed(),
        async { registry = look_at_registry(app).await }.boxed(),
        async { migrations = app.registry.applied_migrations().await.map_err(|error| error.to_string()) }.boxed(),
        async { answered = fetch(app, own_address(host)).await }.boxed(),
        async { certs = fetch(app, app.config.access.as_ref().map(|access| access.certs_url())).await }.boxed(),
    ])
    .await;
    Seen { calls, registry, migrations, answered, certs }
}

fn judge(app: &App, host: &str, seen: Seen) -> Report {
    let now = app.clock.now();
    let mut findings = Vec::with_capacity(Check::ALL.len());
    findings.extend(account::judge(seen.calls.as_ref(), &app.config.tenant_url, now));
    findings.push(plane::migrations(&seen.migrations));
    match &seen.registry {
        Ok((health, missing)) => {
            let nothing = PerTenant { cron_triggers: 0, durable_object_classes: 0 };
            let each = health.release.as_ref().map_or(nothing, |release| PerTenant::of(&release.manifest));
            findings.extend([
                account::limits(&app.config.account, &load(&health.fleet), each),
                plane::cron(&health.jobs, now),
                plane::rounds(health, now),
                plane::release(health.release.as_ref(), missing),
                plane::sealing_key(health),
            ]);
        }
        Err(error) => {
            for check in [Check::Limits, Check::Cron, Check::Rounds, Check::Release, Check::SealingKey] {
                findings.push(check.unseen(error));
            }
        }
    }
    let certs = seen.certs.as_ref().map(Certs::read);
    findings.push(plane::clock(certs.as_ref().ok().and_then(|certs| certs.date), now));
    if let Some(settings) = &app.config.access {
        findings.push(door::access(seen.answered.as_ref().map(Answered::read), settings, host));
        findings.push(door::access_keys(certs));
        findings.push(door::operators(settings));
    }
    findings.push(door::sign_ups(&app.config));
    Report { checked_at: now, findings }
}

/// Runs all of them at once. By hand, and each boxed: so it is compiled once, whatever they do.
async fn all(mut tasks: Vec<BoxFuture<'_, ()>>) {
    poll_fn(|context| {
        tasks.retain_mut(|task| task.poll_unpin(context).is_pending());
        if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The calls to the Cloudflare API, if there is budget for them now.
async fn call(app: &App, log: &Logger) -> Option<Calls> {
    let budget = app.config.budget;
    let cost_ms = budget.cost_ms(u32::try_from(CALLS.len()).unwrap_or(u32::MAX));
    if !app.registry.take_calls(cost_ms, budget.background_burst_ms(), app.clock.now()).await.unwrap_or(false) {
        return None;
    }
    let client = &app.cloudflare.logging_to(log.clone()).within(CALL_LIMIT);
    let mut answers = CALLS.map(|_| None);
    let mut tasks = Vec::with_capacity(CALLS.len());
    for (operation, answer) in CALLS.into_iter().zip(&mut answers) {
        tasks.push(async move { *answer = Some(client.probe(operation).await) }.boxed());
    }
    all(tasks).await;
    // When Cloudflare refuses every call for a while, everybody keeps still.
    let errors = answers.iter().filter_map(|answer| answer.as_ref()?.as_ref().err());
    if let Some(wait_s) = errors.filter_map(|error| error.block_s(BLOCK_S)).next() {
        let until = app.clock.now().plus_ms(i64::from(wait_s) * 1_000);
        // If that is lost, the next round is told the same.
        let _ = app.registry.block_calls(until).await;
    }
    let [token, subdomain, buckets, applications] = answers;
    Some(Calls { token: token?, subdomain: subdomain?, buckets: buckets?, applications: applications? })
}

/// What the registry knows, and the first file of the release that is missing.
async fn look_at_registry(app: &App) -> Result<(Health, Result<Option<String>, String>), String> {
    let health = app.registry.health(&app.config.sealing_key, app.clock.now()).boxed().await;
    let health = health.map_err(|error| error.to_string())?;
    let missing = match &health.release {
        Some(release) => first_missing(app, &release.manifest).await,
        None => Ok(None),
    };
    Ok((health, missing))
}

/// The modules, and the list of static assets.
async fn first_missing(app: &App, manifest: &Manifest) -> Result<Option<String>, String> {
    let mut files = Vec::new();
    for module in manifest.modules.iter().take(MOST_MODULES) {
        files.push((module.name.as_str(), &module.sha256, Ok(true)));
    }
    if let Some(assets) = &manifest.assets {
        files.push(("The list of static assets", &assets.manifest, Ok(true)));
    }
    let mut tasks = Vec::with_capacity(files.len());
    for (_, sha256, found) in &mut files {
        tasks.push(async { *found = app.releases.has(&blob_key(sha256)).await }.boxed());
    }
    all(tasks).await;
    for (name, _, found) in files {
        if !found.map_err(|error| error.to_string())? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Where somebody who shows nothing is sent who knows the plane as `host`.
fn own_address(host: &str) -> Option<String> {
    let is_host = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'));
    // Only a stand-in on this machine goes without TLS.
    let is_here = host.starts_with("localhost:") || host.starts_with("127.0.0.1:");
    let scheme = if is_here { "http" } else { "https" };
    (!host.is_empty() && is_host(host)).then(|| format!("{scheme}://{host}{OPERATORS_ADDRESS}"))
}

/// One request without anything that proves who asks.
async fn fetch(app: &App, address: Option<String>) -> Result<Response<Bytes>, String> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = address.and_then(|address| address.parse().ok()).ok_or("the address is not known")?;
    request.extensions_mut().insert(TimeLimit(CALL_LIMIT));
    app.outside.send(request).await.map_err(|_| "there was no answer".to_owned())
}

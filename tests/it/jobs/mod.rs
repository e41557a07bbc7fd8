//! What runs by itself.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::plane::{TestPlane, settings};

mod drift;
mod orphans;
mod retention;
mod rounds;
mod runs;
mod trials;

const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A plane with these settings, and tenants that are ready.
async fn plane_with(changes: &[(&str, &str)], names: &[&str]) -> (TestPlane, Vec<String>) {
    let plane = TestPlane::with(settings(changes), Some(crate::fixtures::Published::guide())).await;
    let mut tokens = Vec::new();
    for name in names {
        let body = json!({
            "name": name,
            "secrets": {"ANTHROPIC_API_KEY": "one", "CF_ACCESS_TEAM_DOMAIN": "team", "CF_ACCESS_AUD": "aud"},
        });
        tokens.push(plane.sign_up(&body).await["token"].as_str().unwrap().to_owned());
    }
    plane.until_quiet().await;
    plane.emulator.clear_journal();
    (plane, tokens)
}

/// Ticks a minute apart until a pass over the account is through, or `most` ticks have gone by.
async fn passes(plane: &TestPlane, most: u32) -> Vec<paramita::jobs::orphans::Found> {
    let mut found = Vec::new();
    for _ in 0..most {
        if let Some(run) = plane.tick().await.orphans {
            let is_done = run.end.outcome == paramita::jobs::run::Outcome::Done;
            found.push(run.found);
            if is_done {
                return found;
            }
        }
        plane.clock.advance_ms(MINUTE_MS);
    }
    found
}

/// Ends a tick in the middle: after so many seconds, of which each call takes one, nothing of it goes on.
async fn cut_off_tick(plane: &TestPlane, seconds: f64) {
    let tick = tokio::time::timeout(Duration::from_secs_f64(seconds), plane.tick()).await;
    assert!(tick.is_err(), "the tick ended by itself: {tick:?}");
}

/// Reasons of a tenant's history, oldest first.
async fn reasons(plane: &TestPlane, name: &str, token: &str) -> Vec<String> {
    let answer = plane.get(&format!("/v1/tenants/{name}/events"), Some(token)).await.expect(200);
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
}

fn count(reasons: &[String], reason: &str) -> usize {
    reasons.iter().filter(|other| *other == reason).count()
}

/// The row of a job.
async fn job(plane: &TestPlane, name: &str) -> Json {
    let rows = plane.sql("SELECT name, started_at_ms, finished_at_ms, cursor, json(report) AS report FROM job").await;
    rows.into_iter().find(|row| row["name"] == name).unwrap()
}

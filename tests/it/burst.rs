//! Two hundred tenants at once, with Cloudflare's limit on: everybody gets there, at the budget's pace, and Cloudflare
//! never has to say no.
//!
//! Time is tokio's, paused: waits cost nothing and end exactly when they should. A queue with delays and three consumers
//! stands in for Cloudflare Queues, a tick a minute for cron.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use cloudflare_emulator::{RateLimit, State};
use futures_util::future::{join_all, select};
use paramita::clock::Clock;
use paramita::registry::db::{Db, Statement};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::plane::{TestPlane, settings};

const TENANTS: u64 = 200;
const CONSUMERS: usize = 3;
const CALL_MS: u64 = 100;

/// A plane whose clock goes with tokio's.
async fn plane(changes: &[(&str, &str)], limit: RateLimit) -> Arc<TestPlane> {
    let guide = crate::fixtures::Published::guide();
    let plane = TestPlane::over(settings(changes), Some(guide), Some(limit), |ports| ports).await;
    plane.calls_take(Duration::from_millis(CALL_MS));
    let plane = Arc::new(plane);
    let weak = Arc::downgrade(&plane);
    let (started, start) = (Instant::now(), plane.clock.now());
    tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(10)).await;
            let Some(plane) = weak.upgrade() else { return };
            let elapsed = i64::try_from(started.elapsed().as_millis()).unwrap();
            plane.clock.advance_ms(elapsed - (plane.clock.now().0 - start.0));
        }
    });
    plane
}

/// Delivers nudges when they are due and ticks every minute, until every tenant is in `phase`. Returns how long it took.
async fn until_all_are(plane: &TestPlane, phase: &str) -> Duration {
    let started = Instant::now();
    let consume = async || {
        loop {
            match plane.due_nudge(Instant::now()) {
                Some(nudge) => drop(paramita::jobs::on_nudge(&plane.app, nudge).await.unwrap()),
                None => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    let consumers = join_all((0..CONSUMERS).map(|_| consume()));
    let watch = async {
        loop {
            sleep(Duration::from_secs(60)).await;
            plane.tick().await;
        }
    };
    let done = async {
        loop {
            sleep(Duration::from_millis(500)).await;
            let phases = phases(plane).await;
            if phases.get(phase) == Some(&TENANTS) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(3 * 3600), "not yet {phase}: {phases:?}");
        }
    };
    select(Box::pin(done), select(Box::pin(consumers), Box::pin(watch))).await;
    started.elapsed()
}

async fn phases(plane: &TestPlane) -> BTreeMap<String, u64> {
    let sql = "SELECT phase, count(*) AS tenants FROM tenant GROUP BY phase";
    let rows = plane.database.batch(vec![Statement { sql, args: Vec::new() }]).await.unwrap().remove(0).rows;
    rows.iter().map(|row| (row["phase"].as_str().unwrap().to_owned(), row["tenants"].as_u64().unwrap())).collect()
}

/// All calls so far, and that none of them was refused for being one too many.
fn calls(plane: &TestPlane) -> usize {
    let journal = plane.emulator.journal();
    assert!(journal.iter().all(|call| call.status != Some(429)), "Cloudflare had to say no");
    journal.len()
}

/// Compares with what the budget allows: the burst at once, the rest at the steady pace.
fn report(what: &str, plane: &TestPlane, calls: usize, took: Duration) {
    let budget = plane.app.config.budget;
    let calls_u32 = u32::try_from(calls).unwrap();
    let allowed_ms = (budget.cost_ms(calls_u32) - budget.burst_ms()).max(0);
    let took_ms = i64::try_from(took.as_millis()).unwrap();
    let line = format!(
        "{what}: {calls} calls in {:.1} s; the budget of {} in {} s allows it in {:.1} s\n",
        took.as_secs_f64(),
        budget.calls,
        budget.window_ms / 1_000,
        allowed_ms as f64 / 1_000.0,
    );
    // Past the test harness, which shows nothing of a test that passes.
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    assert!(took_ms <= allowed_ms * 110 / 100, "{what} took {took_ms} ms, more than a tenth above {allowed_ms} ms");
    assert!(took_ms >= allowed_ms * 90 / 100, "{what} took {took_ms} ms, faster than the budget allows");
}

async fn two_hundred_come_and_go(changes: &[(&str, &str)], limit: RateLimit) {
    let plane = plane(changes, limit).await;
    let sign_ups = (0..TENANTS).map(|number| {
        let plane = &plane;
        async move {
            let body = json!({"name": format!("tenant-{number}")});
            plane.sign_up(&body).await["token"].as_str().unwrap().to_owned()
        }
    });
    let tokens = join_all(sign_ups).await;
    let took = until_all_are(&plane, "ready").await;
    let state = plane.emulator.state().await.unwrap();
    for count in [state.buckets.len(), state.scripts.len(), state.applications.len()] {
        assert_eq!(count as u64, TENANTS);
    }
    let made = calls(&plane);
    report("200 sign-ups at once", &plane, made, took);

    // The budget is whole again before the next burst.
    sleep(Duration::from_millis(u64::try_from(plane.app.config.budget.window_ms).unwrap())).await;
    let deletions = tokens.iter().enumerate().map(|(number, token)| {
        let path = format!("/v1/tenants/tenant-{number}?grace_days=0");
        let plane = &plane;
        async move { plane.raw("DELETE", &path, Some(token), "").await.expect(202) }
    });
    join_all(deletions).await;
    let took = until_all_are(&plane, "deleted").await;
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    report("200 deletions at once", &plane, calls(&plane) - made, took);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_sign_ups_and_deletions_at_once_go_through_at_the_budgets_pace() {
    two_hundred_come_and_go(&[], RateLimit::CLOUDFLARE).await;
}

#[tokio::test(start_paused = true)]
async fn a_smaller_budget_is_kept_just_as_well() {
    let limit = RateLimit { calls: 120, window_ms: 30_000, block_ms: 30_000 };
    two_hundred_come_and_go(&[("API_BUDGET_CALLS", "100"), ("API_BUDGET_SECONDS", "30")], limit).await;
}

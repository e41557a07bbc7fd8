//! What holds of every job: claimed by one tick, taken up when it vanished, recorded, and no obstacle to the others.

use cloudflare_emulator::{Effect, Fault};
use futures_util::future::join;
use paramita::jobs::run::Outcome;
use paramita::registry::Error;

use super::*;

#[tokio::test(start_paused = true)]
async fn of_two_ticks_at_once_one_has_each_job_and_each_tenant_one_round() {
    let (plane, _) = plane_with(&[], &["alice", "bob"]).await;
    plane.sql("UPDATE tenant SET due_at_ms = 0").await;
    let (one, other) = join(plane.tick(), plane.tick()).await;
    assert!(one.retention.is_some() != other.retention.is_some());
    assert!(one.orphans.is_some() != other.orphans.is_some());
    let converged = |tick: &paramita::jobs::TickReport| tick.rounds.as_ref().map_or(0, |run| run.found.converged);
    assert_eq!(converged(&one) + converged(&other), 2);
}

#[tokio::test]
async fn a_run_that_vanished_is_taken_over_after_a_while_and_writes_nothing_any_more() {
    let plane = TestPlane::new().await;
    let registry = &plane.app.registry;
    let start = plane.app.clock.now();
    let claim = async |ms: i64| registry.claim_job("test", HOUR_MS, MINUTE_MS, start.plus_ms(ms)).await.unwrap();

    let mut vanished = claim(0).await.unwrap();
    assert_eq!(vanished.cursor, None);
    vanished.cursor = Some("here".into());
    registry.save_job(&vanished).await.unwrap();
    assert_eq!(claim(MINUTE_MS - 1).await, None, "it may still be at work");
    let mut present = claim(MINUTE_MS).await.unwrap();
    assert_eq!(present.cursor.as_deref(), Some("here"));

    assert_eq!(registry.save_job(&vanished).await, Err(Error::Conflict));
    registry.finish_job(&vanished, r#"{"late":1}"#.into(), start.plus_ms(MINUTE_MS)).await.unwrap();
    assert_eq!(job(&plane, "test").await["finished_at_ms"], Json::Null);

    // What left a cursor goes on with the next tick; what is done waits for its time.
    registry.finish_job(&present, "{}".into(), start.plus_ms(MINUTE_MS)).await.unwrap();
    present = claim(MINUTE_MS + 1).await.unwrap();
    present.cursor = None;
    registry.finish_job(&present, "{}".into(), start.plus_ms(MINUTE_MS + 2)).await.unwrap();
    assert_eq!(claim(MINUTE_MS + HOUR_MS).await, None);
    assert!(claim(MINUTE_MS + HOUR_MS + 1).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_one_job_is_in_its_report_and_stops_no_other() {
    let (plane, _) = plane_with(&[], &["alice"]).await;
    plane.clock.advance_ms(HOUR_MS);
    plane.emulator.fault(Fault::new(Effect::Status { status: 500 }).kind("script.list"));
    let tick = plane.tick().await;
    let orphans = tick.orphans.unwrap();
    assert_eq!(orphans.end.outcome, Outcome::Failed);
    assert!(orphans.end.error.unwrap().starts_with("workers.script.list: status 500"));
    assert_eq!(tick.drift.unwrap().found.compared, 1);
    assert_eq!(tick.retention.unwrap().end.outcome, Outcome::Done);

    // Not after half an hour, but with the next tick it tries again.
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.orphans.unwrap().end.outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn every_run_is_recorded_with_its_begin_its_end_and_what_it_found() {
    let (plane, _) = plane_with(&[], &[]).await;
    let now = plane.app.clock.now().0;
    let tick = plane.tick().await;
    for name in ["trials", "rounds", "retention", "orphans", "drift"] {
        let row = job(&plane, name).await;
        assert_eq!((&row["started_at_ms"], &row["finished_at_ms"]), (&json!(now), &json!(now)), "{name}");
        let report: Json = serde_json::from_str(row["report"].as_str().unwrap()).unwrap();
        assert_eq!(report["end"]["outcome"], "done", "{name}");
        assert_eq!(report, serde_json::to_value(&tick).unwrap()[name]);
        assert!(report["found"].is_object(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_is_reported_and_not_a_reason_to_panic() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.lose_database_answer(1);
    let tick = plane.tick().await;
    let trials = tick.trials.unwrap();
    assert_eq!(trials.end.outcome, Outcome::Failed);
    assert!(trials.end.error.unwrap().contains("the connection broke"));
    assert_eq!(tick.rounds.unwrap().end.outcome, Outcome::Done);
}

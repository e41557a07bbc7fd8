//! What is in the account and on no ledger, and what is on a ledger and not in the account.

use cloudflare_emulator::{Effect, Fault};
use paramita::clock::Clock;
use paramita::jobs::run::Outcome;

use super::*;

async fn rows(plane: &TestPlane) -> Vec<String> {
    let rows = plane.sql("SELECT kind, name FROM orphan ORDER BY kind, name").await;
    rows.iter().map(|row| format!("{} {}", row["kind"].as_str().unwrap(), row["name"].as_str().unwrap())).collect()
}

/// Waits until what was seen is out of quarantine, having been seen all the while; returns what the last pass did.
async fn a_day_later(plane: &TestPlane) -> paramita::jobs::orphans::Found {
    for _ in 0..5 {
        plane.clock.advance_ms(5 * HOUR_MS);
        passes(plane, 1).await;
    }
    plane.clock.advance_ms(HOUR_MS);
    passes(plane, 5).await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_on_no_ledger_is_reported_and_what_is_made_by_hand_beside_us_never() {
    let (plane, _) = plane_with(&[], &["alice"]).await;
    plane.emulator.seed_script("paramita-cloud-production", &["paramita"]);
    plane.emulator.seed_bucket("moltbot-data-development").await.unwrap();
    plane.emulator.seed_application("moltbot-staging", "image");
    plane.emulator.seed_script("somebody-elses", &[]);
    plane.emulator.seed_bucket("a-moltbot-data-of-somebody").await.unwrap();
    plane.emulator.seed_application("other", "image");
    let found = passes(&plane, 1).await;
    assert_eq!((found[0].orphans, rows(&plane).await), (0, Vec::new()));

    plane.emulator.seed_script("paramita-cloud-lost", &["paramita", "paramita-t0"]);
    plane.emulator.seed_script("paramita-cloud-unmarked", &[]);
    plane.emulator.seed_script("renamed", &["paramita"]);
    plane.emulator.seed_bucket("moltbot-data-lost").await.unwrap();
    plane.emulator.seed_application("moltbot-lost", "image");
    plane.clock.advance_ms(30 * MINUTE_MS);
    plane.emulator.clear_journal();
    let found = passes(&plane, 1).await;
    let expected = [
        "application moltbot-lost",
        "bucket moltbot-data-lost",
        "script paramita-cloud-lost",
        "script paramita-cloud-unmarked",
        "script renamed",
    ];
    assert_eq!(found[0].orphans, 5);
    assert_eq!(rows(&plane).await, expected);
    let ours = plane.sql("SELECT name FROM orphan WHERE is_ours").await;
    assert_eq!(ours, [json!({"name": "paramita-cloud-lost"})]);
    assert_eq!(plane.calls()[..3], ["script.list", "r2.bucket.list", "container.list"]);
}

#[tokio::test(start_paused = true)]
async fn a_tombstones_leftovers_are_orphans_only_once_nobody_may_own_them() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&tokens[0]), "").await.expect(202);
    plane.until_quiet().await;
    plane.emulator.seed_bucket("moltbot-data-alice").await.unwrap();
    plane.sql("UPDATE resource SET asked_at_ms = 1 WHERE kind = 'bucket'").await;
    assert_eq!(passes(&plane, 1).await[0].orphans, 0);
    plane.sql("UPDATE resource SET asked_at_ms = NULL WHERE kind = 'bucket'").await;
    plane.clock.advance_ms(30 * MINUTE_MS);
    assert_eq!(passes(&plane, 1).await[0].names, ["bucket moltbot-data-alice"]);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_script_is_kept_for_a_day_and_then_deleted_only_with_the_setting() {
    for (setting, is_gone) in [("report", false), ("delete", true)] {
        let (plane, _) = plane_with(&[("ORPHANS", setting)], &["alice"]).await;
        plane.emulator.seed_script("paramita-cloud-lost", &["paramita"]);
        plane.emulator.seed_script("paramita-cloud-unmarked", &[]);
        plane.emulator.seed_script("renamed", &["paramita"]);
        plane.emulator.seed_bucket("moltbot-data-lost").await.unwrap();
        plane.emulator.seed_application("moltbot-lost", "image");
        passes(&plane, 1).await;
        plane.clock.advance_ms(DAY_MS - HOUR_MS);
        assert_eq!(passes(&plane, 2).await.pop().unwrap().removed, Vec::<String>::new());

        let found = a_day_later(&plane).await;
        let state = plane.emulator.state().await.unwrap();
        assert_eq!(!state.scripts.contains_key("paramita-cloud-lost"), is_gone, "{setting}: {found:?}");
        for script in ["paramita-cloud-alice", "paramita-cloud-unmarked", "renamed"] {
            assert!(state.scripts.contains_key(script), "{setting}: {script}");
        }
        assert!(state.buckets.contains_key("moltbot-data-lost"));
        assert!(state.applications.contains_key("moltbot-lost"));
        assert_ne!(rows(&plane).await.contains(&"script paramita-cloud-lost".to_owned()), is_gone);
    }
}

#[tokio::test(start_paused = true)]
async fn by_an_operators_word_everything_goes_but_a_bucket_with_an_object() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.emulator.seed_script("paramita-cloud-unmarked", &[]);
    plane.emulator.seed_application("moltbot-lost", "image");
    for bucket in ["moltbot-data-empty", "moltbot-data-full"] {
        plane.emulator.seed_bucket(bucket).await.unwrap();
    }
    plane.emulator.seed_object("moltbot-data-full", "note", "x").await.unwrap();
    passes(&plane, 1).await;
    plane.sql("UPDATE orphan SET delete_asked_at_ms = 1").await;
    plane.clock.advance_ms(HOUR_MS);
    passes(&plane, 1).await;
    assert_eq!(rows(&plane).await.len(), 4, "they are in quarantine");

    let found = a_day_later(&plane).await;
    assert_eq!(rows(&plane).await, ["bucket moltbot-data-full"]);
    let kept = "bucket moltbot-data-full: it is not empty, and what is on no ledger is not emptied";
    assert_eq!(found.kept, [kept]);
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.buckets, [("moltbot-data-full".to_owned(), 1)].into());
    assert!(state.scripts.is_empty() && state.applications.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobodys_word_is_good_for_another_thing_of_the_same_name() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.emulator.seed_application("moltbot-lost", "image");
    passes(&plane, 1).await;
    plane.sql("UPDATE orphan SET delete_asked_at_ms = 1").await;
    plane.emulator.seed_application("moltbot-lost", "another");
    a_day_later(&plane).await;
    assert!(plane.emulator.state().await.unwrap().applications.contains_key("moltbot-lost"));
    assert_eq!(plane.sql("SELECT delete_asked_at_ms AS asked FROM orphan").await, [json!({"asked": null})]);
}

#[tokio::test(start_paused = true)]
async fn who_signs_up_under_an_orphans_name_has_it_taken_from_the_list() {
    let (plane, _) = plane_with(&[("ORPHANS", "delete")], &[]).await;
    plane.emulator.seed_script("paramita-cloud-bob", &["paramita"]);
    passes(&plane, 1).await;
    plane.sign_up(&json!({"name": "bob"})).await;
    plane.until_quiet().await;
    let found = a_day_later(&plane).await;
    assert_eq!((found.orphans, found.removed.len()), (0, 0));
    assert!(plane.emulator.state().await.unwrap().scripts.contains_key("paramita-cloud-bob"));
}

#[tokio::test(start_paused = true)]
async fn a_pass_cut_off_at_any_moment_is_taken_up_and_removes_each_orphan_once() {
    for seconds in [0.5, 1.5, 2.5, 3.5, 4.5] {
        let (plane, _) = plane_with(&[("ORPHANS", "delete")], &[]).await;
        plane.emulator.seed_script("paramita-cloud-lost", &["paramita"]);
        plane.clock.advance_ms(-DAY_MS);
        passes(&plane, 1).await;
        plane.sql("UPDATE orphan SET last_seen_ms = last_seen_ms + 86000000").await;
        plane.clock.advance_ms(DAY_MS);
        // Three lists, a look, the deletion.
        cut_off_tick(&plane, seconds).await;
        plane.clock.advance_ms(MINUTE_MS);
        assert!(plane.tick().await.orphans.is_none(), "it may still be at work");
        plane.clock.advance_ms(5 * MINUTE_MS);
        let found = passes(&plane, 1).await.pop().unwrap();
        assert!(plane.emulator.state().await.unwrap().scripts.is_empty(), "{seconds}: {found:?}");
        assert_eq!(rows(&plane).await, Vec::<String>::new(), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_removed_by_hand_is_put_back() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob"]).await;
    plane.clock.advance_ms(10 * MINUTE_MS);
    plane.app.cloudflare.delete_bucket("moltbot-data-alice").await.unwrap();
    plane.app.cloudflare.delete_script("paramita-cloud-bob").await.unwrap();
    let found = passes(&plane, 1).await.pop().unwrap();
    assert_eq!(found.missing, ["script paramita-cloud-bob", "bucket moltbot-data-alice"]);
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!((&tenant["phase"], &tenant["generation"]), (&json!("updating"), &json!(1)));

    plane.until_quiet().await;
    let state = plane.emulator.state().await.unwrap();
    assert!(state.buckets.contains_key("moltbot-data-alice"));
    assert!(state.scripts.contains_key("paramita-cloud-bob"));
    for (name, token) in ["alice", "bob"].iter().zip(&tokens) {
        let tenant = plane.tenant(name, token).await;
        assert_eq!(tenant["phase"], "ready", "{tenant}");
        assert_eq!(count(&reasons(&plane, name, token).await, "ResourceMissing"), 1);
    }
    // Nobody but bob knows the values of his secrets.
    assert_eq!(crate::plane::condition(&plane.tenant("bob", &tokens[1]).await, "SecretsReady").1, "Lost");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_shows_nothing_has_nobody_deployed_anew() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    plane.clock.advance_ms(10 * MINUTE_MS);
    // The list is as it was before bob's coming, and before alice's too.
    let fresh = TestPlane::new().await;
    let stale = fresh.emulator.fault(Fault::new(Effect::StaleRead).kind("r2.bucket.list").times(10));
    let token = fresh.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    fresh.until_quiet().await;
    fresh.clock.advance_ms(10 * MINUTE_MS);
    let found = passes(&fresh, 1).await.pop().unwrap();
    assert!(fresh.emulator.struck(stale) > 0);
    assert_eq!((found.listed, found.missing.len()), (2, 0), "{found:?}");
    assert_eq!(fresh.tenant("alice", &token).await["phase"], "ready");
    // And what is true of no pass is true of the calm one.
    assert_eq!(passes(&plane, 1).await.pop().unwrap().missing, Vec::<String>::new());
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn what_is_new_or_under_way_or_going_is_not_missing() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob"]).await;
    for bucket in ["moltbot-data-alice", "moltbot-data-bob"] {
        plane.app.cloudflare.delete_bucket(bucket).await.unwrap();
    }
    // Confirmed a moment ago.
    plane.clock.advance_ms(4 * MINUTE_MS);
    assert_eq!(passes(&plane, 1).await.pop().unwrap().missing, Vec::<String>::new());
    // Somebody has the lease, and somebody is going.
    plane.clock.advance_ms(30 * MINUTE_MS);
    plane.sql("UPDATE tenant SET lease_token = 'x', lease_expires_ms = 9e15 WHERE name = 'alice'").await;
    plane.raw("DELETE", "/v1/tenants/bob", Some(&tokens[1]), "").await.expect(202);
    plane.emulator.clear_journal();
    let found = passes(&plane, 1).await.pop().unwrap();
    assert_eq!(found.missing, Vec::<String>::new());
    assert!(!plane.calls().contains(&"r2.bucket.get".to_owned()), "nobody is asked about what would not be put back");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_several_pages_counts_only_when_it_is_whole() {
    let (plane, tokens) = plane_with(&[], &["alice", "zoe"]).await;
    // Over a thousand buckets between the two tenants': two pages.
    for number in 0..1_001 {
        plane.emulator.seed_bucket(&format!("moltbot-data-m{number:04}")).await.unwrap();
    }
    plane.clock.advance_ms(10 * MINUTE_MS);
    // The second page is lost, in this tick and the next; the third goes on from there.
    let lost = Fault::new(Effect::Status { status: 503 }).kind("r2.bucket.list").nth(2).times(2);
    let fault = plane.emulator.fault(lost);
    for _ in 0..2 {
        let run = plane.tick().await.orphans.unwrap();
        assert_eq!((run.end.outcome, run.found.missing.len()), (Outcome::Failed, 0));
        plane.clock.advance_ms(MINUTE_MS);
    }
    assert_eq!(plane.emulator.struck(fault), 2);
    plane.emulator.clear_journal();
    let run = plane.tick().await.orphans.unwrap();
    assert_eq!((run.end.outcome, run.found.missing.len()), (Outcome::Done, 0), "{:?}", run.found);
    // Nothing of the first page is asked about again.
    assert_eq!(plane.calls(), ["r2.bucket.list", "container.list"]);
    assert_eq!(rows(&plane).await.len(), 1_001);
    assert_eq!(plane.tenant("zoe", &tokens[1]).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_is_too_old_begins_anew() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.emulator.fault(Fault::new(Effect::Status { status: 503 }).kind("container.list"));
    assert_eq!(plane.tick().await.orphans.unwrap().end.outcome, Outcome::Failed);
    plane.clock.advance_ms(HOUR_MS);
    plane.emulator.clear_journal();
    plane.tick().await;
    assert_eq!(plane.calls(), ["script.list", "r2.bucket.list", "container.list"]);
}

#[tokio::test(start_paused = true)]
async fn without_calls_to_spare_it_ends_early_and_goes_on_later() {
    let (plane, _) = plane_with(&[], &["alice"]).await;
    let budget = plane.app.config.budget;
    let now = plane.clock.now();
    plane.app.registry.book_calls(budget.background_burst_ms(), budget.burst_ms(), now).await.unwrap();
    let run = plane.tick().await.orphans.unwrap();
    assert_eq!((run.end.outcome, run.found.is_out_of_calls), (Outcome::Unfinished, true));
    assert_eq!(plane.calls(), Vec::<String>::new());
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.orphans.unwrap().end.outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn when_cloudflare_asks_for_a_pause_every_call_of_the_plane_waits() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.emulator.fault(Fault::new(Effect::TooManyRequests { retry_after: 120 }).kind("script.list"));
    assert_eq!(plane.tick().await.orphans.unwrap().end.outcome, Outcome::Failed);
    let blocked = plane.app.registry.api_budget().await.unwrap().blocked_until;
    assert_eq!(blocked, plane.clock.now().plus_ms(120_000));
    plane.clock.advance_ms(MINUTE_MS);
    plane.emulator.clear_journal();
    assert!(plane.tick().await.orphans.unwrap().found.is_out_of_calls);
    assert_eq!(plane.calls(), Vec::<String>::new());
}

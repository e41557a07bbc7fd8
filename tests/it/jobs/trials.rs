//! Trials: their end suspends, and after the grace period deletes.

use cloudflare_emulator::State;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_trial_ends_with_a_suspension_and_seven_days_later_with_a_deletion() {
    let (plane, tokens) = plane_with(&[("TRIAL_DAYS", "14")], &["alice"]).await;
    plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();
    plane.clock.advance_ms(14 * DAY_MS - 10 * MINUTE_MS);
    assert_eq!(plane.tick().await.trials.unwrap().found.suspended, 0);
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "ready");

    plane.clock.advance_ms(10 * MINUTE_MS);
    let tick = plane.tick().await;
    assert_eq!(tick.trials.unwrap().found.suspended, 1);
    assert_eq!(tick.rounds.unwrap().found.converged, 1, "it need not wait for its nudge");
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!((&tenant["phase"], &tenant["generation"]), (&json!("suspended"), &json!(2)));
    let state = plane.emulator.state().await.unwrap();
    assert!(state.applications.is_empty() && !state.scripts["paramita-cloud-alice"].route_enabled);
    assert_eq!(plane.raw("POST", "/v1/tenants/alice/resume", Some(&tokens[0]), "").await.status, 409);

    plane.clock.advance_ms(7 * DAY_MS - 10 * MINUTE_MS);
    assert_eq!(plane.tick().await.trials.unwrap().found.deleted, 0);
    assert_eq!(plane.emulator.state().await.unwrap().buckets["moltbot-data-alice"], 1);
    plane.clock.advance_ms(10 * MINUTE_MS);
    assert_eq!(plane.tick().await.trials.unwrap().found.deleted, 1);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "deleted");
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    let reasons = reasons(&plane, "alice", &tokens[0]).await;
    assert_eq!((count(&reasons, "TrialEnded"), count(&reasons, "TrialOver")), (1, 1));

    plane.clock.advance_ms(DAY_MS);
    let trials = plane.tick().await.trials.unwrap().found;
    assert_eq!((trials.suspended, trials.deleted), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_no_trial_stays() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    plane.clock.advance_ms(10_000 * DAY_MS);
    let trials = plane.tick().await.trials.unwrap().found;
    assert_eq!((trials.suspended, trials.deleted), (0, 0));
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn two_ticks_at_once_and_one_cut_off_in_the_middle_end_each_trial_once() {
    let (plane, tokens) = plane_with(&[("TRIAL_DAYS", "1")], &["alice", "bob", "carol"]).await;
    plane.clock.advance_ms(DAY_MS);
    // The claim, the list, alice; the tick vanishes before bob's turn.
    plane.hang_database(4);
    cut_off_tick(&plane, 1.0).await;
    assert_eq!(count(&reasons(&plane, "alice", &tokens[0]).await, "TrialEnded"), 1);
    assert_eq!(count(&reasons(&plane, "bob", &tokens[1]).await, "TrialEnded"), 0);
    assert!(plane.tick().await.trials.is_none(), "it may still be at work");

    plane.clock.advance_ms(5 * MINUTE_MS);
    let ticks = futures_util::future::join(plane.tick(), plane.tick()).await;
    let suspended = [ticks.0, ticks.1].into_iter().flat_map(|tick| tick.trials).map(|run| run.found.suspended);
    assert_eq!(suspended.sum::<u32>(), 2);
    plane.until_quiet().await;
    for (name, token) in ["alice", "bob", "carol"].iter().zip(&tokens) {
        assert_eq!(count(&reasons(&plane, name, token).await, "TrialEnded"), 1, "{name}");
        assert_eq!(plane.tenant(name, token).await["phase"], "suspended", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_at_the_same_moment_is_not_lost_and_the_trial_ends_with_the_next_tick() {
    let (plane, tokens) = plane_with(&[("TRIAL_DAYS", "1")], &["alice"]).await;
    plane.clock.advance_ms(DAY_MS);
    let (tenant, _) = {
        let id = plane.sql("SELECT id FROM tenant").await[0]["id"].as_str().unwrap().to_owned();
        plane.app.registry.find_tenant(&paramita::tenant::TenantId(id)).await.unwrap().unwrap()
    };
    let change = json!({"spec": {"max_instances": 3}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&tokens[0]), change).await.expect(202);
    let event = paramita::tenant::event::Event::new("TrialEnded", "");
    let late = paramita::registry::Change {
        conditions: &[],
        event: &event,
        now: plane.app.clock.now(),
        answer: None,
        act: None,
    };
    assert_eq!(plane.app.registry.suspend(&tenant, false, late).await, Err(paramita::registry::Error::Conflict));

    plane.tick().await;
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!((&tenant["phase"], &tenant["spec"]["max_instances"]), (&json!("suspended"), &json!(3)));
}

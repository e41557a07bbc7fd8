//! What the sweep says of large work and of what is stuck.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_round_that_vanished_is_counted_and_run_again() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    let change = json!({"spec": {"max_instances": 3}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&tokens[0]), change).await.expect(202);
    plane.lose_nudges();
    cut_off_tick(&plane, 0.5).await;

    let rounds = plane.tick().await.rounds.unwrap().found;
    assert_eq!((rounds.due, rounds.vanished), (0, 0), "its lease has not run out");
    plane.clock.advance_ms(10 * MINUTE_MS);
    let rounds = plane.tick().await.rounds.unwrap().found;
    assert_eq!((rounds.due, rounds.vanished, rounds.converged), (1, 1, 1));
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn tenants_past_their_deadline_are_counted() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob", "carol"]).await;
    let refusal = cloudflare_emulator::Effect::Status { status: 500 };
    plane.emulator.fault(cloudflare_emulator::Fault::new(refusal).method("PATCH").times(1_000));
    for (name, token) in ["alice", "bob"].iter().zip(&tokens) {
        let change = json!({"spec": {"max_instances": 3}}).to_string();
        plane.raw("PATCH", &format!("/v1/tenants/{name}"), Some(token), change).await.expect(202);
    }
    plane.tick().await;
    plane.clock.advance_ms(14 * MINUTE_MS);
    assert_eq!(plane.tick().await.rounds.unwrap().found.overdue, 0);
    plane.clock.advance_ms(MINUTE_MS);
    let rounds = plane.tick().await.rounds.unwrap().found;
    assert_eq!((rounds.overdue, rounds.waiting), (2, 2));
    assert_eq!(crate::plane::condition(&plane.tenant("alice", &tokens[0]).await, "Stalled").0, "True");
}

#[tokio::test(start_paused = true)]
async fn large_work_says_how_many_wait_for_their_turn_and_until_when_calls_are_booked() {
    let plane =
        TestPlane::with(settings(&[("API_BUDGET_CALLS", "50")]), Some(crate::fixtures::Published::guide())).await;
    for number in 0..12 {
        plane.sign_up(&json!({"name": format!("tenant-{number}")})).await;
    }
    plane.lose_nudges();
    let rounds = plane.tick().await.rounds.unwrap().found;
    assert_eq!(rounds.due, 12);
    assert!(rounds.waiting_for_turn > 5, "{rounds:?}");
    assert_eq!(rounds.converged + rounds.waiting_for_turn, 12);
    assert!(rounds.booked_until_ms > plane.app.clock.now().plus_ms(5 * MINUTE_MS), "{rounds:?}");
}

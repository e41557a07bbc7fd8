//! Standing still, running again, coming back from a deletion, and the receipt of one that went through.

use cloudflare_emulator::State;
use serde_json::{Value as Json, json};

use crate::plane::{TestPlane, condition, settings};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

async fn alice_is_ready(plane: &TestPlane) -> String {
    let body = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "k"}});
    let token = plane.sign_up(&body).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    token
}

async fn post(plane: &TestPlane, verb: &str, token: &str) -> crate::plane::Answer {
    plane.raw("POST", &format!("/v1/tenants/alice/{verb}"), Some(token), "").await
}

#[tokio::test(start_paused = true)]
async fn a_suspended_tenant_keeps_everything_and_runs_nothing() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();
    plane.emulator.clear_journal();

    let asked = post(&plane, "suspend", &token).await.expect(202);
    assert_eq!((&asked["tenant"]["phase"], &asked["tenant"]["generation"]), (&json!("updating"), &json!(2)));
    plane.until_quiet().await;

    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "suspended", "{tenant}");
    assert_eq!(condition(&tenant, "Ready").1, "Suspended");
    let state = plane.emulator.state().await.unwrap();
    assert!(state.applications.is_empty(), "{state:?}");
    let script = &state.scripts["paramita-cloud-alice"];
    assert!(!script.route_enabled && script.schedules.is_empty(), "{script:?}");
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", "k"));
    assert_eq!(state.buckets["moltbot-data-alice"], 1);
    println!("suspend: {:?}", plane.calls());
    assert_eq!(plane.calls().len(), 4, "{:?}", plane.calls());

    // Asked twice is asked once.
    assert_eq!(post(&plane, "suspend", &token).await.expect(200)["tenant"]["generation"], 2);
    assert!(plane.until_quiet().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_resumed_tenant_is_as_it_was() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    let before = plane.emulator.state().await.unwrap();
    post(&plane, "suspend", &token).await.expect(202);
    plane.until_quiet().await;
    plane.emulator.clear_journal();

    post(&plane, "resume", &token).await.expect(202);
    plane.until_quiet().await;

    assert_eq!(plane.tenant("alice", &token).await["phase"], "ready");
    assert_eq!(plane.emulator.state().await.unwrap(), before);
    assert_eq!(plane.calls().len(), 3, "{:?}", plane.calls());
    assert_eq!(post(&plane, "resume", &token).await.expect(200)["tenant"]["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_while_it_stands_still_is_there_when_it_runs_again() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    post(&plane, "suspend", &token).await.expect(202);
    plane.until_quiet().await;
    let size = json!({"spec": {"instance_type": "standard-4"}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), size).await.expect(202);
    let secret = json!({"ANTHROPIC_API_KEY": "rotated"}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice/secrets", Some(&token), secret).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "suspended");
    assert!(plane.emulator.state().await.unwrap().applications.is_empty());
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", "rotated"));

    plane.emulator.clear_journal();
    post(&plane, "resume", &token).await.expect(202);
    plane.until_quiet().await;
    // What is made now has what was pushed before.
    assert!(!plane.calls().contains(&"rollout.create".to_owned()), "{:?}", plane.calls());
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.applications["moltbot-alice"].running_instance_type.as_deref(), Some("standard-4"));
}

#[tokio::test(start_paused = true)]
async fn an_undeleted_tenant_has_its_data_and_is_told_which_secrets_to_set_again() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=3", Some(&token), "").await.expect(202);
    plane.round().await;
    assert!(plane.emulator.state().await.unwrap().scripts.is_empty());
    plane.clock.advance_ms(2 * DAY_MS);

    let undeleted = post(&plane, "undelete", &token).await.expect(202);
    let gateway_token = undeleted["gateway_token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;

    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "ready", "{tenant}");
    assert!(tenant.get("data_kept_until").is_none(), "{tenant}");
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.buckets["moltbot-data-alice"], 1);
    assert!(state.applications.contains_key("moltbot-alice"));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "CLAWDBOT_GATEWAY_TOKEN", &gateway_token));
    let (_, reason, message) = condition(&tenant, "SecretsReady");
    assert_eq!(reason, "Lost");
    assert!(message.contains("ANTHROPIC_API_KEY") && !message.contains("CLAWDBOT_GATEWAY_TOKEN"), "{message}");
    // The time of the former deletion passes without a consequence.
    plane.clock.advance_ms(5 * DAY_MS);
    plane.tick().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "ready");
    assert_eq!(post(&plane, "undelete", &token).await.expect(200)["tenant"]["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_time_is_over_cannot_be_taken_back() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=1", Some(&token), "").await.expect(202);
    plane.round().await;
    plane.clock.advance_ms(DAY_MS);
    assert_eq!(post(&plane, "undelete", &token).await.problem(409), "data_gone");
    plane.tick().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    assert_eq!(post(&plane, "undelete", &token).await.problem(409), "data_gone");
    for verb in ["suspend", "resume"] {
        assert_eq!(post(&plane, verb, &token).await.problem(409), "being_deleted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_has_the_proof_that_each_resource_is_gone() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    assert_eq!(plane.get("/v1/tenants/alice/receipt", Some(&token)).await.problem(404), "not_deleted");
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=1", Some(&token), "").await.expect(202);
    plane.round().await;

    let receipt = plane.get("/v1/tenants/alice/receipt", Some(&token)).await.expect(200);
    let line = |receipt: &Json, kind: &str| {
        let lines = receipt["resources"].as_array().unwrap();
        lines.iter().find(|line| line["kind"] == kind).unwrap().clone()
    };
    assert_eq!(receipt["complete"], false);
    assert_eq!(line(&receipt, "bucket")["status"], "there");
    assert_eq!(line(&receipt, "application")["status"], "gone");

    plane.clock.advance_ms(DAY_MS);
    plane.tick().await;
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    let receipt = plane.get("/v1/tenants/alice/receipt", Some(&token)).await.expect(200);
    assert_eq!(receipt["complete"], true, "{receipt}");
    for kind in ["bucket", "script", "application", "route", "schedule"] {
        let line = line(&receipt, kind);
        assert_eq!(line["status"], "gone", "{line}");
        for time in ["asked_to_go_at", "confirmed_gone_at"] {
            assert!(line[time].is_string(), "{line}");
        }
    }
    assert!(line(&receipt, "application")["id"].is_string(), "{receipt}");
}

#[tokio::test(start_paused = true)]
async fn a_trial_says_when_it_ends_and_cannot_be_resumed_after_that() {
    let plane = TestPlane::with(settings(&[("TRIAL_DAYS", "14")]), Some(crate::fixtures::Published::guide())).await;
    let token = alice_is_ready(&plane).await;
    assert_eq!(plane.tenant("alice", &token).await["trial_ends_at"], "2026-11-15T12:00:00.000Z");
    post(&plane, "suspend", &token).await.expect(202);
    plane.until_quiet().await;
    plane.clock.advance_ms(14 * DAY_MS);
    assert_eq!(post(&plane, "resume", &token).await.problem(409), "trial_ended");
}

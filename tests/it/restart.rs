//! New secrets reach the containers that run, and the tenant says when.

use cloudflare_emulator::{Effect, Fault};
use paramita::jobs::rounds::run_due;
use paramita::reconcile::RESTART_MS;
use serde_json::{Value as Json, json};

use crate::fixtures::API_TOKEN;
use crate::plane::{TestPlane, condition};

const SECRETS: &str = "/v1/tenants/alice/secrets";

/// Alice has everything, and her container is awake.
async fn alice_is_awake(plane: &TestPlane) -> String {
    let secrets = json!({"ANTHROPIC_API_KEY": "old", "CF_ACCESS_TEAM_DOMAIN": "team", "CF_ACCESS_AUD": "aud"});
    let token =
        plane.sign_up(&json!({"name": "alice", "secrets": secrets})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    assert_eq!(stale(plane), None, "nobody has called her yet");
    plane.emulator.wake_containers();
    plane.emulator.clear_journal();
    token
}

async fn rotate(plane: &TestPlane, token: &str, body: &Json) {
    plane.raw("PATCH", SECRETS, Some(token), body.to_string()).await.expect(202);
}

/// Secrets of which her container has a former value; `None`: it does not run.
fn stale(plane: &TestPlane) -> Option<Vec<String>> {
    plane.emulator.stale_secrets("moltbot-alice")
}

async fn state_of(plane: &TestPlane, token: &str, name: &str) -> String {
    let listed = plane.get(SECRETS, Some(token)).await.expect(200);
    let secret = listed["secrets"].as_array().unwrap().iter().find(|secret| secret["name"] == name).unwrap();
    secret["state"].as_str().unwrap().to_owned()
}

async fn reasons(plane: &TestPlane, token: &str) -> Vec<String> {
    let events = plane.get("/v1/tenants/alice/events", Some(token)).await.expect(200);
    events["events"].as_array().unwrap().iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn any_number_of_new_secrets_is_one_push_and_then_one_restart_and_the_condition_says_when_they_are_live() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    let (status, reason, _) = condition(&plane.tenant("alice", &token).await, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "Live"), "what is made after the push needs no restart");

    rotate(&plane, &token, &json!({"ANTHROPIC_API_KEY": "new", "TELEGRAM_BOT_TOKEN": "t", "DISCORD_BOT_TOKEN": "d"}))
        .await;
    let asked_at = plane.now();
    plane.round().await;
    assert_eq!(plane.calls(), ["secret.bulk", "rollout.create"]);
    assert_eq!(stale(&plane), Some(vec![]));

    // A process may take its time to end, and until then the old value is in use.
    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "ready");
    let (status, reason, message) = condition(&tenant, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Restarting"));
    let ends_at = asked_at.plus_ms(RESTART_MS);
    assert!(message.contains(&asked_at.to_string()) && message.contains(&ends_at.to_string()), "{message}");
    assert_eq!(state_of(&plane, &token, "ANTHROPIC_API_KEY").await, "pending");
    assert_eq!(state_of(&plane, &token, "CF_ACCESS_AUD").await, "live");
    assert!(!reasons(&plane, &token).await.contains(&"SecretsLive".to_owned()));

    plane.clock.advance_ms(RESTART_MS - 1);
    assert!(run_due(&plane.app, "req_tick").await.unwrap().is_empty());
    assert_eq!(condition(&plane.tenant("alice", &token).await, "SecretsReady").0, "False");
    plane.clock.advance_ms(1);
    assert_eq!(run_due(&plane.app, "req_tick").await.unwrap().len(), 1);
    let tenant = plane.tenant("alice", &token).await;
    let (status, reason, _) = condition(&tenant, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "Live"));
    assert_eq!(state_of(&plane, &token, "ANTHROPIC_API_KEY").await, "live");
    let reasons = reasons(&plane, &token).await;
    assert_eq!(reasons[reasons.len() - 4..], ["SecretsPushed", "RolloutStarted", "Converged", "SecretsLive"]);
    assert_eq!(plane.calls().len(), 2, "to see that it is over takes no call: {:?}", plane.calls());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_leaves_what_runs_as_well() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    rotate(&plane, &token, &json!({"CF_ACCESS_AUD": null})).await;
    plane.until_quiet().await;
    assert_eq!(plane.calls(), ["secret.bulk", "rollout.create"]);
    assert_eq!(stale(&plane), Some(vec![]));
}

#[tokio::test(start_paused = true)]
async fn secrets_and_a_size_at_once_are_one_restart() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    rotate(&plane, &token, &json!({"ANTHROPIC_API_KEY": "new"})).await;
    let size = json!({"spec": {"instance_type": "standard-3"}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), size).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.calls(), ["secret.bulk", "container.patch", "rollout.create"]);
    assert_eq!(stale(&plane), Some(vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_time_to_sleep_is_pushed_without_a_restart() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    let sleep = json!({"spec": {"sleep_after": "1h"}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), sleep).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.calls(), ["secret.bulk"]);
    assert_eq!(condition(&plane.tenant("alice", &token).await, "SecretsReady").0, "True");
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_was_refused_is_still_owed_and_the_push_is_not_repeated_for_it() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    plane.emulator.fault(Fault::new(Effect::Status { status: 503 }).kind("rollout.create"));
    rotate(&plane, &token, &json!({"ANTHROPIC_API_KEY": "new"})).await;
    let asked_at = plane.now();
    plane.round().await;
    assert_eq!(stale(&plane), Some(vec!["ANTHROPIC_API_KEY".to_owned()]));
    let (status, reason, message) = condition(&plane.tenant("alice", &token).await, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Restarting"));
    assert!(message.contains("to be restarted") && message.contains(&asked_at.to_string()), "{message}");
    assert_eq!(state_of(&plane, &token, "ANTHROPIC_API_KEY").await, "pending");

    plane.until_quiet().await;
    let pushes = plane.calls().iter().filter(|call| *call == "secret.bulk").count();
    assert_eq!((pushes, stale(&plane)), (1, Some(vec![])));
    assert_eq!(state_of(&plane, &token, "ANTHROPIC_API_KEY").await, "live");
}

#[tokio::test(start_paused = true)]
async fn a_refused_size_does_not_have_the_restart_forgotten_that_secrets_need() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    let refusal = Effect::Refuse { status: 400, code: 1000, message: "SURPASSED_TOTAL_LIMITS".to_owned() };
    plane.emulator.fault(Fault::new(refusal).kind("container.patch").times(9));
    rotate(&plane, &token, &json!({"ANTHROPIC_API_KEY": "new"})).await;
    let size = |size: &str| json!({"spec": {"instance_type": size}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), size("standard-4")).await.expect(202);
    plane.round().await;
    assert_eq!(stale(&plane), Some(vec!["ANTHROPIC_API_KEY".to_owned()]));

    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), size("standard-1")).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "ready");
    assert_eq!(stale(&plane), Some(vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_made_anew_beside_new_secrets_starts_with_these() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    let row = plane.sql("SELECT external_id FROM resource WHERE kind = 'application'").await.remove(0);
    let account = "0123456789abcdef".repeat(2);
    let path =
        format!("/client/v4/accounts/{account}/containers/applications/{}", row["external_id"].as_str().unwrap());
    let request = http::Request::delete(path).header("authorization", format!("Bearer {API_TOKEN}"));
    assert_eq!(plane.emulator.handle(request.body(bytes::Bytes::new()).unwrap()).await.unwrap().status(), 200);
    // As a look finds it.
    plane.sql("UPDATE resource SET state = 'unknown' WHERE kind = 'application'").await;
    plane.emulator.clear_journal();
    rotate(&plane, &token, &json!({"ANTHROPIC_API_KEY": "new"})).await;
    plane.until_quiet().await;
    assert_eq!(plane.calls(), ["container.get", "secret.bulk", "container.create"]);
    assert_eq!(condition(&plane.tenant("alice", &token).await, "SecretsReady").0, "True");
}

#[tokio::test(start_paused = true)]
async fn a_plane_that_learns_of_restarts_restarts_nobody() {
    let plane = TestPlane::new().await;
    let token = alice_is_awake(&plane).await;
    plane
        .sql(
            "UPDATE resource SET applied = json_remove(applied, '$.application.restart_owed_since', \
         '$.application.restarted_at') WHERE kind = 'application'",
        )
        .await;
    plane.sql("UPDATE tenant SET due_at_ms = 1").await;
    let reports = run_due(&plane.app, "req_tick").await.unwrap();
    assert_eq!((reports.len(), plane.calls()), (1, Vec::new()));
    assert_eq!(condition(&plane.tenant("alice", &token).await, "SecretsReady").0, "True");
}

//! Bad days: what is in the way that passes, what is in the way that stays, and what is not ours to touch.

use cloudflare_emulator::{Effect, Fault, State};
use paramita::registry::db::{Db, Statement};
use serde_json::{Value as Json, json};

use crate::plane::{API_TOKEN, TestPlane, condition};

async fn signed_up(plane: &TestPlane) -> String {
    plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned()
}

async fn ready(plane: &TestPlane, token: &str) -> Json {
    let tenant = plane.tenant("alice", token).await;
    assert_eq!(tenant["phase"], "ready", "{tenant}");
    assert_eq!(tenant["generation"], tenant["observed_generation"]);
    tenant
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_leaves_the_tenant_failed_with_what_to_do_next() {
    let plane = TestPlane::new().await;
    let refusal =
        Effect::Refuse { status: 403, code: 10042, message: "Please enable R2 through the Dashboard.".into() };
    plane.emulator.fault(Fault::new(refusal).kind("r2.bucket.create").times(100));
    let token = signed_up(&plane).await;
    plane.until_quiet().await;

    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "failed", "{tenant}");
    let (status, reason, message) = condition(&tenant, "Ready");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "CloudflareRefused"));
    assert!(message.contains("bucket") && message.contains("10042") && message.contains("Enable R2"), "{message}");

    // It waits for a person: no more rounds by itself, and a change of mind takes it up again.
    assert!(plane.until_quiet().await.is_empty());
    plane.emulator.clear_faults();
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), "{\"spec\":{\"max_instances\":2}}").await.expect(202);
    plane.until_quiet().await;
    ready(&plane, &token).await;
}

#[tokio::test(start_paused = true)]
async fn what_keeps_failing_is_tried_again_with_growing_waits() {
    let plane = TestPlane::new().await;
    plane.emulator.fault(Fault::new(Effect::Status { status: 503 }).kind("r2.bucket.create").times(6));
    let token = signed_up(&plane).await;
    let rounds = plane.until_quiet().await;
    assert_eq!(rounds.len(), 7);
    ready(&plane, &token).await;
    let at: Vec<i64> =
        plane.emulator.journal().iter().filter(|call| call.kind == "r2.bucket.create").map(|call| call.at_ms).collect();
    let waits: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn cloudflares_own_wait_is_kept() {
    let plane = TestPlane::new().await;
    plane.emulator.fault(Fault::new(Effect::TooManyRequests { retry_after: 300 }).kind("script.upload"));
    let token = signed_up(&plane).await;
    plane.until_quiet().await;
    ready(&plane, &token).await;
    let uploads: Vec<i64> =
        plane.emulator.journal().iter().filter(|call| call.kind == "script.upload").map(|call| call.at_ms).collect();
    assert!(uploads[1] - uploads[0] >= 300_000, "{uploads:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_that_name_that_is_not_ours_is_never_touched() {
    let plane = TestPlane::new().await;
    plane.emulator.seed_bucket("moltbot-data-alice").await.unwrap();
    plane.emulator.seed_object("moltbot-data-alice", "theirs", "x").await.unwrap();
    plane.clock.advance_ms(60_000);
    stopped_by_taken_name(&plane, "moltbot-data-alice").await;
    assert_eq!(plane.emulator.state().await.unwrap().buckets["moltbot-data-alice"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_made_by_a_stranger_in_the_same_moment_is_not_ours_either() {
    let plane = TestPlane::new().await;
    plane.emulator.seed_bucket("moltbot-data-alice").await.unwrap();
    stopped_by_taken_name(&plane, "moltbot-data-alice").await;
    assert!(plane.emulator.state().await.unwrap().buckets.contains_key("moltbot-data-alice"));
}

#[tokio::test(start_paused = true)]
async fn a_worker_of_that_name_that_is_not_ours_is_never_touched() {
    let plane = TestPlane::new().await;
    plane.emulator.seed_script("paramita-cloud-alice", &["theirs"]);
    stopped_by_taken_name(&plane, "paramita-cloud-alice").await;
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.scripts["paramita-cloud-alice"].tags, ["theirs"]);
    assert!(state.namespaces.contains_key("paramita-cloud-alice_Sandbox"));
}

#[tokio::test(start_paused = true)]
async fn an_application_of_that_name_that_is_not_ours_is_never_touched() {
    let plane = TestPlane::new().await;
    plane.emulator.seed_application("moltbot-alice", "theirs");
    plane.clock.advance_ms(60_000);
    stopped_by_taken_name(&plane, "moltbot-alice").await;
    assert_eq!(plane.emulator.state().await.unwrap().applications["moltbot-alice"].image.as_deref(), Some("theirs"));
}

/// Signs alice up, finds her stopped, deletes her, and finds the stranger's resource as it was.
async fn stopped_by_taken_name(plane: &TestPlane, name: &str) {
    let token = signed_up(plane).await;
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "failed", "{tenant}");
    let (_, reason, message) = condition(&tenant, "Ready");
    assert_eq!(reason, "NameTaken");
    assert!(message.contains(name), "{message}");

    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn two_consumers_at_once_do_not_run_two_rounds() {
    let plane = TestPlane::new().await;
    let token = signed_up(&plane).await;
    plane.lose_nudges();
    let id = plane.app.registry.due(plane.app.clock.now(), 1).await.unwrap()[0].0.clone();
    let nudge = paramita::wake::Nudge { tenant: id, request_id: "req_test".into() };
    let (one, two) =
        tokio::join!(paramita::jobs::on_nudge(&plane.app, nudge.clone()), paramita::jobs::on_nudge(&plane.app, nudge),);
    assert!(one.unwrap().is_some() != two.unwrap().is_some());
    assert_eq!(plane.calls().iter().filter(|kind| *kind == "r2.bucket.create").count(), 1);
    ready(&plane, &token).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_round_is_made_by_the_next_one() {
    let plane = TestPlane::new().await;
    let token = signed_up(&plane).await;
    plane.lose_nudges();
    let id = plane.app.registry.due(plane.app.clock.now(), 1).await.unwrap()[0].0.clone();
    let nudge = paramita::wake::Nudge { tenant: id, request_id: "req_test".into() };
    let change = async {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        plane
            .raw("PATCH", "/v1/tenants/alice", Some(&token), "{\"spec\":{\"instance_type\":\"standard-4\"}}")
            .await
            .expect(202);
    };
    let (round, ()) = tokio::join!(paramita::jobs::on_nudge(&plane.app, nudge), change);
    assert!(round.unwrap().is_some());
    assert_eq!(plane.tenant("alice", &token).await["observed_generation"], 1);
    plane.until_quiet().await;
    ready(&plane, &token).await;
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.applications["moltbot-alice"].running_instance_type.as_deref(), Some("standard-4"));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_somebody_deleted_is_put_back_and_its_lost_secrets_are_named() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "k"}});
    let token = plane.sign_up(&body).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    let path =
        format!("/client/v4/accounts/{}/workers/scripts/paramita-cloud-alice?force=true", "0123456789abcdef".repeat(2));
    let bearer = format!("Bearer {API_TOKEN}");
    let by_hand = http::Request::delete(path).header("authorization", bearer).body(bytes::Bytes::new()).unwrap();
    assert_eq!(plane.emulator.handle(by_hand).await.unwrap().status(), 200);

    // The next change meets the gap.
    let change = json!({"TELEGRAM_BOT_TOKEN": "t"}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice/secrets", Some(&token), change).await.expect(202);
    plane.until_quiet().await;

    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "ready", "{tenant}");
    let (status, reason, message) = condition(&tenant, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Lost"));
    assert!(message.contains("ANTHROPIC_API_KEY") && message.contains("CLAWDBOT_GATEWAY_TOKEN"), "{message}");
    assert!(!message.contains("TELEGRAM_BOT_TOKEN"), "{message}");
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "TELEGRAM_BOT_TOKEN", "t"));
    assert!(plane.emulator.route_enabled("paramita-cloud-alice").unwrap());
    // A container application outlives its script and cannot be given the new one's class, so it is made anew.
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.applications["moltbot-alice"].namespace.as_deref(), Some("paramita-cloud-alice_Sandbox"));

    // Its owner sets them again, and all is well.
    let again = json!({"ANTHROPIC_API_KEY": "k", "CLAWDBOT_GATEWAY_TOKEN": "g", "CF_ACCESS_TEAM_DOMAIN": "t", "CF_ACCESS_AUD": "a"});
    plane.raw("PATCH", "/v1/tenants/alice/secrets", Some(&token), again.to_string()).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(condition(&plane.tenant("alice", &token).await, "SecretsReady").0, "True");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_not_yet_as_asked_for_does_not_say_that_it_is() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&json!({"name": "alice"})).await;
    assert_eq!(condition(&signed_up["tenant"], "Ready").0, "False");
    let token = signed_up["token"].as_str().unwrap();
    plane.until_quiet().await;
    let changes =
        [("PATCH", "/v1/tenants/alice", "{\"spec\":{\"max_instances\":2}}"), ("DELETE", "/v1/tenants/alice", "")];
    for (method, path, body) in changes {
        let answer = plane.raw(method, path, Some(token), body).await.expect(202);
        assert_eq!(condition(&answer["tenant"], "Ready").0, "False", "{method}");
    }
}

/// Runs alice's round and ends it after so many half seconds, as when the isolate vanishes; then lets the lease run out
/// and has the sweep take over.
async fn cut_off(plane: &TestPlane, half_seconds: u64) {
    plane.lose_nudges();
    let id = plane.app.registry.due(plane.app.clock.now(), 1).await.unwrap()[0].0.clone();
    let nudge = paramita::wake::Nudge { tenant: id, request_id: "req_test".into() };
    let limit = std::time::Duration::from_millis(500 * half_seconds + 100);
    let round = tokio::time::timeout(limit, paramita::jobs::on_nudge(&plane.app, nudge)).await;
    drop(round);
    plane.clock.advance_ms(10 * 60 * 1_000);
    for round in paramita::jobs::on_tick(&plane.app).await.unwrap() {
        round.unwrap();
    }
    plane.until_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_cut_off_at_any_moment_is_taken_up_where_it_was() {
    let calm = TestPlane::new().await;
    let token = signed_up(&calm).await;
    calm.until_quiet().await;
    ready(&calm, &token).await;
    let expected = calm.emulator.state().await.unwrap();
    // A creation takes four seconds of calls.
    for half_seconds in 0..10 {
        let plane = TestPlane::new().await;
        let token = signed_up(&plane).await;
        cut_off(&plane, half_seconds).await;
        ready(&plane, &token).await;
        assert_eq!(plane.emulator.state().await.unwrap(), expected, "cut off after {half_seconds} half seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_cut_off_at_any_moment_is_taken_up_where_it_was() {
    for half_seconds in 0..14 {
        let plane = TestPlane::new().await;
        let token = signed_up(&plane).await;
        plane.until_quiet().await;
        plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();
        plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
        cut_off(&plane, half_seconds).await;
        assert_eq!(plane.emulator.state().await.unwrap(), State::default(), "after {half_seconds} half seconds");
        assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_uploaded_again_keeps_the_secrets_that_it_has() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "k"}});
    let token = plane.sign_up(&body).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    // As after an upload whose reply was lost: ours, but from what is not known.
    let forget = "UPDATE resource SET applied = NULL, state = 'unknown' WHERE kind = 'script'";
    let due = "UPDATE tenant SET due_at_ms = 1";
    let statements = [forget, due].map(|sql| Statement { sql, args: Vec::new() });
    plane.database.batch(statements.into()).await.unwrap();
    paramita::jobs::on_tick(&plane.app).await.unwrap();
    plane.until_quiet().await;
    ready(&plane, &token).await;
    assert_eq!(plane.calls().iter().filter(|kind| *kind == "script.upload").count(), 2);
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", "k"));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_will_not_be_empty_is_tried_again_at_growing_waits() {
    let plane = TestPlane::new().await;
    let token = signed_up(&plane).await;
    plane.until_quiet().await;
    // As with an unfinished multipart upload: no object is listed, and the bucket is refused all the same.
    let refusal =
        Effect::Refuse { status: 409, code: 10008, message: "The bucket you tried to delete is not empty".into() };
    plane.emulator.fault(Fault::new(refusal).kind("r2.bucket.delete").times(9));
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.emulator.clear_journal();
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    let journal = plane.emulator.journal();
    let tries: Vec<i64> =
        journal.iter().filter(|call| call.kind == "r2.bucket.delete").map(|call| call.at_ms).collect();
    let waits: Vec<i64> = tries.windows(2).map(|pair| pair[1] - pair[0]).filter(|wait| *wait > 0).collect();
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    assert!(waits.len() >= 4, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_shows_late_is_not_left_behind() {
    let plane = TestPlane::new().await;
    let token = signed_up(&plane).await;
    // It is made, but nobody learns of it, and then it does not show in the list for a while.
    let stale = plane.emulator.fault(Fault::new(Effect::StaleRead).kind("container.list").times(2));
    plane.emulator.fault(Fault::new(Effect::ReplyLost).kind("container.create"));
    plane.lose_nudges();
    paramita::jobs::on_tick(&plane.app).await.unwrap();
    plane.lose_nudges();
    assert!(plane.emulator.state().await.unwrap().applications.contains_key("moltbot-alice"));

    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    assert!(plane.emulator.struck(stale) > 0);
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_made_by_somebody_else_after_a_refusal_is_not_taken_for_ours() {
    let plane = TestPlane::new().await;
    let refusal = Effect::Refuse { status: 403, code: 10042, message: "Please enable R2.".into() };
    plane.emulator.fault(Fault::new(refusal).kind("r2.bucket.create"));
    let token = signed_up(&plane).await;
    plane.until_quiet().await;
    plane.clock.advance_ms(60_000);
    plane.emulator.seed_bucket("moltbot-data-alice").await.unwrap();
    plane.emulator.seed_object("moltbot-data-alice", "theirs", "x").await.unwrap();
    plane.clock.advance_ms(60_000);

    // The failed tenant is asked to try again, meets the stranger's bucket, and later goes without it.
    plane.raw("PATCH", "/v1/tenants/alice", Some(&token), "{\"spec\":{}}").await.expect(202);
    plane.until_quiet().await;
    assert_eq!(condition(&plane.tenant("alice", &token).await, "Ready").1, "NameTaken");
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    assert_eq!(plane.emulator.state().await.unwrap().buckets["moltbot-data-alice"], 1);
}

#[tokio::test(start_paused = true)]
async fn secrets_that_went_with_the_worker_are_not_taken_for_live_after_a_lost_reply() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "k"}});
    let token = plane.sign_up(&body).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    plane.raw("DELETE", "/v1/tenants/alice", Some(&token), "").await.expect(202);
    paramita::jobs::on_tick(&plane.app).await.unwrap();
    plane.lose_nudges();

    // The new Worker is there and ours, which is all that a look shows.
    plane.emulator.fault(Fault::new(Effect::ReplyLost).kind("script.upload"));
    plane.raw("POST", "/v1/tenants/alice/undelete", Some(&token), "{}").await.expect(202);
    plane.until_quiet().await;
    let tenant = ready(&plane, &token).await;
    let (_, reason, message) = condition(&tenant, "SecretsReady");
    assert_eq!(reason, "Lost");
    assert!(message.contains("ANTHROPIC_API_KEY") && !message.contains("CLAWDBOT_GATEWAY_TOKEN"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_deletion_may_still_act_is_not_built_upon() {
    let plane = TestPlane::new().await;
    let token = signed_up(&plane).await;
    plane.until_quiet().await;
    plane.emulator.fault(Fault::new(Effect::RequestLost).kind("script.delete"));
    plane.raw("DELETE", "/v1/tenants/alice", Some(&token), "").await.expect(202);
    paramita::jobs::on_tick(&plane.app).await.unwrap();

    plane.raw("POST", "/v1/tenants/alice/undelete", Some(&token), "{}").await.expect(202);
    plane.until_quiet().await;
    ready(&plane, &token).await;
    let journal = plane.emulator.journal();
    let at = |kind: &str| journal.iter().rfind(|call| call.kind == kind).unwrap().at_ms;
    assert!(at("script.upload") - at("script.delete") >= 5 * 60 * 1_000, "{journal:?}");
}

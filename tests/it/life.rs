//! A tenant's life: sign-up, change, deletion; what each leaves in Cloudflare, and how many calls it takes.

use std::collections::BTreeSet;

use cloudflare_emulator::State;
use serde_json::json;
use tokio::time::Instant;

use crate::fixtures::{IMAGE, Published};
use crate::plane::{TestPlane, condition, settings};

const PLANTED: &str = "planted-secret-5d41402abc4b2a76";

fn alice() -> serde_json::Value {
    json!({
        "name": "alice",
        "spec": {"instance_type": "standard-1", "max_instances": 1, "sleep_after": "10m"},
        "secrets": {"ANTHROPIC_API_KEY": PLANTED, "CF_ACCESS_TEAM_DOMAIN": "team", "CF_ACCESS_AUD": "aud"},
    })
}

fn token(signed_up: &serde_json::Value) -> String {
    signed_up["token"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_sign_up_becomes_a_running_tenant() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&alice()).await;
    assert_eq!(signed_up["tenant"]["phase"], "pending");
    let token = token(&signed_up);

    plane.until_quiet().await;

    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "ready", "{tenant}");
    assert_eq!(tenant["generation"], tenant["observed_generation"]);
    assert_eq!(tenant["url"], "https://paramita-cloud-alice.example-account.workers.dev/");
    assert_eq!(condition(&tenant, "Ready").0, "True");
    assert_eq!(condition(&tenant, "SecretsReady").0, "True");
    let resources = tenant["resources"].as_array().unwrap();
    let kinds: Vec<_> = resources.iter().map(|resource| &resource["kind"]).collect();
    assert_eq!(kinds, ["bucket", "script", "application", "route", "schedule"]);
    assert!(resources.iter().all(|resource| resource["state"] == "present"), "{resources:?}");

    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.buckets.keys().collect::<Vec<_>>(), ["moltbot-data-alice"]);
    let script = &state.scripts["paramita-cloud-alice"];
    assert_eq!(script.variables["ENVIRONMENT"], "alice");
    assert_eq!(script.schedules, ["*/5 * * * *"]);
    assert!(script.route_enabled);
    assert_eq!(script.migration_tag.as_deref(), Some("v1"));
    assert_eq!(script.assets, BTreeSet::from(["/app.css".to_owned()]));
    let secrets = [
        "ANTHROPIC_API_KEY",
        "CF_ACCESS_AUD",
        "CF_ACCESS_TEAM_DOMAIN",
        "CLAWDBOT_GATEWAY_TOKEN",
        "SANDBOX_SLEEP_AFTER",
    ];
    assert_eq!(script.secrets, BTreeSet::from(secrets.map(str::to_owned)));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", PLANTED));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "SANDBOX_SLEEP_AFTER", "10m"));
    let gateway_token = signed_up["gateway_token"].as_str().unwrap();
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "CLAWDBOT_GATEWAY_TOKEN", gateway_token));
    let application = &state.applications["moltbot-alice"];
    assert_eq!(application.instance_type.as_deref(), Some("standard-1"));
    assert_eq!(application.image.as_deref(), Some(IMAGE));
    assert_eq!(application.namespace.as_deref(), Some("paramita-cloud-alice_Sandbox"));
}

#[tokio::test(start_paused = true)]
async fn the_upstream_profile_gets_its_own_names() {
    let plane = TestPlane::with(settings(&[]), Some(Published::moltworker())).await;
    let signed_up = plane.sign_up(&json!({"name": "alice"})).await;
    plane.until_quiet().await;
    let state = plane.emulator.state().await.unwrap();
    let script = &state.scripts["paramita-cloud-alice"];
    assert_eq!(script.variables["R2_BUCKET_NAME"], "moltbot-data-alice");
    assert!(script.secrets.contains("MOLTBOT_GATEWAY_TOKEN"));
    assert!(script.schedules.is_empty());
    assert_eq!(plane.tenant("alice", &token(&signed_up)).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_its_required_secrets_comes_up_and_says_what_is_missing() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&json!({"name": "alice"})).await;
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &token(&signed_up)).await;
    assert_eq!(tenant["phase"], "ready");
    let (status, reason, message) = condition(&tenant, "SecretsReady");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Missing"));
    for name in ["ANTHROPIC_API_KEY", "CF_ACCESS_TEAM_DOMAIN", "CF_ACCESS_AUD"] {
        assert!(message.contains(name), "{message}");
    }
    assert!(!message.contains("CLAWDBOT_GATEWAY_TOKEN"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_new_size_changes_the_container_and_nothing_else() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;
    plane.emulator.clear_journal();

    let body = json!({"spec": {"instance_type": "standard-2"}}).to_string();
    let changed = plane.raw("PATCH", "/v1/tenants/alice", Some(&token), body).await.expect(202);
    assert_eq!((&changed["tenant"]["phase"], &changed["tenant"]["generation"]), (&json!("updating"), &json!(2)));
    plane.until_quiet().await;

    assert_eq!(plane.calls(), ["container.patch", "rollout.create"]);
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.applications["moltbot-alice"].running_instance_type.as_deref(), Some("standard-2"));
    assert_eq!(plane.tenant("alice", &token).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn each_change_costs_no_more_calls_than_it_needs() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;

    let tenant = "/v1/tenants/alice";
    let secrets = "/v1/tenants/alice/secrets";
    // Cloudflare's least for each: one call for the number of instances, two for a size,
    // two for any number of secrets, of which one restarts what runs.
    let changes = [
        ("PATCH", tenant, json!({"spec": {"max_instances": 3}}), 1),
        ("PATCH", tenant, json!({"spec": {"sleep_after": "1h"}}), 1),
        ("PATCH", tenant, json!({"spec": {"instance_type": "standard-3", "max_instances": 2}}), 2),
        ("PATCH", secrets, json!({"TELEGRAM_BOT_TOKEN": "one", "DISCORD_BOT_TOKEN": "two"}), 2),
        ("PATCH", secrets, json!({"TELEGRAM_BOT_TOKEN": null, "ANTHROPIC_API_KEY": "three"}), 2),
    ];
    for (method, path, body, most) in changes {
        plane.emulator.clear_journal();
        plane.raw(method, path, Some(&token), body.to_string()).await.expect(202);
        plane.until_quiet().await;
        println!("change {body}: {:?}", plane.calls());
        assert_eq!(plane.calls().len(), most, "{body}: {:?}", plane.calls());
    }
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "DISCORD_BOT_TOKEN", "two"));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", "three"));
    let state = plane.emulator.state().await.unwrap();
    assert!(!state.scripts["paramita-cloud-alice"].secrets.contains("TELEGRAM_BOT_TOKEN"));
}

#[tokio::test(start_paused = true)]
async fn creation_and_deletion_take_the_fewest_calls_in_the_least_depth() {
    let plane = TestPlane::new().await;

    // Six calls in a depth of three make a tenant; new assets add one of each, and the check that the script's name and
    // its Durable Object namespaces are nobody else's adds two calls beside the first.
    let started = Instant::now();
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;
    let (calls, depth) = (plane.calls().len(), started.elapsed().as_secs());
    println!("create: {calls} calls, depth {depth}: {:?}", plane.calls());
    assert!(calls <= 9 && depth <= 4, "{calls} calls, depth {depth}");

    // Address, application, script, bucket: four calls in a depth of three. Then four reads at once prove that nothing is
    // left.
    plane.emulator.clear_journal();
    let started = Instant::now();
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    let (calls, depth) = (plane.calls().len(), started.elapsed().as_secs());
    println!("delete, empty bucket: {calls} calls, depth {depth}: {:?}", plane.calls());
    assert!(calls <= 8 && depth <= 4, "{calls} calls, depth {depth}");
}

#[tokio::test(start_paused = true)]
async fn deletion_without_grace_leaves_nothing() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;
    for number in 0..2_500 {
        plane.emulator.seed_object("moltbot-data-alice", &format!("notes/{number}"), "x").await.unwrap();
    }
    plane.emulator.clear_journal();

    let deleted = plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    assert_eq!(deleted["tenant"]["phase"], "deleting");
    plane.until_quiet().await;

    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(tenant["phase"], "deleted", "{tenant}");
    // Three to stop it, a refusal that says that there are objects, the token's id for the S3 API, the bucket, four proofs.
    let counted = plane.calls().iter().filter(|kind| !kind.starts_with("s3.")).count();
    println!("delete, 2,500 objects: {} calls, {counted} of them counted by Cloudflare", plane.calls().len());
    assert!(counted <= 3 + 1 + 1 + 1 + 4, "{:?}", plane.calls());
    assert_eq!(plane.get("/v1/names/alice", None).await.expect(200)["status"], "free");
}

#[tokio::test(start_paused = true)]
async fn deletion_with_grace_keeps_the_data_until_the_time_is_over() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;
    plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();

    plane.raw("DELETE", "/v1/tenants/alice", Some(&token), "").await.expect(202);
    let nudged = paramita::wake::Nudge { tenant: tenant_id(&plane).await, request_id: "req_test".into() };
    plane.lose_nudges();
    paramita::jobs::on_nudge(&plane.app, nudged).await.unwrap();
    plane.lose_nudges();
    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.buckets["moltbot-data-alice"], 1);
    assert!(state.scripts.is_empty() && state.applications.is_empty(), "{state:?}");
    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(condition(&tenant, "Ready").1, "DataKept");

    // A day before the end the sweep finds nothing to do; a day after, it ends what is left.
    plane.clock.advance_ms(6 * 24 * 60 * 60 * 1_000);
    assert!(plane.tick().await.rounds.unwrap().found.rounds.is_empty());
    plane.clock.advance_ms(2 * 24 * 60 * 60 * 1_000);
    assert_eq!(plane.tick().await.rounds.unwrap().found.converged, 1);
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn the_receipt_says_of_every_resource_when_it_went() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.until_quiet().await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    let receipt = plane.get("/v1/tenants/alice/receipt", Some(&token)).await.expect(200);
    assert_eq!(receipt["complete"], true);
    for line in receipt["resources"].as_array().unwrap() {
        assert_eq!(line["status"], "gone");
        for time in ["asked_to_go_at", "deleted_at", "confirmed_gone_at"] {
            assert!(line[time].is_string(), "{time} of {line}");
        }
    }
}

async fn tenant_id(plane: &TestPlane) -> String {
    let due = plane.app.registry.due(plane.app.clock.now(), 1).await.unwrap();
    due[0].0.clone()
}

#[tokio::test(start_paused = true)]
async fn a_lost_nudge_is_made_good_by_the_sweep() {
    let plane = TestPlane::new().await;
    let token = token(&plane.sign_up(&alice()).await);
    plane.lose_nudges();
    plane.tick().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn a_planted_secret_is_nowhere_but_in_cloudflare() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&alice()).await;
    let token = token(&signed_up);
    let gateway_token = signed_up["gateway_token"].as_str().unwrap().to_owned();
    let mut seen = vec![signed_up["tenant"].to_string(), plane.database.dump().unwrap()];
    let reports = plane.until_quiet().await;
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", PLANTED));

    seen.push(plane.database.dump().unwrap());
    assert!(!plane.database.dump().unwrap().contains("\"sealed\":\""), "a sealed value rests after its push");
    seen.push(format!("{:?} {reports:?}", plane.emulator.journal()));
    for path in ["", "/events", "/secrets", "/wrangler.jsonc"] {
        seen.push(plane.get(&format!("/v1/tenants/alice{path}"), Some(&token)).await.text);
    }
    let mut dry = alice();
    dry["name"] = json!("bob");
    seen.push(plane.post("/v1/tenants?dry_run=true", &dry).await.text);
    for text in &seen {
        for secret in [PLANTED, &gateway_token, &token] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_do_not_touch_each_other() {
    let plane = TestPlane::new().await;
    let alice_token = token(&plane.sign_up(&alice()).await);
    let bob_token = token(&plane.sign_up(&json!({"name": "bob"})).await);
    plane.until_quiet().await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&alice_token), "").await.expect(202);
    plane.until_quiet().await;

    let state = plane.emulator.state().await.unwrap();
    assert_eq!(state.buckets.keys().collect::<Vec<_>>(), ["moltbot-data-bob"]);
    assert_eq!(state.scripts.keys().collect::<Vec<_>>(), ["paramita-cloud-bob"]);
    assert_eq!(plane.get("/v1/tenants/bob", Some(&alice_token)).await.problem(404), "no_such_tenant");
    assert_eq!(plane.tenant("bob", &bob_token).await["phase"], "ready");
}

//! What somebody changed by hand is found and put back.

use bytes::Bytes;
use cloudflare_emulator::{Effect, Fault};
use http::Request;
use paramita::clock::Clock;
use paramita::cloudflare::containers::ApplicationChange;
use paramita::jobs::run::Outcome;

use super::*;

const SCRIPT: &str = "paramita-cloud-alice";

/// Long enough at rest to be compared.
async fn rested(names: &[&str]) -> (TestPlane, Vec<String>) {
    let (plane, tokens) = plane_with(&[], names).await;
    plane.clock.advance_ms(20 * MINUTE_MS);
    // So that a tick has nothing to do but what this is about.
    passes(&plane, 1).await;
    plane.sql("UPDATE tenant SET checked_at_ms = 0").await;
    plane.emulator.clear_journal();
    (plane, tokens)
}

/// As a person changes settings in the dashboard: a form with one part.
async fn set_by_hand(plane: &TestPlane, settings: &Json) {
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"settings\"\r\ncontent-type: application/json\r\n\r\n{settings}\r\n--x--\r\n"
    );
    let path = format!("/client/v4/accounts/0123456789abcdef0123456789abcdef/workers/scripts/{SCRIPT}/settings");
    let token = format!("Bearer {}", crate::fixtures::API_TOKEN);
    let request = Request::builder().method("PATCH").uri(path).header("authorization", token);
    let request = request.header("content-type", "multipart/form-data; boundary=x").body(Bytes::from(body)).unwrap();
    let response = plane.emulator.handle(request).await.unwrap();
    assert_eq!(response.status(), 200, "{:?}", response.body());
}

async fn application_id(plane: &TestPlane) -> String {
    let row = plane.sql("SELECT external_id AS id FROM resource WHERE kind = 'application'").await;
    row[0]["id"].as_str().unwrap().to_owned()
}

/// The tick finds the one difference, the round after it puts everything back as `before`, and the next look is content.
async fn repaired(plane: &TestPlane, token: &str, before: &cloudflare_emulator::State, says: &str) {
    let drift = plane.tick().await.drift.unwrap().found;
    assert_eq!(drift.drifted, ["alice"], "{says}");
    let tenant = plane.tenant("alice", token).await;
    assert_eq!((&tenant["phase"], &tenant["generation"]), (&json!("updating"), &json!(1)), "{says}");
    let (status, reason, message) = crate::plane::condition(&tenant, "Ready");
    assert_eq!((status.as_str(), reason.as_str()), ("False", "DriftFound"));
    assert!(message.contains(says) && !message.contains("planted"), "{message}");

    plane.until_quiet().await;
    let tenant = plane.tenant("alice", token).await;
    assert_eq!(tenant["phase"], "ready", "{says}: {tenant}");
    assert!(tenant["conditions"].as_array().unwrap().iter().all(|condition| condition["type"] != "Stalled"));
    assert_eq!(plane.emulator.state().await.unwrap(), *before, "{says}");
    plane.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.drifted, Vec::<String>::new(), "{says}");
    plane.sql("UPDATE tenant SET checked_at_ms = 0").await;
    plane.clock.advance_ms(MINUTE_MS);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_an_address_a_size_and_a_binding_changed_by_hand_are_put_back() {
    let (plane, tokens) = rested(&["alice"]).await;
    let token = &tokens[0];
    let before = plane.emulator.state().await.unwrap();
    let cloudflare = &plane.app.cloudflare;

    cloudflare.put_schedules(SCRIPT, &["0 0 * * *".into()]).await.unwrap();
    repaired(&plane, token, &before, "cron triggers").await;
    cloudflare.set_script_subdomain(SCRIPT, false).await.unwrap();
    repaired(&plane, token, &before, "the address on workers.dev").await;

    let id = application_id(&plane).await;
    let image = crate::fixtures::IMAGE;
    let change = ApplicationChange { image, instance_type: "standard-4", max_instances: 1 };
    cloudflare.modify_application(&id, &change).await.unwrap();
    repaired(&plane, token, &before, "the containers' size").await;
    let change = ApplicationChange {
        image: "registry.cloudflare.com/planted/x:v1",
        instance_type: "standard-1",
        max_instances: 1,
    };
    cloudflare.modify_application(&id, &change).await.unwrap();
    repaired(&plane, token, &before, "the containers' image").await;
    cloudflare.set_max_instances(&id, 9).await.unwrap();
    repaired(&plane, token, &before, "the number of containers").await;
    cloudflare.delete_application(&id).await.unwrap();
    repaired(&plane, token, &before, "the container application moltbot-alice is gone").await;

    let inherit = |name: &str| json!({"type": "inherit", "name": name});
    let others = ["Sandbox", "MOLTBOT_BUCKET", "BROWSER", "ASSETS"].map(inherit);
    let mut bindings = others.to_vec();
    bindings.push(json!({"type": "plain_text", "name": "ENVIRONMENT", "text": "planted"}));
    set_by_hand(&plane, &json!({"bindings": bindings, "keep_bindings": ["secret_text"]})).await;
    repaired(&plane, token, &before, "binding ENVIRONMENT").await;
    bindings[4] = inherit("ENVIRONMENT");
    bindings.push(json!({"type": "plain_text", "name": "EXTRA", "text": "planted"}));
    set_by_hand(&plane, &json!({"bindings": bindings, "keep_bindings": ["secret_text"]})).await;
    repaired(&plane, token, &before, "binding EXTRA").await;
    let own_tag = before.scripts[SCRIPT].tags[1].clone();
    set_by_hand(&plane, &json!({"tags": [own_tag]})).await;
    repaired(&plane, token, &before, "tag paramita is gone").await;
    cloudflare.patch_secrets(SCRIPT, &[], &["SANDBOX_SLEEP_AFTER".into()]).await.unwrap();
    repaired(&plane, token, &before, "secret SANDBOX_SLEEP_AFTER is gone").await;
    assert!(plane.emulator.secret_is(SCRIPT, "ANTHROPIC_API_KEY", "one"), "no repair lost a secret");
}

#[tokio::test(start_paused = true)]
async fn the_same_difference_is_put_back_once_a_day() {
    let (plane, _) = rested(&["alice"]).await;
    for (hours, is_put_back) in [(0, true), (2, false), (23, true)] {
        plane.clock.advance_ms(hours * HOUR_MS);
        plane.app.cloudflare.put_schedules(SCRIPT, &[]).await.unwrap();
        let drift = plane.tick().await.drift.unwrap().found;
        let (put_back, persisting) = (drift.drifted.len() == 1, drift.persisting.len() == 1);
        assert_eq!((put_back, persisting), (is_put_back, !is_put_back), "after {hours} hours");
        plane.until_quiet().await;
        assert_eq!(plane.emulator.state().await.unwrap().scripts[SCRIPT].schedules.len(), usize::from(is_put_back));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_the_worker_lacks_is_lost_and_only_its_owner_can_set_it_again() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.app.cloudflare.patch_secrets(SCRIPT, &[], &["ANTHROPIC_API_KEY".into()]).await.unwrap();
    plane.tick().await;
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!(tenant["phase"], "ready");
    let (_, reason, message) = crate::plane::condition(&tenant, "SecretsReady");
    assert_eq!(reason, "Lost");
    assert!(message.contains("ANTHROPIC_API_KEY") && !message.contains("CF_ACCESS_AUD"), "{message}");

    let set = json!({"ANTHROPIC_API_KEY": "two"}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice/secrets", Some(&tokens[0]), set).await.expect(202);
    plane.until_quiet().await;
    assert!(plane.emulator.secret_is(SCRIPT, "ANTHROPIC_API_KEY", "two"));
    assert_eq!(crate::plane::condition(&plane.tenant("alice", &tokens[0]).await, "SecretsReady").0, "True");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_another_put_in_place_of_ours_is_not_overwritten() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.emulator.seed_script(SCRIPT, &[]);
    plane.tick().await;
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!(crate::plane::condition(&tenant, "Ready").1, "NameTaken");
    assert_eq!(plane.emulator.state().await.unwrap().scripts[SCRIPT].tags, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_suspended_tenant_that_somebody_opened_is_closed_again() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.raw("POST", "/v1/tenants/alice/suspend", Some(&tokens[0]), "").await.expect(202);
    plane.until_quiet().await;
    plane.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.drifted, Vec::<String>::new());
    plane.app.cloudflare.set_script_subdomain(SCRIPT, true).await.unwrap();
    plane.app.cloudflare.put_schedules(SCRIPT, &["0 0 * * *".into()]).await.unwrap();
    plane.clock.advance_ms(2 * HOUR_MS);
    plane.tick().await;
    plane.until_quiet().await;
    let script = &plane.emulator.state().await.unwrap().scripts[SCRIPT];
    assert!(!script.route_enabled && script.schedules.is_empty());
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "suspended");
}

#[tokio::test(start_paused = true)]
async fn a_tick_compares_two_tenants_the_least_recently_compared_first_in_few_calls() {
    let (plane, _) = rested(&["alice", "bob", "carol"]).await;
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 2);
    println!("drift: {:?}", plane.calls());
    assert!(plane.calls().len() <= 2 * 6, "{:?}", plane.calls());
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 1);
    let checked = plane.sql("SELECT COUNT(*) AS n FROM tenant WHERE checked_at_ms > 0").await;
    assert_eq!(checked, [json!({"n": 3})]);
    // Then everybody is left alone for an hour.
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 0);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_changed_a_moment_ago_or_is_on_its_way_is_not_compared() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob"]).await;
    let change = json!({"spec": {"max_instances": 3}}).to_string();
    plane.clock.advance_ms(14 * MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 0);
    plane.raw("PATCH", "/v1/tenants/bob", Some(&tokens[1]), change).await.expect(202);
    plane.until_quiet().await;
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_compared_keeps_nobody_else_from_it() {
    let (plane, _) = rested(&["alice", "bob"]).await;
    let refused = Effect::Refuse { status: 403, code: 10023, message: "no".into() };
    plane.emulator.fault(Fault::new(refused).kind("schedule.get").times(1));
    let drift = plane.tick().await.drift.unwrap();
    assert_eq!((drift.end.outcome, drift.found.compared, drift.found.failed.len()), (Outcome::Done, 1, 1));
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 0, "its turn comes again, not at once");
}

#[tokio::test(start_paused = true)]
async fn cut_off_in_the_middle_it_compares_again_and_repairs_once() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.app.cloudflare.put_schedules(SCRIPT, &[]).await.unwrap();
    cut_off_tick(&plane, 0.5).await;
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "ready");
    plane.clock.advance_ms(5 * MINUTE_MS);
    let (one, other) = futures_util::future::join(plane.tick(), plane.tick()).await;
    let drifted = [one, other].into_iter().flat_map(|tick| tick.drift).map(|run| run.found.drifted.len());
    assert_eq!(drifted.sum::<usize>(), 1);
    plane.until_quiet().await;
    assert_eq!(count(&reasons(&plane, "alice", &tokens[0]).await, "DriftFound"), 1);
    assert_eq!(plane.emulator.state().await.unwrap().scripts[SCRIPT].schedules, ["*/5 * * * *"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_comes_while_it_compares_wins() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.app.cloudflare.put_schedules(SCRIPT, &[]).await.unwrap();
    let change = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let body = json!({"spec": {"max_instances": 3}}).to_string();
        plane.raw("PATCH", "/v1/tenants/alice", Some(&tokens[0]), body).await.expect(202);
    };
    let (tick, ()) = futures_util::future::join(plane.tick(), change).await;
    assert_eq!(tick.drift.unwrap().found.drifted, Vec::<String>::new());
    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!((&tenant["phase"], &tenant["generation"]), (&json!("ready"), &json!(2)));
    // Found again when its turn comes.
    plane.clock.advance_ms(2 * HOUR_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.drifted, ["alice"]);
}

#[tokio::test(start_paused = true)]
async fn without_calls_to_spare_it_ends_early() {
    let (plane, _) = rested(&["alice"]).await;
    let budget = plane.app.config.budget;
    let now = plane.clock.now();
    plane.app.registry.book_calls(budget.background_burst_ms(), budget.burst_ms(), now).await.unwrap();
    let drift = plane.tick().await.drift.unwrap().found;
    assert_eq!((drift.compared, drift.is_out_of_calls), (0, true));
    assert_eq!(plane.calls(), Vec::<String>::new());
    plane.clock.advance_ms(MINUTE_MS);
    assert_eq!(plane.tick().await.drift.unwrap().found.compared, 1);
}

#[tokio::test(start_paused = true)]
async fn when_cloudflare_asks_for_a_pause_everybody_keeps_still() {
    let (plane, _) = rested(&["alice"]).await;
    plane.emulator.fault(Fault::new(Effect::TooManyRequests { retry_after: 120 }).kind("script.settings.get"));
    plane.tick().await;
    let blocked = plane.app.registry.api_budget().await.unwrap().blocked_until;
    assert_eq!(blocked, plane.clock.now().plus_ms(120_000));
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_meets_an_obstacle_is_not_late_from_its_first_minute() {
    let (plane, tokens) = rested(&["alice"]).await;
    plane.app.cloudflare.put_schedules(SCRIPT, &[]).await.unwrap();
    plane.emulator.fault(Fault::new(Effect::Status { status: 500 }).kind("schedule.put"));
    plane.tick().await;
    plane.tick().await;
    let tenant = plane.tenant("alice", &tokens[0]).await;
    assert_eq!(tenant["phase"], "updating");
    assert!(
        tenant["conditions"].as_array().unwrap().iter().all(|condition| condition["type"] != "Stalled"),
        "{tenant}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repair_goes_by_the_tenant_as_it_was_read() {
    let (plane, _) = rested(&["alice"]).await;
    let registry = &plane.app.registry;
    let id = registry.least_checked(plane.clock.now(), plane.clock.now(), 1).await.unwrap().remove(0);
    let (read, _) = registry.find_tenant(&id).await.unwrap().unwrap();
    // A round of the same generation comes and goes.
    plane.sql("UPDATE tenant SET due_at_ms = 0").await;
    plane.tick().await;
    let event = paramita::tenant::event::Event::new("DriftFound", "");
    let late =
        paramita::registry::Change { conditions: &[], event: &event, now: plane.clock.now(), answer: None, act: None };
    let before = plane.database.dump().unwrap();
    let repaired = registry.repair(&read, &paramita::registry::Repair::default(), late).await;
    assert_eq!(repaired, Err(paramita::registry::Error::Conflict));
    assert_eq!(plane.database.dump().unwrap(), before);
}

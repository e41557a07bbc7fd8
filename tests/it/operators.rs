//! What operators do to tenants, and the lines of the audit log about it.

use bytes::Bytes;
use cloudflare_emulator::AccessIdentity;
use futures_util::future::join_all;
use http::Request;
use paramita::access::ASSERTION;
use paramita::clock::DAY_MS;
use serde_json::{Value as Json, json};

use crate::fixtures::Published;
use crate::plane::{Answer, TestPlane, settings};

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

/// A plane with an operator, and the tenant alice, who is ready; and alice's token.
async fn plane() -> (TestPlane, String) {
    let set = [("ACCESS_TEAM_URL", TEAM), ("ACCESS_AUD", AUDIENCE), ("ACCESS_OPERATORS", "@example.com")];
    let plane = TestPlane::with(settings(&set), Some(Published::guide())).await;
    let signed_up = plane.sign_up(&json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": "planted-secret"}})).await;
    plane.until_quiet().await;
    (plane, signed_up["token"].as_str().unwrap().to_owned())
}

async fn ask_as(plane: &TestPlane, email: &str, method: &str, path: &str, body: &str) -> Answer {
    let claims = plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person(email));
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header(ASSERTION, plane.emulator.access_token(&claims));
    plane.send(request.body(Bytes::from(body.to_owned())).unwrap()).await
}

async fn ask(plane: &TestPlane, method: &str, path: &str, body: &str) -> Answer {
    ask_as(plane, "ada@example.com", method, path, body).await
}

/// The audit log, oldest first.
async fn lines(plane: &TestPlane) -> Vec<Json> {
    let page = ask(plane, "GET", "/admin/api/audit?limit=200", "").await.expect(200);
    let mut lines: Vec<Json> = page["lines"].as_array().unwrap().iter().map(|line| line["entry"].clone()).collect();
    lines.reverse();
    lines
}

async fn check(plane: &TestPlane) -> Json {
    ask(plane, "GET", "/admin/api/audit/check", "").await.expect(200)
}

#[tokio::test]
async fn each_act_has_one_line_with_who_what_whom_before_and_after() {
    let (plane, _) = plane().await;
    let tenant = "/admin/api/tenants/alice";
    let ends_at = plane.now().plus_ms(30 * DAY_MS);
    for (method, path, body, act) in [
        ("PATCH", "", "{\"spec\":{\"instance_type\":\"lite\"}}".to_owned(), "tenant.change"),
        ("POST", "/suspend", String::new(), "tenant.suspend"),
        ("POST", "/resume", String::new(), "tenant.resume"),
        ("POST", "/retry", String::new(), "tenant.retry"),
        ("POST", "/pause", String::new(), "tenant.pause"),
        ("POST", "/unpause", String::new(), "tenant.unpause"),
        ("PUT", "/trial", format!("{{\"ends_at\":\"{ends_at}\"}}"), "tenant.trial"),
        ("DELETE", "", String::new(), "tenant.delete"),
        ("POST", "/undelete", String::new(), "tenant.undelete"),
    ] {
        let before = lines(&plane).await.len();
        let dry = ask(&plane, method, &format!("{tenant}{path}?dry_run=true"), &body).await;
        assert_eq!(dry.status, 200, "{act}: {}", dry.text);
        assert_eq!(lines(&plane).await.len(), before, "{act}: a dry run is no act");
        let done = ask(&plane, method, &format!("{tenant}{path}"), &body).await;
        assert_eq!(done.status, 202, "{act}: {}", done.text);
        let lines = lines(&plane).await;
        assert_eq!(lines.len(), before + 1, "{act}");
        let line = lines.last().unwrap();
        for (member, value) in [("act", act), ("actor", "ada@example.com"), ("target", "alice")] {
            assert_eq!(line[member], value, "{act}");
        }
        assert_eq!(line["request_id"], done.headers["x-request-id"].to_str().unwrap(), "{act}");
        assert_ne!(line["before"], line["after"], "{act}");
        plane.until_quiet().await;
    }
    let line = &lines(&plane).await[0];
    assert_eq!(
        (&line["before"]["spec"]["instance_type"], &line["after"]["spec"]["instance_type"]),
        (&json!("standard-1"), &json!("lite"))
    );
    assert_eq!(check(&plane).await["holds"], true);
    assert!(!json!(lines(&plane).await).to_string().contains("planted-secret"));
}

#[tokio::test]
async fn what_changes_nothing_and_what_is_refused_leaves_no_line() {
    let (plane, token) = plane().await;
    for (method, path, body, status) in [
        ("POST", "/resume", "", 200),
        ("POST", "/unpause", "", 200),
        ("PUT", "/release", "{}", 200),
        ("PUT", "/release", "{\"release\":\"rel_none\"}", 404),
        ("PUT", "/trial", "{\"ends_at\":\"soon\"}", 422),
        ("PATCH", "", "{\"spec\":{\"instance_type\":\"huge\"}}", 422),
        ("POST", "/pause", "{\"for\":\"ever\"}", 422),
        ("DELETE", "/tokens/tok_none", "", 404),
    ] {
        let answer = ask(&plane, method, &format!("/admin/api/tenants/alice{path}"), body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    // An owner's own changes are in the tenant's history.
    plane.raw("POST", "/v1/tenants/alice/suspend", Some(&token), "").await.expect(202);
    assert_eq!(lines(&plane).await, Vec::<Json>::new());
    assert_eq!(check(&plane).await["checked_to"], 0);
}

#[tokio::test]
async fn of_fifty_acts_at_once_each_has_its_line_and_the_chain_holds() {
    let (plane, _) = plane().await;
    // The keys of Access are fetched before: not everybody may do that at once.
    assert_eq!(lines(&plane).await.len(), 0);
    let makes = (0..50).map(|n| {
        let (plane, who) = (&plane, format!("operator-{n}@example.com"));
        async move { ask_as(plane, &who, "POST", "/admin/api/invites", "{}").await.expect(201) }
    });
    join_all(makes).await;
    let lines = lines(&plane).await;
    let mut actors: Vec<&str> = lines.iter().map(|line| line["actor"].as_str().unwrap()).collect();
    actors.sort_unstable();
    actors.dedup();
    assert_eq!((lines.len(), actors.len()), (50, 50));
    let held = check(&plane).await;
    assert_eq!((&held["holds"], &held["checked_to"]), (&json!(true), &json!(50)));
}

#[tokio::test]
async fn a_line_that_somebody_changed_or_removed_is_named() {
    for (tampering, named, why) in [
        ("UPDATE audit SET entry = replace(entry, 'ada@', 'eve@') WHERE seq = 2", 2, "line 2 was changed"),
        ("UPDATE audit SET hash = lower(hex(zeroblob(32))) WHERE seq = 1", 1, "line 1 was changed"),
        ("DELETE FROM audit WHERE seq = 2", 2, "line 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "line 1 is missing"),
    ] {
        let (plane, _) = plane().await;
        for _ in 0..3 {
            ask(&plane, "POST", "/admin/api/invites", "{}").await.expect(201);
        }
        assert_eq!(check(&plane).await["holds"], true);
        plane.sql(tampering).await;
        let broken = check(&plane).await;
        assert_eq!((&broken["holds"], &broken["broken_at"]), (&json!(false), &json!(named)), "{tampering}");
        assert!(broken["why"].as_str().unwrap().starts_with(why), "{broken}");
        let page = ask(&plane, "GET", "/admin/audit?check=true", "").await;
        assert!(page.text.contains(why), "{}", page.text);
    }
}

#[tokio::test]
async fn the_export_is_what_was_hashed() {
    let (plane, _) = plane().await;
    for note in ["{\"note\":\"grüße \\\"x\\\"\"}", "{}"] {
        ask(&plane, "POST", "/admin/api/invites", note).await.expect(201);
    }
    let exported = ask(&plane, "GET", "/admin/api/audit.jsonl", "").await;
    let mut former = "0".repeat(64);
    let mut count = 0;
    for line in exported.text.lines() {
        let (hash, rest) = line.strip_prefix("{\"hash\":\"").unwrap().split_once("\",\"entry\":").unwrap();
        let entry = rest.strip_suffix('}').unwrap();
        assert_eq!(paramita::audit::hash(&former, entry), hash);
        former = hash.to_owned();
        count += 1;
    }
    assert_eq!(count, 2);
    let rest = ask(&plane, "GET", "/admin/api/audit.jsonl?after=1", "").await;
    assert_eq!(rest.text.lines().count(), 1);
}

#[tokio::test]
async fn while_a_tenant_is_paused_nothing_is_done_and_then_everything_is() {
    let (plane, token) = plane().await;
    ask(&plane, "POST", "/admin/api/tenants/alice/pause", "").await.expect(202);
    plane.until_quiet().await;
    let calls = plane.calls().len();
    plane.raw("POST", "/v1/tenants/alice/suspend", Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    for _ in 0..5 {
        plane.tick().await;
        plane.clock.advance_ms(5 * 60 * 1_000);
    }
    let shown = plane.tenant("alice", &token).await;
    assert_eq!((&shown["phase"], &shown["observed_generation"]), (&json!("updating"), &json!(1)), "{shown}");
    assert!(shown["paused_at"].is_string());
    let about_alice = |call: &String| call.contains("alice");
    assert!(!plane.calls()[calls..].iter().any(about_alice), "{:?}", &plane.calls()[calls..]);
    ask(&plane, "POST", "/admin/api/tenants/alice/unpause", "").await.expect(202);
    plane.until_quiet().await;
    let shown = plane.tenant("alice", &token).await;
    assert_eq!((&shown["phase"], &shown["paused_at"]), (&json!("suspended"), &Json::Null), "{shown}");
}

#[tokio::test]
async fn an_operator_finds_a_tenant_by_name_and_by_id_also_once_it_is_deleted() {
    let (plane, _) = plane().await;
    let shown = ask(&plane, "GET", "/admin/api/tenants/alice", "").await.expect(200);
    let id = shown["id"].as_str().unwrap().to_owned();
    assert!(shown["ledger"][0]["dashboard"].as_str().unwrap().ends_with("/buckets/moltbot-data-alice"), "{shown}");
    assert_eq!(shown["plan"]["steps"], json!([]));
    ask(&plane, "DELETE", "/admin/api/tenants/alice?grace_days=0", "").await.expect(202);
    plane.until_quiet().await;
    for called in ["alice", &id] {
        let shown = ask(&plane, "GET", &format!("/admin/api/tenants/{called}"), "").await.expect(200);
        assert_eq!((&shown["id"], &shown["tenant"]["phase"]), (&json!(id), &json!("deleted")), "{called}");
        let receipt = ask(&plane, "GET", &format!("/admin/api/tenants/{called}/receipt"), "").await.expect(200);
        assert_eq!(receipt["complete"], true);
    }
    plane.sign_up(&json!({"name": "alice"})).await;
    let new = ask(&plane, "GET", "/admin/api/tenants/alice", "").await.expect(200);
    assert_ne!(new["id"], id.as_str());
    assert_eq!(ask(&plane, "GET", "/admin/api/tenants/nobody", "").await.problem(404), "no_such_tenant");
}

#[tokio::test]
async fn all_tokens_are_revoked_at_once_and_an_operator_makes_the_next() {
    let (plane, token) = plane().await;
    let session = plane.raw("GET", "/v1/tenants/alice", Some(&token), "").await;
    assert_eq!(session.status, 200);
    let revoked = ask(&plane, "DELETE", "/admin/api/tenants/alice/tokens", "").await.expect(200);
    assert_eq!(revoked["revoked"], 1);
    assert_eq!(plane.get("/v1/tenants/alice", Some(&token)).await.problem(401), "token_revoked");
    let made = ask(&plane, "POST", "/admin/api/tenants/alice/tokens", "{}").await;
    assert_eq!(made.status, 201);
    assert!(made.headers["location"].to_str().unwrap().starts_with("/admin/api/tenants/alice/tokens/tok_"));
    let new = made.json()["token"].as_str().unwrap().to_owned();
    plane.get("/v1/tenants/alice", Some(&new)).await.expect(200);
    assert!(!json!(lines(&plane).await).to_string().contains(&new));
    let acts: Vec<Json> = lines(&plane).await.iter().map(|line| line["act"].clone()).collect();
    assert_eq!(acts, ["token.revoke_all", "token.make"]);
}

#[tokio::test]
async fn a_failed_tenant_is_tried_again_from_the_start() {
    let (plane, _) = plane().await;
    plane.sql("UPDATE tenant SET phase = 'failed', due_at_ms = NULL, attempts = 7, observed_generation = 0").await;
    ask(&plane, "POST", "/admin/api/tenants/alice/retry", "").await.expect(202);
    plane.until_quiet().await;
    let shown = ask(&plane, "GET", "/admin/api/tenants/alice", "").await.expect(200);
    assert_eq!((&shown["tenant"]["phase"], &shown["attempts"]), (&json!("ready"), &json!(0)));
}

#[tokio::test]
async fn an_act_sent_again_with_its_key_has_one_line() {
    let (plane, _) = plane().await;
    let claims = plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person("ada@example.com"));
    let token = plane.emulator.access_token(&claims);
    for _ in 0..2 {
        let request = Request::post("/admin/api/tenants/alice/retry").header(ASSERTION, &token);
        let request = request.header("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324");
        let answer = plane.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    assert_eq!(lines(&plane).await.len(), 1);
}

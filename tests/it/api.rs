//! The HTTP face: what it refuses and how, and that a refusal leaves nothing behind.

use bytes::Bytes;
use http::Request;
use serde_json::{Value as Json, json};

use crate::fixtures::Published;
use crate::plane::{TestPlane, settings};

fn pointers(problem: &Json) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_complaint_about_a_sign_up_comes_at_once() {
    let plane = TestPlane::new().await;
    let body = json!({
        "name": "production",
        "colour": "red",
        "spec": {"instance_type": "huge", "max_instances": 0, "sleep_after": "soon", "cpu": 3},
        "secrets": {"lower": "x", "DEV_MODE": "1", "EMPTY": "", "NUMBER": 7, "LONG": "x".repeat(5 * 1024 + 1),
                    "SANDBOX_SLEEP_AFTER": "1h", "MOLTBOT_BUCKET": "x", "ENVIRONMENT": "x"},
    });
    let answer = plane.post("/v1/tenants", &body).await;
    assert_eq!(answer.problem(422), "invalid");
    let problem = answer.json();
    let mut found = pointers(&problem);
    found.sort_unstable();
    let mut expected = [
        "/name",
        "/colour",
        "/spec/instance_type",
        "/spec/max_instances",
        "/spec/sleep_after",
        "/spec/cpu",
        "/secrets/lower",
        "/secrets/DEV_MODE",
        "/secrets/EMPTY",
        "/secrets/NUMBER",
        "/secrets/LONG",
        "/secrets/SANDBOX_SLEEP_AFTER",
        "/secrets/MOLTBOT_BUCKET",
        "/secrets/ENVIRONMENT",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(problem.to_string().contains("is a reserved environment name"));
    assert!(!plane.database.dump().unwrap().contains("SignedUp"));
    assert!(plane.calls().is_empty());
}

#[tokio::test]
async fn a_malformed_sign_up_is_refused_and_writes_nothing() {
    let plane = TestPlane::new().await;
    let before = plane.written();
    let cases: &[(&str, u16, &str)] = &[
        ("", 400, "not_json"),
        ("{", 400, "not_json"),
        ("{\"name\":\"alice\"} x", 400, "not_json"),
        ("\u{0}", 400, "not_json"),
        ("[]", 422, "invalid"),
        ("\"alice\"", 422, "invalid"),
        ("null", 422, "invalid"),
        ("{}", 422, "invalid"),
        ("{\"name\":7}", 422, "invalid"),
        ("{\"name\":\"Alice\"}", 422, "invalid"),
        ("{\"name\":\"alice\",\"spec\":[]}", 422, "invalid"),
        ("{\"name\":\"alice\",\"secrets\":\"x\"}", 422, "invalid"),
        ("{\"name\":\"alice\",\"spec\":{\"max_instances\":1.5}}", 422, "invalid"),
        ("{\"name\":\"alice\",\"spec\":{\"max_instances\":99999999999}}", 422, "invalid"),
        ("{\"name\":\"alice\",\"spec\":{\"instance_type\":\"lite\"}}", 422, "invalid"),
    ];
    for (body, status, code) in cases {
        let answer = plane.raw("POST", "/v1/tenants", None, *body).await;
        assert_eq!(answer.problem(*status), *code, "{body:?}");
    }
    let deep = "[".repeat(200_000);
    assert_eq!(plane.raw("POST", "/v1/tenants", None, deep).await.problem(400), "not_json");
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    assert_eq!(plane.raw("POST", "/v1/tenants", None, long).await.problem(413), "too_large");
    let form = Request::post("/v1/tenants").header("content-type", "application/x-www-form-urlencoded");
    let answer = plane.send(form.body(Bytes::from("name=alice")).unwrap()).await;
    assert_eq!(answer.problem(415), "unsupported_media_type");
    let unknown = plane.post("/v1/tenants?dryrun=true", &json!({"name": "alice"})).await;
    assert_eq!(unknown.problem(422), "invalid");
    assert!(plane.written() == before);
}

#[tokio::test]
async fn of_two_sign_ups_for_one_name_at_once_one_wins() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice"});
    let sign_ups = (0..20).map(|_| plane.post("/v1/tenants", &body));
    let answers = futures_util::future::join_all(sign_ups).await;
    let won = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(won, 1);
    for lost in answers.iter().filter(|answer| answer.status != 202) {
        assert_eq!(lost.problem(409), "name_taken");
    }
    assert_eq!(plane.get("/v1/names/alice", None).await.expect(200)["status"], "taken");
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let plane = TestPlane::new().await;
    let before = plane.written();
    let body = json!({"name": "alice", "spec": {"instance_type": "standard-2"}, "secrets": {"ANTHROPIC_API_KEY": "k"}});
    let answer = plane.post("/v1/tenants?dry_run=true", &body).await.expect(200);

    let steps = answer["plan"]["steps"].as_array().unwrap();
    let kinds: Vec<&str> = steps.iter().map(|step| step["kind"].as_str().unwrap()).collect();
    let expected = [
        "create_bucket",
        "claim_script",
        "stage_assets",
        "deploy_script",
        "enable_route",
        "set_schedule",
        "create_application",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(steps[0]["target"], "moltbot-data-alice");
    assert!(steps.iter().all(|step| !step["reason"].as_str().unwrap().is_empty()));
    let config = &answer["wrangler_config"];
    assert_eq!(config["name"], "paramita-cloud-alice");
    assert_eq!(config["vars"]["ENVIRONMENT"], "alice");
    assert_eq!(config["containers"][0]["instance_type"], "standard-2");
    assert_eq!(config["r2_buckets"][0], json!({"binding": "MOLTBOT_BUCKET", "bucket_name": "moltbot-data-alice"}));
    assert_eq!(answer["estimate"]["first_tenant"]["fixed"], "41.35212");
    assert!(plane.written() == before);
    assert!(plane.calls().is_empty() && plane.until_quiet().await.is_empty());
}

#[tokio::test]
async fn what_is_not_yours_looks_like_what_does_not_exist() {
    let plane = TestPlane::new().await;
    let alice = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let bob = plane.sign_up(&json!({"name": "bob"})).await["token"].as_str().unwrap().to_owned();
    let absent = plane.get("/v1/tenants/carol", Some(&alice)).await;
    assert_eq!(absent.problem(404), "no_such_tenant");
    let routes = [
        ("GET", "", ""),
        ("PATCH", "", "{\"spec\":{}}"),
        ("DELETE", "?grace_days=0", ""),
        ("GET", "/events", ""),
        ("GET", "/secrets", ""),
        ("PATCH", "/secrets", "{\"A\":\"x\"}"),
        ("PUT", "/secrets/A", "{\"value\":\"x\"}"),
        ("DELETE", "/secrets/A", ""),
        ("GET", "/wrangler.jsonc", ""),
    ];
    let before = plane.written();
    for (method, path, body) in routes {
        let path = format!("/v1/tenants/alice{path}");
        let theirs = plane.raw(method, &path, Some(&bob), body).await;
        assert_eq!(theirs.problem(404), "no_such_tenant", "{method} {path}");
        assert_eq!(theirs.json()["detail"], absent.json()["detail"]);
        let nobody = plane.raw(method, &path, None, body).await;
        assert_eq!(nobody.problem(401), "token_missing", "{method} {path}");
        assert_eq!(nobody.headers["www-authenticate"], "Bearer realm=\"tenant\"");
        let mistyped = plane.raw(method, &path, Some(&alice[..alice.len() - 1]), body).await;
        assert_eq!(mistyped.problem(401), "token_malformed", "{method} {path}");
    }
    assert!(plane.written() == before);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_changes_nothing_costs_nothing() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    plane.emulator.clear_journal();
    let body = json!({"spec": {"instance_type": "standard-1"}}).to_string();
    let tenant = plane.raw("PATCH", "/v1/tenants/alice", Some(&token), body).await.expect(200);
    assert_eq!(tenant["tenant"]["generation"], 1);
    assert!(plane.until_quiet().await.is_empty() && plane.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn secrets_are_listed_without_values_and_deleted_by_name() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    let path = "/v1/tenants/alice/secrets";
    let bad: &[(&str, &str, &str, u16, &str)] = &[
        ("PUT", "/lower", "{\"value\":\"x\"}", 422, "invalid"),
        ("PUT", "/DEV_MODE", "{\"value\":\"x\"}", 422, "invalid"),
        ("PUT", "/A", "{\"value\":\"\"}", 422, "invalid"),
        ("PUT", "/A", "{\"text\":\"x\"}", 422, "invalid"),
        ("PUT", "/A", "{}", 422, "invalid"),
        ("PATCH", "", "{}", 422, "invalid"),
        ("PATCH", "", "{\"E2E_TEST_MODE\":\"1\"}", 422, "invalid"),
        ("PATCH", "", "{\"NEVER_SET\":null}", 404, "no_such_secret"),
        ("DELETE", "/NEVER_SET", "", 404, "no_such_secret"),
        ("DELETE", "/not-a-name", "", 404, "no_such_secret"),
    ];
    let before = plane.written();
    for (method, rest, body, status, code) in bad {
        let answer = plane.raw(method, &format!("{path}{rest}"), Some(&token), *body).await;
        assert_eq!(answer.problem(*status), *code, "{method} {rest} {body}");
    }
    assert!(plane.written() == before);

    plane.raw("PUT", &format!("{path}/TELEGRAM_BOT_TOKEN"), Some(&token), "{\"value\":\"v1\"}").await.expect(202);
    let listed = plane.get(path, Some(&token)).await.expect(200);
    let telegram = listed["secrets"].as_array().unwrap().iter().find(|secret| secret["name"] == "TELEGRAM_BOT_TOKEN");
    assert_eq!(telegram.unwrap()["state"], "pending");
    assert!(listed["missing"].as_array().unwrap().contains(&json!("ANTHROPIC_API_KEY")));
    plane.until_quiet().await;
    plane.raw("DELETE", &format!("{path}/TELEGRAM_BOT_TOKEN"), Some(&token), "").await.expect(202);
    plane.until_quiet().await;
    assert!(!plane.get(path, Some(&token)).await.text.contains("TELEGRAM_BOT_TOKEN"));
    let state = plane.emulator.state().await.unwrap();
    assert!(!state.scripts["paramita-cloud-alice"].secrets.contains("TELEGRAM_BOT_TOKEN"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_going_takes_no_changes() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.raw("DELETE", "/v1/tenants/alice", Some(&token), "").await.expect(202);
    let body = "{\"spec\":{\"max_instances\":2}}";
    assert_eq!(plane.raw("PATCH", "/v1/tenants/alice", Some(&token), body).await.problem(409), "being_deleted");
    let answer = plane.raw("PUT", "/v1/tenants/alice/secrets/A", Some(&token), "{\"value\":\"x\"}").await;
    assert_eq!(answer.problem(409), "being_deleted");
    let answer = plane.raw("DELETE", "/v1/tenants/alice?grace_days=99", Some(&token), "").await;
    assert_eq!(answer.problem(422), "invalid");
}

#[tokio::test(start_paused = true)]
async fn history_is_paged_by_the_last_line_seen() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    let all = plane.get("/v1/tenants/alice/events", Some(&token)).await.expect(200);
    let reasons: Vec<&str> =
        all["events"].as_array().unwrap().iter().map(|event| event["reason"].as_str().unwrap()).collect();
    let expected =
        ["SignedUp", "BucketCreated", "WorkerDeployed", "RouteOpened", "ScheduleSet", "ContainerCreated", "Converged"];
    assert_eq!(reasons, expected);
    let mut paged = Vec::new();
    let mut after = json!(0);
    loop {
        let page =
            plane.get(&format!("/v1/tenants/alice/events?after={after}&limit=3"), Some(&token)).await.expect(200);
        let lines = page["events"].as_array().unwrap().clone();
        if lines.is_empty() {
            break;
        }
        assert!(lines.len() <= 3);
        after = page["after"].clone();
        paged.extend(lines);
    }
    assert_eq!(&json!(paged), &all["events"]);
}

#[tokio::test]
async fn names_are_free_taken_reserved_or_malformed() {
    let plane = TestPlane::new().await;
    plane.sign_up(&json!({"name": "alice"})).await;
    for (name, status) in [("alice", "taken"), ("bob", "free"), ("prod", "reserved"), ("Bob", "malformed")] {
        let answer = plane.get(&format!("/v1/names/{name}"), None).await.expect(200);
        assert_eq!(answer["status"], status, "{answer}");
    }
}

#[tokio::test]
async fn sizes_and_estimates_are_open_to_anyone() {
    let plane = TestPlane::new().await;
    let sizes = plane.get("/v1/instance-types", None).await.expect(200);
    assert_eq!(sizes["instance_types"].as_array().unwrap().len(), 6);
    assert_eq!(sizes["instance_types"][2]["vcpu"], "1/2");
    let query = "instance_type=standard-1&cpu_percent=10&hours_per_day=24&instances=1";
    let answer = plane.get(&format!("/v1/estimate?{query}"), None).await.expect(200);
    assert_eq!(answer["estimate"]["first_tenant"]["fixed"], "27.47628");
    assert_eq!(answer["estimate"]["first_tenant"]["cpu"], "2.178");
    assert_eq!(answer["estimate"]["plan_once_per_account"], "5.00");
    let heavy = plane.get("/v1/estimate?preset=heavy&hours_per_day=24", None).await.expect(200);
    assert_eq!(
        (&heavy["estimate"]["usage"]["cpu_percent"], &heavy["estimate"]["usage"]["hours_per_day"]),
        (&json!(65), &json!(24))
    );
    let idle = plane.get("/v1/estimate?preset=idle", None).await.expect(200);
    assert_eq!(idle["estimate"]["usage"]["hours_per_day"], 1);
    for bad in [
        "instance_type=huge",
        "cpu_percent=101",
        "cpu_percent=-1",
        "cpu_percent=1.5",
        "hours_per_day=25",
        "instances=0",
        "instances=11",
        "currency=EUR",
        "instances=1&instances=2",
        "instances=",
    ] {
        assert_eq!(plane.get(&format!("/v1/estimate?{bad}"), None).await.problem(422), "invalid", "{bad}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_taken_are_problems_too() {
    let plane = TestPlane::new().await;
    assert_eq!(plane.get("/v2/tenants", None).await.problem(404), "no_such_route");
    let answer = plane.raw("PUT", "/v1/tenants", None, "").await;
    assert_eq!(answer.problem(405), "method_not_allowed");
    assert_eq!(answer.headers["allow"], "POST, OPTIONS");
    assert_eq!(plane.get("/healthz", None).await.expect(200)["status"], "ok");
    assert_eq!(plane.get("/healthz?deep=1", None).await.expect(200)["registry"], "ok");
}

#[tokio::test]
async fn sign_up_is_refused_where_it_is_not_open() {
    for (mode, code) in [("invite", "invite_required"), ("closed", "signup_closed")] {
        let plane = TestPlane::with(settings(&[("SIGNUP_MODE", mode)]), Some(Published::guide())).await;
        assert_eq!(plane.post("/v1/tenants", &json!({"name": "alice"})).await.problem(403), code);
        assert!(!plane.database.dump().unwrap().contains("alice"));
    }
}

#[tokio::test]
async fn without_a_release_there_is_nothing_to_sign_up_for() {
    let plane = TestPlane::with(settings(&[]), None).await;
    assert_eq!(plane.post("/v1/tenants", &json!({"name": "alice"})).await.problem(503), "no_release");
}

#[tokio::test(start_paused = true)]
async fn a_sign_up_that_the_database_made_is_answered_though_its_own_answer_was_lost() {
    // The default release, all that decides, then the tenant is written.
    let plane = TestPlane::new().await;
    plane.lose_database_answer(3);
    let signed_up = plane.sign_up(&json!({"name": "alice"})).await;
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", signed_up["token"].as_str().unwrap()).await["phase"], "ready");
}

#[tokio::test]
async fn a_database_that_is_away_is_said_to_be_and_nothing_else_is_told() {
    let plane = TestPlane::new().await;
    plane.lose_database_answer(1);
    let answer = plane.post("/v1/tenants", &json!({"name": "alice"})).await;
    assert_eq!(answer.problem(503), "unavailable");
    assert_eq!(answer.headers["retry-after"], "5");
    assert!(!answer.text.contains("broke"), "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn secrets_set_one_by_one_and_all_at_once_all_arrive() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    let names = ["A", "B", "C", "D", "E", "F", "G"].map(|name| format!("/v1/tenants/alice/secrets/{name}"));
    let puts = names.iter().map(|path| plane.raw("PUT", path, Some(&token), "{\"value\":\"x\"}"));
    for answer in futures_util::future::join_all(puts).await {
        answer.expect(202);
    }
    plane.until_quiet().await;
    for name in ["A", "B", "C", "D", "E", "F", "G"] {
        assert!(plane.emulator.secret_is("paramita-cloud-alice", name, "x"), "{name}");
    }
}

#[tokio::test]
async fn addresses_that_are_no_text_are_problems_too() {
    let plane = TestPlane::new().await;
    assert_eq!(plane.get("/v1/names/%FF", None).await.problem(400), "malformed");
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    assert_eq!(plane.get("/v1/tenants/%FF", Some(&token)).await.problem(400), "malformed");
    let answer = plane.raw("PUT", "/v1/tenants/alice/secrets/%FF", Some(&token), "{\"value\":\"x\"}").await;
    assert!(answer.status.is_client_error());
}

//! What HTTP itself asks of every address: methods, media types, entity tags, waiting.

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::plane::{Answer, TestPlane};

async fn alice(plane: &TestPlane) -> String {
    plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned()
}

async fn send(plane: &TestPlane, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    plane.send(request.body(Bytes::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn every_address_says_which_methods_it_takes_and_a_head_is_a_get_without_its_body() {
    let plane = TestPlane::new().await;
    for route in &paramita::http::routes::ROUTES {
        let path = route.path.replace("{name}", "alice").replace("{secret}", "A");
        let options = send(&plane, "OPTIONS", &path, &[], "").await;
        assert_eq!((options.status.as_u16(), options.text.as_str()), (204, ""), "{path}");
        let allow = options.headers["allow"].to_str().unwrap();
        assert!(allow.split(", ").any(|method| method == route.method.as_str()), "{path}: {allow}");
        assert_eq!(allow.contains("GET"), allow.contains("HEAD"), "{path}: {allow}");
        let trace = send(&plane, "TRACE", &path, &[], "").await;
        assert_eq!(trace.status, 405, "{path}");
        assert_eq!(trace.headers["allow"], allow, "{path}");
        assert!(!options.headers.contains_key("access-control-allow-origin"), "{path}");
    }
    let get = send(&plane, "GET", "/v1/instance-types", &[], "").await;
    let head = send(&plane, "HEAD", "/v1/instance-types", &[], "").await;
    assert_eq!((head.status, head.text.as_str()), (get.status, ""));
    assert_eq!(head.headers["etag"], get.headers["etag"]);
    assert_eq!(send(&plane, "HEAD", "/v1/tenants/alice", &[], "").await.status, 401);
}

#[tokio::test]
async fn a_refusal_repeats_only_so_much_of_what_was_refused() {
    let plane = TestPlane::new().await;
    let token = alice(&plane).await;
    let many: serde_json::Map<_, _> = (0..50_000).map(|at| (format!("unknown-{at}"), json!(0))).collect();
    let long = "x".repeat(1_000_000);
    let scopes = json!({"scopes": [long.as_str()]});
    let query = |name: &str| format!("/v1/tenants?{}", format!("{name}&").repeat(60_000 / (name.len() + 1)));
    for (path, body) in [
        ("/v1/tenants", json!(many)),
        ("/v1/tenants", json!({"name": "bob", "spec": many})),
        ("/v1/tenants", json!({"name": "bob", long.as_str(): 0})),
        ("/v1/tenants", json!({"name": "bob", "secrets": {long.as_str(): ""}})),
        ("/v1/tenants/alice/tokens", scopes),
        (&query("a"), json!({"name": "bob"})),
        (&query(&"x".repeat(50_000)), json!({"name": "bob"})),
    ] {
        let answer = plane.raw("POST", path, Some(&token), body.to_string()).await;
        assert_eq!(answer.problem(422), "invalid");
        assert!(answer.text.len() < 16_000, "{} bytes", answer.text.len());
    }
}

#[tokio::test]
async fn what_a_caller_does_not_take_is_not_sent_and_nothing_is_changed_for_it() {
    let plane = TestPlane::new().await;
    let token = format!("Bearer {}", alice(&plane).await);
    let before = plane.written();
    let html = [("accept", "text/html"), ("authorization", token.as_str())];
    assert_eq!(send(&plane, "GET", "/v1/tenants/alice", &html, "").await.problem(406), "not_acceptable");
    assert_eq!(send(&plane, "POST", "/v1/tenants/alice/suspend", &html, "").await.problem(406), "not_acceptable");
    let json = [("accept", "application/json"), ("authorization", token.as_str())];
    assert_eq!(send(&plane, "GET", "/v1/tenants/alice/wrangler.jsonc", &json, "").await.problem(406), "not_acceptable");
    assert_eq!(send(&plane, "GET", "/v1/tenants/alice", &json, "").await.status, 200);
    assert!(plane.written() == before);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_only_of_what_its_caller_has_seen() {
    let plane = TestPlane::new().await;
    let token = format!("Bearer {}", alice(&plane).await);
    plane.until_quiet().await;
    let path = "/v1/tenants/alice";
    let get = async |path: &str| send(&plane, "GET", path, &[("authorization", &token)], "").await;
    let seen = get(path).await.headers["etag"].to_str().unwrap().to_owned();

    let again = [("authorization", token.as_str()), ("if-none-match", seen.as_str())];
    let unchanged = send(&plane, "GET", path, &again, "").await;
    assert_eq!((unchanged.status.as_u16(), unchanged.text.as_str()), (304, ""));

    let body = json!({"spec": {"instance_type": "standard-2"}}).to_string();
    fn if_match<'a>(token: &'a str, tag: &'a str) -> [(&'a str, &'a str); 2] {
        [("authorization", token), ("if-match", tag)]
    }
    for stale in ["\"000000000000000000000000\"", "W/\"x\""] {
        for (method, path, body) in [
            ("PATCH", "", body.as_str()),
            ("DELETE", "", ""),
            ("POST", "/suspend", ""),
            ("POST", "/resume", ""),
            ("POST", "/undelete", ""),
            ("PUT", "/secrets/A", "{\"value\":\"x\"}"),
            ("PATCH", "/secrets", "{\"A\":\"x\"}"),
        ] {
            let answer =
                send(&plane, method, &format!("/v1/tenants/alice{path}"), &if_match(&token, stale), body).await;
            assert_eq!(answer.problem(412), "precondition_failed", "{method} {path}");
        }
    }
    assert_eq!(get(path).await.headers["etag"], seen);
    assert_eq!(send(&plane, "PATCH", path, &if_match(&token, &seen), &body).await.status, 202);
    assert_eq!(send(&plane, "PATCH", path, &if_match(&token, &seen), &body).await.problem(412), "precondition_failed");
    assert_eq!(send(&plane, "PATCH", path, &if_match(&token, "*"), &body).await.status, 200);

    let listed = get("/v1/tenants/alice/secrets").await.headers["etag"].to_str().unwrap().to_owned();
    let set = async |tag: &str| {
        send(&plane, "PATCH", "/v1/tenants/alice/secrets", &if_match(&token, tag), "{\"A\":\"x\"}")
            .await
            .status
            .as_u16()
    };
    assert_eq!([set(&listed).await, set(&listed).await], [202, 412]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_events_waits_for_news_and_no_longer_than_asked() {
    let plane = TestPlane::new().await;
    let token = alice(&plane).await;
    let page = plane.get("/v1/tenants/alice/events", Some(&token)).await.expect(200);
    let next = page["next"].as_str().unwrap().to_owned();
    assert_eq!(next, format!("/v1/tenants/alice/events?after={}", page["after"]));

    let start = plane.now();
    let none = plane.get(&format!("{next}&wait=5"), Some(&token)).await.expect(200);
    assert_eq!((&none["events"], &none["after"]), (&json!([]), &page["after"]));
    assert_eq!(plane.now().0 - start.0, 5_000);

    let path = format!("{next}&wait=30");
    let suspend = plane.raw("POST", "/v1/tenants/alice/suspend", Some(&token), "");
    let (news, _) = tokio::join!(plane.get(&path, Some(&token)), suspend);
    assert_eq!(news.expect(200)["events"][0]["reason"], "SuspensionAsked");
    assert!(plane.now().0 - start.0 < 35_000);
    assert_eq!(plane.get(&format!("{next}&wait=31"), Some(&token)).await.problem(422), "invalid");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_any_change_shows_plan_and_cost_and_changes_nothing() {
    let plane = TestPlane::new().await;
    let token = alice(&plane).await;
    plane.until_quiet().await;
    let before = plane.written();
    let cases = [
        ("PATCH", "", json!({"spec": {"instance_type": "standard-2"}}), vec!["modify_application"]),
        ("DELETE", "", json!({}), vec!["close_route", "delete_application"]),
        ("POST", "/suspend", json!({}), vec!["close_route", "set_schedule", "delete_application"]),
        ("POST", "/resume", json!({}), vec![]),
        ("PUT", "/secrets/ANTHROPIC_API_KEY", json!({"value": "planted-in-a-dry-run"}), vec!["push_secrets"]),
        ("PATCH", "/secrets", json!({"A": "x", "B": "y"}), vec!["push_secrets"]),
        ("DELETE", "/secrets/CLAWDBOT_GATEWAY_TOKEN", json!({}), vec!["push_secrets"]),
    ];
    for (method, path, body, expected) in cases {
        let path = format!("/v1/tenants/alice{path}?dry_run=true");
        let answer = plane.raw(method, &path, Some(&token), body.to_string()).await;
        assert!(!answer.text.contains("planted"));
        let answer = answer.expect(200);
        let steps = answer["plan"]["steps"].as_array().unwrap();
        let kinds: Vec<&str> = steps.iter().map(|step| step["kind"].as_str().unwrap()).collect();
        assert!(expected.iter().all(|kind| kinds.contains(kind)), "{method} {path}: {kinds:?}");
        assert_eq!(answer["dry_run"], true);
        assert!(steps.iter().all(|step| !step["reason"].as_str().unwrap().is_empty()));
        assert!(answer["monthly_usd"]["before"]["next_tenant"]["total"].is_string());
    }
    let resize = json!({"spec": {"instance_type": "standard-2"}}).to_string();
    let answer = plane.raw("PATCH", "/v1/tenants/alice?dry_run=true", Some(&token), resize).await.expect(200);
    assert_eq!(answer["monthly_usd"]["before"]["first_tenant"]["fixed"], "27.47628");
    assert_eq!(answer["monthly_usd"]["after"]["first_tenant"]["fixed"], "41.35212");
    assert_eq!(answer["tenant"]["spec"]["instance_type"], "standard-2");
    assert!(plane.written() == before);
    assert!(plane.next_nudge().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_change_is_answered_is_what_a_read_shows_right_after() {
    let plane = TestPlane::new().await;
    let token = alice(&plane).await;
    plane.until_quiet().await;
    for (method, path, body) in [
        ("PATCH", "", "{\"spec\":{\"max_instances\":2}}"),
        ("PUT", "/secrets/A", "{\"value\":\"x\"}"),
        ("POST", "/suspend", ""),
        ("POST", "/resume", ""),
        ("DELETE", "?grace_days=3", ""),
        ("DELETE", "?grace_days=9", ""),
        ("DELETE", "?grace_days=2", ""),
        ("POST", "/undelete", ""),
    ] {
        let answered = plane.raw(method, &format!("/v1/tenants/alice{path}"), Some(&token), body).await.expect(202);
        assert_eq!(answered["tenant"], plane.tenant("alice", &token).await, "{method} {path}");
        plane.clock.advance_ms(1_000);
    }
}

#[tokio::test]
async fn secrets_that_go_together_are_set_together_or_not_at_all() {
    let plane = TestPlane::new().await;
    let all = json!({"R2_ACCESS_KEY_ID": "a", "R2_SECRET_ACCESS_KEY": "b", "CF_ACCOUNT_ID": "c"});
    let some = json!({"name": "bob", "secrets": {"R2_ACCESS_KEY_ID": "a"}});
    let refused = plane.post("/v1/tenants", &some).await;
    assert_eq!(refused.problem(422), "invalid");
    assert!(refused.text.contains("R2_SECRET_ACCESS_KEY, CF_ACCOUNT_ID"), "{}", refused.text);
    assert_eq!(plane.post("/v1/tenants", &json!({"name": "bob", "secrets": all})).await.status, 202);

    let token = alice(&plane).await;
    let path = "/v1/tenants/alice/secrets";
    let one = plane.raw("PUT", &format!("{path}/CF_ACCOUNT_ID"), Some(&token), "{\"value\":\"c\"}").await;
    assert_eq!(one.problem(422), "invalid");
    assert_eq!(plane.raw("PATCH", path, Some(&token), all.to_string()).await.status, 202);
    let one = plane.raw("PUT", &format!("{path}/CF_ACCOUNT_ID"), Some(&token), "{\"value\":\"d\"}").await;
    assert_eq!(one.status, 202, "a single one of them is replaced");
    let less = plane.raw("DELETE", &format!("{path}/CF_ACCOUNT_ID"), Some(&token), "").await;
    assert_eq!(less.problem(422), "invalid");
    let none = json!({"R2_ACCESS_KEY_ID": null, "R2_SECRET_ACCESS_KEY": null, "CF_ACCOUNT_ID": null});
    assert_eq!(plane.raw("PATCH", path, Some(&token), none.to_string()).await.status, 202);
}

#[tokio::test]
async fn what_takes_no_body_takes_none_that_says_something() {
    let plane = TestPlane::new().await;
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    for act in ["suspend", "resume", "undelete"] {
        let path = format!("/v1/tenants/alice/{act}");
        let refused = plane.raw("POST", &path, Some(&token), "{\"until\":\"tomorrow\"}").await;
        assert_eq!(refused.problem(422), "invalid", "{act}");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/until");
        assert_eq!(plane.raw("POST", &path, Some(&token), "tomorrow").await.problem(400), "not_json");
    }
    assert_eq!(plane.tenant("alice", &token).await["generation"], 1);
    plane.raw("POST", "/v1/tenants/alice/suspend", Some(&token), "{}").await.expect(202);
}

//! Requests that are sent more than once, tokens that are replaced, invites that are used.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use paramita::clock::DAY_MS;
use paramita::registry::NewInvite;
use paramita::vault::InviteCode;
use paramita::vault::token::new_invite_id;
use serde_json::{Value as Json, json};

use crate::fixtures::Published;
use crate::plane::{Answer, TestPlane, settings};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

async fn keyed(plane: &TestPlane, path: &str, token: Option<&str>, key: &str, body: &Json) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json").header("idempotency-key", key);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    plane.send(request.body(Bytes::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_sign_up_sent_again_with_its_key_is_answered_again_with_its_tokens() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice"});
    let first = keyed(&plane, "/v1/tenants", None, KEY, &body).await;
    let again = keyed(&plane, "/v1/tenants", None, KEY, &body).await;
    assert_eq!((first.status.as_u16(), &first.text), (202, &again.text));
    assert_eq!(first.headers["location"], again.headers["location"]);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");

    let elsewhere = keyed(&plane, "https://another.example/v1/tenants", None, KEY, &body).await;
    assert_eq!((elsewhere.status.as_u16(), &elsewhere.text), (202, &first.text), "by another of the plane's hosts");

    let other = keyed(&plane, "/v1/tenants", None, KEY, &json!({"name": "bob"})).await;
    assert_eq!(other.problem(422), "idempotency_key_reused");
    assert_eq!(keyed(&plane, "/v1/tenants", None, "short", &body).await.problem(400), "idempotency_key_malformed");
    let without = plane.post("/v1/tenants", &body).await;
    assert_eq!(without.problem(409), "name_taken");

    let token = first.json()["token"].as_str().unwrap().to_owned();
    let gateway = first.json()["gateway_token"].as_str().unwrap().to_owned();
    let dump = plane.database.dump().unwrap();
    assert!(!dump.contains(&token) && !dump.contains(&gateway) && !dump.contains(KEY));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let plane = TestPlane::new().await;
    keyed(&plane, "/v1/tenants", None, KEY, &json!({"name": "alice"})).await.expect(202);
    plane.clock.advance_ms(DAY_MS);
    keyed(&plane, "/v1/tenants", None, KEY, &json!({"name": "bob"})).await.expect(202);
}

#[tokio::test]
async fn what_was_refused_may_be_put_right_under_the_same_key() {
    let plane = TestPlane::new().await;
    keyed(&plane, "/v1/tenants", None, KEY, &json!({"name": "Alice"})).await.problem(422);
    let malformed = keyed(&plane, "/v1/tenants?dry_run=true", None, "short", &json!({"name": "alice"})).await;
    assert_eq!(malformed.problem(400), "idempotency_key_malformed");
    let dry = keyed(&plane, "/v1/tenants?dry_run=true", None, KEY, &json!({"name": "alice"})).await;
    assert_eq!(dry.status, 200);
    keyed(&plane, "/v1/tenants", None, KEY, &json!({"name": "alice"})).await.expect(202);
}

#[tokio::test]
async fn a_sign_up_whose_answer_the_network_lost_is_answered_when_it_is_sent_again() {
    let plane = TestPlane::new().await;
    // Kept answer, default release, name taken, limits, fleet, then the tenant is written.
    plane.lose_database_answer(6);
    let body = json!({"name": "alice"});
    let first = keyed(&plane, "/v1/tenants", None, KEY, &body).await.expect(202);
    assert_eq!(keyed(&plane, "/v1/tenants", None, KEY, &body).await.expect(202), first);
}

#[tokio::test(start_paused = true)]
async fn keys_belong_to_their_tenant_and_an_answer_without_a_change_is_kept_too() {
    let plane = TestPlane::new().await;
    let mut tokens = Vec::new();
    for name in ["alice", "bob"] {
        tokens.push(plane.sign_up(&json!({"name": name})).await["token"].as_str().unwrap().to_owned());
    }
    plane.until_quiet().await;
    let ask = async |name: &str, act: &str, token: &str| {
        let path = format!("/v1/tenants/{name}/{act}");
        keyed(&plane, &path, Some(token), KEY, &json!({})).await
    };
    let first = ask("alice", "suspend", &tokens[0]).await;
    let bobs = ask("bob", "resume", &tokens[1]).await;
    assert_eq!((first.status.as_u16(), bobs.status.as_u16()), (202, 200), "bob runs already");
    plane.until_quiet().await;
    assert_eq!(ask("alice", "suspend", &tokens[0]).await.text, first.text);
    assert_eq!(ask("alice", "resume", &tokens[0]).await.problem(422), "idempotency_key_reused");
    let again = ask("bob", "resume", &tokens[1]).await;
    assert_eq!((&again.text, again.headers["idempotency-replayed"].to_str().unwrap()), (&bobs.text, "true"));
    assert_eq!(plane.tenant("alice", &tokens[0]).await["generation"], 2, "suspended once");
}

#[tokio::test]
async fn the_answer_to_one_token_is_not_given_to_another_that_is_good_for_less() {
    let plane = TestPlane::new().await;
    let first = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let path = "/v1/tenants/alice/tokens";
    let of_first = plane.get(path, Some(&first)).await.json()["tokens"][0]["id"].as_str().unwrap().to_owned();
    let second = keyed(&plane, path, Some(&first), KEY, &json!({})).await.expect(201);
    let second = second["token"].as_str().unwrap();
    plane.raw("DELETE", &format!("{path}/{of_first}"), Some(second), "").await.expect(200);
    let less = plane.raw("POST", path, Some(second), "{\"scopes\":[\"write\"]}").await.expect(201);

    let again = keyed(&plane, path, less["token"].as_str(), KEY, &json!({})).await;
    assert!(!again.text.contains(second), "{}", again.text);
    assert_eq!(again.problem(409), "too_many_tokens");
}

#[tokio::test]
async fn of_fifty_with_one_key_at_once_one_signs_up_and_all_are_answered_alike() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice"});
    let answers = join_all((0..50).map(|_| keyed(&plane, "/v1/tenants", None, KEY, &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.text == answers[0].text));
    let replayed = answers.iter().filter(|answer| answer.headers.contains_key("idempotency-replayed")).count();
    assert_eq!(replayed, 49);
    let counted = plane.sql("SELECT COUNT(*) AS n FROM tenant").await;
    assert_eq!(counted[0]["n"], 1);
}

async fn invite(plane: &TestPlane, name: Option<&str>) -> String {
    let entropy = plane.app.entropy.as_ref();
    let code = InviteCode::generate(entropy);
    let name = name.map(|name| paramita::tenant::TenantName::parse(name).unwrap());
    let new = NewInvite {
        id: &new_invite_id(entropy),
        hash: &code.hash(),
        expires_at: plane.now().plus_ms(DAY_MS),
        tenant_name: name.as_ref(),
        largest: Some(paramita::tenant::InstanceType::Standard1),
        owner: Some("acme"),
        note: None,
    };
    plane.app.registry.create_invite(&new, None, None, plane.now()).await.unwrap();
    code.expose().to_owned()
}

async fn by_invite() -> TestPlane {
    TestPlane::with(settings(&[("SIGNUP_MODE", "invite")]), Some(Published::guide())).await
}

#[tokio::test]
async fn an_invite_lets_one_in_as_it_says_and_nobody_after() {
    let plane = by_invite().await;
    let code = invite(&plane, Some("alice")).await;
    let sign_up = async |body: Json| plane.post("/v1/tenants", &body).await;
    assert_eq!(sign_up(json!({"name": "alice"})).await.problem(403), "invite_required");
    assert_eq!(sign_up(json!({"name": "alice", "invite": "inv_x"})).await.problem(422), "invalid");
    let unknown = InviteCode::generate(plane.app.entropy.as_ref()).expose().to_owned();
    assert_eq!(sign_up(json!({"name": "alice", "invite": unknown})).await.problem(403), "invite_refused");
    assert_eq!(sign_up(json!({"name": "bob", "invite": code})).await.problem(422), "invalid");
    let large = json!({"name": "alice", "invite": code, "spec": {"instance_type": "standard-2"}});
    let refused = sign_up(large).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/spec/instance_type");
    let dry = plane.post("/v1/tenants?dry_run=true", &json!({"name": "alice", "invite": code})).await;
    assert_eq!(dry.status, 200);
    sign_up(json!({"name": "alice", "invite": code})).await.expect(202);
    assert_eq!(sign_up(json!({"name": "alice", "invite": code})).await.problem(409), "name_taken");
    assert!(!plane.database.dump().unwrap().contains(&code));
}

#[tokio::test]
async fn what_an_invite_is_for_holds_as_long_as_its_tenant_lives() {
    let plane = by_invite().await;
    let code = invite(&plane, None).await;
    let signed_up = plane.post("/v1/tenants", &json!({"name": "alice", "invite": code})).await.expect(202);
    assert_eq!(signed_up["tenant"]["largest"], "standard-1");
    let token = signed_up["token"].as_str().unwrap();
    let size = |size: &str| json!({"spec": {"instance_type": size}}).to_string();
    for query in ["", "?dry_run=true"] {
        let path = format!("/v1/tenants/alice{query}");
        let refused = plane.raw("PATCH", &path, Some(token), size("standard-2")).await;
        assert_eq!(refused.problem(422), "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/spec/instance_type");
    }
    assert_eq!(plane.tenant("alice", token).await["generation"], 1);
    let other = json!({"spec": {"sleep_after": "10m"}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(token), other).await.expect(202);

    // The operator gave it a larger one than it may choose: everything else can still be changed.
    plane.sql("UPDATE tenant SET spec = json_set(spec, '$.instance_type', 'standard-3')").await;
    let other = json!({"spec": {"sleep_after": "1h"}}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice", Some(token), other).await.expect(202);
    assert_eq!(plane.raw("PATCH", "/v1/tenants/alice", Some(token), size("standard-2")).await.problem(422), "invalid");
    plane.raw("PATCH", "/v1/tenants/alice", Some(token), size("standard-1")).await.expect(202);
}

#[tokio::test]
async fn an_invite_whose_time_is_over_is_refused() {
    let plane = by_invite().await;
    let code = invite(&plane, None).await;
    plane.clock.advance_ms(DAY_MS);
    let refused = plane.post("/v1/tenants", &json!({"name": "alice", "invite": code})).await;
    assert_eq!(refused.problem(403), "invite_refused");
    assert!(refused.text.contains("expired"));
}

#[tokio::test]
async fn of_fifty_with_one_invite_at_once_one_signs_up() {
    let plane = by_invite().await;
    let code = invite(&plane, None).await;
    let bodies: Vec<Json> = (0..50).map(|at| json!({"name": format!("tenant-{at}"), "invite": code})).collect();
    let answers = join_all(bodies.iter().map(|body| plane.post("/v1/tenants", body))).await;
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.problem(403) == "invite_refused"));
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM tenant").await[0]["n"], 1);
}

#[tokio::test]
async fn of_fifty_for_one_name_at_once_one_signs_up() {
    let plane = TestPlane::new().await;
    let body = json!({"name": "alice"});
    let answers = join_all((0..50).map(|_| plane.post("/v1/tenants", &body))).await;
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.problem(409) == "name_taken"));
}

#[tokio::test]
async fn a_token_is_replaced_by_making_a_second_and_revoking_the_first() {
    let plane = TestPlane::new().await;
    let first = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let path = "/v1/tenants/alice/tokens";
    let listed = plane.get(path, Some(&first)).await.expect(200);
    let first_id = listed["tokens"][0]["id"].as_str().unwrap().to_owned();
    let last = plane.raw("DELETE", &format!("{path}/{first_id}"), Some(&first), "").await;
    assert_eq!(last.problem(409), "last_token");

    let made = plane.raw("POST", path, Some(&first), "{}").await;
    assert_eq!(made.status, 201);
    assert_eq!(made.headers["location"], format!("{path}/{}", made.json()["details"]["id"].as_str().unwrap()));
    let second = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(plane.raw("POST", path, Some(&first), "{}").await.problem(409), "too_many_tokens");
    let dry = plane.raw("POST", &format!("{path}?dry_run=true"), Some(&first), "{}").await;
    assert_eq!(dry.problem(409), "too_many_tokens");

    let revoked = plane.raw("DELETE", &format!("{path}/{first_id}"), Some(&second), "").await.expect(200);
    assert_eq!(revoked["details"]["state"], "revoked");
    assert_eq!(plane.get(path, Some(&first)).await.problem(401), "token_revoked");
    let again = plane.raw("DELETE", &format!("{path}/{first_id}"), Some(&second), "").await.expect(200);
    assert_eq!(again, revoked);
    assert_eq!(plane.raw("DELETE", &format!("{path}/tok_x"), Some(&second), "").await.problem(404), "no_such_token");
}

#[tokio::test]
async fn no_tenant_is_left_with_tokens_that_end_or_may_not_do_everything() {
    let path = "/v1/tenants/alice/tokens";
    for lesser in ["{\"expires_in_days\":30}", "{\"scopes\":[\"write\"]}"] {
        let plane = TestPlane::new().await;
        let first = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
        let listed = plane.get(path, Some(&first)).await.expect(200);
        let path_of_first = format!("{path}/{}", listed["tokens"][0]["id"].as_str().unwrap());
        let second = plane.raw("POST", path, Some(&first), lesser).await.expect(201);
        for query in ["", "?dry_run=true"] {
            let refused = plane.raw("DELETE", &format!("{path_of_first}{query}"), Some(&first), "").await;
            assert_eq!(refused.problem(409), "last_token", "{lesser}");
        }
        let path_of_second = format!("{path}/{}", second["details"]["id"].as_str().unwrap());
        let dry = plane.raw("DELETE", &format!("{path_of_second}?dry_run=true"), Some(&first), "").await.expect(200);
        assert_eq!((&dry["dry_run"], &dry["details"]["state"]), (&json!(true), &json!("revoked")));
        plane.raw("DELETE", &path_of_second, Some(&first), "").await.expect(200);
    }
}

#[tokio::test]
async fn a_token_is_good_until_its_time_is_over() {
    let plane = TestPlane::new().await;
    let path = "/v1/tenants/alice/tokens";
    let first = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let made = plane.raw("POST", path, Some(&first), "{\"expires_in_days\":30}").await.expect(201);
    let second = made["token"].as_str().unwrap();
    plane.clock.advance_ms(30 * DAY_MS - 1);
    plane.get(path, Some(second)).await.expect(200);
    plane.clock.advance_ms(1);
    let expired = plane.get(path, Some(second)).await;
    assert_eq!(expired.problem(401), "token_expired");
    assert_eq!(expired.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn a_token_makes_no_token_that_outlives_it() {
    let plane = TestPlane::new().await;
    let first = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let path = "/v1/tenants/alice/tokens";
    let ends = plane.raw("POST", path, Some(&first), "{\"expires_in_days\":1}").await.expect(201);
    let brief = ends["token"].as_str().unwrap();
    // The operator took the other one.
    plane.sql("UPDATE token SET revoked_at_ms = 1 WHERE expires_at_ms IS NULL").await;
    for body in ["{}", "{\"expires_in_days\":30}"] {
        let made = plane.raw("POST", &format!("{path}?dry_run=true"), Some(brief), body).await.expect(200);
        assert_eq!(made["details"]["expires_at"], ends["details"]["expires_at"]);
    }
}

#[tokio::test]
async fn a_token_makes_no_token_that_is_good_for_more() {
    let plane = TestPlane::new().await;
    let all = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    let path = "/v1/tenants/alice/tokens";
    let made = plane.raw("POST", path, Some(&all), "{\"scopes\":[\"read\",\"write\"]}").await.expect(201);
    let some = made["token"].as_str().unwrap().to_owned();
    let set = plane.raw("PUT", "/v1/tenants/alice/secrets/A", Some(&some), "{\"value\":\"x\"}").await;
    assert_eq!(set.problem(403), "scope_missing");
    assert_eq!(set.headers["www-authenticate"], "Bearer error=\"insufficient_scope\", scope=\"secrets\"");
    let listed = plane.get(path, Some(&all)).await.expect(200);
    let first =
        listed["tokens"].as_array().unwrap().iter().find(|token| token["scopes"].as_array().unwrap().len() == 3);
    let first = format!("{path}/{}", first.unwrap()["id"].as_str().unwrap());
    assert_eq!(plane.raw("DELETE", &first, Some(&some), "").await.problem(403), "scope_missing");
    for (body, said) in [
        (json!({"scopes": ["secrets"]}), "not good for secrets itself"),
        (json!({"scopes": []}), "at least one scope"),
        (json!({"scopes": ["admin"]}), "there is no scope"),
        (json!({"scopes": "read"}), "list of strings"),
        (json!({"expires_in_days": 0}), "whole number"),
        (json!({"scope": ["read"]}), "did you mean scopes?"),
    ] {
        let refused = plane.raw("POST", path, Some(&some), body.to_string()).await;
        assert_eq!(refused.problem(422), "invalid");
        assert!(refused.text.contains(said), "{body}: {}", refused.text);
    }
}

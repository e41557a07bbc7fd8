//! Many at once, each of them under way before any is done.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use serde_json::{Value as Json, json};

use crate::plane::{Answer, TestPlane};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

async fn alice(plane: &TestPlane) -> String {
    plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned()
}

async fn send(plane: &TestPlane, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    plane.send(request.body(Bytes::from(body.to_string())).unwrap()).await
}

/// How many were answered with each of `statuses`, which are all that there are.
#[track_caller]
fn count<const N: usize>(answers: &[Answer], statuses: [u16; N]) -> [usize; N] {
    let counts = statuses.map(|status| answers.iter().filter(|answer| answer.status == status).count());
    assert_eq!(counts.iter().sum::<usize>(), answers.len(), "{:?}", answers.iter().map(|answer| answer.status));
    counts
}

async fn events(plane: &TestPlane, token: &str, reason: &str) -> usize {
    let events = plane.get("/v1/tenants/alice/events?limit=1000", Some(token)).await.expect(200);
    events["events"].as_array().unwrap().iter().filter(|event| event["reason"] == reason).count()
}

#[tokio::test]
async fn of_fifty_that_make_a_token_at_once_one_gets_the_second_and_there_is_no_third() {
    let plane = TestPlane::new().await;
    let token = alice(&plane).await;
    let answers = join_all((0..50).map(|_| plane.raw("POST", "/v1/tenants/alice/tokens", Some(&token), "{}"))).await;
    assert_eq!(count(&answers, [201, 409]), [1, 49]);
    assert!(answers.iter().filter(|answer| answer.status == 409).all(|lost| lost.problem(409) == "too_many_tokens"));
    let won = answers.iter().find(|answer| answer.status == 201).unwrap().json();
    assert_eq!(plane.tenant("alice", won["token"].as_str().unwrap()).await["name"], "alice");
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM token").await[0]["n"], 2);
    assert_eq!(events(&plane, &token, "TokenMade").await, 1);
}

#[tokio::test]
async fn of_two_tokens_that_revoke_each_other_at_once_one_stays() {
    let plane = TestPlane::new().await;
    let first = alice(&plane).await;
    let path = "/v1/tenants/alice/tokens";
    let made = plane.raw("POST", path, Some(&first), "{}").await.expect(201);
    let second = made["token"].as_str().unwrap();
    let of_second = made["details"]["id"].as_str().unwrap().to_owned();
    let listed = plane.get(path, Some(&first)).await.expect(200);
    let ids = listed["tokens"].as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap());
    let of_first = ids.into_iter().find(|id| *id != of_second).unwrap();
    let (path_of_first, path_of_second) = (format!("{path}/{of_first}"), format!("{path}/{of_second}"));
    let answers = join_all((0..50).map(|at| {
        let (path, token) = if at % 2 == 0 { (&path_of_second, first.as_str()) } else { (&path_of_first, second) };
        plane.raw("DELETE", path, Some(token), "")
    }))
    .await;
    assert_eq!(count(&answers, [200, 409]), [25, 25]);
    assert!(answers.iter().filter(|answer| answer.status == 409).all(|lost| lost.problem(409) == "last_token"));
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM token WHERE revoked_at_ms IS NULL").await[0]["n"], 1);
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM event WHERE reason = 'TokenRevoked'").await[0]["n"], 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_suspensions_with_one_key_at_once_are_one_and_are_answered_alike() {
    let plane = TestPlane::new().await;
    let token = format!("Bearer {}", alice(&plane).await);
    plane.until_quiet().await;
    let headers = [("authorization", token.as_str()), ("idempotency-key", KEY)];
    let body = json!({});
    let suspend = || send(&plane, "POST", "/v1/tenants/alice/suspend", &headers, &body);
    let answers = join_all((0..50).map(|_| suspend())).await;
    assert_eq!(count(&answers, [202]), [50]);
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    let replayed = answers.iter().filter(|answer| answer.headers.contains_key("idempotency-replayed")).count();
    assert_eq!((replayed, &answers[0].json()["tenant"]["generation"]), (49, &json!(2)));
    let plain = token.trim_start_matches("Bearer ");
    assert_eq!(plane.tenant("alice", plain).await["generation"], 2);
    assert_eq!(events(&plane, plain, "SuspensionAsked").await, 1);
}

#[tokio::test(start_paused = true)]
async fn of_fifty_different_changes_of_what_was_seen_at_once_one_is_made() {
    let plane = TestPlane::new().await;
    let plain = alice(&plane).await;
    plane.until_quiet().await;
    let token = format!("Bearer {plain}");
    let seen = plane.get("/v1/tenants/alice", Some(&plain)).await.headers["etag"].to_str().unwrap().to_owned();
    let headers = [("authorization", token.as_str()), ("if-match", seen.as_str())];
    let bodies: Vec<Json> = (1..=50).map(|at| json!({"spec": {"sleep_after": format!("{at}m")}})).collect();
    let change = |body| send(&plane, "PATCH", "/v1/tenants/alice", &headers, body);
    let answers = join_all(bodies.iter().map(change)).await;
    assert_eq!(count(&answers, [202, 409]), [1, 49]);
    assert!(answers.iter().filter(|answer| answer.status == 409).all(|lost| lost.problem(409) == "conflict"));
    let won = answers.iter().find(|answer| answer.status == 202).unwrap().json();
    let now = plane.tenant("alice", &plain).await;
    assert_eq!((&now["spec"], &now["generation"]), (&won["tenant"]["spec"], &json!(2)));
    assert_eq!(events(&plane, &plain, "SpecChanged").await, 1);
    // Who comes after that is told so before anything is tried.
    let late = join_all(bodies.iter().map(change)).await;
    assert_eq!(count(&late, [412]), [50]);
}

#[tokio::test]
async fn of_two_callers_with_one_key_and_different_bodies_one_signs_up_and_the_other_learns_nothing_of_it() {
    let plane = TestPlane::new().await;
    let sign_up = async |address: &str, name: &str| {
        let headers = [("idempotency-key", KEY), ("cf-connecting-ip", address)];
        send(&plane, "POST", "/v1/tenants", &headers, &json!({"name": name})).await
    };
    let callers = (0..25).flat_map(|_| [("192.0.2.1", "alice"), ("198.51.100.1", "bob")]);
    // Ten sign-ups of one address in a minute are counted, so each caller comes five times.
    let answers = join_all(callers.take(10).map(|(address, name)| sign_up(address, name))).await;
    assert_eq!(count(&answers, [202, 422]), [5, 5]);
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 202);
    assert!(won.iter().all(|answer| answer.text == won[0].text));
    let won = won[0].json();
    for lost in lost {
        assert_eq!(lost.problem(422), "idempotency_key_reused");
        assert!(!lost.text.contains(won["token"].as_str().unwrap()) && !lost.headers.contains_key("location"));
    }
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM tenant").await[0]["n"], 1);
}

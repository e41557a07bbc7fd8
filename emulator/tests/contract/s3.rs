//! What leads up to emptying a bucket over S3. That the S3 face itself is S3 is proved by Amazon's SDK, in `tests/s3.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloudflare_emulator::{Effect, Fault, Options, RateLimit};
use http::Request;
use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// An emulator with a clock to move, standing at 0.
fn at_zero() -> (Api, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    (Api::with(Options { clock: Arc::new(move || clock.load(Ordering::Relaxed)), ..Options::default() }), now)
}

/// Status and body of a request to the S3 face that nobody signed.
async fn unsigned(api: &Api, method: &str, path: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(format!("/s3/{ACCOUNT}{path}"));
    let response = api.emulator.handle(request.body(bytes::Bytes::new()).unwrap()).await.unwrap();
    (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
}

#[tokio::test]
async fn an_unsigned_call_is_refused_in_xml_and_journalled() {
    let api = Api::new();
    let (status, body) = unsigned(&api, "GET", "/b?list-type=2").await;
    assert_eq!(status, 401);
    assert!(body.contains("<Error><Code>Unauthorized</Code><Message>"), "{body}");
    let entry = api.emulator.journal().pop().unwrap();
    assert_eq!((entry.kind.as_str(), entry.status), ("s3.object.list", Some(401)));
    assert_eq!(entry.path, format!("/s3/{ACCOUNT}/b"));
}

#[tokio::test]
async fn faults_strike_s3_calls_and_answer_in_xml() {
    let api = Api::new();
    api.emulator.fault(Fault::new(Effect::TooManyRequests { retry_after: 7 }).kind("s3.*"));
    let refuse = Effect::Refuse { status: 403, code: 10042, message: "no R2 here".to_owned() };
    api.emulator.fault(Fault::new(refuse).path(&format!("/s3/{ACCOUNT}/b")));
    let (status, body) = unsigned(&api, "GET", "/b?uploads").await;
    assert!(status == 429 && body.contains("<Code>TooManyRequests</Code>"), "{body}");
    let (status, body) = unsigned(&api, "POST", "/b?delete").await;
    assert!(status == 403 && body.contains("<Code>NotEntitled</Code><Message>no R2 here<"), "{body}");
}

#[tokio::test]
async fn s3_calls_do_not_use_up_the_rate_limit() {
    let limit = RateLimit { calls: 1, window_ms: 1000, block_ms: 1000 };
    let api = Api::with(Options { rate_limit: Some(limit), ..Options::default() });
    for _ in 0..3 {
        assert_eq!(unsigned(&api, "GET", "/b?list-type=2").await.0, 401);
    }
    api.get("/r2/buckets").await.result();
    assert_eq!(api.get("/r2/buckets").await.status, 429);
}

#[tokio::test]
async fn a_bucket_with_an_unfinished_upload_cannot_be_deleted() {
    let api = Api::new();
    api.bucket("parts").await;
    api.emulator.seed_multipart_upload("parts", "big");
    assert_eq!(api.get("/r2/buckets/parts/objects").await.result(), &json!([]));
    assert_eq!(api.delete("/r2/buckets/parts").await.refusal(), (409, 10008));
    assert_eq!(api.emulator.unfinished_uploads("parts").await.unwrap(), 1);
    assert_eq!(api.emulator.state().await.unwrap().buckets["parts"], 0);
}

#[tokio::test]
async fn an_unfinished_upload_ends_by_itself_after_a_week_and_a_day() {
    let (api, now) = at_zero();
    api.bucket("parts").await;
    api.emulator.seed_multipart_upload("parts", "big");
    now.store(8 * DAY - 1, Ordering::Relaxed);
    assert_eq!(api.delete("/r2/buckets/parts").await.refusal(), (409, 10008));
    now.store(8 * DAY, Ordering::Relaxed);
    api.delete("/r2/buckets/parts").await.result();
}

/// A rule that does both, at this age.
fn rule(prefix: &str, enabled: bool, age_s: i64) -> Value {
    let at_age = json!({"condition": {"type": "Age", "maxAge": age_s}});
    json!({
        "id": format!("{prefix}-{enabled}"), "enabled": enabled, "conditions": {"prefix": prefix},
        "deleteObjectsTransition": at_age, "abortMultipartUploadsTransition": at_age,
    })
}

#[tokio::test]
async fn a_lifecycle_rule_acts_a_day_after_its_age_on_what_it_is_for() {
    let (api, now) = at_zero();
    api.bucket("rules").await;
    let rules = json!({"rules": [rule("logs/", true, 3600), rule("kept/", false, 0)]});
    api.call("PUT", "/r2/buckets/rules/lifecycle", rules).await.result();
    for key in ["logs/1", "kept/1"] {
        api.emulator.seed_object("rules", key, "x").await.unwrap();
        api.emulator.seed_multipart_upload("rules", key);
    }
    let seen = async || {
        let objects = api.emulator.state().await.unwrap().buckets["rules"];
        (objects, api.emulator.unfinished_uploads("rules").await.unwrap())
    };
    now.store(DAY, Ordering::Relaxed);
    api.emulator.seed_object("rules", "logs/2", "younger").await.unwrap();
    now.store(DAY + HOUR - 1, Ordering::Relaxed);
    assert_eq!(seen().await, (3, 2));
    now.store(DAY + HOUR, Ordering::Relaxed);
    let listed = api.get("/r2/buckets/rules/objects").await;
    let keys: Vec<&Value> = listed.result().as_array().unwrap().iter().map(|object| &object["key"]).collect();
    assert_eq!(keys, ["kept/1", "logs/2"]);
    assert_eq!(seen().await, (2, 1));
}

#[tokio::test]
async fn a_bucket_that_rules_have_emptied_can_be_deleted_without_a_look() {
    let (api, now) = at_zero();
    api.bucket("rules").await;
    api.call("PUT", "/r2/buckets/rules/lifecycle", json!({"rules": [rule("", true, 0)]})).await.result();
    for n in 0..1100 {
        api.emulator.seed_object("rules", &format!("{n}"), "x").await.unwrap();
    }
    assert_eq!(api.delete("/r2/buckets/rules").await.refusal(), (409, 10008));
    now.store(DAY, Ordering::Relaxed);
    api.delete("/r2/buckets/rules").await.result();
}

#[tokio::test]
async fn a_container_that_still_stops_fills_the_bucket_again_until_its_end() {
    let (api, now) = at_zero();
    api.bucket("late").await;
    api.emulator.seed_writer("late", 1000);
    for n in 1..=2 {
        let keys = api.get("/r2/buckets/late/objects").await.result().clone();
        assert_eq!(keys[0]["key"], json!(format!("late/{n}")));
        assert_eq!(api.get("/r2/buckets/late/objects").await.result().as_array().unwrap().len(), 1, "it waits");
        api.call("DELETE", "/r2/buckets/late/objects", json!([format!("late/{n}")])).await.result();
    }
    assert_eq!(api.delete("/r2/buckets/late").await.refusal(), (409, 10008));
    now.store(1000, Ordering::Relaxed);
    api.call("DELETE", "/r2/buckets/late/objects", json!(["late/3"])).await.result();
    assert_eq!(api.get("/r2/buckets/late/objects").await.result(), &json!([]));
    api.delete("/r2/buckets/late").await.result();
}

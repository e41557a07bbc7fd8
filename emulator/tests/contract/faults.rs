use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use cloudflare_emulator::{Clock, Dropped, Effect, Fault, Options};
use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, tenant};

const CREATE: &str = "r2.bucket.create";

#[tokio::test]
async fn a_lost_request_never_acted_and_a_lost_reply_did() {
    let api = Api::new();
    let lost = api.emulator.fault(Fault::new(Effect::RequestLost).kind(CREATE));
    assert_eq!(api.try_call("POST", "/r2/buckets", json!({"name": "one"})).await, Err(Dropped::Request));
    assert!(api.emulator.state().await.unwrap().buckets.is_empty());
    let silent = api.emulator.fault(Fault::new(Effect::ReplyLost).kind(CREATE));
    assert_eq!(api.try_call("POST", "/r2/buckets", json!({"name": "one"})).await, Err(Dropped::Reply));
    assert_eq!(api.emulator.state().await.unwrap().buckets.len(), 1);
    assert_eq!((api.emulator.struck(lost), api.emulator.struck(silent)), (1, 1));
    assert_eq!(api.call("POST", "/r2/buckets", json!({"name": "one"})).await.refusal(), (409, 10004));
    let journal = api.emulator.journal();
    assert_eq!(journal.iter().map(|e| e.fault).collect::<Vec<_>>(), [Some(lost), Some(silent), None]);
    assert_eq!(journal.iter().map(|e| e.status).collect::<Vec<_>>(), [None, Some(200), Some(409)]);
}

#[tokio::test]
async fn replies_in_the_apis_place_do_not_act() {
    let api = Api::new();
    let path = format!("/accounts/{ACCOUNT}/r2/buckets");
    for (effect, status, content_type) in [
        (Effect::TooManyRequests { retry_after: 7 }, 429, "application/json"),
        (Effect::Status { status: 500 }, 500, "text/plain; charset=UTF-8"),
        (Effect::Status { status: 503 }, 503, "text/plain; charset=UTF-8"),
        (Effect::Html403, 403, "text/html; charset=UTF-8"),
        (Effect::Refuse { status: 400, code: 1607, message: "later".to_owned() }, 400, "application/json"),
    ] {
        let id = api.emulator.fault(Fault::new(effect.clone()).method("POST").path("*/r2/*"));
        let response = api.raw("POST", &path, &[], r#"{"name":"one"}"#).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["content-type"], content_type);
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert_eq!(api.emulator.struck(id), 1, "{effect:?}");
    }
    assert!(api.emulator.state().await.unwrap().buckets.is_empty());
}

#[tokio::test]
async fn the_nth_matching_call_is_struck() {
    let api = Api::new();
    let id = api.emulator.fault(Fault::new(Effect::Status { status: 502 }).kind(CREATE).nth(2));
    let mut statuses = Vec::new();
    for name in ["one", "two", "three"] {
        api.get("/r2/buckets").await.result();
        statuses.push(api.call("POST", "/r2/buckets", json!({"name": name})).await.status);
    }
    assert_eq!(statuses, [200, 502, 200]);
    assert_eq!((api.emulator.struck(id), api.emulator.faults()[0].seen), (1, 2));
}

#[tokio::test]
async fn a_slow_call_tells_how_long_it_takes_and_then_acts() {
    let waited = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&waited);
    let api = Api::with(Options {
        latency_ms: 5,
        on_delay: Arc::new(move |ms| {
            sum.fetch_add(ms, Ordering::Relaxed);
            Box::pin(std::future::ready(()))
        }),
        ..Options::default()
    });
    api.emulator.fault(Fault::new(Effect::Slow { ms: 40_000 }));
    api.bucket("one").await;
    api.bucket("two").await;
    assert_eq!(waited.load(Ordering::Relaxed), 40_010);
    assert_eq!(api.emulator.journal().iter().map(|e| e.delayed_ms).collect::<Vec<_>>(), [40_005, 5]);
}

#[tokio::test]
async fn a_stale_read_misses_what_was_just_made_and_sees_what_was_just_deleted() {
    let api = Api::new();
    api.bucket("old").await;
    let id = api.emulator.fault(Fault::new(Effect::StaleRead).kind("r2.bucket.*").times(2));
    api.bucket("new").await;
    // A write elsewhere in between does not make the read fresh.
    api.upload("alice", tenant()).await.result();
    assert_eq!(api.get("/r2/buckets/new").await.refusal(), (404, 10006));
    api.delete("/r2/buckets/old").await.result();
    api.get("/r2/buckets/old").await.result();
    assert_eq!(api.emulator.struck(id), 2);
    assert_eq!(api.get("/r2/buckets/old").await.refusal(), (404, 10006));
    api.get("/r2/buckets/new").await.result();
}

#[tokio::test]
async fn a_stale_read_without_an_earlier_answer_does_not_strike() {
    let api = Api::new();
    api.bucket("old").await;
    let id = api.emulator.fault(Fault::new(Effect::StaleRead));
    api.get("/r2/buckets/old").await.result();
    assert_eq!(api.emulator.struck(id), 0);
    api.delete("/r2/buckets/old").await.result();
    api.get("/r2/buckets/old").await.result();
    assert_eq!(api.emulator.struck(id), 1);
}

#[tokio::test]
async fn an_uploaded_version_may_be_invisible_for_a_moment() {
    let api = Api::new();
    api.emulator.fault(Fault::new(Effect::StaleRead).kind("version.get").times(2));
    api.upload("alice", crate::api::plain()).await.result();
    let id = api.upload("alice", tenant()).await.result()["deployment_id"].as_str().unwrap().to_owned();
    let path = format!(
        "/workers/scripts/alice/versions/{}",
        [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
    );
    for _ in 0..2 {
        assert_eq!(api.get(&path).await.refusal(), (404, 100_146));
    }
    api.get(&path).await.result();
}

#[tokio::test]
async fn a_stale_read_does_nothing_a_second_time() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let clock: Clock = Arc::new(move || clock.load(Ordering::Relaxed));
    let api = Api::with(Options { clock, job_ms: 1000, ..Options::default() });
    api.emulator.fault(Fault::new(Effect::StaleRead).path("*/r2/buckets/new"));
    api.bucket("data").await;
    api.emulator.seed_object("data", "old", "x").await.unwrap();
    api.delete("/r2/buckets/data/objects?prefix=").await.result();
    api.bucket("new").await;
    now.store(1000, Ordering::Relaxed);
    assert_eq!(api.emulator.state().await.unwrap().buckets["data"], 0);
    api.emulator.seed_object("data", "later", "x").await.unwrap();
    assert_eq!(api.get("/r2/buckets/new").await.refusal(), (404, 10006));
    assert_eq!(api.emulator.state().await.unwrap().buckets["data"], 1);
}

#[tokio::test]
async fn rules_read_from_json_as_they_are_listed() {
    let api = Api::new();
    let text = json!({"effect": "too_many_requests", "retry_after": 3, "kind": "script.upload", "times": 2});
    let fault: Fault = serde_json::from_value(text).unwrap();
    assert_eq!(fault, Fault::new(Effect::TooManyRequests { retry_after: 3 }).kind("script.upload").times(2));
    let id = api.emulator.fault(fault);
    let listed: Value = serde_json::to_value(api.emulator.faults()).unwrap();
    assert_eq!(
        listed,
        json!([{"id": id, "effect": "too_many_requests", "retry_after": 3, "kind": "script.upload", "skip": 0, "times": 2, "seen": 0, "struck": 0}])
    );
    api.emulator.clear_faults();
    assert!(api.emulator.faults().is_empty());
}

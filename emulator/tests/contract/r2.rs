use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloudflare_emulator::Options;
use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api};

#[tokio::test]
async fn a_bucket_is_made_once_and_the_second_time_it_exists() {
    let api = Api::new();
    let made = api.call("POST", "/r2/buckets", json!({"name": "moltbot-data-alice"})).await;
    assert_eq!(made.result()["name"], json!("moltbot-data-alice"));
    assert_eq!(api.call("POST", "/r2/buckets", json!({"name": "moltbot-data-alice"})).await.refusal(), (409, 10004));
    assert_eq!(api.get("/r2/buckets/moltbot-data-alice").await.result(), made.result());
}

#[tokio::test]
async fn a_bucket_can_be_made_with_wranglers_content_type() {
    let api = Api::new();
    let path = format!("/accounts/{ACCOUNT}/r2/buckets");
    let headers = [("content-type", "text/plain;charset=UTF-8")];
    assert_eq!(api.raw("POST", &path, &headers, r#"{"name":"one"}"#).await.unwrap().status(), 200);
}

#[tokio::test]
async fn bucket_names_follow_the_rule() {
    let api = Api::new();
    let long = "a".repeat(64);
    for name in ["ab", "-ab", "ab-", "Abc", "a_b", "a.b", long.as_str()] {
        assert_eq!(api.call("POST", "/r2/buckets", json!({"name": name})).await.refusal(), (400, 10005), "{name}");
    }
    for name in ["abc", "a-b", "0-0", &long[..63]] {
        api.call("POST", "/r2/buckets", json!({"name": name})).await.result();
    }
}

#[tokio::test]
async fn the_same_name_may_exist_in_each_jurisdiction() {
    let api = Api::new();
    api.bucket("shared").await;
    let path = format!("/accounts/{ACCOUNT}/r2/buckets");
    let eu = [("cf-r2-jurisdiction", "eu")];
    assert_eq!(api.raw("POST", &path, &eu, r#"{"name":"shared"}"#).await.unwrap().status(), 200);
    assert_eq!(api.raw("DELETE", &format!("{path}/shared"), &eu, "").await.unwrap().status(), 200);
    api.get("/r2/buckets/shared").await.result();
}

#[tokio::test]
async fn a_missing_bucket_is_10006_on_every_route_of_it() {
    let api = Api::new();
    for (method, path) in [
        ("GET", "/r2/buckets/none"),
        ("DELETE", "/r2/buckets/none"),
        ("GET", "/r2/buckets/none/objects"),
        ("GET", "/r2/buckets/none/objects/key"),
        ("PUT", "/r2/buckets/none/objects/key"),
        ("DELETE", "/r2/buckets/none/objects/key"),
        ("DELETE", "/r2/buckets/none/objects?prefix="),
        ("GET", "/r2/buckets/none/lifecycle"),
        ("GET", "/r2/buckets/none/jobs"),
    ] {
        assert_eq!(api.call(method, path, Value::Null).await.refusal(), (404, 10006), "{method} {path}");
    }
}

#[tokio::test]
async fn a_list_of_buckets_has_twenty_on_a_page_unless_more_are_asked_for() {
    let api = Api::new();
    for n in 0..25 {
        api.bucket(&format!("moltbot-data-{n:02}")).await;
    }
    api.bucket("other").await;
    let names = |answer: &crate::api::Answer| -> Vec<String> {
        let buckets = answer.result()["buckets"].as_array().unwrap();
        buckets.iter().map(|b| b["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = api.get("/r2/buckets").await;
    assert_eq!(names(&first).len(), 20);
    let cursor = first.body["result_info"]["cursor"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/r2/buckets?cursor={cursor}")).await;
    assert_eq!(
        names(&second),
        ["moltbot-data-20", "moltbot-data-21", "moltbot-data-22", "moltbot-data-23", "moltbot-data-24", "other"]
    );
    assert_eq!(second.body["result_info"]["cursor"], json!(""));
    let all = api.get("/r2/buckets?name_contains=moltbot-data-&per_page=1000").await;
    assert_eq!(names(&all).len(), 25);
    let last = api.get("/r2/buckets?direction=desc&per_page=1").await;
    assert_eq!(names(&last), ["other"]);
}

#[tokio::test]
async fn a_bucket_with_objects_cannot_be_deleted() {
    let api = Api::new();
    api.bucket("full").await;
    let path = format!("/accounts/{ACCOUNT}/r2/buckets/full/objects/dir/hello.txt");
    let put = api.raw("PUT", &path, &[("content-type", "text/plain")], "hello").await.unwrap();
    let put: Value = serde_json::from_slice(put.body()).unwrap();
    assert_eq!((&put["result"]["key"], &put["result"]["size"]), (&json!("dir/hello.txt"), &json!("5")));
    assert_eq!(api.delete("/r2/buckets/full").await.refusal(), (409, 10008));

    let got = api.raw("GET", &path, &[], "").await.unwrap();
    assert_eq!((got.headers()["content-type"].to_str().unwrap(), &got.body()[..]), ("text/plain", &b"hello"[..]));

    api.delete("/r2/buckets/full/objects/dir/hello.txt").await.result();
    assert_eq!(api.get("/r2/buckets/full/objects/dir/hello.txt").await.refusal(), (404, 10007));
    api.delete("/r2/buckets/full").await.result();
    assert_eq!(api.delete("/r2/buckets/full").await.refusal(), (404, 10006));
}

#[tokio::test]
async fn a_key_with_an_escaped_slash_is_another_key() {
    let api = Api::new();
    api.bucket("keys").await;
    api.emulator.seed_object("keys", "a/b c", "x").await.unwrap();
    assert_eq!(api.get("/r2/buckets/keys/objects/a%2Fb%20c").await.refusal(), (404, 10007));
    let path = format!("/accounts/{ACCOUNT}/r2/buckets/keys/objects/a/b%20c");
    assert_eq!(api.raw("GET", &path, &[], "").await.unwrap().status(), 200);
}

#[tokio::test]
async fn objects_are_listed_in_pages_by_prefix() {
    let api = Api::new();
    api.bucket("many").await;
    for n in 0..30 {
        api.emulator.seed_object("many", &format!("a/{n:02}"), "x").await.unwrap();
    }
    api.emulator.seed_object("many", "b", "x").await.unwrap();
    let first = api.get("/r2/buckets/many/objects?prefix=a/").await;
    assert_eq!(first.result().as_array().unwrap().len(), 20);
    let cursor = first.body["result_info"]["cursor"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/r2/buckets/many/objects?prefix=a/&cursor={cursor}")).await;
    assert_eq!(second.result().as_array().unwrap().len(), 10);
    assert_eq!(second.result()[9]["key"], json!("a/29"));
    assert_eq!(second.body["result_info"]["is_truncated"], json!(false));
}

#[tokio::test]
async fn objects_are_deleted_by_list() {
    let api = Api::new();
    api.bucket("many").await;
    for key in ["a", "b/c", "d"] {
        api.emulator.seed_object("many", key, "x").await.unwrap();
    }
    let deleted = api.call("DELETE", "/r2/buckets/many/objects", json!(["a", "b/c"])).await;
    assert_eq!(deleted.result(), &json!([{"key": "a"}, {"key": "b/c"}]));
    assert_eq!(api.emulator.state().await.unwrap().buckets["many"], 1);
}

#[tokio::test]
async fn a_prefix_job_empties_the_bucket_when_its_time_has_come() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let api = Api::with(Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        job_ms: 1000,
        ..Options::default()
    });
    api.bucket("many").await;
    for n in 0..1500 {
        api.emulator.seed_object("many", &format!("{n}"), "x").await.unwrap();
    }
    let job = api.delete("/r2/buckets/many/objects?prefix=").await.result().clone();
    assert_eq!(job["status"], json!("ENQUEUED"));
    let path = format!("/r2/buckets/many/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.result()["status"], json!("RUNNING"));
    assert_eq!(api.delete("/r2/buckets/many").await.refusal(), (409, 10008));

    now.store(1000, Ordering::Relaxed);
    let done = api.get(&path).await.result().clone();
    assert_eq!(done["status"], json!("COMPLETED"));
    assert_eq!(done["prefixDelete"], json!({"prefix": "", "deletedObjects": 1500, "isBucketClear": true}));
    api.delete("/r2/buckets/many").await.result();
}

#[tokio::test]
async fn lifecycle_rules_are_replaced_as_a_whole() {
    let api = Api::new();
    api.bucket("rules").await;
    assert_eq!(api.get("/r2/buckets/rules/lifecycle").await.result(), &json!({"rules": []}));
    let rule = json!({"id": "expire-all", "enabled": true, "conditions": {}, "deleteObjectsTransition": {"condition": {"maxAge": 86400, "type": "Age"}}});
    api.call("PUT", "/r2/buckets/rules/lifecycle", json!({"rules": [rule]})).await.result();
    assert_eq!(api.get("/r2/buckets/rules/lifecycle").await.result(), &json!({"rules": [rule]}));
}

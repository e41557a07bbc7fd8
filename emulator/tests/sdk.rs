//! The official `cloudflare` package as referee: its types and its paging must find in the answers what they look for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use support::{Server, repository};

#[test]
fn the_official_sdk_reads_the_answers_and_finds_what_it_made() {
    let server = Server::start(&[]);
    let script = repository().join("emulator/tests/sdk.mjs");
    let output = server.node(&[script.to_str().unwrap()], &repository(), "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", server.http("GET", "/__emulator/journal", ""));
    let mut seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    let bucket = seen["bucket"].take();
    assert_eq!((&bucket["name"], &bucket["location"]), (&json!("moltbot-data-alice"), &json!("weur")));
    let keys: Vec<String> = (0..25).map(|n| format!("object {n:02}")).collect();
    assert_eq!(seen["objects"].take(), json!(keys), "three pages of ten");
    for (what, expected) in [
        ("bucketTwice", json!([409, 10004])),
        ("buckets", json!(["moltbot-data-alice"])),
        ("text", json!("object 7")),
        ("lifecycle", json!(["a"])),
        ("uploaded", json!(["alice", "v1", ["fetch"]])),
        ("tagTwice", json!([412, 10079])),
        ("scripts", json!(["alice"])),
        ("settings", json!(["ours"])),
        ("scriptAndVersion", json!(["ENVIRONMENT", "MOLTBOT_BUCKET", "Sandbox"])),
        ("secrets", json!(["ONE", "TWO"])),
        ("secretTwice", json!([404, 10056])),
        ("accountSubdomain", json!("example-account")),
        ("subdomain", json!({"enabled": true, "previews_enabled": false})),
        ("schedules", json!(["*/5 * * * *"])),
        ("namespaces", json!(["alice_Sandbox"])),
        ("application", json!(["moltbot-alice", "standard-1"])),
        ("rollout", json!(["progressing", 2])),
        ("applications", json!(["standard-3"])),
        ("scriptTwice", json!([404, 10007])),
        ("token", json!("active")),
    ] {
        assert_eq!(seen[what], expected, "{what}");
    }
    let state = server.state();
    assert_eq!(
        state,
        json!({"buckets": {"moltbot-data-alice": 25}, "scripts": {}, "applications": {}, "namespaces": {}})
    );
    let journal: Vec<Value> = serde_json::from_str(&server.http("GET", "/__emulator/journal", "")).unwrap();
    assert!(journal.iter().all(|entry| entry["kind"] != json!("unknown")), "{journal:?}");
}

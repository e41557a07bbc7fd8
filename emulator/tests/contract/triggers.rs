use cloudflare_emulator::{Limits, Options};
use serde_json::json;

use crate::api::{Api, plain};

#[tokio::test]
async fn the_route_is_off_until_it_is_switched_on_and_stays_so_through_uploads() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let path = "/workers/scripts/alice/subdomain";
    assert_eq!(api.get(path).await.result(), &json!({"enabled": false, "previews_enabled": false}));
    let on = json!({"enabled": true, "previews_enabled": false});
    assert_eq!(api.call("POST", path, on.clone()).await.result(), &on);
    assert_eq!(api.call("POST", path, on.clone()).await.result(), &on);
    api.upload("alice", plain()).await.result();
    assert_eq!(api.get("/workers/workers/alice").await.result()["subdomain"], on);
    api.delete(path).await.result();
    assert!(!api.emulator.state().await.unwrap().scripts["alice"].route_enabled);
}

#[tokio::test]
async fn a_name_that_is_no_dns_label_gets_no_route() {
    let api = Api::new();
    for name in ["a".repeat(64), "-a".to_owned()] {
        api.upload(&name, plain()).await.result();
        let path = format!("/workers/scripts/{name}/subdomain");
        assert_eq!(api.call("POST", &path, json!({"enabled": true})).await.refusal(), (400, 10021));
    }
}

#[tokio::test]
async fn schedules_are_replaced_as_a_whole() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let path = "/workers/scripts/alice/schedules";
    let answer = api.call("PUT", path, json!([{"cron": "*/5 * * * *"}, {"cron": "0 0 * * *"}])).await;
    assert_eq!(answer.result()["schedules"][0]["cron"], json!("*/5 * * * *"));
    api.call("PUT", path, json!([{"cron": "0 0 * * *"}])).await.result();
    assert_eq!(api.emulator.state().await.unwrap().scripts["alice"].schedules, ["0 0 * * *"]);
    api.call("PUT", path, json!([])).await.result();
    assert_eq!(api.get(path).await.result(), &json!({"schedules": []}));
    assert_eq!(api.call("PUT", path, json!([{"cron": "often"}])).await.refusal(), (400, 10021));
}

#[tokio::test]
async fn crons_are_limited_over_the_whole_account() {
    let limits = Limits { crons: 2, ..Limits::default() };
    let api = Api::with(Options { limits, ..Options::default() });
    let cron = json!([{"cron": "*/5 * * * *"}]);
    for name in ["a", "b"] {
        api.upload(name, plain()).await.result();
        api.call("PUT", &format!("/workers/scripts/{name}/schedules"), cron.clone()).await.result();
    }
    api.upload("c", plain()).await.result();
    assert_eq!(api.call("PUT", "/workers/scripts/c/schedules", cron.clone()).await.refusal(), (400, 10072));
    api.delete("/workers/scripts/a?force=true").await.result();
    api.call("PUT", "/workers/scripts/c/schedules", cron).await.result();
}

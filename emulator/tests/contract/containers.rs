use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloudflare_emulator::Options;
use serde_json::{Value, json};

use crate::api::{Api, IMAGE, application, tenant, with};

async fn deployed() -> (Api, String) {
    let api = Api::new();
    api.upload("alice", tenant()).await.result();
    let namespace = api.namespace("alice").await;
    (api, namespace)
}

#[tokio::test]
async fn an_application_is_made_with_201_and_shows_its_size() {
    let (api, namespace) = deployed().await;
    let answer = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    assert_eq!(answer.status, 201);
    let configuration = &answer.result()["configuration"];
    assert_eq!(configuration["image"], json!(IMAGE));
    assert_eq!(configuration["vcpu"], json!(0.5));
    assert_eq!((&configuration["memory_mib"], &configuration["memory"]), (&json!(4096), &json!("4096MiB")));
    assert_eq!(configuration["disk"], json!({"size_mb": 8000, "size": "8GB"}));
    assert_eq!(answer.result()["durable_objects"], json!({"namespace_id": namespace}));
    let id = answer.result()["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/containers/applications/{id}")).await.result(), answer.result());
}

#[tokio::test]
async fn a_namespace_can_be_named_by_script_and_class() {
    let (api, namespace) = deployed().await;
    let body = with(application("a", ""), "durable_objects", json!({"script_name": "alice", "class_name": "Sandbox"}));
    let answer = api.call("POST", "/containers/applications", body).await;
    assert_eq!(answer.result()["durable_objects"], json!({"namespace_id": namespace}));
    let body = with(application("b", ""), "durable_objects", json!({"script_name": "bob", "class_name": "Sandbox"}));
    let answer = api.call("POST", "/containers/applications", body).await;
    assert_eq!((answer.status, answer.container_error().as_str()), (400, "DURABLE_OBJECT_NOT_FOUND"));
}

#[tokio::test]
async fn a_namespace_carries_one_application_and_a_name_is_taken_once() {
    let (api, namespace) = deployed().await;
    api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await.result();
    let second = api.call("POST", "/containers/applications", application("other", &namespace)).await;
    assert_eq!(second.refusal(), (400, 1608));
    assert_eq!(second.container_error(), "DURABLE_OBJECT_ALREADY_HAS_APPLICATION");

    api.upload("bob", tenant()).await.result();
    let namespace = api.namespace("bob").await;
    let taken = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    assert_eq!((taken.status, taken.container_error().as_str()), (400, "VALIDATE_INPUT"));
}

#[tokio::test]
async fn only_the_upload_that_makes_a_class_can_enable_containers_for_it() {
    let api = Api::new();
    api.upload("alice", with(tenant(), "containers", Value::Null)).await.result();
    // Naming the class later does not help.
    api.upload("alice", with(tenant(), "migrations", Value::Null)).await.result();
    let namespace = api.namespace("alice").await;
    let answer = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    assert_eq!(answer.refusal(), (400, 1607));
    assert_eq!(answer.container_error(), "DURABLE_OBJECT_NOT_CONTAINER_ENABLED");

    // Nor does storage other than SQLite do.
    let migrations = json!({"new_tag": "v1", "steps": [{"new_classes": ["Sandbox"]}]});
    api.upload("bob", with(tenant(), "migrations", migrations)).await.result();
    let namespace = api.namespace("bob").await;
    assert_eq!(api.call("POST", "/containers/applications", application("b", &namespace)).await.refusal(), (400, 1607));
}

#[tokio::test]
async fn the_application_outlives_its_script() {
    let (api, namespace) = deployed().await;
    let made = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    let id = made.result()["id"].as_str().unwrap().to_owned();
    api.delete("/workers/scripts/alice?force=true").await.result();
    assert_eq!(api.get(&format!("/containers/applications/{id}")).await.result()["name"], json!("moltbot-alice"));
    assert_eq!(api.emulator.state().await.unwrap().applications["moltbot-alice"].namespace, None);

    // Deployed anew, the class is another namespace, and the name is still taken.
    api.upload("alice", tenant()).await.result();
    let namespace = api.namespace("alice").await;
    let again = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    assert_eq!(again.container_error(), "VALIDATE_INPUT");

    api.delete(&format!("/containers/applications/{id}")).await.result();
    let gone = api.delete(&format!("/containers/applications/{id}")).await;
    assert_eq!((gone.refusal(), gone.container_error().as_str()), ((404, 1609), "APPLICATION_NOT_FOUND"));
    api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await.result();
}

#[tokio::test]
async fn a_patch_changes_what_is_stored_and_a_rollout_what_runs() {
    let (api, namespace) = deployed().await;
    let made = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    let path = format!("/containers/applications/{}", made.result()["id"].as_str().unwrap());
    let target = json!({"image": IMAGE, "instance_type": "standard-3"});
    let patched = api.call("PATCH", &path, json!({"configuration": target, "max_instances": 3})).await;
    assert_eq!(patched.result()["configuration"]["memory_mib"], json!(8192));
    let state = api.emulator.state().await.unwrap().applications["moltbot-alice"].clone();
    assert_eq!(
        (state.instance_type.as_deref(), state.running_instance_type.as_deref()),
        (Some("standard-3"), Some("standard-1"))
    );
    assert_eq!(state.max_instances, Some(3));

    let rollout = json!({"description": "Progressive update", "strategy": "rolling", "target_configuration": target, "step_percentage": 100, "kind": "full_auto"});
    let answer = api.call("POST", &format!("{path}/rollouts"), rollout).await;
    assert_eq!((answer.status, &answer.result()["status"]), (201, &json!("progressing")));
    assert_eq!(answer.result()["target_version"], json!(2));
    let state = api.emulator.state().await.unwrap().applications["moltbot-alice"].clone();
    assert_eq!(state.running_instance_type.as_deref(), Some("standard-3"));
    assert_eq!(api.get(&path).await.result()["version"], json!(2));
}

#[tokio::test]
async fn an_instance_keeps_the_secrets_of_its_start_until_a_rollout_to_the_same_target_replaces_it() {
    let (api, namespace) = deployed().await;
    let answer = api.call("POST", "/containers/applications", application("a", &namespace)).await;
    let path = format!("/containers/applications/{}", answer.result()["id"].as_str().unwrap());
    let set = async |secrets: Value| {
        let answer = api.call("PATCH", "/workers/scripts/alice/secrets-bulk", json!({"secrets": secrets})).await;
        answer.result();
    };
    let secret = |name: &str, text: &str| json!({"name": name, "type": "secret_text", "text": text});
    set(json!({"A": secret("A", "1"), "B": secret("B", "1")})).await;
    assert_eq!(api.emulator.stale_secrets("a"), None, "nobody called the Worker yet");

    api.emulator.wake_containers();
    assert_eq!(api.emulator.stale_secrets("a"), Some(vec![]));
    set(json!({"A": secret("A", "2"), "B": null, "C": secret("C", "1")})).await;
    api.emulator.wake_containers();
    assert_eq!(api.emulator.stale_secrets("a").unwrap(), ["A", "B", "C"]);

    let target = json!({"image": IMAGE, "instance_type": "standard-1"});
    let rollout =
        json!({"description": "", "strategy": "rolling", "target_configuration": target, "step_percentage": 100});
    api.call("POST", &format!("{path}/rollouts"), rollout).await.result();
    assert_eq!(api.emulator.stale_secrets("a"), Some(vec![]));
    api.call("DELETE", &path, Value::Null).await.result();
    assert_eq!(api.emulator.stale_secrets("a"), None);
}

#[tokio::test]
async fn a_rollout_takes_its_time_and_a_newer_one_replaces_it() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let api = Api::with(Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        rollout_ms: 60_000,
        ..Options::default()
    });
    api.upload("alice", tenant()).await.result();
    let namespace = api.namespace("alice").await;
    let made = api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await;
    let path = format!("/containers/applications/{}", made.result()["id"].as_str().unwrap());
    let rollout = |kind: &str| json!({"description": "", "strategy": "rolling", "target_configuration": {"image": IMAGE, "instance_type": kind}, "step_percentage": 100});
    let first = api.call("POST", &format!("{path}/rollouts"), rollout("standard-2")).await.result()["id"].clone();
    assert_eq!(api.get(&path).await.result()["active_rollout_id"], first);
    let second = api.call("POST", &format!("{path}/rollouts"), rollout("standard-3")).await.result()["id"].clone();
    let status = async |id: &Value| {
        api.get(&format!("{path}/rollouts/{}", id.as_str().unwrap())).await.result()["status"].clone()
    };
    assert_eq!((status(&first).await, status(&second).await), (json!("replaced"), json!("progressing")));
    now.store(60_000, Ordering::Relaxed);
    assert_eq!((status(&first).await, status(&second).await), (json!("replaced"), json!("completed")));
    assert_eq!(api.get(&path).await.result()["active_rollout_id"], Value::Null);
}

#[tokio::test]
async fn input_that_is_not_understood_is_refused() {
    let (api, namespace) = deployed().await;
    let good = application("moltbot-alice", &namespace);
    for (field, value) in [
        ("name", json!("1st")),
        ("name", json!("a b")),
        ("scheduling_policy", json!("best")),
        ("configuration", json!({"image": IMAGE, "instance_type": "standard-9"})),
        ("configuration", json!({"instance_type": "lite"})),
        ("configuration", json!({"image": IMAGE, "instance": "lite"})),
        ("configuration", Value::Null),
        ("durable_objects", json!({})),
        ("max_instance", json!(1)),
    ] {
        let answer = api.call("POST", "/containers/applications", with(good.clone(), field, value.clone())).await;
        assert_eq!((answer.status, answer.container_error().as_str()), (400, "VALIDATE_INPUT"), "{field}: {value}");
    }
    let made = api.call("POST", "/containers/applications", good).await;
    let path = format!("/containers/applications/{}", made.result()["id"].as_str().unwrap());
    for body in [json!({"scheduling_policy": "durable_object"}), json!({"image": IMAGE})] {
        assert_eq!(api.call("PATCH", &path, body).await.container_error(), "VALIDATE_INPUT");
    }
    let no_steps = json!({"description": "", "strategy": "rolling", "target_configuration": {"image": IMAGE}});
    assert_eq!(api.call("POST", &format!("{path}/rollouts"), no_steps).await.container_error(), "VALIDATE_INPUT");
}

#[tokio::test]
async fn applications_are_listed_in_pages_by_name_and_for_the_dashboard() {
    let api = Api::new();
    for name in ["a", "b", "c"] {
        api.emulator.seed_application(name, IMAGE);
    }
    let first = api.get("/containers/applications?per_page=2").await;
    assert_eq!(first.result().as_array().unwrap().len(), 2);
    let token = first.body["result_info"]["next_page_token"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/containers/applications?per_page=2&page_token={token}")).await;
    assert_eq!(
        (&second.result()[0]["name"], &second.body["result_info"]["next_page_token"]),
        (&json!("c"), &Value::Null)
    );
    let named = api.get("/containers/applications?name=b").await;
    assert_eq!(named.result().as_array().unwrap().len(), 1);
    let dashboard = api.get("/containers/dash/applications").await;
    assert_eq!(dashboard.result()[0]["image"], json!(IMAGE));
}

#[tokio::test]
async fn namespaces_are_listed_twenty_on_a_page_unless_more_are_asked_for() {
    let api = Api::new();
    for n in 0..25 {
        api.emulator.seed_script(&format!("script-{n:02}"), &[]);
    }
    let first = api.get("/workers/durable_objects/namespaces").await;
    assert_eq!((first.result().as_array().unwrap().len(), &first.body["result_info"]["total_pages"]), (20, &json!(2)));
    let second = api.get("/workers/durable_objects/namespaces?page=2").await;
    assert_eq!(second.result().as_array().unwrap().len(), 5);
    let all = api.get("/workers/durable_objects/namespaces?per_page=1000").await;
    assert_eq!(all.result().as_array().unwrap().len(), 25);
    let id = all.result()[0]["id"].as_str().unwrap();
    api.get(&format!("/workers/durable_objects/namespaces/{id}/objects")).await.result();
    assert_eq!(api.get("/workers/durable_objects/namespaces/none/objects").await.refusal(), (404, 10066));
}

use cloudflare_emulator::{Limits, Options};
use serde_json::{Value, json};

use crate::api::{Answer, Api, MODULE, Part, plain, tenant, with};

const TAKEN: u64 = 10079;

#[tokio::test]
async fn a_first_upload_answers_with_what_wrangler_reads_from_it() {
    let api = Api::new();
    let answer = api.upload("alice", tenant()).await;
    let result = answer.result();
    assert_eq!(result["id"], json!("alice"));
    assert_eq!(result["migration_tag"], json!("v1"));
    assert_eq!(result["handlers"], json!(["fetch", "scheduled"]));
    assert_eq!(result["entry_point"], json!("index.js"));
    assert!(result["startup_time_ms"].is_number());
    let id = result["deployment_id"].as_str().unwrap();
    let version = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    let version = api.get(&format!("/workers/scripts/alice/versions/{version}")).await;
    let bindings = version.result()["resources"]["bindings"].as_array().unwrap();
    let sandbox = bindings.iter().find(|b| b["name"] == json!("Sandbox")).unwrap();
    assert_eq!(sandbox["namespace_id"], json!(api.namespace("alice").await));
}

#[tokio::test]
async fn metadata_that_is_not_understood_is_refused_and_nothing_is_made() {
    let api = Api::new();
    for (field, value) in [
        ("bindings", json!([{"type": "secret", "name": "A", "text": "x"}])),
        ("bindings", json!([{"type": "browser", "name": "A"}, {"type": "browser", "name": "A"}])),
        ("compat_date", json!("2025-05-06")),
        ("main_module", json!("other.js")),
        ("main_module", Value::Null),
        ("containers", json!([{"class": "Sandbox"}])),
        ("migrations", json!({"tag": "v1"})),
        ("code_update_strategy", json!({"mode": "deferred", "max_delay": 86_401})),
        ("assets", json!({"jwt": "forged"})),
        ("assets", json!({})),
    ] {
        let answer = api.upload("alice", with(tenant(), field, value.clone())).await;
        let (status, code) = answer.refusal();
        assert!(status < 500 && matches!(code, 10021 | 10000), "{field}: {value} gives {answer:?}");
    }
    let state = api.emulator.state().await.unwrap();
    assert!(state.scripts.is_empty() && state.namespaces.is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_an_upload_is_refused() {
    let api = Api::new();
    assert_eq!(api.call("PUT", "/workers/scripts/alice", json!({})).await.refusal(), (400, 10021));
    let only_module = [Part("index.js", "application/javascript+module", MODULE)];
    let answer = api.form("PUT", "/workers/scripts/alice", "dev", &only_module).await.unwrap();
    assert_eq!(answer.refusal(), (400, 10021));
}

#[tokio::test]
async fn a_binding_to_a_missing_bucket_is_refused_until_the_bucket_is_there() {
    let api = Api::new();
    let metadata =
        with(plain(), "bindings", json!([{"type": "r2_bucket", "name": "B", "bucket_name": "moltbot-data-alice"}]));
    assert_eq!(api.upload("alice", metadata.clone()).await.refusal(), (400, 10085));
    api.bucket("moltbot-data-alice").await;
    api.upload("alice", metadata).await.result();
}

#[tokio::test]
async fn a_binding_to_a_class_that_no_migration_made_is_refused() {
    let api = Api::new();
    let metadata = with(with(tenant(), "migrations", Value::Null), "containers", Value::Null);
    assert_eq!(api.upload("alice", metadata).await.refusal(), (400, 10061));
}

#[tokio::test]
async fn a_binding_to_a_missing_worker_is_refused() {
    let api = Api::new();
    let metadata = with(plain(), "bindings", json!([{"type": "service", "name": "S", "service": "bob"}]));
    assert_eq!(api.upload("alice", metadata).await.refusal(), (400, 10144));
}

#[tokio::test]
async fn replayed_migrations_fail_their_precondition_and_change_nothing() {
    let api = Api::new();
    api.upload("alice", tenant()).await.result();
    let before = api.emulator.state().await.unwrap();
    assert_eq!(api.upload("alice", with(tenant(), "tags", json!(["changed"]))).await.refusal(), (412, TAKEN));
    assert_eq!(api.emulator.state().await.unwrap(), before);

    api.upload("alice", with(tenant(), "migrations", Value::Null)).await.result();
    let next = json!({"old_tag": "v1", "new_tag": "v2", "steps": [{"new_sqlite_classes": ["Other"]}]});
    api.upload("alice", with(tenant(), "migrations", next)).await.result();
    let service = api.get("/workers/services/alice").await;
    assert_eq!(service.result()["default_environment"]["script"]["migration_tag"], json!("v2"));
}

#[tokio::test]
async fn a_migration_from_a_tag_that_a_new_script_does_not_have_is_refused() {
    let api = Api::new();
    let migrations = json!({"old_tag": "v0", "new_tag": "v1", "new_sqlite_classes": ["Sandbox"]});
    assert_eq!(api.upload("alice", with(tenant(), "migrations", migrations)).await.refusal(), (412, TAKEN));
}

#[tokio::test]
async fn a_class_can_be_renamed_and_deleted_but_not_while_it_is_bound() {
    let api = Api::new();
    api.upload("alice", tenant()).await.result();
    let id = api.namespace("alice").await;
    let gone = json!({"old_tag": "v1", "new_tag": "v2", "deleted_classes": ["Sandbox"]});
    assert_eq!(api.upload("alice", with(tenant(), "migrations", gone)).await.refusal(), (400, 10061));

    let rename = json!({"old_tag": "v1", "new_tag": "v2", "renamed_classes": [{"from": "Sandbox", "to": "Box"}]});
    api.upload("alice", with(plain(), "migrations", rename)).await.result();
    assert_eq!(api.namespace("alice").await, id);

    let gone = json!({"old_tag": "v2", "new_tag": "v3", "deleted_classes": ["Box"]});
    api.upload("alice", with(plain(), "migrations", gone)).await.result();
    assert!(api.emulator.state().await.unwrap().namespaces.is_empty());
}

#[tokio::test]
async fn exports_make_classes_and_there_is_no_way_back_to_migrations() {
    let api = Api::new();
    let exports = json!({"Sandbox": {"type": "durable-object", "storage": "sqlite"}});
    let metadata = with(with(tenant(), "migrations", Value::Null), "exports", exports.clone());
    api.upload("alice", metadata.clone()).await.result();
    api.upload("alice", metadata.clone()).await.result();
    assert_eq!(
        api.upload("alice", with(metadata, "migrations", json!({"new_tag": "v1"}))).await.refusal(),
        (400, 10021)
    );
    assert_eq!(api.upload("alice", tenant()).await.refusal(), (400, 100_403));
}

#[tokio::test]
async fn secrets_are_dropped_unless_their_type_is_kept() {
    let api = Api::new();
    let secret = json!([{"type": "secret_text", "name": "KEY", "text": "one"}]);
    api.upload("alice", with(plain(), "bindings", secret)).await.result();
    api.upload("alice", with(plain(), "keep_bindings", json!(["secret_text"]))).await.result();
    assert!(api.emulator.secret_is("alice", "KEY", "one"));
    api.upload("alice", with(plain(), "keep_bindings", json!(["plain_text"]))).await.result();
    assert_eq!(api.secret_names("alice").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_inherited_binding_keeps_its_value_and_an_unresolved_one_fails_a_strict_upload() {
    let api = Api::new();
    let secret = json!([{"type": "secret_text", "name": "KEY", "text": "one"}]);
    api.upload("alice", with(plain(), "bindings", secret)).await.result();
    let inherit = |name: &str| with(plain(), "bindings", json!([{"type": "inherit", "name": name}]));
    api.upload("alice", inherit("KEY")).await.result();
    assert!(api.emulator.secret_is("alice", "KEY", "one"));
    assert_eq!(api.upload("alice", inherit("LOST")).await.refusal(), (400, 10057));

    // Without `bindings_inherit=strict` it vanishes silently.
    let metadata = inherit("LOST").to_string();
    let parts = [Part("metadata", "", metadata.as_bytes()), Part("index.js", "application/javascript+module", MODULE)];
    api.form("PUT", "/workers/scripts/alice", "dev", &parts).await.unwrap().result();
    assert_eq!(api.secret_names("alice").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_account_without_a_workers_dev_subdomain_takes_no_upload() {
    let api = Api::with(Options { subdomain: None, ..Options::default() });
    assert_eq!(api.get("/workers/subdomain").await.refusal(), (404, 10007));
    assert_eq!(api.upload("alice", plain()).await.refusal(), (400, 10063));
    api.call("PUT", "/workers/subdomain", json!({"subdomain": "mine"})).await.result();
    api.upload("alice", plain()).await.result();
}

#[tokio::test]
async fn counts_and_sizes_are_limited() {
    let limits = Limits { workers: 1, bindings: 2, durable_object_classes: 1, worker_bytes: 1000, ..Limits::default() };
    let api = Api::with(Options { limits, ..Options::default() });
    api.upload("alice", plain()).await.result();
    api.upload("alice", plain()).await.result();
    assert_eq!(api.upload("bob", plain()).await.refusal(), (403, 10037));

    let variables = |n: usize| -> Value {
        (0..n).map(|n| json!({"type": "plain_text", "name": format!("V{n}"), "text": "x"})).collect()
    };
    api.upload("alice", with(plain(), "bindings", variables(2))).await.result();
    assert_eq!(api.upload("alice", with(plain(), "bindings", variables(3))).await.refusal(), (400, 10021));

    let classes = json!({"new_tag": "v1", "new_sqlite_classes": ["A", "B"]});
    assert_eq!(api.upload("alice", with(plain(), "migrations", classes)).await.refusal(), (400, 10021));

    let big = vec![b' '; 1001];
    let metadata = plain().to_string();
    let parts = [Part("metadata", "", metadata.as_bytes()), Part("index.js", "application/javascript+module", &big)];
    let answer = api.form("PUT", "/workers/scripts/alice", "dev", &parts).await.unwrap();
    assert_eq!(answer.refusal().1, 10027);

    assert_eq!(api.upload("Alice!", plain()).await.refusal(), (400, 10021));
}

#[tokio::test]
async fn scripts_are_listed_by_tag() {
    let api = Api::new();
    api.upload("alice", tenant()).await.result();
    api.upload("bob", plain()).await.result();
    let names = |answer: Answer| -> Vec<String> {
        answer.result().as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(api.get("/workers/scripts").await), ["alice", "bob"]);
    assert_eq!(names(api.get("/workers/scripts?tags=ours:yes").await), ["alice"]);
    assert_eq!(names(api.get("/workers/scripts?tags=ours:no").await), ["bob"]);
    assert_eq!(api.get("/workers/scripts?tags=ours").await.refusal(), (400, 10021));
}

#[tokio::test]
async fn settings_show_bindings_but_no_secret_value() {
    let api = Api::new();
    let bindings = json!([
        {"type": "plain_text", "name": "ENVIRONMENT", "text": "alice"},
        {"type": "secret_text", "name": "KEY", "text": "hush"},
    ]);
    api.upload("alice", with(tenant(), "bindings", bindings)).await.result();
    let settings = api.get("/workers/scripts/alice/settings").await;
    assert_eq!(settings.result()["bindings"][0], json!({"type": "plain_text", "name": "ENVIRONMENT", "text": "alice"}));
    assert_eq!(settings.result()["bindings"][1], json!({"type": "secret_text", "name": "KEY"}));
    assert_eq!(settings.result()["tags"], json!(["ours"]));
}

#[tokio::test]
async fn patched_settings_replace_bindings_and_keep_the_code() {
    let api = Api::new();
    let bindings = json!([{"type": "plain_text", "name": "A", "text": "1"}, {"type": "secret_text", "name": "KEY", "text": "hush"}]);
    api.upload("alice", with(plain(), "bindings", bindings)).await.result();
    let settings =
        json!({"bindings": [{"type": "plain_text", "name": "A", "text": "2"}, {"type": "inherit", "name": "KEY"}]})
            .to_string();
    let parts = [Part("settings", "", settings.as_bytes())];
    api.form("PATCH", "/workers/scripts/alice/settings", "dev", &parts).await.unwrap().result();
    let state = api.emulator.state().await.unwrap();
    assert_eq!(state.scripts["alice"].variables["A"], "2");
    assert!(state.scripts["alice"].modules.contains("index.js"));
    assert!(api.emulator.secret_is("alice", "KEY", "hush"));
}

#[tokio::test]
async fn script_settings_change_tags_without_a_new_version() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    api.call("PATCH", "/workers/scripts/alice/script-settings", json!({"tags": ["ours"]})).await.result();
    assert_eq!(api.emulator.state().await.unwrap().scripts["alice"].tags, ["ours"]);
    let versions = api.get("/workers/scripts/alice/versions").await;
    assert_eq!(versions.result()["items"].as_array().unwrap().len(), 1);
    // An upload that says nothing about tags leaves them.
    api.upload("alice", plain()).await.result();
    assert_eq!(api.emulator.state().await.unwrap().scripts["alice"].tags, ["ours"]);
}

#[tokio::test]
async fn a_missing_script_has_the_code_of_its_route() {
    let api = Api::new();
    for (method, path, code) in [
        ("GET", "/workers/services/none", 10090),
        ("DELETE", "/workers/services/none", 10090),
        ("DELETE", "/workers/scripts/none", 10007),
        ("GET", "/workers/scripts/none/settings", 10007),
        ("GET", "/workers/scripts/none/secrets", 10007),
        ("GET", "/workers/scripts/none/deployments", 10007),
        ("GET", "/workers/scripts/none/versions/x", 10007),
        ("GET", "/workers/scripts/none/subdomain", 10007),
        ("GET", "/workers/scripts/none/schedules", 10007),
        ("GET", "/workers/workers/none", 10007),
    ] {
        assert_eq!(api.call(method, path, Value::Null).await.refusal(), (404, code), "{method} {path}");
    }
    api.upload("alice", plain()).await.result();
    assert_eq!(api.get("/workers/scripts/alice/versions/x").await.refusal(), (404, 100_146));
}

#[tokio::test]
async fn deleting_a_script_takes_its_namespaces_secrets_and_schedules_along() {
    let api = Api::new();
    api.upload("alice", tenant()).await.result();
    api.call("PUT", "/workers/scripts/alice/schedules", json!([{"cron": "*/5 * * * *"}])).await.result();
    api.delete("/workers/scripts/alice?force=true").await.result();
    let state = api.emulator.state().await.unwrap();
    assert!(state.scripts.is_empty() && state.namespaces.is_empty());
    assert_eq!(api.delete("/workers/scripts/alice?force=true").await.refusal(), (404, 10007));

    // The name is free again, and the class is another one.
    api.upload("alice", tenant()).await.result();
    assert!(api.emulator.state().await.unwrap().scripts["alice"].schedules.is_empty());
}

#[tokio::test]
async fn a_script_that_another_one_binds_is_deleted_only_with_force() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let binding = json!([{"type": "service", "name": "A", "service": "alice"}]);
    api.upload("bob", with(plain(), "bindings", binding)).await.result();
    assert_eq!(api.delete("/workers/scripts/alice").await.refusal(), (400, 10142));
    api.delete("/workers/scripts/alice?force=true").await.result();
}

fn manifest() -> Value {
    json!({"manifest": {
        "/app.css": {"hash": "aa42bba514e8ddfea838ec1a715ca332", "size": 7},
        "/index.html": {"hash": "d73393dcd20afc6b1cd71c0e6faed062", "size": 30},
        "/copy.html": {"hash": "d73393dcd20afc6b1cd71c0e6faed062", "size": 30},
    }})
}

#[tokio::test]
async fn assets_are_uploaded_on_the_sessions_token_and_asked_for_once_per_script() {
    let api = Api::new();
    let path = "/workers/scripts/alice/assets-upload-session";
    let session = api.call("POST", path, manifest()).await.result().clone();
    let asked = json!([["aa42bba514e8ddfea838ec1a715ca332", "d73393dcd20afc6b1cd71c0e6faed062"]]);
    assert_eq!(session["buckets"], asked);
    let token = session["jwt"].as_str().unwrap();

    let css = [Part("aa42bba514e8ddfea838ec1a715ca332", "text/css", b"Ym9keXt9Cg==")];
    let html = [Part("d73393dcd20afc6b1cd71c0e6faed062", "text/html", b"PCFkb2N0eXBlIGh0bWw+PGgxPmFkbWluPC9oMT4K")];
    let upload = "/workers/assets/upload?base64=true";
    assert_eq!(api.form("POST", upload, "dev", &css).await.unwrap().refusal(), (403, 10000));
    let first = api.form("POST", upload, token, &css).await.unwrap();
    assert_eq!((first.status, &first.result()["jwt"]), (200, &Value::Null));
    let metadata =
        |jwt: &str| with(plain(), "assets", json!({"jwt": jwt, "config": {"html_handling": "auto-trailing-slash"}}));
    assert_eq!(api.upload("alice", metadata(token)).await.refusal(), (400, 10021));
    let last = api.form("POST", upload, token, &html).await.unwrap();
    assert_eq!(last.status, 201);
    let completion = last.result()["jwt"].as_str().unwrap();
    assert_eq!(api.upload("bob", metadata(completion)).await.refusal(), (400, 10021));
    api.upload("alice", metadata(completion)).await.result();
    let state = api.emulator.state().await.unwrap();
    assert_eq!(state.scripts["alice"].assets.iter().collect::<Vec<_>>(), ["/app.css", "/copy.html", "/index.html"]);

    let again = api.call("POST", path, manifest()).await.result().clone();
    assert_eq!(again["buckets"], json!([]));
    api.upload("alice", metadata(again["jwt"].as_str().unwrap())).await.result();
    let other = api.call("POST", "/workers/scripts/bob/assets-upload-session", manifest()).await;
    assert_eq!(other.result()["buckets"], asked);
}

#[tokio::test]
async fn kept_assets_stay_and_others_go() {
    let api = Api::new();
    let session = api.call("POST", "/workers/scripts/alice/assets-upload-session", json!({"manifest": {}})).await;
    let jwt = session.result()["jwt"].clone();
    api.upload("alice", with(plain(), "assets", json!({"jwt": jwt}))).await.result();
    let has = async || {
        api.get("/workers/services/alice").await.result()["default_environment"]["script"]["has_assets"].clone()
    };
    assert_eq!(has().await, json!(true));
    api.upload("alice", with(plain(), "keep_assets", json!(true))).await.result();
    assert_eq!(has().await, json!(true));
    api.upload("alice", plain()).await.result();
    assert_eq!(has().await, json!(false));
}

#[tokio::test]
async fn an_uploaded_version_answers_nothing_until_it_is_deployed() {
    let api = Api::new();
    let old = api.upload("alice", plain()).await.result().clone();
    let metadata = with(plain(), "bindings", json!([{"type": "plain_text", "name": "NEW", "text": "1"}])).to_string();
    let parts = [Part("metadata", "", metadata.as_bytes()), Part("index.js", "application/javascript+module", MODULE)];
    let version = api.form("POST", "/workers/scripts/alice/versions", "dev", &parts).await.unwrap().result().clone();
    assert_eq!(version["number"], json!(2));
    assert!(api.emulator.state().await.unwrap().scripts["alice"].variables.is_empty());
    let secret = json!({"name": "KEY", "text": "x", "type": "secret_text"});
    assert_eq!(api.call("PUT", "/workers/scripts/alice/secrets", secret.clone()).await.refusal(), (400, 10214));

    let share = |percentage: u32| json!({"strategy": "percentage", "versions": [{"version_id": version["id"], "percentage": percentage}]});
    assert_eq!(api.call("POST", "/workers/scripts/alice/deployments", share(90)).await.refusal(), (400, 10021));
    api.call("POST", "/workers/scripts/alice/deployments", share(100)).await.result();
    assert_eq!(api.emulator.state().await.unwrap().scripts["alice"].variables["NEW"], "1");
    api.call("PUT", "/workers/scripts/alice/secrets", secret).await.result();
    let deployments = api.get("/workers/scripts/alice/deployments").await;
    assert_eq!(deployments.result()["deployments"].as_array().unwrap().len(), 3);
    assert_eq!(old["id"], json!("alice"));
}

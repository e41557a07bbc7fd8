use cloudflare_emulator::{NamespaceState, Options, ScriptState, State};
use serde_json::json;

use crate::api::{Api, IMAGE, application, tenant};

async fn provision(api: &Api) {
    api.bucket("moltbot-data-alice").await;
    api.upload("alice", tenant()).await.result();
    let namespace = api.namespace("alice").await;
    api.call("POST", "/containers/applications", application("moltbot-alice", &namespace)).await.result();
    api.call("POST", "/workers/scripts/alice/subdomain", json!({"enabled": true})).await.result();
    api.call("PUT", "/workers/scripts/alice/schedules", json!([{"cron": "*/5 * * * *"}])).await.result();
}

#[tokio::test]
async fn the_state_names_exactly_what_exists() {
    let api = Api::new();
    assert_eq!(api.emulator.state().await.unwrap(), State::default());
    provision(&api).await;
    let state = api.emulator.state().await.unwrap();
    assert_eq!(state.buckets, [("moltbot-data-alice".to_owned(), 0)].into());
    assert_eq!(
        state.namespaces,
        [("alice_Sandbox".to_owned(), NamespaceState { sqlite: true, container_enabled: true })].into()
    );
    let expected = ScriptState {
        tags: vec!["ours".to_owned()],
        migration_tag: Some("v1".to_owned()),
        variables: [("ENVIRONMENT".to_owned(), "alice".to_owned())].into(),
        bindings: [("Sandbox".to_owned(), "durable_object_namespace".to_owned())].into(),
        schedules: vec!["*/5 * * * *".to_owned()],
        route_enabled: true,
        modules: ["index.js".to_owned()].into(),
        ..ScriptState::default()
    };
    assert_eq!(state.scripts, [("alice".to_owned(), expected)].into());
    let application = &state.applications["moltbot-alice"];
    assert_eq!(application.image.as_deref(), Some(IMAGE));
    assert_eq!(application.namespace.as_deref(), Some("alice_Sandbox"));
}

#[tokio::test]
async fn the_same_calls_give_the_same_ids_and_another_seed_gives_others() {
    let ids = async |seed: u64| {
        let api = Api::with(Options { seed, ..Options::default() });
        provision(&api).await;
        (api.namespace("alice").await, api.get("/containers/applications").await.result()[0]["id"].clone())
    };
    assert_eq!(ids(1).await, ids(1).await);
    assert_ne!(ids(1).await, ids(2).await);
}

#[tokio::test]
async fn the_journal_names_each_call_and_shows_uploads_without_their_bytes() {
    let api = Api::new();
    provision(&api).await;
    api.get("/no/such/thing").await.refusal();
    let journal = api.emulator.journal();
    let kinds: Vec<&str> = journal.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "r2.bucket.create",
            "script.upload",
            "namespace.list",
            "container.create",
            "subdomain.put",
            "schedule.put",
            "unknown"
        ]
    );
    assert_eq!(journal.iter().map(|entry| entry.n).collect::<Vec<_>>(), (1..=7).collect::<Vec<u64>>());
    assert_eq!((journal[6].status, journal[6].code), (Some(404), Some(7003)));
    assert_eq!(journal[1].body["metadata"]["migrations"]["new_tag"], json!("v1"));
    let part = &journal[1].body["parts"][0];
    assert_eq!((&part["name"], &part["content_type"]), (&json!("index.js"), &json!("application/javascript+module")));
    assert!(part["sha256"].as_str().is_some_and(|hash| hash.len() == 64));

    api.emulator.clear_journal();
    api.bucket("next").await;
    assert_eq!(api.emulator.journal()[0].n, 8);
}

#[tokio::test]
async fn strangers_resources_are_there_and_not_in_the_journal() {
    let api = Api::new();
    api.emulator.seed_bucket("moltbot-data-alice").await.unwrap();
    api.emulator.seed_object("moltbot-data-alice", "theirs", "x").await.unwrap();
    api.emulator.seed_script("alice", &["theirs"]);
    api.emulator.seed_application("moltbot-alice", IMAGE);
    assert!(api.emulator.journal().is_empty());
    assert_eq!(api.call("POST", "/r2/buckets", json!({"name": "moltbot-data-alice"})).await.refusal(), (409, 10004));
    assert_eq!(api.upload("alice", tenant()).await.refusal(), (412, 10079));
    let state = api.emulator.state().await.unwrap();
    assert_eq!((state.buckets["moltbot-data-alice"], state.scripts["alice"].tags[0].as_str()), (1, "theirs"));
    assert!(state.applications.contains_key("moltbot-alice"));
}

#[tokio::test]
async fn a_reset_leaves_nothing() {
    let api = Api::new();
    provision(&api).await;
    api.emulator.seed_object("moltbot-data-alice", "x", "x").await.unwrap();
    api.emulator.reset().await.unwrap();
    assert_eq!(api.emulator.state().await.unwrap(), State::default());
    assert!(api.emulator.journal().is_empty());
    provision(&api).await;
    assert_eq!(api.emulator.state().await.unwrap().buckets["moltbot-data-alice"], 0);
}

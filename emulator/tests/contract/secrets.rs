use serde_json::json;

use crate::api::{Api, plain};

#[tokio::test]
async fn a_secret_of_a_missing_script_is_refused_and_makes_no_script() {
    let api = Api::new();
    let secret = json!({"name": "X", "text": "v", "type": "secret_text"});
    assert_eq!(api.call("PUT", "/workers/scripts/none/secrets", secret).await.refusal(), (404, 10007));
    let bulk = json!({"secrets": {"X": {"name": "X", "text": "v", "type": "secret_text"}}});
    assert_eq!(api.call("PATCH", "/workers/scripts/none/secrets-bulk", bulk).await.refusal(), (404, 10007));
    assert_eq!(api.delete("/workers/scripts/none/secrets/X").await.refusal(), (404, 10007));
    assert!(api.emulator.state().await.unwrap().scripts.is_empty());
}

#[tokio::test]
async fn a_secret_is_set_listed_by_name_and_deleted_once() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let secret = json!({"name": "KEY", "text": "hush", "type": "secret_text"});
    let put = api.call("PUT", "/workers/scripts/alice/secrets", secret).await;
    assert_eq!(put.result(), &json!({"name": "KEY", "type": "secret_text"}));
    assert!(api.emulator.secret_is("alice", "KEY", "hush"));
    let list = api.get("/workers/scripts/alice/secrets").await;
    assert_eq!(list.result(), &json!([{"name": "KEY", "type": "secret_text"}]));
    api.delete("/workers/scripts/alice/secrets/KEY?url_encoded=true").await.result();
    assert_eq!(api.delete("/workers/scripts/alice/secrets/KEY").await.refusal(), (404, 10056));
}

#[tokio::test]
async fn bulk_sets_deletes_and_leaves_alone() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let set = |name: &str, text: &str| json!({"name": name, "text": text, "type": "secret_text"});
    let first = json!({"secrets": {"A": set("A", "1"), "B": set("B", "1"), "C": set("C", "1")}});
    api.call("PATCH", "/workers/scripts/alice/secrets-bulk", first).await.result();
    let second = json!({"secrets": {"A": set("A", "2"), "B": null, "GONE": null}});
    let answer = api.call("PATCH", "/workers/scripts/alice/secrets-bulk", second).await;
    assert_eq!(answer.result(), &json!({"A": {"name": "A", "type": "secret_text"}}));
    assert!(api.emulator.secret_is("alice", "A", "2") && api.emulator.secret_is("alice", "C", "1"));
    let mut names = api.secret_names("alice").await;
    names.sort();
    assert_eq!(names, ["A", "C"]);
}

#[tokio::test]
async fn bulk_makes_one_version_and_single_ones_make_one_each() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let set = |name: &str| json!({"name": name, "text": "1", "type": "secret_text"});
    let bulk = json!({"secrets": {"A": set("A"), "B": set("B"), "C": set("C")}});
    api.call("PATCH", "/workers/scripts/alice/secrets-bulk", bulk).await.result();
    let versions =
        async || api.get("/workers/scripts/alice/versions").await.result()["items"].as_array().unwrap().len();
    assert_eq!(versions().await, 2);
    for name in ["A", "B"] {
        api.call("PUT", "/workers/scripts/alice/secrets", set(name)).await.result();
    }
    assert_eq!(versions().await, 4);
}

#[tokio::test]
async fn a_secret_that_is_too_long_or_malformed_is_refused() {
    let api = Api::new();
    api.upload("alice", plain()).await.result();
    let long = "x".repeat(5 * 1024 + 1);
    for body in [
        json!({"name": "A", "text": long, "type": "secret_text"}),
        json!({"name": "A", "text": "x", "type": "plain_text"}),
        json!({"name": "A", "text": "x"}),
        json!({"name": "", "text": "x", "type": "secret_text"}),
    ] {
        assert_eq!(api.call("PUT", "/workers/scripts/alice/secrets", body).await.refusal(), (400, 10021));
    }
    let fits = json!({"name": "A", "text": "x".repeat(5 * 1024), "type": "secret_text"});
    api.call("PUT", "/workers/scripts/alice/secrets", fits).await.result();
    let crossed = json!({"secrets": {"A": {"name": "B", "text": "x", "type": "secret_text"}}});
    assert_eq!(api.call("PATCH", "/workers/scripts/alice/secrets-bulk", crossed).await.refusal(), (400, 10021));
}

#[tokio::test]
async fn no_secret_value_is_in_the_journal_or_in_an_answer() {
    let api = Api::new();
    let text = "correct-horse-battery-staple";
    let bindings = json!([{"type": "secret_text", "name": "ONE", "text": text}]);
    let mut answers = vec![api.upload("alice", crate::api::with(plain(), "bindings", bindings)).await];
    let secret = json!({"name": "TWO", "text": text, "type": "secret_text"});
    answers.push(api.call("PUT", "/workers/scripts/alice/secrets", secret.clone()).await);
    answers.push(api.call("PATCH", "/workers/scripts/alice/secrets-bulk", json!({"secrets": {"TWO": secret}})).await);
    answers.push(api.call("PUT", "/workers/scripts/alice/secrets", json!({"value": text})).await);
    answers.push(api.call("PATCH", "/workers/scripts/alice/secrets-bulk", json!({"TWO": text})).await);
    answers.push(api.call("PUT", "/workers/scripts/alice/secret", json!({"name": "THREE", "text": text})).await);
    for path in ["settings", "secrets", "versions", "deployments"] {
        answers.push(api.get(&format!("/workers/scripts/alice/{path}")).await);
    }
    assert!(api.emulator.secret_is("alice", "TWO", text));
    for answer in answers {
        assert!(!answer.body.to_string().contains(text), "{answer:?}");
    }
    let journal = serde_json::to_string(&api.emulator.journal()).unwrap();
    assert!(journal.contains("TWO") && !journal.contains(text), "{journal}");
    let debug = format!("{:?} {:?}", api.emulator, api.emulator.state().await.unwrap());
    assert!(!debug.contains(text));
}

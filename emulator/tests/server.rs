//! The server face: what it adds to the in-process one. No tool but Node is needed, and that only for the runner.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use serde_json::{Value, json};
use support::{Server, repository};

const ACCOUNT: &str = "/client/v4/accounts/0123456789abcdef0123456789abcdef";

fn api(server: &Server, method: &str, path: &str, body: &str) -> Value {
    serde_json::from_str(&server.http(method, &format!("{ACCOUNT}{path}"), body)).unwrap()
}

/// Upload with a boundary of its own; the module is one line.
fn upload(server: &Server, script: &str, metadata: &Value, module: &str) -> Value {
    let part = |name: &str, rest: &str, text: &str| {
        format!("--b0undary\r\ncontent-disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{text}\r\n")
    };
    let module = part("index.js", "; filename=\"index.js\"\r\ncontent-type: application/javascript+module", module);
    let body = format!("{}{module}--b0undary--\r\n", part("metadata", "", &metadata.to_string()));
    let headers = [("content-type", "multipart/form-data; boundary=b0undary")];
    let path = format!("{ACCOUNT}/workers/scripts/{script}?bindings_inherit=strict");
    serde_json::from_str(&server.request("PUT", &path, "localhost", &headers, &body).unwrap().1).unwrap()
}

fn metadata() -> Value {
    json!({
        "main_module": "index.js",
        "bindings": [
            {"type": "secret_text", "name": "KEY", "text": "correct-horse"},
            {"type": "r2_bucket", "name": "B", "bucket_name": "data"},
            {"type": "durable_object_namespace", "name": "Sandbox", "class_name": "Sandbox"},
        ],
        "migrations": {"new_tag": "v1", "new_sqlite_classes": ["Sandbox"]},
    })
}

fn runner() -> String {
    let node = repository().join("node_modules/.bin/node");
    assert!(node.exists(), "the pinned tools are missing: run `npm ci` in {}", repository().display());
    format!("{} {}", node.display(), repository().join("emulator/tests/runner.mjs").display())
}

#[test]
fn a_restart_brings_everything_back_and_the_snapshot_is_its_owners_alone() {
    let server = Server::start(&[]);
    api(&server, "POST", "/r2/buckets", r#"{"name":"data"}"#);
    api(&server, "PUT", "/r2/buckets/data/objects/dir/hello.txt", "hello");
    assert_eq!(upload(&server, "alice", &metadata(), "export class Sandbox {}")["success"], json!(true));
    api(&server, "PUT", "/workers/scripts/alice/schedules", r#"[{"cron":"*/5 * * * *"}]"#);
    let (before, settings) = (server.state(), api(&server, "GET", "/workers/scripts/alice/settings", ""));
    assert_eq!(before["buckets"], json!({"data": 1}));

    let snapshot = server.scratch().join("state/state.json");
    assert_eq!(std::fs::metadata(&snapshot).unwrap().permissions().mode() & 0o777, 0o600);
    let server = server.restart(&[]);
    assert_eq!(server.state(), before);
    assert_eq!(api(&server, "GET", "/workers/scripts/alice/settings", ""), settings);
    assert_eq!(server.http("GET", &format!("{ACCOUNT}/r2/buckets/data/objects/dir/hello.txt"), ""), "hello");
    let inherit = json!({"main_module": "index.js", "bindings": [{"type": "inherit", "name": "KEY"}]});
    assert_eq!(upload(&server, "alice", &inherit, "")["success"], json!(true));
}

#[test]
fn a_lost_request_or_reply_closes_the_connection_without_an_answer() {
    let server = Server::start(&[]);
    for (effect, exists) in [("request_lost", false), ("reply_lost", true)] {
        server.http("POST", "/__emulator/faults", &json!({"effect": effect, "kind": "r2.bucket.create"}).to_string());
        let answer = server.try_http("POST", &format!("{ACCOUNT}/r2/buckets"), "localhost", r#"{"name":"one"}"#);
        assert_eq!(answer, None, "{effect}");
        assert_eq!(server.state()["buckets"].get("one").is_some(), exists, "{effect}");
    }
}

#[test]
fn a_call_whose_caller_hangs_up_is_carried_out_all_the_same() {
    let server = Server::start(&["--latency-ms", "300"]);
    // Some seconds of looking.
    let until =
        |path: &str, what: &str| assert!((0..5_000).any(|_| server.http("GET", path, "").contains(what)), "{what}");
    let caller = server.begin("POST", &format!("{ACCOUNT}/r2/buckets"), r#"{"name":"one"}"#);
    until("/__emulator/journal", "r2.bucket.create");
    drop(caller);
    until("/__emulator/state", r#""one""#);
}

#[test]
fn the_poke_routes_look_inside_and_turn_pages_of_other_origins_away() {
    let server = Server::start(&[]);
    let poke = |method: &str, path: &str, body: &str| -> Value {
        serde_json::from_str(&server.http(method, &format!("/__emulator/{path}"), body)).unwrap()
    };
    assert_eq!(poke("GET", "health", ""), json!({"status": "ok"}));
    let seed = json!({
        "buckets": ["theirs"],
        "objects": [{"bucket": "theirs", "key": "a/b", "text": "x"}],
        "scripts": [{"name": "bob", "tags": ["t"]}],
        "applications": [{"name": "app", "image": "i"}],
    });
    assert_eq!(poke("POST", "seed", &seed.to_string()), json!({}));
    let state = poke("GET", "state", "");
    assert_eq!((&state["buckets"], &state["scripts"]["bob"]["tags"]), (&json!({"theirs": 1}), &json!(["t"])));
    assert_eq!(state["applications"]["app"]["image"], json!("i"));
    assert_eq!(poke("GET", "journal", ""), json!([]));
    assert_eq!(poke("POST", "faults", r#"{"effect":"html403","times":2}"#), json!({"id": 1}));
    assert_eq!(poke("GET", "faults", "")[0]["struck"], json!(0));
    assert!(poke("POST", "faults", r#"{"effect":"nonsense"}"#)["error"].is_string());
    poke("DELETE", "faults", "");
    assert_eq!(poke("GET", "faults", ""), json!([]));
    api(&server, "GET", "/r2/buckets", "");
    assert_eq!(poke("GET", "journal", "").as_array().unwrap().len(), 1);
    poke("DELETE", "journal", "");
    assert_eq!(poke("GET", "journal", ""), json!([]));

    let foreign = [("origin", "http://alice.localhost:1")];
    assert_eq!(server.request("POST", "/__emulator/reset", "localhost", &foreign, "").unwrap().0, 403);
    assert_eq!(poke("GET", "state", ""), state);
    poke("POST", "reset", "");
    assert_eq!(poke("GET", "state", ""), json!({"buckets": {}, "scripts": {}, "applications": {}, "namespaces": {}}));
    assert_eq!(server.try_http("GET", "/__emulator/nothing", "localhost", "").unwrap().0, 404);
}

#[test]
fn siteverify_is_served_to_callers_without_a_token_of_the_account() {
    let server = Server::start(&[]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = "secret=1x0000000000000000000000000000000AA&response=XXXX.DUMMY.TOKEN.XXXX";
    let (status, body) = server.request("POST", "/turnstile/v0/siteverify", "localhost", &headers, form).unwrap();
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()["success"].as_bool()), (200, Some(true)));
}

#[test]
fn a_signal_or_the_end_of_the_parent_ends_the_server_in_order() {
    for signal in ["-TERM", "-INT"] {
        assert!(Server::start(&[]).signal(signal).success(), "{signal}");
    }
    assert!(Server::start(&[]).close_stdin().success());
}

#[test]
fn a_host_without_a_worker_or_with_its_route_off_is_not_served() {
    let server = Server::start(&[]);
    let get = |script: &str| server.try_http("GET", "/", &format!("{script}.localhost"), "").unwrap();
    assert_eq!(get("alice"), (404, "There is no Worker alice in this account.\n".to_owned()));
    upload(&server, "alice", &json!({"main_module": "index.js"}), "");
    assert_eq!(get("alice").0, 404);
    api(&server, "POST", "/workers/scripts/alice/subdomain", r#"{"enabled":true}"#);
    assert_eq!(get("alice").0, 501, "nothing runs it");
}

#[test]
fn a_runner_is_told_what_to_run_keeps_the_objects_and_serves_the_tenants() {
    let runner = runner();
    let server = Server::start(&["--runner", &runner]);
    api(&server, "POST", "/r2/buckets", r#"{"name":"data"}"#);
    let broken = upload(&server, "alice", &metadata(), "broken");
    assert_eq!(broken["errors"], json!([{"code": 10021, "message": "it is broken"}]));
    assert_eq!(server.state()["scripts"], json!({}));
    upload(&server, "alice", &metadata(), "export class Sandbox {}");
    api(&server, "POST", "/workers/scripts/alice/subdomain", r#"{"enabled":true}"#);
    api(&server, "PUT", "/workers/scripts/alice/schedules", r#"[{"cron":"*/5 * * * *"}]"#);

    let tenant = |server: &Server| -> Value {
        let (status, body) = server.try_http("POST", "/a/b?c=d", "alice.localhost", "hello").unwrap();
        assert_eq!(status, 200);
        serde_json::from_str(&body).unwrap()
    };
    let seen = tenant(&server);
    assert_eq!((&seen["path"], &seen["body"]), (&json!("/a/b?c=d"), &json!("hello")));
    assert!(seen["host"].as_str().unwrap().starts_with("alice.localhost:"));
    let worker = &seen["worker"];
    assert_eq!(worker["bindings"][0], json!({"type": "secret_text", "name": "KEY", "text": "correct-horse"}));
    assert_eq!((&worker["crons"], &worker["enabled"]), (&json!(["*/5 * * * *"]), &json!(true)));
    assert_eq!(worker["durable_objects"][0]["class_name"], json!("Sandbox"));
    assert_eq!(worker["durable_objects"][0]["sqlite"], json!(true));
    assert_eq!(worker["assets"], Value::Null);
    let module = worker["modules"][0]["content_base64"].as_str().unwrap();
    assert_eq!(base64::prelude::BASE64_STANDARD.decode(module).unwrap(), b"export class Sandbox {}");

    let cron = "/__emulator/scripts/alice/scheduled?cron=*%2F5+*+*+*+*";
    assert_eq!(server.http("POST", cron, ""), "{}");
    assert_eq!(tenant(&server)["worker"]["ran"], json!("*/5 * * * *"));
    assert_eq!(server.upgraded("alice.localhost", "echo", b"over and out"), b"over and out");

    api(&server, "PUT", "/r2/buckets/data/objects/dir/a%20b", "hello");
    assert_eq!(api(&server, "GET", "/r2/buckets/data/objects?prefix=dir/", "")["result"][0]["key"], json!("dir/a b"));
    assert_eq!(server.http("GET", &format!("{ACCOUNT}/r2/buckets/data/objects/dir/a%20b"), ""), "hello");
    assert_eq!(server.state()["buckets"], json!({"data": 1}));
    assert_eq!(api(&server, "DELETE", "/r2/buckets/data", "")["errors"][0]["code"], json!(10008));
    api(&server, "DELETE", "/r2/buckets/data/objects/dir/a%20b", "");
    assert_eq!(api(&server, "GET", "/r2/buckets/data/objects/dir/a%20b", "")["errors"][0]["code"], json!(10007));

    // A new runner knows nothing; the emulator tells it again.
    let server = server.restart(&["--runner", &runner]);
    assert_eq!(tenant(&server)["worker"]["bindings"][0]["text"], json!("correct-horse"));
    api(&server, "DELETE", "/workers/scripts/alice?force=true", "");
    assert_eq!(server.try_http("GET", "/", "alice.localhost", "").unwrap().0, 404);
}

#[test]
fn a_runner_that_does_not_start_is_said_so() {
    let scratch = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cloudflare-emulator"))
        .args(["--port", "0", "--runner", "echo nonsense", "--state"])
        .arg(scratch.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("did not say where it listens") && text.contains("nonsense"), "{text}");
}

#[test]
fn what_the_token_lacks_is_set_from_outside_until_the_account_is_reset() {
    let server = Server::start(&[]);
    let code = |path: &str| api(&server, "GET", path, "")["errors"][0]["code"].clone();
    server.http("PUT", "/__emulator/lacks", r#"{"permissions":["workers"],"products":["r2"]}"#);
    assert_eq!((code("/workers/subdomain"), code("/r2/buckets")), (json!(10000), json!(10042)));
    let lacks: Value = serde_json::from_str(&server.http("GET", "/__emulator/lacks", "")).unwrap();
    assert_eq!(lacks["permissions"], json!(["workers"]));
    let refused = server.http("PUT", "/__emulator/lacks", r#"{"patience":true}"#);
    assert!(refused.contains("patience"), "{refused}");
    server.http("POST", "/__emulator/reset", "");
    assert_eq!((code("/workers/subdomain"), code("/r2/buckets")), (Value::Null, Value::Null));
}

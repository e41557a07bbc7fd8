//! The real wrangler as referee: it must find in the emulator what it expects of Cloudflare, and leave there what it would leave
//! at Cloudflare. Effects are read back from the emulator's own state, never from wrangler's words alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use support::{Server, repository};

/// Wrangler in a copy of the fixture project.
struct Wrangler {
    server: Server,
    project: PathBuf,
}

impl Wrangler {
    fn new() -> Self {
        let server = Server::start(&[]);
        let project = server.scratch().join("project");
        copy(&repository().join("emulator/tests/project"), &project);
        Self { server, project }
    }

    fn run(&self, command: &str, input: &str) -> Output {
        let wrangler = repository().join("node_modules/wrangler/bin/wrangler.js");
        let mut arguments = vec![wrangler.to_str().unwrap()];
        arguments.extend(command.split(' '));
        self.server.node(&arguments, &self.project, input)
    }

    /// What it printed; it must succeed.
    #[track_caller]
    fn ok(&self, command: &str, input: &str) -> String {
        let output = self.run(command, input);
        let text = printed(&output);
        assert!(
            output.status.success(),
            "wrangler {command} failed:\n{text}\n{}",
            self.server.http("GET", "/__emulator/journal", "")
        );
        text
    }

    /// What it printed; it must fail.
    #[track_caller]
    fn fails(&self, command: &str, input: &str) -> String {
        let output = self.run(command, input);
        assert!(!output.status.success(), "wrangler {command} succeeded:\n{}", printed(&output));
        printed(&output)
    }

    /// Change the fixture's configuration.
    fn configure(&self, from: &str, to: &str) {
        let path = self.project.join("wrangler.jsonc");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Names of the operations since the journal was last taken.
    fn take_kinds(&self) -> Vec<String> {
        let journal: Vec<Value> = serde_json::from_str(&self.server.http("GET", "/__emulator/journal", "")).unwrap();
        self.server.http("DELETE", "/__emulator/journal", "");
        for entry in &journal {
            assert_ne!(entry["kind"], json!("unknown"), "wrangler asks for a route that is missing: {entry}");
        }
        journal.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn wrangler_makes_lists_and_deletes_buckets() {
    let wrangler = Wrangler::new();
    wrangler.ok("r2 bucket create moltbot-data-alice", "");
    assert!(wrangler.fails("r2 bucket create moltbot-data-alice", "").contains("10004"));
    assert!(wrangler.ok("r2 bucket list", "").contains("moltbot-data-alice"));
    wrangler.ok("r2 object put moltbot-data-alice/dir/hello.txt --file src/loading.html --remote", "");
    assert_eq!(wrangler.server.state()["buckets"], json!({"moltbot-data-alice": 1}));
    assert!(wrangler.fails("r2 bucket delete moltbot-data-alice", "").contains("10008"));
    wrangler.ok("r2 object get moltbot-data-alice/dir/hello.txt --file got.html --remote", "");
    let text = |name: &str| std::fs::read_to_string(wrangler.project.join(name)).unwrap();
    assert_eq!(text("got.html"), text("src/loading.html"));
    wrangler.ok("r2 object delete moltbot-data-alice/dir/hello.txt --remote", "");
    wrangler.ok("r2 bucket lifecycle add moltbot-data-alice expire-all --expire-days 1 -y", "");
    wrangler.ok("r2 bucket delete moltbot-data-alice", "");
    assert!(wrangler.fails("r2 bucket delete moltbot-data-alice", "").contains("10006"));
    assert_eq!(wrangler.server.state()["buckets"], json!({}));
    wrangler.take_kinds();
}

#[test]
fn wrangler_deploys_a_tenant_changes_it_and_deletes_it() {
    let wrangler = Wrangler::new();
    let state = || wrangler.server.state();

    // The first deploy makes everything; this wrangler even makes the bucket that it finds missing.
    wrangler.ok("deploy", "");
    let kinds = wrangler.take_kinds();
    let once =
        ["r2.bucket.create", "assets.upload", "script.upload", "container.create", "subdomain.put", "schedule.put"];
    for once in once {
        assert_eq!(kinds.iter().filter(|kind| *kind == once).count(), 1, "{once} in {kinds:?}");
    }
    let script = state()["scripts"]["paramita-cloud-alice"].clone();
    assert_eq!(script["variables"], json!({"ENVIRONMENT": "alice"}));
    assert_eq!(
        script["bindings"],
        json!({"ASSETS": "assets", "BROWSER": "browser", "MOLTBOT_BUCKET": "r2_bucket", "Sandbox": "durable_object_namespace"})
    );
    assert_eq!((&script["migration_tag"], &script["schedules"]), (&json!("v1"), &json!(["*/5 * * * *"])));
    assert_eq!((&script["route_enabled"], &script["assets"]), (&json!(true), &json!(["/app.css", "/index.html"])));
    let application = state()["applications"]["paramita-cloud-alice-sandbox"].clone();
    assert_eq!(application["running_instance_type"], json!("standard-1"));
    assert_eq!(application["namespace"], json!("paramita-cloud-alice_Sandbox"));

    // Secrets, singly and in bulk.
    wrangler.ok("secret put ANTHROPIC_API_KEY", "value-1");
    let file = wrangler.project.join("secrets.json");
    std::fs::write(&file, r#"{"CF_ACCESS_AUD": "v", "DISCORD_BOT_TOKEN": "v"}"#).unwrap();
    wrangler.ok("secret bulk secrets.json", "");
    assert!(wrangler.ok("secret list", "").contains("CF_ACCESS_AUD"));
    wrangler.ok("secret delete DISCORD_BOT_TOKEN", "");
    let secrets = json!(["ANTHROPIC_API_KEY", "CF_ACCESS_AUD"]);
    assert_eq!(state()["scripts"]["paramita-cloud-alice"]["secrets"], secrets);
    wrangler.take_kinds();

    // Unchanged, a second deploy changes nothing and loses no secret.
    let before = state();
    wrangler.ok("deploy", "");
    assert_eq!(state(), before);
    assert!(!wrangler.take_kinds().iter().any(|kind| kind == "assets.upload" || kind == "container.create"));

    // Another size goes by PATCH and rollout.
    wrangler.configure("standard-1", "standard-3");
    wrangler.ok("deploy", "");
    let kinds = wrangler.take_kinds();
    assert!(kinds.contains(&"container.patch".to_owned()) && kinds.contains(&"rollout.create".to_owned()), "{kinds:?}");
    let application = state()["applications"]["paramita-cloud-alice-sandbox"].clone();
    assert_eq!(application["running_instance_type"], json!("standard-3"));
    assert_eq!(state()["scripts"]["paramita-cloud-alice"]["secrets"], secrets);

    assert!(wrangler.ok("containers list", "").contains("paramita-cloud-alice-sandbox"));
    assert!(wrangler.ok("deployments list", "").contains("Created"));

    // Deleting the Worker leaves its application, which has to be deleted by itself.
    wrangler.ok("delete --force", "");
    let after = state();
    assert_eq!((&after["scripts"], &after["namespaces"]), (&json!({}), &json!({})));
    let applications: Vec<Value> = serde_json::from_str::<Value>(&wrangler.server.http(
        "GET",
        "/client/v4/accounts/0123456789abcdef0123456789abcdef/containers/applications",
        "",
    ))
    .unwrap()["result"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(applications.len(), 1);
    wrangler.ok(&format!("containers delete {}", applications[0]["id"].as_str().unwrap()), "");
    assert!(wrangler.fails("delete --force", "").contains("10090"));
    wrangler.ok("r2 bucket delete moltbot-data-alice", "");
    assert_eq!(state(), json!({"buckets": {}, "scripts": {}, "applications": {}, "namespaces": {}}));
    wrangler.take_kinds();
}

#[test]
fn wrangler_deploys_with_secrets_inside_the_upload_and_deletes_without_force() {
    let wrangler = Wrangler::new();
    wrangler.ok("r2 bucket create moltbot-data-alice", "");
    std::fs::write(wrangler.project.join("secrets.json"), r#"{"ANTHROPIC_API_KEY": "hush-hush"}"#).unwrap();
    wrangler.ok("deploy --secrets-file secrets.json", "");
    assert_eq!(wrangler.server.state()["scripts"]["paramita-cloud-alice"]["secrets"], json!(["ANTHROPIC_API_KEY"]));
    assert!(!wrangler.server.http("GET", "/__emulator/journal", "").contains("hush-hush"));
    assert!(!wrangler.take_kinds().iter().any(|kind| kind.starts_with("secret.put")));
    wrangler.ok("delete", "");
    assert_eq!(wrangler.server.state()["scripts"], json!({}));
    wrangler.take_kinds();
}

#[test]
fn wrangler_retries_a_broken_upload_and_succeeds() {
    let wrangler = Wrangler::new();
    wrangler.ok("r2 bucket create moltbot-data-alice", "");
    let fault = r#"{"effect": "status", "status": 503, "kind": "script.upload"}"#;
    wrangler.server.http("POST", "/__emulator/faults", fault);
    wrangler.ok("deploy", "");
    let faults: Value = serde_json::from_str(&wrangler.server.http("GET", "/__emulator/faults", "")).unwrap();
    assert_eq!(faults[0]["struck"], json!(1));
    assert_eq!(wrangler.take_kinds().iter().filter(|kind| *kind == "script.upload").count(), 2);
}

#[test]
fn wrangler_deploys_gradually() {
    let wrangler = Wrangler::new();
    wrangler.ok("r2 bucket create moltbot-data-alice", "");
    wrangler.ok("deploy", "");
    wrangler.configure(r#""ENVIRONMENT": "alice""#, r#""ENVIRONMENT": "alice2""#);
    let text = wrangler.ok("versions upload", "");
    let id = text.lines().find_map(|line| line.strip_prefix("Worker Version ID: ")).expect("a version id").trim();
    assert_eq!(wrangler.server.state()["scripts"]["paramita-cloud-alice"]["variables"]["ENVIRONMENT"], json!("alice"));
    wrangler.ok(&format!("versions deploy {id}@100 -y"), "");
    assert_eq!(wrangler.server.state()["scripts"]["paramita-cloud-alice"]["variables"]["ENVIRONMENT"], json!("alice2"));
    wrangler.take_kinds();
}

//! Requests that schemathesis makes up from the served document, sent to the running Worker: none is answered by an error
//! of the server, nor outside the document.
//!
//! The limits on callers stay as they are: every request comes from an address of its own. All other limits are out of the
//! way, so that no 503 is an answer that might be right.

use std::process::Command;

use cloudflare_emulator::AccessIdentity;
use serde_json::json;

use crate::cloudflare::{Cloudflare, Sample};
use crate::harness::Workerd;

/// Requests made up for each operation, beside examples and edge cases. `make schemathesis EXAMPLES=…` asks for more.
const EXAMPLES: &str = "5";

/// As much as may be set, and more than is made here.
const NO_LIMIT: &str = "10000";

/// The Access application in front of the operators' routes.
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

#[test]
fn whatever_is_asked_with_or_without_a_token_is_answered_within_the_document() {
    prepare();
    let cloudflare = Cloudflare::start();
    let mut settings = cloudflare.settings();
    for limit in ["SIGNUPS_PER_HOUR", "MAX_TENANTS_PER_OWNER", "MAX_TENANTS"] {
        settings[limit] = json!(NO_LIMIT);
    }
    let of_account = ["workers", "cron_triggers", "durable_object_classes", "buckets", "memory_gib", "vcpu", "disk_gb"];
    settings["ACCOUNT_LIMITS"] = json!(of_account.map(|limit| format!("{limit}={NO_LIMIT}")).join(", "));
    let team = format!("http://localhost:{}", cloudflare.port);
    settings["ACCESS_TEAM_URL"] = json!(team);
    settings["ACCESS_AUD"] = json!(AUDIENCE);
    let operator = AccessIdentity::Person("operator@example.com");
    let claims = cloudflare.emulator.access_claims(&team, AUDIENCE, operator);
    let access = cloudflare.emulator.access_token(&claims);
    let plane = Workerd::start(settings);
    Sample::published().publish_to(&plane);

    let served = plane.fetch("GET", "/openapi.json", &[], None);
    assert_eq!(served.body, include_str!("../../assets/openapi.json"), "the document is not served as it is");
    let page = plane.fetch("GET", "/reference.html", &[], None);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(!page.body.contains("/static/current/"), "the reference page loads a stylesheet that is not there");

    // Edge cases of requests that end with a 401 all the same are left out.
    for (who, phases) in [("nobody", "examples,fuzzing"), ("owner", "examples,coverage,fuzzing")] {
        assert!(run(plane.port(), who, phases, &access), "schemathesis found something as {who}, see above");
    }
    let faults: Vec<_> =
        plane.lines().into_iter().filter(|line| line["status"].as_u64().is_some_and(|status| status >= 500)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Sends requests as somebody; whether all answers were right.
fn run(port: u16, who: &str, phases: &str, access: &str) -> bool {
    let plane = format!("http://127.0.0.1:{port}");
    let set = |name: &str, preset: &str| std::env::var(name).unwrap_or_else(|_| preset.to_owned());
    let status = Command::new(".tools/schemathesis/bin/schemathesis")
        .args([
            "--no-color",
            "--config-file",
            "tests/workerd/schemathesis/schemathesis.toml",
            "run",
            "--phases",
            phases,
        ])
        .args(["--max-examples", &set("EXAMPLES", EXAMPLES), "--seed", &set("SCHEMATHESIS_SEED", "1")])
        .arg(format!("{plane}/openapi.json"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SCHEMATHESIS_AS", who)
        .env("SCHEMATHESIS_PLANE", &plane)
        .env("SCHEMATHESIS_ACCESS", access)
        .status();
    status.expect("schemathesis is installed").success()
}

/// Installs schemathesis, if it is not there as it should be.
fn prepare() {
    let made = Command::new("make")
        .args(["--no-print-directory", ".tools/schemathesis/.installed"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .status();
    assert!(made.expect("make is installed").success(), "schemathesis could not be installed, see above");
}

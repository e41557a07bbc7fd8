//! What runs goes on running: a tenant needs neither the plane nor its database nor Cloudflare's API to serve.

use std::fs;
use std::path::Path;

use cloudflare_emulator::{Effect, Fault};
use serde_json::json;

use crate::cloudflare::{Cloudflare, Sample, scratch};
use crate::harness::Workerd;
use crate::owner::Owner;

#[test]
fn a_running_tenant_serves_on_without_the_plane_its_database_and_cloudflares_api() {
    let cloudflare = Cloudflare::with_running_tenants();
    let state = scratch();
    let start = || Workerd::start_on(&state, &cloudflare.settings());
    let plane = start();
    plane.migrate();
    Sample::published().publish_to(&plane);
    let (alice, _) = Owner::sign_up(&plane, "alice", &json!({}));
    alice.until("ready");
    let token = alice.token.clone();
    assert_serves(&cloudflare, 1);

    // Without the plane.
    plane.kill();
    assert_serves(&cloudflare, 2);

    // With a plane whose database is away: it says so to everyone, and touches nothing.
    let database = state.join("storage/d1");
    let away = state.join("away");
    replace_by_garbage(&database, &away);
    let plane = start();
    let alice = Owner::again(&plane, "alice", token.clone());
    let size = json!({"spec": {"instance_type": "standard-2"}});
    for answer in [
        alice.ask("GET", "", None),
        alice.ask("PATCH", "", Some(&size)),
        alice.ask("DELETE", "?grace_days=0", None),
        plane.fetch("POST", "/v1/tenants", &[], Some(&json!({"name": "bob"}))),
        plane.fetch("GET", "/v1/names/bob", &[], None),
        plane.fetch("GET", "/healthz?deep=1", &[], None),
    ] {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["code"], "unavailable");
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(plane.fetch("GET", "/healthz", &[], None).status, 200, "the plane itself is alive");
    plane.cron();
    assert_serves(&cloudflare, 3);
    plane.kill();
    fs::remove_dir_all(&database).unwrap();
    fs::rename(&away, &database).unwrap();

    // With Cloudflare's API away: the plane answers and takes orders; they are carried out once the API is back.
    let plane = start();
    let alice = Owner::again(&plane, "alice", token);
    assert_eq!(alice.until("ready")["spec"]["instance_type"], "standard-1", "nothing was taken while it was away");
    cloudflare.emulator.fault(Fault::new(Effect::Status { status: 503 }).times(u32::MAX));
    let (bob, _) = Owner::sign_up(&plane, "bob", &json!({}));
    assert_eq!(alice.ask("PATCH", "", Some(&size)).status, 202);
    assert_eq!(alice.until_retrying()["phase"], "updating");
    assert_eq!(bob.until_retrying()["phase"], "pending");
    assert_eq!(alice.ask("GET", "/events", None).status, 200);
    assert_serves(&cloudflare, 4);

    cloudflare.emulator.clear_faults();
    alice.until("ready");
    bob.until("ready");
    let sizes = cloudflare.state().applications["moltbot-alice"].running_instance_type.clone();
    assert_eq!(sizes.as_deref(), Some("standard-2"));
    assert_eq!(cloudflare.status_of("bob")["environment"], "bob");
    assert_serves(&cloudflare, 5);
    let _ = fs::remove_dir_all(&state);
}

/// Alice's Worker shows its page for the nth time, with its Durable Object and its bucket behind it.
fn assert_serves(cloudflare: &Cloudflare, visits: u32) {
    let note = format!("note {visits}");
    cloudflare.visit("GET", "alice", "/", "");
    cloudflare.visit("POST", "alice", "/note", &format!("note={note}"));
    let status = cloudflare.status_of("alice");
    assert_eq!((&status["counter"], &status["note"]), (&json!(visits), &json!(note)), "{status}");
}

/// Puts the database in `folder` away, and in its place a file that no statement can be run on. The runtime keeps a file
/// of its own beside it, which it starts anew when it is missing.
fn replace_by_garbage(folder: &Path, away: &Path) {
    const NAMESPACE: &str = "miniflare-D1DatabaseObject";
    fs::rename(folder, away).unwrap();
    fs::create_dir_all(folder.join(NAMESPACE)).unwrap();
    let files = fs::read_dir(away.join(NAMESPACE)).unwrap().map(|entry| entry.unwrap().file_name());
    for name in files.filter(|name| name != "metadata.sqlite" && name.to_string_lossy().ends_with(".sqlite")) {
        fs::write(folder.join(NAMESPACE).join(name), "not a database ".repeat(1_000)).unwrap();
    }
}

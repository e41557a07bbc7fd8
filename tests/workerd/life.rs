//! One tenant's whole life, everything real but Cloudflare: the wasm build on local D1, Queue and R2, tenants in workerd.

use cloudflare_emulator::State;
use serde_json::{Value as Json, json};

use crate::cloudflare::{Cloudflare, Sample};
use crate::harness::Workerd;
use crate::owner::Owner;

const PLANTED: &str = "planted-secret-8d969eef6ecad3c2";

#[test]
fn a_tenant_signs_up_runs_changes_and_goes_without_a_trace() {
    let cloudflare = Cloudflare::with_running_tenants();
    let plane = Workerd::start(cloudflare.settings());
    Sample::published().publish_to(&plane);

    let (alice, gateway_token) = Owner::sign_up(&plane, "alice", &json!({"ANTHROPIC_API_KEY": PLANTED}));
    let (bob, _) = Owner::sign_up(&plane, "bob", &json!({}));
    let ready = alice.until("ready");
    assert_eq!(ready["url"], format!("http://paramita-cloud-alice.localhost:{}/", cloudflare.port));
    bob.until("ready");

    // Each sees its own environment, secrets, counter and note, and nothing of the other.
    cloudflare.visit("GET", "alice", "/", "");
    cloudflare.visit("POST", "alice", "/note", "note=hello");
    let (hers, his) = (cloudflare.status_of("alice"), cloudflare.status_of("bob"));
    assert_eq!((&hers["environment"], &hers["counter"], &hers["note"]), (&json!("alice"), &json!(1), &json!("hello")));
    assert_eq!((&his["environment"], &his["counter"], &his["note"]), (&json!("bob"), &json!(0), &json!("")));
    assert!(hers["secrets"].to_string().contains("ANTHROPIC_API_KEY"));
    assert!(!his["secrets"].to_string().contains("ANTHROPIC_API_KEY"));

    // A new size changes the container application, not the secrets.
    let size = json!({"spec": {"instance_type": "standard-2"}});
    assert_eq!(alice.ask("PATCH", "", Some(&size)).status, 202);
    alice.until("ready");
    let state = cloudflare.state();
    assert_eq!(state.applications["moltbot-alice"].instance_type.as_deref(), Some("standard-2"));
    assert!(cloudflare.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", PLANTED));

    // A new secret reaches the running Worker; the counter shows that its Durable Object was kept.
    let secret = json!({"TELEGRAM_BOT_TOKEN": PLANTED});
    assert_eq!(alice.ask("PATCH", "/secrets", Some(&secret)).status, 202);
    alice.until("ready");
    let hers = cloudflare.status_of("alice");
    assert!(hers["secrets"].to_string().contains("TELEGRAM_BOT_TOKEN"));
    assert_eq!((&hers["counter"], &hers["note"]), (&json!(1), &json!("hello")));

    // The values are in Cloudflare and nowhere else.
    let tables = ["tenant", "resource", "secret", "token", "event"];
    let rows = tables.map(|table| json!(plane.sql(&format!("SELECT * FROM {table}"), json!([]))).to_string()).concat();
    assert!(rows.contains("TELEGRAM_BOT_TOKEN"));
    let said = ["", "/events", "/secrets", "/wrangler.jsonc"].map(|rest| alice.ask("GET", rest, None).body).concat();
    let seen = format!("{rows}{said}{}{:?}", json!(plane.logs()), cloudflare.emulator.journal());
    for secret in [PLANTED, &gateway_token, &alice.token] {
        assert!(!seen.contains(secret), "{secret} rests where it must not");
    }
    assert!(plane.sql("SELECT * FROM secret WHERE sealed IS NOT NULL", json!([])).is_empty());

    assert_eq!(alice.ask("DELETE", "?grace_days=0", None).status, 202);
    alice.until("deleted");
    let left = cloudflare.state();
    for names in [
        left.buckets.keys().collect::<Vec<_>>(),
        left.scripts.keys().collect(),
        left.applications.keys().collect(),
        left.namespaces.keys().collect(),
    ] {
        assert!(!names.iter().any(|name| name.contains("alice")), "{names:?}");
    }
    assert!(cloudflare.visit("GET", "alice", "/", "").contains("There is no Worker"));
    assert_eq!(cloudflare.status_of("bob")["environment"], "bob");

    assert_eq!(bob.ask("DELETE", "?grace_days=0", None).status, 202);
    bob.until("deleted");
    assert_eq!(cloudflare.state(), State::default());
}

#[test]
fn a_reader_of_events_waits_for_news_as_long_as_asked() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(cloudflare.settings());
    Sample::published().publish_to(&plane);
    let (alice, _) = Owner::sign_up(&plane, "alice", &json!({}));
    alice.until("ready");
    let answer = alice.ask("GET", "/events?after=1000000&wait=2", None);
    assert_eq!((answer.status, &answer.json()["events"]), (200, &json!([])), "{}", answer.body);
    let lines = plane.lines();
    let line = lines.iter().find(|line| line["route"] == "/v1/tenants/{name}/events").expect("a line of the request");
    // The runtime tells time in coarse steps.
    assert!(line["ms"].as_i64() >= Some(1_900), "{line}");
}

#[test]
fn the_sweep_takes_up_what_a_lost_nudge_left_behind() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(cloudflare.settings());
    Sample::published().publish_to(&plane);
    let (alice, _) = Owner::sign_up(&plane, "alice", &json!({}));
    alice.until("ready");
    // As after a change whose nudge never arrived.
    plane.sql("UPDATE resource SET state = 'unknown' WHERE kind = 'route'", json!([]));
    plane.sql("UPDATE tenant SET due_at_ms = 1, phase = 'updating', observed_generation = 0", json!([]));
    plane.cron();
    alice.until("ready");

    // The log tells which of the two rounds came from where.
    let lines = plane.lines();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let sign_up = of("request").into_iter().find(|line| line["route"] == "/v1/tenants").expect("a line of the sign-up");
    assert_eq!((&sign_up["method"], &sign_up["status"]), (&json!("POST"), &json!(202)));
    let (ticks, rounds) = (of("cron"), of("round"));
    let asked_by = rounds.iter().map(|round| &round["request_id"]).collect::<Vec<_>>();
    assert_eq!(asked_by, [&sign_up["request_id"], &ticks[0]["request_id"]], "{lines:?}");
    for round in rounds {
        let is_of_round = |call: &&&Json| ["request_id", "tenant"].iter().all(|field| call[*field] == round[*field]);
        let calls = of("call").iter().filter(is_of_round).count();
        assert_eq!((&round["outcome"], &round["calls"]), (&json!("converged"), &json!(calls)));
    }
}

#[test]
fn every_job_runs_to_its_end_on_d1() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(cloudflare.settings());
    Sample::published().publish_to(&plane);
    let (alice, _) = Owner::sign_up(&plane, "alice", &json!({}));
    alice.until("ready");
    let (bob, _) = Owner::sign_up(&plane, "bob", &json!({}));
    bob.until("ready");
    assert_eq!(bob.ask("DELETE", "?grace_days=0", None).status, 202);
    bob.until("deleted");
    // What the ledger calls the bucket of alice is missing, what she had is nobody's, and bob has been gone for long.
    for sql in [
        "UPDATE tenant SET updated_at_ms = 1",
        "UPDATE tenant SET deleted_at_ms = 1 WHERE name = 'bob'",
        "UPDATE resource SET name = 'moltbot-data-alice-2', confirmed_at_ms = 1 WHERE name = 'moltbot-data-alice'",
    ] {
        plane.sql(sql, json!([]));
    }
    plane.cron();

    let rows =
        plane.sql("SELECT name, report ->> '$.end.outcome' AS outcome, report FROM job ORDER BY name", json!([]));
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["drift", "orphans", "retention", "rounds", "trials"]);
    for row in &rows {
        assert_eq!(row["outcome"], "done", "{row}");
    }
    let found =
        |at: usize| serde_json::from_str::<Json>(rows[at]["report"].as_str().unwrap()).unwrap()["found"].clone();
    assert_eq!(found(1)["names"], json!(["bucket moltbot-data-alice"]));
    assert_eq!(found(1)["missing"], json!(["bucket moltbot-data-alice-2"]));
    assert_eq!(found(2)["tombstones"], 1);
    alice.until("ready");
    assert_eq!(cloudflare.state().buckets.len(), 2, "the missing one is made anew, and nobody's is left alone");
}

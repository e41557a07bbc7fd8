//! A hundred thousand tenants in the real D1: whatever operators look at, it reads as many rows as it shows and a constant.

use serde_json::{Value as Json, json};

use crate::cloudflare::{Cloudflare, Sample};
use crate::harness::Workerd;
use crate::operators::{AUDIENCE, OPERATOR, sign_in};

const TENANTS: i64 = 100_000;

/// Tenants on a page of the console.
const SHOWN: u64 = 50;

/// What the overview, the operator's sign-in and the plane's own tables come to.
const CONSTANT: u64 = 300;

/// How often D1 counts a tenant that is looked at: in the index, in the table, and as it is given its place.
const EACH: u64 = 3;

/// Tenants that are looked at where not all of them are shown.
const WINDOW: u64 = 1_000;

/// Tenants from ?1 on, so many as ?2: of every thousand one has failed, one lacks a secret and one is long on its way; every
/// hundredth is a tombstone.
const MANY: &str = r#"WITH RECURSIVE n (i) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + ?2)
    INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms, created_at_ms,
        updated_at_ms, owner, deleted_at_ms, due_at_ms)
    SELECT 't' || i, 'n' || i,
        CASE WHEN i % 100 = 99 THEN 'deleted' WHEN i % 1000 = 1 THEN 'failed' WHEN i % 1000 = 2 THEN 'updating' ELSE 'ready' END,
        1, '{"instance_type":"standard-' || (1 + i % 2) || '","max_instances":1,"sleep_after":"never"}',
        (SELECT id FROM release),
        '[{"type":"Ready","status":"' || CASE WHEN i % 1000 IN (1, 2) THEN 'False' ELSE 'True' END
            || '","reason":"R","message":"","last_transition_time":1},{"type":"SecretsReady","status":"'
            || CASE WHEN i % 1000 = 3 THEN 'False' ELSE 'True' END || '","reason":"Missing","message":"","last_transition_time":1}]',
        i, i, i, 'owner-' || (i % 100), CASE WHEN i % 100 = 99 THEN i END, CASE WHEN i % 1000 = 2 THEN i END FROM n"#;

#[test]
fn at_a_hundred_thousand_tenants_whatever_operators_look_at_reads_what_it_shows_and_a_constant() {
    let cloudflare = Cloudflare::start();
    let mut settings = cloudflare.settings();
    settings["ACCESS_TEAM_URL"] = json!(format!("http://localhost:{}", cloudflare.port));
    settings["ACCESS_AUD"] = json!(AUDIENCE);
    settings["ACCESS_OPERATORS"] = json!(OPERATOR);
    let plane = Workerd::start(settings);
    Sample::published().publish_to(&plane);
    for from in (0..TENANTS).step_by(10_000) {
        plane.sql(MANY, json!([from, 10_000]));
    }
    // As D1 advises from time to time: then its planner has statistics, and may choose otherwise.
    plane.sql("PRAGMA optimize = 0x10002", json!([]));
    let token = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);

    let looks_at_others =
        ["name=n7&sort=updated", "owner=owner-7&phase=failed", "sort=created&instance_type=standard-1"];
    let shows_all = [
        "",
        "name=n99",
        "phase=ready",
        "phase=failed",
        "phase=deleted",
        "owner=owner-7",
        "instance_type=standard-2",
        "condition=Ready",
        "condition=SecretsReady",
        "condition=Stalled",
        "cursor=n.n5.t5",
        "sort=created",
    ];
    let cases = shows_all.map(|query| (query, 0)).into_iter().chain(looks_at_others.map(|query| (query, WINDOW)));
    for (query, more) in cases {
        for path in ["/admin", "/admin/fleet/live", "/admin/api/tenants"] {
            let answer = plane.fetch(
                "GET",
                &format!("{path}?{query}"),
                &[("cookie", &format!("CF_Authorization={token}"))],
                None,
            );
            let line = plane.lines().into_iter().rfind(|line| line["event"] == "request").unwrap();
            assert_eq!(answer.status, 200, "{path}?{query}: {line}");
            assert_eq!((&line["route"], &line["db_calls"]), (&json!(path), &json!(1)), "{line}");
            let rows = line["db_rows_read"].as_u64().unwrap();
            let most = EACH * (SHOWN + 1).max(more) + if path == "/admin/api/tenants" { 10 } else { CONSTANT };
            assert!(rows > 0 && rows <= most, "{path}?{query} read {rows} rows, {most} at most");
        }
    }
    let fleet =
        plane.fetch("GET", "/admin/api/fleet", &[("cookie", &format!("CF_Authorization={token}"))], None).json();
    assert_eq!((&fleet["tenants"], &fleet["attention"]["failed"]["has_more"]), (&json!(99_000), &json!(true)));
    let named = |what: &str| fleet["attention"][what]["tenants"].as_array().map(Vec::len);
    assert_eq!(["failed", "overdue", "lack_secrets"].map(named), [Some(10); 3], "{fleet}");
    assert!(matches!(&fleet["backlog"]["due"], Json::Number(due) if due.as_u64() == Some(100)), "{fleet}");
}

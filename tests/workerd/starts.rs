//! The wasm build in the real Workers runtime.

use paramita::registry::db::DbError;
use paramita::registry::sql;
use serde_json::json;

use crate::harness::Workerd;

#[test]
fn the_wasm_build_answers_from_a_migrated_database() {
    let plane = Workerd::start(json!({}));

    let health = plane.fetch("GET", "/healthz?deep=1", &[], None);

    assert_eq!(health.status, 200, "{}", health.body);
    assert_eq!(health.json()["status"], "ok");
    assert!(health.header("content-length").is_some(), "bodies are sent whole");
    let migrations = std::fs::read_dir("migrations").unwrap().count();
    assert_eq!(plane.sql("SELECT count(*) AS n FROM d1_migrations", json!([]))[0]["n"], migrations);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let plane = Workerd::start(json!({}));
    let large = json!("x".repeat(1024 * 1024));

    let refusal = plane.fetch("POST", "/v1/tenants", &[], Some(&large));

    assert_eq!(refusal.status, 413);
    assert_eq!(refusal.header("content-type"), Some("application/problem+json"));
    assert_eq!(refusal.json()["code"], "too_large");
    let line = plane.lines().pop().expect("a line about the request");
    assert_eq!((&line["method"], &line["status"]), (&json!("POST"), &json!(413)));
    assert_eq!(Some(line["request_id"].as_str().unwrap()), refusal.header("x-request-id"));
}

#[test]
fn cron_runs_to_its_end() {
    Workerd::start(json!({})).cron();
}

#[test]
fn d1_says_what_the_registry_listens_for() {
    let plane = Workerd::start(json!({}));
    plane.sql("INSERT INTO release (id, manifest, created_at_ms) VALUES ('rel_1', '{}', 1)", json!([]));
    let tenant = "INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms, \
                  created_at_ms, updated_at_ms) VALUES (?1, 'alice', 'pending', 1, '{}', 'rel_1', '[]', 1, 1, 1)";
    plane.sql(tenant, json!(["t1"]));
    let taken = DbError::from_message(&plane.sql_error(tenant, json!(["t2"])));
    assert_eq!(taken, DbError::Unique("tenant.name".into()));
    assert_eq!(plane.sql(sql::GUARD_NOT_BLOCKED, json!([0])).len(), 1);
    let blocked = DbError::from_message(&plane.sql_error(sql::GUARD_NOT_BLOCKED, json!([-1])));
    assert_eq!(blocked, DbError::Guard("conflict".into()));
    let unknown = DbError::from_message(&plane.sql_error(sql::invites::GUARD_INVITE_USED, json!(["ivt_none"])));
    assert_eq!(unknown, DbError::Guard("invite_unknown".into()));
}

//! What is deleted after a while, and what never.

use paramita::jobs::retention::{Entity, KEPT};
use paramita::jobs::run::Outcome;

use super::*;

async fn number_of(plane: &TestPlane, sql: &'static str) -> i64 {
    plane.sql(sql).await[0]["n"].as_i64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_goes_after_ninety_days_with_all_its_rows_and_the_living_stay() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob"]).await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&tokens[0]), "").await.expect(202);
    plane.until_quiet().await;
    let rows_of_bob = "SELECT (SELECT COUNT(*) FROM resource) + (SELECT COUNT(*) FROM secret) + \
                       (SELECT COUNT(*) FROM token) AS n FROM tenant WHERE name = 'bob'";

    // A deleted tenant's history is its proof, and stays with it however old it is.
    plane.sql("UPDATE event SET at_ms = 1").await;
    plane.clock.advance_ms(90 * DAY_MS - HOUR_MS);
    plane.tick().await;
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "deleted");
    assert!(!reasons(&plane, "alice", &tokens[0]).await.is_empty());
    assert!(reasons(&plane, "bob", &tokens[1]).await.is_empty());
    plane.clock.advance_ms(HOUR_MS);
    let found = plane.tick().await.retention.unwrap().found;
    assert_eq!(found.tombstones, 1);
    assert_eq!(plane.get("/v1/tenants/alice", Some(&tokens[0])).await.status, 404);
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM tenant").await, 1);
    // Ledger, secrets and token of bob, and nobody else's.
    assert_eq!(number_of(&plane, rows_of_bob).await, 5 + 4 + 1);
    assert_eq!(plane.tenant("bob", &tokens[1]).await["phase"], "ready");
}

#[tokio::test(start_paused = true)]
async fn old_history_of_the_living_goes_in_bounded_pages_over_several_ticks() {
    let (plane, _) = plane_with(&[], &["alice"]).await;
    let old = "INSERT INTO event (tenant_id, at_ms, generation, reason, message) \
               WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000) \
               SELECT id, 1000, 1, 'Old', '' FROM n, tenant";
    let young = number_of(&plane, "SELECT COUNT(*) AS n FROM event").await;
    plane.sql(old).await;

    let run = plane.tick().await.retention.unwrap();
    assert_eq!((run.end.outcome, run.found.events), (Outcome::Unfinished, 5_000));
    // The next tick goes on, though the hour is not over.
    let run = plane.tick().await.retention.unwrap();
    assert_eq!((run.end.outcome, run.found.events), (Outcome::Done, 2_000));
    assert!(plane.tick().await.retention.is_none());
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM event").await, young);
}

#[tokio::test(start_paused = true)]
async fn a_run_cut_off_in_the_middle_is_taken_up_and_nothing_is_half_deleted() {
    let (plane, tokens) = plane_with(&[], &["alice", "bob"]).await;
    for (name, token) in ["alice", "bob"].iter().zip(&tokens) {
        plane.raw("DELETE", &format!("/v1/tenants/{name}?grace_days=0"), Some(token), "").await.expect(202);
    }
    plane.until_quiet().await;
    plane.clock.advance_ms(90 * DAY_MS);
    // Trials make three statements, rounds six; then the claim, the cursor, events, and history of tombstones. The
    // batch that would delete the tombstones never comes.
    for nth in 9..=15 {
        plane.hang_database(nth);
        let tick = tokio::time::timeout(Duration::from_secs(1), plane.tick()).await;
        plane.hang_database(0);
        if tick.is_ok() || number_of(&plane, "SELECT COUNT(*) AS n FROM event").await == 0 {
            break;
        }
        plane.clock.advance_ms(5 * MINUTE_MS);
    }
    let (tenants, lines) = (
        number_of(&plane, "SELECT COUNT(*) AS n FROM tenant").await,
        number_of(&plane, "SELECT COUNT(*) AS n FROM resource").await,
    );
    assert_eq!(lines, 5 * tenants);
    plane.clock.advance_ms(5 * MINUTE_MS);
    plane.tick().await;
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM tenant").await, 0);
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM resource").await, 0);
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM token").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_that_may_still_have_something_outside_stays() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(&tokens[0]), "").await.expect(202);
    plane.until_quiet().await;
    plane.sql("UPDATE resource SET asked_at_ms = 1 WHERE kind = 'bucket'").await;
    plane.clock.advance_ms(400 * DAY_MS);
    assert_eq!(plane.tick().await.retention.unwrap().found.tombstones, 0);
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM tenant").await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_no_list_shows_any_more_is_forgotten_after_thirty_days() {
    let (plane, _) = plane_with(&[], &[]).await;
    plane.emulator.seed_bucket("moltbot-data-lost").await.unwrap();
    plane.tick().await;
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM orphan").await, 1);
    plane.app.cloudflare.delete_bucket("moltbot-data-lost").await.unwrap();
    plane.clock.advance_ms(30 * DAY_MS - HOUR_MS);
    plane.tick().await;
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM orphan").await, 1);
    plane.clock.advance_ms(HOUR_MS);
    assert_eq!(plane.tick().await.retention.unwrap().found.orphans, 1);
    assert_eq!(number_of(&plane, "SELECT COUNT(*) AS n FROM orphan").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_purged_when_its_grace_period_ends_without_anybody_asking() {
    let (plane, tokens) = plane_with(&[], &["alice"]).await;
    plane.emulator.seed_object("moltbot-data-alice", "note", "x").await.unwrap();
    plane.raw("DELETE", "/v1/tenants/alice", Some(&tokens[0]), "").await.expect(202);
    plane.tick().await;
    plane.lose_nudges();
    for _ in 0..6 {
        plane.clock.advance_ms(DAY_MS);
        plane.tick().await;
        assert_eq!(plane.emulator.state().await.unwrap().buckets["moltbot-data-alice"], 1);
    }
    plane.clock.advance_ms(DAY_MS);
    assert_eq!(plane.tick().await.rounds.unwrap().found.converged, 1);
    assert!(plane.emulator.state().await.unwrap().buckets.is_empty());
    assert_eq!(plane.tenant("alice", &tokens[0]).await["phase"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn keys_dead_tokens_and_dead_invites_go_each_in_its_time_and_living_ones_stay() {
    let (plane, _) = plane_with(&[], &["alice"]).await;
    let now = plane.app.clock.now();
    let future = now.plus_ms(400 * DAY_MS);
    for statement in [
        format!("INSERT INTO idempotency VALUES ('s', 'k', 'f', 202, 'sealed', {})", now.0),
        format!("INSERT INTO invite (id, hash, created_at_ms, expires_at_ms) VALUES ('ivt_dead', 'a', 1, {})", now.0),
        format!(
            "INSERT INTO invite (id, hash, created_at_ms, expires_at_ms) VALUES ('ivt_good', 'b', 1, {})",
            future.0
        ),
        format!(
            "INSERT INTO token (id, tenant_id, hash, created_at_ms, expires_at_ms, revoked_at_ms) \
             SELECT 'tok_expired', id, 'c', 1, {0}, NULL FROM tenant UNION ALL \
             SELECT 'tok_revoked', id, 'd', 1, NULL, {0} FROM tenant UNION ALL \
             SELECT 'tok_good', id, 'e', 1, {1}, NULL FROM tenant",
            now.0, future.0
        ),
    ] {
        plane.sql(statement.leak()).await;
    }
    let left = async |what: &'static str| number_of(&plane, what).await;
    let (keys, tokens, invites) = (
        "SELECT COUNT(*) AS n FROM idempotency",
        "SELECT COUNT(*) AS n FROM token WHERE id IN ('tok_expired', 'tok_revoked')",
        "SELECT COUNT(*) AS n FROM invite WHERE id = 'ivt_dead'",
    );
    let mut passed = now;
    for (days, what, before, after) in [(1, keys, 1, 0), (30, tokens, 2, 0), (90, invites, 1, 0)] {
        plane.clock.advance_ms(now.0 + days * DAY_MS - HOUR_MS - passed.0);
        plane.tick().await;
        assert_eq!(left(what).await, before, "{what}, an hour before its time");
        plane.clock.advance_ms(HOUR_MS);
        let found = plane.tick().await.retention.unwrap().found;
        assert_eq!(left(what).await, after, "{what}");
        assert_eq!((found.keys + found.tokens + found.invites) as i64, before - after, "{found:?}");
        passed = plane.app.clock.now();
    }
    assert_eq!(left("SELECT COUNT(*) AS n FROM token").await, 2, "alice's own, and the one that is still good");
    assert_eq!(left("SELECT COUNT(*) AS n FROM invite").await, 1);
}

#[test]
fn the_documentation_has_the_table_of_the_code() {
    let documented = include_str!("../../../docs/operations.md");
    for kept in &KEPT {
        let entity = match kept.entity {
            Entity::Events => "history of living tenants",
            Entity::Tombstones => "deleted tenants",
            Entity::Orphans => "orphans",
            Entity::Keys => "keys of repeated requests",
            Entity::Tokens => "tokens of living tenants",
            Entity::Invites => "invites",
        };
        let days = if kept.days == 1 { "1 day".to_owned() } else { format!("{} days", kept.days) };
        let line = documented.lines().find(|line| line.starts_with(&format!("| {entity}")));
        let line = line.unwrap_or_else(|| panic!("no line for {entity}"));
        assert!(line.contains(&format!("| {days} |")) && line.contains(kept.why), "{line}");
    }
}

//! What is read, what the database itself refuses, and the schema.

use super::*;

#[tokio::test]
async fn history_is_read_page_by_page_without_gap_or_repetition() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    for (id, reasons) in [(&alice, ["One", "Two", "Three"]), (&bob, ["Four", "Five", "Six"])] {
        let leased = fixture.lease(id, at(0)).await;
        let events = reasons.iter().map(|reason| Event::new(reason, format!("{reason} happened"))).collect();
        fixture.registry.end_stage(&leased, &StageEnd { events, ..StageEnd::default() }, at(7)).await.unwrap();
    }
    let page = async |after| fixture.registry.events(&alice, after, 3).await.unwrap();
    let (first, mut seen) = (page(0).await, Vec::new());
    assert_eq!(first.len(), 3);
    let second = page(first[2].id).await;
    seen.extend(first.iter().chain(&second).map(|event| event.reason.as_str()));
    assert_eq!(seen, ["SignedUp", "One", "Two", "Three"]);
    assert_eq!((second[0].at_ms, second[0].message.as_str()), (at(7), "Three happened"));
    assert_eq!(page(second[0].id).await, []);
}

#[tokio::test]
async fn sign_ups_get_the_release_that_became_the_default_last() {
    let fixture = Fixture::new().await;
    let default = async || fixture.registry.default_release().await.unwrap().unwrap().id.0;
    fixture.publish("rel_never", None).await;
    fixture.publish("rel_older", Some(at(-1))).await;
    assert_eq!(default().await, "rel_1");
    fixture.publish("rel_2", Some(at(1))).await;
    assert_eq!(default().await, "rel_2");
    let older = fixture.registry.release(&ReleaseId("rel_older".into())).await.unwrap();
    assert_eq!(older.map(|release| release.id.0), Some("rel_older".into()));
    assert_eq!(fixture.registry.release(&ReleaseId("rel_unknown".into())).await, Ok(None));

    fixture.sql("UPDATE release SET default_since_ms = NULL", []).await;
    assert_eq!(fixture.registry.default_release().await, Ok(None));
}

#[tokio::test]
async fn a_row_that_does_not_fit_names_its_table() {
    let cases: [(&str, &str, &str); 6] = [
        ("UPDATE tenant SET spec = '{\"instance_type\":\"huge\"}'", "tenant", "spec: unknown variant `huge`"),
        ("UPDATE tenant SET conditions = '{}'", "tenant", "conditions: invalid type: map"),
        ("UPDATE tenant SET attempts = -9", "tenant", "invalid value: integer `-8`"),
        ("UPDATE resource SET applied = '{\"moon\":{}}'", "resource", "applied: unknown variant `moon`"),
        ("UPDATE release SET manifest = '[]'", "release", "rel_1: "),
        (
            "UPDATE release SET manifest = json_set(manifest, '$.format', 2)",
            "release",
            "rel_1: format 2 is not understood",
        ),
    ];
    for (damage, table, detail) in cases {
        let fixture = Fixture::new().await;
        let id = fixture.sign_up("alice").await.id;
        fixture.sql(damage, []).await;
        let error = fixture.registry.lease(&id, "mine".into(), at(1), at(0), at(0)).await.unwrap_err();
        let Error::Inconsistent { table: named, detail: told } = &error else { panic!("{damage}: {error:?}") };
        assert_eq!(*named, table, "{damage}");
        assert!(told.contains(detail), "{damage}: {told}");
    }
}

#[tokio::test]
async fn the_database_itself_refuses_what_must_not_be() {
    let fixture = Fixture::new().await;
    fixture.sign_up("alice").await;
    let before = fixture.dump();
    for sql in [
        "UPDATE tenant SET observed_generation = generation + 1",
        "UPDATE tenant SET generation = 0",
        "UPDATE tenant SET phase = 'deleted'",
        "UPDATE tenant SET deleted_at_ms = 1",
        "UPDATE tenant SET phase = 'asleep'",
        "UPDATE tenant SET release_id = 'rel_unknown'",
        "UPDATE tenant SET spec = 'no json'",
        "UPDATE resource SET state = 'perhaps'",
        "UPDATE secret SET version = 0",
        "DELETE FROM tenant",
        "INSERT INTO token (id, tenant_id, hash, created_at_ms) SELECT 'other', tenant_id, hash, 0 FROM token",
    ] {
        let refused = fixture.db.batch(vec![Statement { sql, args: Vec::new() }]).await;
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(fixture.dump(), before);
}

/// The picture is `schema.sql` beside this file. After a new migration, have it made anew and look at the difference:
/// `UPDATE_SCHEMA=1 cargo test --test it schema`
#[tokio::test]
async fn the_migrations_make_the_schema_that_is_on_record() {
    const HEAD: &str = "\
-- The registry's schema as the migrations leave it, without comments; see the migrations for those.
-- Made by: UPDATE_SCHEMA=1 cargo test --test it schema
";
    let db = Sqlite::in_memory().unwrap();
    let sql = "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name <> 'd1_migrations' ORDER BY tbl_name, type DESC, name";
    let outcome = db.batch(vec![Statement { sql, args: Vec::new() }]).await.unwrap().remove(0);
    let mut schema = HEAD.to_owned();
    for row in outcome.rows {
        let lines = row["sql"].as_str().unwrap().lines().map(|line| line.split("--").next().unwrap().trim_end());
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        schema.push_str(&format!("\n{};\n", lines.join("\n")));
    }
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schema.sql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(picture, &schema).unwrap();
    }
    assert_eq!(schema, std::fs::read_to_string(picture).unwrap());
}

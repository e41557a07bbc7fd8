//! [`Db`] on SQLite in memory or in a file: what D1 is underneath. Binds as D1 binds, so that a statement which works
//! here works there.

use std::sync::{Mutex, MutexGuard};

use futures_util::future::{BoxFuture, ready};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value as Json};

use super::db::{Db, DbError, Outcome, Statement, Value};
use super::migrations;

/// Most parameters of one statement on D1 (developers.cloudflare.com/d1/platform/limits).
const MAX_ARGS: usize = 100;

/// More than the registry has statements: each is prepared once.
const STATEMENTS: usize = 128;

/// Wrangler's own table, in which it notes what it has applied (`getCreateMigrationsTableQuery` of wrangler 4.164), but
/// for the time, which would be another one in every registry.
const NOTES: &str = "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, \
     applied_at TIMESTAMP DEFAULT 0 NOT NULL)";

/// A database with the registry's schema.
#[derive(Debug)]
pub struct Sqlite(Mutex<Connection>);

impl Sqlite {
    /// An empty registry in memory.
    pub fn in_memory() -> Result<Self, DbError> {
        let connection = Connection::open_in_memory().map_err(driver)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(driver)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(NOTES).map_err(driver)?;
        for (name, migration) in migrations::NAMES.iter().zip(migrations::FILES) {
            connection.execute_batch(migration).map_err(driver)?;
            connection.execute("INSERT INTO d1_migrations (name) VALUES (?1)", [name]).map_err(driver)?;
        }
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn run(&self, statements: &[Statement]) -> Result<Vec<Outcome>, DbError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(driver)?;
        let outcomes = statements.iter().map(|statement| run_one(&transaction, statement)).collect::<Result<_, _>>()?;
        transaction.commit().map_err(driver)?;
        Ok(outcomes)
    }

    /// Every row of every table as text: what a test searches for values that must not rest here.
    pub fn dump(&self) -> Result<String, DbError> {
        let connection = self.connection();
        let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").map_err(driver)?;
        let names: Vec<String> =
            tables.query_map([], |row| row.get(0)).map_err(driver)?.collect::<Result<_, _>>().map_err(driver)?;
        let mut text = String::new();
        for name in names {
            let mut statement = connection.prepare(&format!("SELECT * FROM {name}")).map_err(driver)?;
            for row in read_rows(&mut statement, &[])? {
                text.push_str(&format!("{name}: {}\n", Json::Object(row)));
            }
        }
        Ok(text)
    }
}

fn run_one(connection: &Connection, statement: &Statement) -> Result<Outcome, DbError> {
    if statement.args.len() > MAX_ARGS {
        return Err(DbError::Other(format!("{} parameters; D1 takes {MAX_ARGS}", statement.args.len())));
    }
    let changes_before = connection.total_changes();
    let mut prepared = connection.prepare_cached(statement.sql).map_err(driver)?;
    let rows = read_rows(&mut prepared, &statement.args)?.into_iter().map(Json::Object).collect();
    Ok(Outcome { rows, changes: connection.total_changes() - changes_before, rows_read: 0 })
}

fn read_rows(statement: &mut rusqlite::Statement<'_>, args: &[Value]) -> Result<Vec<Map<String, Json>>, DbError> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query(params_from_iter(args.iter().map(bind))).map_err(driver)?;
    let mut read = Vec::new();
    while let Some(row) = rows.next().map_err(driver)? {
        let fields = columns.iter().enumerate().map(|(at, column)| {
            let value = row.get_ref(at).map_err(driver)?;
            Ok((column.clone(), json(value)?))
        });
        read.push(fields.collect::<Result<_, DbError>>()?);
    }
    Ok(read)
}

fn bind(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        // D1 binds every number as a REAL. Whole numbers up to 2^53 survive it.
        #[expect(clippy::cast_precision_loss, reason = "that is what D1 does; see `Value::Int`")]
        Value::Int(number) => rusqlite::types::Value::Real(*number as f64),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    }
}

fn json(value: ValueRef<'_>) -> Result<Json, DbError> {
    match value {
        ValueRef::Null => Ok(Json::Null),
        ValueRef::Integer(number) => Ok(Json::from(number)),
        // JavaScript has one kind of number, so D1 hands 5.0 out as 5.
        #[expect(clippy::cast_possible_truncation, reason = "whole and small enough, just checked")]
        ValueRef::Real(number) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(Json::from(number as i64)),
        ValueRef::Real(number) => Ok(Json::from(number)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Json::String)
            .map_err(|_| DbError::Other("text that is not UTF-8".into())),
        ValueRef::Blob(_) => Err(DbError::Other("the registry has no blob columns".into())),
    }
}

fn driver(error: rusqlite::Error) -> DbError {
    DbError::from_message(&error.to_string())
}

impl Db for Sqlite {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        Box::pin(ready(self.run(&statements)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::*;

    /// Steps of SQLite's machine that a statement takes.
    fn effort(connection: &Connection, sql: &str, args: &[Value]) -> i32 {
        let mut prepared = connection.prepare(sql).unwrap();
        let rows = read_rows(&mut prepared, args).unwrap();
        assert!(!rows.is_empty(), "{sql}");
        prepared.get_status(rusqlite::StatementStatus::VmStep)
    }

    #[test]
    fn what_every_sign_up_and_every_request_asks_takes_the_same_effort_however_many_tenants_there_are() {
        let efforts = [1_000, 20_000].map(|tenants: i64| {
            let db = Sqlite::in_memory().unwrap();
            let connection = db.connection();
            // A sign-up each millisecond, all of one owner, each with a token, an invite and a key.
            let rows = format!(
                r#"INSERT INTO release VALUES ('rel_1', '{{}}', 1, 1);
                CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tenants})
                    SELECT i FROM n;
                INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms,
                    created_at_ms, updated_at_ms, owner, due_at_ms)
                SELECT 't' || i, 'n' || i, 'ready', 1, '{{"instance_type":"standard-1","max_instances":1}}', 'rel_1', '[]',
                    i, i, i, 'acme', i FROM n;
                INSERT INTO token (id, tenant_id, hash, created_at_ms) SELECT 'tok' || i, 't' || i, 'hash' || i, i FROM n;
                INSERT INTO invite (id, hash, created_at_ms, expires_at_ms) SELECT 'ivt' || i, 'code' || i, i, i FROM n;
                INSERT INTO idempotency SELECT 'scope', 'key' || i, 'f', 202, 'sealed', i FROM n;"#
            );
            connection.execute_batch(&rows).unwrap();
            let limits: [Value; 5] = [0.into(), 600.into(), "acme".into(), 600.into(), 100_000.into()];
            let [_, tenant_of_token, _] = sql::tokens::FIND_BY_HASH;
            let most = |number: i64| Value::Int(number);
            let page = |from: Value, window: i64, filters: [Option<&str>; 5]| -> Vec<Value> {
                let mut args = vec![from, "".into(), most(window), most(51)];
                args.extend(filters.map(Value::from));
                args.extend(["".into(), "~".into()]);
                args
            };
            let no = None::<&str>;
            [
                effort(&connection, sql::fleet::BY_NAME, &page("".into(), 51, [no; 5])),
                effort(&connection, sql::fleet::BY_NAME, &page("n5".into(), 51, [no; 5])),
                effort(&connection, sql::fleet::BY_NAME, &page("".into(), 900, [Some("failed"), no, no, no, no])),
                effort(&connection, sql::fleet::OF_PHASE, &page("".into(), 51, [Some("ready"), no, no, no, no])),
                effort(&connection, sql::fleet::OF_OWNER, &page("".into(), 51, [no, Some("acme"), no, no, no])),
                effort(&connection, sql::fleet::OF_SIZE, &page("".into(), 51, [no, no, Some("standard-1"), no, no])),
                effort(&connection, sql::fleet::OF_RELEASE, &page("".into(), 51, [no, no, no, Some("rel_1"), no])),
                effort(&connection, sql::fleet::UNREADY, &page("".into(), 51, [no, no, no, no, Some("Ready")])),
                effort(&connection, sql::fleet::NEWEST, &page(most(900), 51, [no; 5])),
                effort(&connection, sql::fleet::LATEST, &page(most(900), 51, [no; 5])),
                effort(&connection, sql::fleet::DUE_NOW, &[most(900), most(500)]),
                effort(&connection, sql::sign_ups::SIGN_UP_STANDING, &limits[..4]),
                effort(&connection, sql::fleet::FLEET, &[]),
                effort(&connection, tenant_of_token, &["hash500".into()]),
                effort(&connection, sql::tokens::TOKENS, &["t500".into(), most(100)]),
                effort(&connection, sql::invites::INVITES, &[most(400), "".into(), most(20)]),
                effort(&connection, sql::invites::INVITE_OF_CODE, &["code500".into()]),
                effort(&connection, sql::health::NEWEST_ANSWER, &[]),
                effort(&connection, sql::idempotency::KEPT_ANSWER, &["scope".into(), "key500".into(), most(0)]),
            ]
        });
        let [few, many] = efforts;
        assert_eq!(few, many);
    }

    /// How SQLite goes about a statement.
    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut prepared = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let (mut rows, mut steps) = (prepared.raw_query(), Vec::new());
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    #[test]
    fn what_operators_look_at_walks_one_index_in_its_order_whatever_the_planner_thinks() {
        use sql::fleet;
        let db = Sqlite::in_memory().unwrap();
        let connection = db.connection();
        let on_its_way = "SEARCH t USING INDEX tenant_on_its_way (phase=? AND <expr><?)";
        for (sql, expected) in [
            (fleet::BY_NAME, "SEARCH t USING INDEX tenant_name (name>? AND name<?)"),
            (fleet::OF_PHASE, "SEARCH t USING INDEX tenant_by_phase (phase=? AND (name,id)>(?,?) AND name<?)"),
            (fleet::OF_OWNER, "SEARCH t USING INDEX tenant_of_owner (owner=? AND name>? AND name<?)"),
            (fleet::OF_SIZE, "SEARCH t USING INDEX tenant_of_size (<expr>=? AND name>? AND name<?)"),
            (fleet::OF_RELEASE, "SEARCH t USING INDEX tenant_of_release (release_id=? AND name>? AND name<?)"),
            (fleet::UNREADY, "SEARCH t USING INDEX tenant_unready (name>? AND name<?)"),
            (fleet::SECRETS_UNREADY, "SEARCH t USING INDEX tenant_secrets_unready (name>? AND name<?)"),
            (fleet::STALLED, "SEARCH t USING INDEX tenant_stalled (name>? AND name<?)"),
            (fleet::NEWEST, "SEARCH t USING INDEX tenant_created ((created_at_ms,id)<(?,?))"),
            (fleet::LATEST, "SEARCH t USING INDEX tenant_changed ((updated_at_ms,id)<(?,?))"),
            (fleet::STUCK, on_its_way),
            (fleet::LACK_SECRETS, "SCAN t USING INDEX tenant_lacks_secrets"),
            (fleet::DUE_NOW, "SEARCH tenant USING INDEX tenant_due (due_at_ms<?)"),
            (fleet::FLEET, "SCAN fleet"),
            (fleet::JOBS, "SCAN job"),
        ] {
            let steps = plan(&connection, sql);
            let read: Vec<&String> =
                steps.iter().filter(|step| step.starts_with("SEARCH") || step.starts_with("SCAN ")).collect();
            let read: Vec<&str> =
                read.into_iter().map(String::as_str).filter(|step| !step.contains("subquery")).collect();
            assert_eq!(read, [expected], "{sql}");
        }
    }

    #[test]
    fn migrations_keep_every_row_of_a_registry_that_is_in_use() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        let [first, later @ ..] = migrations::FILES else { panic!("there are migrations") };
        connection.execute_batch(first).unwrap();
        let rows = r#"
            INSERT INTO release VALUES ('rel_1', '{}', 1, 1);
            INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, created_at_ms, updated_at_ms)
                VALUES ('t1', 'alice', 'ready', 3, '{}', 'rel_1', '[]', 5, 6);
            INSERT INTO resource VALUES ('t1', 'bucket', 'b-alice', 'present', NULL, NULL, 7, 8);
            INSERT INTO secret VALUES ('t1', 'A', 'set', 2, 1, 'sealed', 9, 10);
            INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, created_at_ms, updated_at_ms)
                VALUES ('t2', 'bob', 'ready', 1, '{"instance_type":"standard-1","max_instances":3}', 'rel_1', '[]', 5, 6),
                       ('t3', 'carol', 'ready', 1, '{"instance_type":"standard-1","max_instances":2}', 'rel_1', '[]', 5, 6);
            INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, created_at_ms, updated_at_ms, deleted_at_ms)
                VALUES ('t4', 'bob', 'deleted', 1, '{"instance_type":"standard-1","max_instances":9}', 'rel_1', '[]', 5, 6, 7);
            INSERT INTO token VALUES ('tok_1', 't1', 'hash', 11);
            INSERT INTO event VALUES (41, 't1', 12, 3, 'SignedUp', 'alice signed up');"#;
        connection.execute_batch(rows).unwrap();
        for migration in later {
            let transaction = format!("BEGIN; {migration} COMMIT;");
            connection.execute_batch(&transaction).unwrap();
        }
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(one("SELECT name || generation || wanted_since_ms || COALESCE(owner, '-') FROM tenant"), "alice36-");
        assert_eq!(one("SELECT name || asked_at_ms || confirmed_at_ms FROM resource"), "b-alice78");
        assert_eq!(one("SELECT name || version || sealed FROM secret"), "A2sealed");
        assert_eq!(one("SELECT hash || tenant_id || scopes FROM token"), "hasht1read write secrets");
        let ends = "COALESCE(expires_at_ms, last_used_at_ms, revoked_at_ms, 'good for ever')";
        assert_eq!(one(&format!("SELECT {ends} FROM token")), "good for ever");
        assert_eq!(
            one("SELECT group_concat(phase || instance_type || tenants || instances) FROM fleet"),
            "ready10,readystandard-125",
        );
        assert_eq!(one("SELECT id || message FROM event"), "41alice signed up");
        assert_eq!(one("SELECT count(*) || '' FROM pragma_foreign_key_check"), "0");
        let again = "INSERT INTO event (tenant_id, at_ms, generation, reason, message) VALUES ('t1', 1, 1, 'A', 'B')";
        connection.execute_batch(again).unwrap();
        assert_eq!(one("SELECT max(id) || '' FROM event"), "42", "a number is never used again");
        assert!(connection.execute("DELETE FROM tenant", []).is_err(), "references hold");
    }
}

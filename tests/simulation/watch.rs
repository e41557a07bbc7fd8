//! What has to hold at every call and at every batch of the database, checked while it happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use cloudflare_emulator::Entry;
use fastrand::Rng;
use paramita::registry::db::{DbError, Outcome, Statement, Value};
use paramita::registry::sql;
use paramita::registry::sqlite::Sqlite;
use serde_json::Value as Json;

use crate::op::{Thing, Trouble};
use crate::plane::ask;
use crate::report::Tally;

/// Something that runs: a request, a consumer, the cron.
pub type TaskId = u64;

/// Sees every call and every batch, and knows who is at it.
pub struct Watch {
    database: Arc<Sqlite>,
    seen: Mutex<Seen>,
}

struct Seen {
    rng: Rng,
    current: TaskId,
    /// Tenant and lease token of each round that a task has begun.
    leases: HashMap<TaskId, Vec<(String, String)>>,
    /// Batches, and calls, to let pass before each trouble.
    with_batches: Vec<(u8, Trouble)>,
    with_calls: Vec<(u8, Trouble)>,
    violation: Option<String>,
    calls: Vec<Entry>,
    tally: Tally,
}

/// What a batch must come to.
#[derive(Default)]
pub struct Expected {
    /// Whoever asks has lost its lease: nothing may be written.
    must_be_refused: Option<String>,
    /// Tenant and token of a lease that is asked for.
    asked: Option<(String, String)>,
    /// Somebody else has a lease that is not over yet.
    is_leased: bool,
}

/// What a call is about.
struct Target<'a> {
    thing: Thing,
    /// Name or id.
    name: &'a str,
    /// The ledger's line that must say *unknown* while the call is under way.
    makes_unknown: Option<&'static str>,
    takes_data: bool,
}

impl Watch {
    pub fn new(seed: u64, database: Arc<Sqlite>) -> Self {
        let seen = Seen {
            rng: Rng::with_seed(!seed),
            current: 0,
            leases: HashMap::new(),
            with_batches: Vec::new(),
            with_calls: Vec::new(),
            violation: None,
            calls: Vec::new(),
            tally: Tally::default(),
        };
        Self { database, seen: Mutex::new(seen) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Up to so many, at random.
    pub fn polls(&self, most: u8) -> u8 {
        self.seen().rng.u8(0..=most)
    }

    pub fn choose(&self, among: usize) -> usize {
        self.seen().rng.usize(..among)
    }

    /// From now on this task is the one at it.
    pub fn turn_of(&self, task: TaskId) {
        self.seen().current = task;
    }

    /// After `skip` more calls, or batches, this is to strike.
    pub fn strike(&self, trouble: Trouble, skip: u8) {
        let mut seen = self.seen();
        let is_of_batches = matches!(trouble, Trouble::AnswerLost | Trouble::BatchRefused);
        if is_of_batches { &mut seen.with_batches } else { &mut seen.with_calls }.push((skip, trouble));
    }

    /// Nothing strikes any more.
    pub fn calm(&self) {
        let mut seen = self.seen();
        seen.with_batches.clear();
        seen.with_calls.clear();
    }

    pub fn trouble_with_batch(&self) -> Option<Trouble> {
        let seen = &mut *self.seen();
        strike(&mut seen.with_batches, &mut seen.tally)
    }

    pub fn trouble_with_call(&self) -> Option<Trouble> {
        let seen = &mut *self.seen();
        strike(&mut seen.with_calls, &mut seen.tally)
    }

    /// The first thing that did not hold.
    pub fn violation(&self) -> Option<String> {
        self.seen().violation.take()
    }

    pub fn tally(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.seen().tally);
    }

    /// Calls since the last time.
    pub fn take_calls(&self) -> Vec<Entry> {
        std::mem::take(&mut self.seen().calls)
    }

    pub fn before_batch(&self, statements: &[Statement]) -> Expected {
        let mut expected = Expected::default();
        for Statement { sql, args } in statements {
            let under_lease = [sql::EXTEND_LEASE, sql::GUARD_LEASE, sql::FINISH_ROUND].contains(sql);
            let [Value::Text(id), Value::Text(token), rest @ ..] = args.as_slice() else { continue };
            if under_lease && self.lease(id).0.as_deref() != Some(token) {
                expected.must_be_refused = Some(format!("{id} under the lease {token}"));
            } else if *sql == sql::LEASE {
                let (holder, expires_ms) = self.lease(id);
                let [_, Value::Int(now_ms), ..] = rest else { continue };
                expected.is_leased = holder.is_some() && expires_ms > *now_ms;
                expected.asked = Some((id.clone(), token.clone()));
            }
        }
        expected
    }

    pub fn after_batch(&self, expected: Expected, answer: &Result<Vec<Outcome>, DbError>) {
        let is_done = answer.is_ok();
        if let Some(what) = expected.must_be_refused.filter(|_| is_done) {
            self.broken(format!("a round wrote after it had lost its lease: {what}"));
        }
        let is_taken =
            answer.as_ref().is_ok_and(|outcomes| outcomes.first().is_some_and(|outcome| outcome.changes == 1));
        if let Some((id, token)) = expected.asked.filter(|_| is_taken) {
            if expected.is_leased {
                self.broken(format!("two live rounds: the lease on {id} was taken while somebody else had it"));
            }
            let mut seen = self.seen();
            let task = seen.current;
            seen.leases.entry(task).or_default().push((id, token));
        }
    }

    fn lease(&self, id: &str) -> (Option<String>, i64) {
        let sql = "SELECT lease_token, lease_expires_ms FROM tenant WHERE id = ?1";
        let row = ask(&self.database, sql, [id.into()]).pop().unwrap_or_default();
        (row["lease_token"].as_str().map(str::to_owned), row["lease_expires_ms"].as_i64().unwrap_or(0))
    }

    fn broken(&self, what: String) {
        self.seen().violation.get_or_insert(what);
    }

    /// Checks calls that have just come in.
    pub fn called(&self, entries: Vec<Entry>) {
        for entry in entries {
            if let Err(what) = self.check(&entry) {
                let Entry { method, path, .. } = &entry;
                self.broken(format!("{what}: {} ({method} {path})", entry.kind));
            }
            let mut seen = self.seen();
            seen.tally.count("calls", &entry.kind);
            seen.calls.push(entry);
        }
    }

    fn check(&self, entry: &Entry) -> Result<(), String> {
        let rounds = {
            let seen = self.seen();
            seen.leases.get(&seen.current).cloned().unwrap_or_default()
        };
        if rounds.is_empty() {
            return Err("Cloudflare was called outside any round".into());
        }
        let Some(target) = target(entry)? else { return Ok(()) };
        let line = target.makes_unknown.unwrap_or(target.thing.as_str());
        let sql = "SELECT t.lease_token, t.delete_asked_at_ms, t.keep_data_until_ms, r.state \
                   FROM tenant t JOIN resource r ON r.tenant_id = t.id \
                   WHERE t.id = ?1 AND r.kind = ?2 AND (r.name = ?3 OR r.external_id = ?3)";
        let of = |(id, token): &(String, String)| {
            let row = ask(&self.database, sql, [id.as_str().into(), line.into(), target.name.into()]).pop();
            row.map(|row| (token.clone(), row))
        };
        let Some((token, row)) = rounds.iter().rev().find_map(of) else {
            return Err(format!("the {} {} is no tenant's whose round this is", target.thing.as_str(), target.name));
        };
        if target.makes_unknown.is_some() && row["lease_token"] != token.as_str() {
            return Err("a call was made by a round that had lost its lease".into());
        }
        if target.makes_unknown.is_some() && row["state"] != "unknown" {
            return Err(format!("a call was made of which the ledger does not know: its {line} is {}", row["state"]));
        }
        let kept_until = row["keep_data_until_ms"].as_i64().unwrap_or(i64::MAX);
        // The plane's clock may be four seconds off, from one moment to the next.
        let is_too_early = row["delete_asked_at_ms"] == Json::Null || kept_until > entry.at_ms + 4_000;
        if target.takes_data && is_too_early {
            return Err("data was to be deleted before its time".into());
        }
        Ok(())
    }
}

fn strike(troubles: &mut Vec<(u8, Trouble)>, tally: &mut Tally) -> Option<Trouble> {
    let strikes = troubles.iter().position(|(left, _)| *left == 0).map(|at| troubles.remove(at).1);
    troubles.iter_mut().for_each(|(left, _)| *left = left.saturating_sub(1));
    strikes.inspect(|trouble| tally.count("faults", trouble.kind()))
}

/// What a call is about; `None` for what is about no one thing.
fn target(entry: &Entry) -> Result<Option<Target<'_>>, String> {
    use Thing::{Application, Bucket, Script};
    let (thing, makes_unknown, takes_data) = match entry.kind.as_str() {
        "container.list" | "namespace.list" | "assets.upload" | "token.verify" => return Ok(None),
        "r2.bucket.create" => (Bucket, Some("bucket"), false),
        "r2.bucket.delete" => (Bucket, Some("bucket"), true),
        "r2.object.delete-many" | "s3.object.delete_many" | "s3.multipart.abort" | "r2.lifecycle.put" => {
            (Bucket, None, true)
        }
        "r2.bucket.get" | "r2.object.list" | "s3.object.list" | "s3.multipart.list" => (Bucket, None, false),
        "script.upload" | "script.delete" => (Script, Some("script"), false),
        "subdomain.put" => (Script, Some("route"), false),
        "schedule.put" => (Script, Some("schedule"), false),
        "script.service.get" | "assets.session" | "secret.bulk" => (Script, None, false),
        "container.create" | "container.patch" | "container.delete" | "rollout.create" => {
            (Application, Some("application"), false)
        }
        "container.get" => (Application, None, false),
        other => return Err(format!("{other} is not known to the simulation; say in watch.rs what it is about")),
    };
    // `/s3/{account}/{name}`, `/accounts/{account}/{family}/{collection}/{name}`, or in the body when it is made.
    let place = if entry.path.starts_with("/s3/") { 3 } else { 5 };
    let name = match entry.path.split('/').nth(place) {
        Some(name) => name,
        None => entry.body["name"].as_str().unwrap_or_default(),
    };
    Ok(Some(Target { thing, name, makes_unknown, takes_data }))
}

//! The plane is killed in the middle of its work, again and again, and goes on from what is on disk: whatever it had
//! answered comes true, and nothing is left lying about in Cloudflare.
//!
//! `KILLS=200 KILLS_SEED=7` asks for more and for others; `make kills` does both.

use std::path::Path;
use std::time::Duration;
use std::{env, fs, thread};

use paramita::entropy::{SeededEntropy, bytes};
use serde_json::{Value as Json, json};

use crate::cloudflare::{Cloudflare, Sample, now_ms, scratch};
use crate::customer::{Customer, PLANTED, SECRET, Tenant};
use crate::harness::Workerd;
use crate::http::{Request, send};

/// Kills and their seed, unless the environment says otherwise.
const KILLS: u64 = 25;
const SEED: u64 = 1;

/// After so many kills everything has to come true, so that a failure is found near its cause.
const KILLS_BETWEEN_CHECKS: u64 = 5;

/// Who ask at the same time.
const CUSTOMERS: u32 = 3;

/// What Cloudflare takes over a call: a round, of three to six calls one after the other, then fills most of a life.
const LATENCY_MS: u64 = 30;

/// When the plane is killed, counted from the first request of its life.
const SHORTEST_LIFE_MS: u64 = 20;
const LIFE_SPREAD_MS: u64 = 600;

/// How long what was asked for may take to show: `SETTLED_MS` of the look.
const MAY_STILL_SHOW_MS: i64 = 5 * 60 * 1_000;

/// Sweeps after which everything has come true: each runs a round for 20 tenants.
const SWEEPS: u32 = 40;

#[test]
fn what_was_answered_comes_true_however_often_the_plane_is_killed() {
    let (kills, seed) = (variable("KILLS", KILLS), variable("KILLS_SEED", SEED));
    println!("KILLS={kills} KILLS_SEED={seed}");
    let cloudflare = Cloudflare::with_latency(LATENCY_MS);
    let state = scratch();
    let start = || Workerd::start_on(&state, &cloudflare.settings());
    let mut plane = start();
    plane.migrate();
    Sample::published().publish_to(&plane);

    let chance = SeededEntropy::new(seed);
    let mut customers: Vec<Customer> = (0..CUSTOMERS).map(|id| Customer::new(id, seed)).collect();
    let (mut in_a_round, mut in_a_call) = (0, 0);
    for kill in 1..=kills {
        let life = Duration::from_millis(SHORTEST_LIFE_MS + u64::from_be_bytes(bytes(&chance)) % LIFE_SPREAD_MS);
        live_and_die(plane, &mut customers, life);
        plane = start();
        let struck = &plane.sql(STRUCK, json!([now_ms()]))[0];
        in_a_round += u64::from(struck["rounds"] != 0);
        in_a_call += u64::from(struck["calls"] != 0);
        println!("kill {kill} after {life:?} found {struck}");
        let_dead_leases_run_out(&plane);
        if kill % KILLS_BETWEEN_CHECKS == 0 || kill == kills {
            assert!(
                customers.iter_mut().all(|customer| customer.ask_again(plane.port())),
                "nobody kills the plane now"
            );
            converge(&plane);
            check(&plane, &cloudflare, &mut customers);
        }
    }
    assert_no_secret_rests_in(&state, &customers);

    let lost: u32 = customers.iter().map(|customer| customer.lost).sum();
    println!("of {kills} kills {in_a_round} struck a round and {in_a_call} a call; {lost} requests were not answered");
    if kills >= KILLS {
        // Most do on an idle machine; on a busy one a short life ends before its first round.
        assert!(in_a_round * 4 > kills && in_a_call * 8 > kills, "the kills strike where nothing happens");
    }

    customers.iter_mut().for_each(|customer| customer.delete_all(plane.port()));
    converge(&plane);
    check(&plane, &cloudflare, &mut customers);
    let _ = fs::remove_dir_all(&state);
}

/// What the dead plane was in the middle of: the rounds whose lease still runs, and what they had called about without
/// noting yet what came of it.
const STRUCK: &str = "SELECT count(DISTINCT t.id) AS rounds, count(r.kind) AS calls \
     FROM tenant t LEFT JOIN resource r ON r.tenant_id = t.id AND r.state = 'unknown' \
     WHERE t.lease_token IS NOT NULL AND t.lease_expires_ms > ?1";

/// Customers ask, the cron trigger fires, and after `life` all of the plane's processes are killed.
#[expect(clippy::disallowed_methods, reason = "real time passes in the real runtime")]
fn live_and_die(plane: Workerd, customers: &mut [Customer], life: Duration) {
    let port = plane.port();
    thread::scope(|scope| {
        for customer in customers {
            scope.spawn(move || customer.act(port));
        }
        // Nudges are in the dead runtime's memory. That the sweep is cut off, too, is what this is about.
        let path = "/cdn-cgi/local/scheduled?cron=*+*+*+*+*&format=json";
        scope.spawn(move || {
            drop(send(&Request { port, host: "localhost", method: "GET", path, headers: &[], body: "" }));
        });
        thread::sleep(life);
        plane.kill();
    });
}

/// As if the time had passed that the leases of the dead rounds have still to go, some two minutes each. The calls that
/// were under way have long ended by then; here, too, for starting takes longer than they do.
fn let_dead_leases_run_out(plane: &Workerd) {
    let sql = "UPDATE tenant SET due_at_ms = MIN(due_at_ms, ?1), lease_expires_ms = ?1 WHERE lease_token IS NOT NULL";
    plane.sql(sql, json!([now_ms()]));
}

/// Fires the cron trigger until nothing is due, a while passing between one and the next. A tenant that is ready may wait
/// for its restarted containers to be gone, which takes a quarter of an hour and no call.
fn converge(plane: &Workerd) {
    let open = "SELECT name, phase, lease_token, attempts, conditions FROM tenant \
         WHERE due_at_ms IS NOT NULL AND (due_at_ms IS NOT keep_data_until_ms OR lease_token IS NOT NULL) \
         AND (phase <> 'ready' OR attempts > 0 OR lease_token IS NOT NULL)";
    for _ in 0..SWEEPS {
        plane.cron();
        if plane.sql(open, json!([])).is_empty() {
            return;
        }
        let_a_while_pass(plane);
    }
    panic!("not everything came true: {}", json!(plane.sql(open, json!([]))));
}

/// As if the time had passed for which tenants wait before another try, and that for which one that is going waits for
/// what it asked for in vain and may still show. Not the days for which a bucket is kept.
fn let_a_while_pass(plane: &Workerd) {
    let now = now_ms();
    let sql = "UPDATE tenant SET due_at_ms = MIN(due_at_ms, ?1) \
         WHERE lease_token IS NULL AND due_at_ms IS NOT keep_data_until_ms";
    plane.sql(sql, json!([now]));
    let sql = "UPDATE resource SET asked_at_ms = MIN(asked_at_ms, ?1) WHERE state = 'absent' \
         AND tenant_id IN (SELECT id FROM tenant WHERE delete_asked_at_ms IS NOT NULL AND lease_token IS NULL)";
    plane.sql(sql, json!([now - MAY_STILL_SHOW_MS]));
}

/// Everything is as it was answered: in the registry, to the tenant's own token, in Cloudflare.
fn check(plane: &Workerd, cloudflare: &Cloudflare, customers: &mut [Customer]) {
    for tenant in customers.iter_mut().flat_map(|customer| &mut customer.tenants) {
        check_tenant(plane, tenant);
    }
    let tenants: Vec<&Tenant> = customers.iter().flat_map(|customer| &customer.tenants).collect();
    check_registry(plane, tenants.len());
    check_cloudflare(cloudflare, &tenants);
    // For the next time: something in every bucket, so that it does not go at the first try.
    for tenant in customers.iter_mut().flat_map(|customer| &mut customer.tenants) {
        if tenant.runs() && !tenant.has_object {
            cloudflare.put_object(&bucket(tenant), "note", "hello");
            tenant.has_object = true;
        }
    }
    cloudflare.emulator.clear_journal();
}

/// The one row of that name is in the phase that was asked for, and its token shows it.
fn check_tenant(plane: &Workerd, tenant: &mut Tenant) {
    let rows = plane.sql("SELECT phase FROM tenant WHERE name = ?1", json!([tenant.name]));
    assert_eq!(rows.len(), 1, "{tenant:?}: {rows:?}");
    let phase = rows[0]["phase"].as_str().unwrap();
    if tenant.is_kept() && !tenant.has_object && phase == "deleted" {
        // Deleted before it had a bucket: there is nothing to keep.
        tenant.deleted = Some(0);
    }
    let expected = match tenant.deleted {
        None => "ready",
        Some(0) => "deleted",
        Some(_) => "deleting",
    };
    assert_eq!(phase, expected, "{tenant:?}");
    if tenant.token.is_some() {
        let seen = tenant.read(plane.port()).expect("an answer");
        assert_eq!((&seen["name"], &seen["phase"]), (&json!(tenant.name), &json!(phase)), "{seen}");
        assert_eq!(seen["generation"], seen["observed_generation"], "{seen}");
    }
}

/// There are as many tenants as their customers know of, each of them whole, and nothing is left unknown but a bucket that
/// is kept and was never confirmed, which is looked at when its time is over.
fn check_registry(plane: &Workerd, tenants: usize) {
    assert_eq!(plane.sql("SELECT count(*) AS n FROM tenant", json!([]))[0]["n"], tenants);
    let halves = "SELECT name FROM tenant t WHERE (SELECT count(*) FROM resource WHERE tenant_id = t.id) <> 5 \
         OR NOT EXISTS (SELECT 1 FROM token WHERE tenant_id = t.id) \
         OR NOT EXISTS (SELECT 1 FROM event WHERE tenant_id = t.id AND reason = 'SignedUp')";
    assert_eq!(plane.sql(halves, json!([])), Vec::<Json>::new(), "sign-ups that happened by half");
    let unknown = "SELECT t.name, t.phase, r.kind FROM resource r JOIN tenant t ON t.id = r.tenant_id \
         WHERE r.state = 'unknown' AND NOT (t.phase = 'deleting' AND r.kind = 'bucket')";
    assert_eq!(plane.sql(unknown, json!([])), Vec::<Json>::new(), "nobody has looked since");
}

/// Cloudflare has what the living tenants have and nothing else, as it was last asked for.
fn check_cloudflare(cloudflare: &Cloudflare, tenants: &[&Tenant]) {
    let state = cloudflare.state();
    let running: Vec<&&Tenant> = tenants.iter().filter(|tenant| tenant.runs()).collect();
    let names = |prefix: &str, suffix: &str| -> Vec<String> {
        let mut names: Vec<String> = running.iter().map(|tenant| format!("{prefix}{}{suffix}", tenant.name)).collect();
        names.sort();
        names
    };
    assert_eq!(state.scripts.keys().cloned().collect::<Vec<_>>(), names("paramita-cloud-", ""));
    assert_eq!(state.applications.keys().cloned().collect::<Vec<_>>(), names("moltbot-", ""));
    assert_eq!(state.namespaces.keys().cloned().collect::<Vec<_>>(), names("paramita-cloud-", "_Sandbox"));
    for tenant in &running {
        let name = format!("paramita-cloud-{}", tenant.name);
        let (script, application) = (&state.scripts[&name], &state.applications[&format!("moltbot-{}", tenant.name)]);
        assert!(script.route_enabled && !script.schedules.is_empty(), "{tenant:?}: {script:?}");
        assert!(cloudflare.emulator.secret_is(&name, SECRET, &tenant.secret), "{tenant:?}");
        let sizes = (application.instance_type.as_deref(), application.running_instance_type.as_deref());
        assert_eq!(sizes, (Some(tenant.size), Some(tenant.size)), "{tenant:?}");
    }
    // With data in it a bucket is there for as long as it was promised; one that is empty may be.
    let mut strangers = state.buckets.clone();
    for tenant in tenants.iter().filter(|tenant| tenant.runs() || tenant.is_kept()) {
        let objects = strangers.remove(&bucket(tenant));
        let may_be_missing = !tenant.runs() && !tenant.has_object;
        assert!(objects == Some(usize::from(tenant.has_object)) || may_be_missing, "{tenant:?}: {objects:?}");
    }
    assert!(strangers.is_empty(), "buckets of nobody: {strangers:?}");
}

fn bucket(tenant: &Tenant) -> String {
    format!("moltbot-data-{}", tenant.name)
}

/// Looks through every file, journals of the database included, for secret values and tokens in the clear.
fn assert_no_secret_rests_in(state: &Path, customers: &[Customer]) {
    let tenants = || customers.iter().flat_map(|customer| &customer.tenants);
    let needles: Vec<&str> = tenants().filter_map(|tenant| tenant.token.as_deref()).chain([PLANTED]).collect();
    let (mut folders, mut has_seen_a_name) = (vec![state.to_owned()], false);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&entry).unwrap()).into_owned();
            has_seen_a_name |= tenants().any(|tenant| text.contains(&bucket(tenant)));
            for needle in &needles {
                assert!(!text.contains(needle), "{needle} rests in {}", entry.display());
            }
        }
    }
    assert!(has_seen_a_name, "these are not the plane's files");
}

fn variable(name: &str, preset: u64) -> u64 {
    env::var(name).map_or(preset, |value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

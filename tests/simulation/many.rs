//! Many runs on all cores.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use paramita::registry::db::{Db, Statement};
use paramita::registry::sqlite::Sqlite;

use crate::op::Op;
use crate::plane::{Releases, ask, at_once};
use crate::random;
use crate::report::Tally;
use crate::run::{Failure, run};
use crate::shrink::shrink;

/// Runs when nobody says how many, unoptimized perhaps; `make test` and `make simulate` say.
const RUNS: u64 = 200;

/// Time between two lines about how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs after which everything that can strike must have.
const ENOUGH_RUNS: u64 = 500;

/// What has to have happened in so many runs: a storm in which nothing strikes proves nothing.
const MUST_HAPPEN: [(&str, &[&str]); 2] = [
    (
        "faults",
        &[
            "request lost",
            "reply lost",
            "429",
            "500",
            "403 page",
            "slow",
            "stale read",
            "database answer lost",
            "database batch refused",
            "process gone",
        ],
    ),
    ("rounds", &["Converged", "Waiting", "Stopped", "NotDueOrOvertaken", "Failed"]),
];

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it took, for people")]
fn whatever_happens_the_plane_keeps_what_it_promises() {
    let number = |name: &str| {
        std::env::var(name).ok().filter(|text| !text.is_empty()).map(|text| text.parse::<u64>().expect("a number"))
    };
    if let Some(seed) = number("SEED") {
        return one(seed);
    }
    let (first, runs) = (number("FIRST_SEED").unwrap_or(1), number("RUNS").unwrap_or(RUNS));
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{runs} runs from seed {first} on {threads} threads");
    let next = AtomicU64::new(0);
    let failed: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    let total: Mutex<Tally> = Mutex::default();
    let (over, is_over) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(first, runs, &next, &failed, &total))).collect();
        scope.spawn(|| watch_over(runs, &next, started, is_over));
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        drop(over);
    });
    let failed = failed.into_inner().unwrap();
    let total = total.into_inner().unwrap();
    println!("{total}wall time: {:.1} s", started.elapsed().as_secs_f64());
    if let Some((seed, failure)) = failed {
        explain(seed, &random::ops(seed), &failure);
    }
    for (group, names) in MUST_HAPPEN.into_iter().filter(|_| runs >= ENOUGH_RUNS) {
        for name in names {
            assert!(total.of(group, name) > 0, "{name} never happened in {runs} runs");
        }
    }
}

fn work(first: u64, runs: u64, next: &AtomicU64, failed: &Mutex<Option<(u64, Failure)>>, total: &Mutex<Tally>) {
    let (releases, databases) = (Arc::new(Releases::new()), Databases::new());
    let mut tally = Tally::default();
    loop {
        let nth = next.fetch_add(1, SeqCst);
        if nth >= runs || failed.lock().unwrap().is_some() {
            break;
        }
        let seed = first + nth;
        match run(seed, &random::ops(seed), databases.empty(), &releases, false) {
            Ok(counted) => tally.merge(counted),
            Err(failure) => drop(failed.lock().unwrap().get_or_insert((seed, failure))),
        }
    }
    total.lock().unwrap().merge(tally);
}

fn watch_over(runs: u64, next: &AtomicU64, started: Instant, is_over: mpsc::Receiver<()>) {
    while is_over.recv_timeout(PROGRESS) == Err(mpsc::RecvTimeoutError::Timeout) {
        let (done, elapsed) = (next.load(SeqCst).min(runs), started.elapsed().as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "it is for people")]
        let (rate, left) = (done as f64 / elapsed, (runs - done) as f64 * elapsed / done.max(1) as f64);
        println!("{done} of {runs} runs, {rate:.0} a second, {left:.0} s to go");
    }
}

/// Runs one seed and prints everything.
fn one(seed: u64) {
    let ops = random::ops(seed);
    if let Err(failure) = run(seed, &ops, database(), &Arc::new(Releases::new()), true) {
        explain(seed, &ops, &failure);
    }
    println!("seed {seed}: all held");
}

/// Says what happened, the shortest list that leads to it, and ends.
fn explain(seed: u64, ops: &[Op], failure: &Failure) -> ! {
    let (releases, databases) = (Arc::new(Releases::new()), Databases::new());
    let ops = &ops[..failure.after.min(ops.len())];
    let fails = |ops: &[Op]| run(seed, ops, databases.empty(), &releases, false).is_err();
    let short = shrink(ops, fails);
    let what = run(seed, &short, databases.empty(), &releases, false).err().map(|failure| failure.what);
    panic!(
        "seed {seed}, operation {} of {}: {}\n\nAll of it: {ops:?}\n\nShort, and then {}:\n    replay({seed}, &{short:?});\n",
        failure.after,
        random::ops(seed).len(),
        failure.what,
        what.as_deref().unwrap_or("nothing"),
    );
}

/// One database for run after run: migrating another and preparing every statement anew would take half of the time.
struct Databases {
    database: Arc<Sqlite>,
    /// What is in it before a run.
    nothing: String,
    clear: Vec<Statement>,
}

impl Databases {
    fn new() -> Self {
        let database = database();
        let tables = ask(&database, "SELECT name FROM sqlite_schema WHERE type = 'table'", []);
        let names = tables.iter().filter_map(|row| row["name"].as_str()).filter(|name| *name != "api_budget");
        // Others refer to these.
        let (last, first): (Vec<_>, Vec<_>) = names.partition(|name| ["tenant", "release"].contains(name));
        let delete = first.into_iter().chain(last.into_iter().rev()).map(|name| format!("DELETE FROM {name}"));
        let unbook = "UPDATE api_budget SET booked_until_ms = 0, blocked_until_ms = 0".to_owned();
        let statement = |sql: String| Statement { sql: sql.leak(), args: Vec::new() };
        let clear: Vec<_> = delete.chain([unbook]).map(statement).collect();
        at_once(database.batch(clear.clone())).unwrap();
        Self { nothing: database.dump().unwrap(), database, clear }
    }

    /// The database, empty.
    fn empty(&self) -> Arc<Sqlite> {
        at_once(self.database.batch(self.clear.clone())).unwrap();
        assert_eq!(self.database.dump().unwrap(), self.nothing, "something is left of the run before");
        Arc::clone(&self.database)
    }
}

/// An empty database.
pub fn database() -> Arc<Sqlite> {
    Arc::new(Sqlite::in_memory().unwrap())
}

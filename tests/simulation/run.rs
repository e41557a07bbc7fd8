//! One run: operations one after another, then calm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use cloudflare_emulator::{Effect, Fault};
use http::Request;
use paramita::jobs;
use paramita::reconcile::Report;
use paramita::registry;
use paramita::registry::sqlite::Sqlite;

use crate::fixtures::API_TOKEN;
use crate::invariants::{self, Generations};
use crate::model::Model;
use crate::op::{Op, Shape, Trouble};
use crate::plane::{Plane, Releases, end_stale};
use crate::report::Tally;
use crate::tasks::{Answer, Done, Tasks};

/// What did not hold, and after how many of the operations.
#[derive(Clone, Debug)]
pub struct Failure {
    pub after: usize,
    pub what: String,
}

/// A run under way.
pub struct Run {
    pub plane: Plane,
    pub model: Model,
    pub shape: Shape,
    pub(crate) tasks: Tasks,
    pub(crate) releases: Arc<Releases>,
    generations: Generations,
    /// Prints what happens.
    is_loud: bool,
    /// Looks for secrets everywhere, which is slow.
    is_thorough: bool,
}

/// Runs a list. The database must be empty.
pub fn run(
    seed: u64,
    ops: &[Op],
    database: Arc<Sqlite>,
    releases: &Arc<Releases>,
    is_loud: bool,
) -> Result<Tally, Failure> {
    let plane = Plane::new(seed, database, releases);
    let tasks = Tasks::new(Arc::clone(&plane.watch));
    let shape = if seed.is_multiple_of(2) { Shape::Guide } else { Shape::Moltworker };
    let other = if shape == Shape::Guide { Shape::Moltworker } else { Shape::Guide };
    plane.publish(releases.of(other));
    plane.time.advance_ms(1);
    plane.publish(releases.of(shape));
    let mut run = Run {
        plane,
        model: Model { planted: vec![API_TOKEN.to_owned()], ..Model::default() },
        shape,
        tasks,
        releases: Arc::clone(releases),
        generations: Generations::new(),
        is_loud,
        is_thorough: is_loud || seed.is_multiple_of(16),
    };
    let mut after = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for op in ops {
            after += 1;
            run.say(|| format!("{after:>3} {op:?}"));
            run.plane.watch.tally(|tally| tally.count("operations", &op.kind()));
            run.apply(*op)?;
            run.check()?;
        }
        after += 1;
        run.calm_down()
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", text.unwrap_or("without words")))
    });
    outcome.map_err(|what| Failure { after, what })?;
    let mut tally = Tally::default();
    run.plane.watch.tally(|counted| tally = std::mem::take(counted));
    tally.count("runs", "done");
    Ok(tally)
}

impl Run {
    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        if self.is_loud {
            println!("{}", line());
        }
    }

    /// Sends a request and waits for its answer, while whatever is under way gets on.
    pub(crate) fn ask(&mut self, method: &str, path: &str, token: Option<&str>, body: &str) -> Result<Answer, String> {
        let task = self.request(method, path, token, body);
        Ok(self.answers(&[task])?.remove(0))
    }

    /// Sets a request going.
    pub(crate) fn request(&mut self, method: &str, path: &str, token: Option<&str>, body: &str) -> u64 {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        request = request.header("cf-connecting-ip", self.plane.next_address());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let app = self.plane.app.clone();
        self.tasks.start(Box::pin(async move {
            let (parts, body) = paramita::http::handle(&app, request).await.into_parts();
            let status = parts.status;
            Done::Answer(Answer { status, text: String::from_utf8(body.to_vec()).unwrap() })
        }))
    }

    /// Waits for the answers to requests. They come in any order.
    pub(crate) fn answers(&mut self, tasks: &[u64]) -> Result<Vec<Answer>, String> {
        let (done, others) = self.tasks.finish(tasks)?;
        self.take(others)?;
        let mut answers = Vec::new();
        for one in done {
            let Done::Answer(answer) = one else { continue };
            self.say(|| format!("      {} {}", answer.status, answer.text.chars().take(200).collect::<String>()));
            invariants::nothing_secret_in(&self.model, &answer.text, "an answer")?;
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Takes the outcomes of rounds into account.
    pub(crate) fn take(&mut self, done: Vec<Done>) -> Result<(), String> {
        for one in done {
            let Done::Rounds(rounds) = one else { continue };
            for round in rounds {
                self.take_round(round)?;
            }
        }
        Ok(())
    }

    fn take_round(&mut self, round: Result<Option<Report>, registry::Error>) -> Result<(), String> {
        let (outcome, line) = match &round {
            Ok(Some(report)) => (format!("{:?}", report.outcome), format!("{report:?}")),
            Ok(None) => ("NotDueOrOvertaken".to_owned(), String::new()),
            Err(error) => ("Failed".to_owned(), error.to_string()),
        };
        self.say(|| format!("      {outcome}: {line}"));
        self.plane.watch.tally(|tally| tally.count("rounds", &outcome));
        if let Err(error @ registry::Error::Inconsistent { .. }) = round {
            return Err(format!("the registry is inconsistent: {error}"));
        }
        invariants::nothing_secret_in(&self.model, &line, "a line of the log")
    }

    /// Sets a consumer going with the next nudge.
    pub(crate) fn consumer(&mut self, times: usize) -> Vec<u64> {
        let Some(nudge) = self.plane.nudges.next() else { return Vec::new() };
        let mut tasks = Vec::new();
        for _ in 0..times {
            let (app, nudge) = (self.plane.app.clone(), nudge.clone());
            tasks
                .push(self.tasks.start(Box::pin(async move { Done::Rounds(vec![jobs::on_nudge(&app, nudge).await]) })));
        }
        tasks
    }

    /// Sets the cron's sweep of what is due going. The other jobs have tests of their own.
    pub(crate) fn cron(&mut self) -> u64 {
        let app = self.plane.app.clone();
        self.tasks.start(Box::pin(async move {
            Done::Rounds(jobs::rounds::run_due(&app, "cron").await.unwrap_or_else(|error| vec![Err(error)]))
        }))
    }

    /// Until these are done.
    pub(crate) fn finish(&mut self, tasks: &[u64]) -> Result<(), String> {
        let (done, others) = self.tasks.finish(tasks)?;
        self.take(done)?;
        self.take(others)
    }

    pub(crate) fn strike(&mut self, trouble: Trouble, skip: u8) {
        if trouble == Trouble::Stale {
            // It has to be set before the write that it is behind of.
            self.plane.emulator.fault(Fault::new(Effect::StaleRead).nth(u32::from(skip) + 1));
        } else {
            self.plane.watch.strike(trouble, skip);
        }
    }

    /// Takes what is still to strike away.
    pub(crate) fn end_faults(&mut self) {
        end_stale(&self.plane.emulator, &self.plane.watch);
        self.plane.watch.calm();
    }

    /// How often the database has failed so far: an answer after that may not say what happened.
    pub(crate) fn strikes_of_the_database(&self) -> u64 {
        let mut struck = 0;
        let names = [Trouble::AnswerLost.kind(), Trouble::BatchRefused.kind()];
        self.plane.watch.tally(|tally| struck = names.iter().map(|name| tally.of("faults", name)).sum());
        struck
    }

    /// Everything that has to hold now.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.bury();
        if let Some(what) = self.plane.watch.violation() {
            return Err(what);
        }
        invariants::generations(&self.plane, &mut self.generations)?;
        invariants::fleet_is_counted(&self.plane)?;
        let state = self.plane.state();
        invariants::ledger_comes_first(&self.plane, &self.model, &state)?;
        invariants::strangers_are_left_alone(&self.model, &state)?;
        invariants::data_is_its_owners(&self.plane, &self.model, &state)?;
        if self.is_loud {
            self.plane.watch.take_calls().iter().for_each(|call| {
                println!("      {} {} {:?} fault {:?}", call.kind, call.path, call.status, call.fault);
            });
        }
        if self.is_thorough { self.search() } else { Ok(()) }
    }

    /// Looks for secrets where none may be.
    pub(crate) fn search(&mut self) -> Result<(), String> {
        invariants::nothing_secret_in(&self.model, &self.plane.dump(), "the database")?;
        let calls = format!("{:?}", self.plane.watch.take_calls());
        invariants::nothing_secret_in(&self.model, &calls, "the journal")?;
        let lines: String = self.plane.log.lines().iter().map(|line| format!("{line}\n")).collect();
        invariants::nothing_secret_in(&self.model, &lines, "the log")
    }

    /// Takes tombstones out of the model.
    pub(crate) fn bury(&mut self) {
        let sql = "SELECT id FROM tenant WHERE deleted_at_ms IS NOT NULL";
        let dead = self.plane.rows(sql, []);
        let is_dead = |id: &str| dead.iter().any(|row| row["id"] == id);
        let buried: Vec<_> = self.model.living.values().filter(|tenant| is_dead(&tenant.id)).cloned().collect();
        for tenant in buried {
            self.model.living.remove(&tenant.who);
            self.model.gone.push((tenant.who, tenant.id, tenant.token));
        }
    }
}

//! Every plan, with every kind of trouble at every call of it: the tenant arrives where it arrives in a calm run, and
//! nothing is left over.
//!
//! A calm run of each plan tells its calls and how everything stands in the end. Then, for each call and each trouble, a
//! fresh plane runs the same plan with that trouble at that call. `EVERY_STEP=plan/call/trouble` runs those cases alone
//! whose name contains it.

mod case;
mod picture;
mod plan;
mod table;
mod trouble;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Instant;

use paramita::reconcile::step::Step;

use case::Done;
use picture::Picture;
use plan::{PLANS, Plan};
use trouble::{Call, Trouble};

/// A case that is to be run.
struct Case<'a> {
    plan: &'a Plan,
    calls: &'a [Call],
    nth: usize,
    trouble: Trouble,
    word: &'a str,
    calm: &'a Picture,
}

impl Case<'_> {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.plan.name, self.nth + 1, self.word)
    }

    /// Whether it struck; `Err` says what is wrong.
    fn run(&self) -> Result<bool, String> {
        let trouble = Some((self.trouble, self.nth, self.calls));
        let done = run(self.plan, trouble)?;
        if done.struck == 0 {
            return if self.may_miss() { Ok(false) } else { Err("it did not strike".to_owned()) };
        }
        if done.picture == *self.calm {
            Ok(true)
        } else {
            Err(format!("it ended differently:\n{}", done.picture.difference_from(self.calm)))
        }
    }

    /// No read is behind where nothing of what it shows was written before, and what nothing reads needs none.
    fn may_miss(&self) -> bool {
        let call = &self.calls[self.nth];
        let is_behind = || self.calls[..self.nth].iter().any(|earlier| call.shows(earlier));
        let writes_nothing = || call.is_never_read() || self.plan.meets_a_stranger();
        self.trouble == Trouble::Stale
            && if call.is_read() { !is_behind() || writes_nothing() } else { writes_nothing() }
    }
}

/// Runs a plan on a plane of its own, in a time of its own. `Err` is what it panicked with.
fn run(plan: &Plan, trouble: Option<(Trouble, usize, &[Call])>) -> Result<Done, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(case::run(plan, trouble)))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Whether a trouble makes sense there.
fn is_fair(plan: &Plan, call: &Call, trouble: Trouble) -> bool {
    if !call.is_call() {
        return trouble.is_before();
    }
    // A call that acts after its lease is over, when something else was asked for and done meanwhile, undoes that: no
    // plane could know of it. The time limit of a call is a fraction of the lease for that reason.
    plan.instead.is_none() || trouble != Trouble::SlowToAct
}

/// Runs `work` on all of `items`, on every core; the results in the items' order.
fn on_every_core<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((at, item)) = Some(next.fetch_add(1, SeqCst)).and_then(|at| Some((at, items.get(at)?))) {
                    let result = work(item);
                    results.lock().unwrap()[at] = Some(result);
                }
            });
        }
    });
    results.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

#[test]
fn whatever_goes_wrong_at_any_call_of_any_plan_is_overcome() {
    let started = Instant::now();
    let only = std::env::var("EVERY_STEP").unwrap_or_default();
    let calm =
        on_every_core(PLANS, |plan| run(plan, None).unwrap_or_else(|error| panic!("{}, calmly: {error}", plan.name)));

    let mut cases = Vec::new();
    for (plan, calm) in PLANS.iter().zip(&calm) {
        for nth in 0..calm.calls.len() {
            for (trouble, word) in Trouble::ALL {
                let case = Case { plan, calls: &calm.calls, nth, trouble, word, calm: &calm.picture };
                if is_fair(plan, &calm.calls[nth], trouble) && case.name().contains(&only) {
                    cases.push(case);
                }
            }
        }
    }
    let results = on_every_core(&cases, Case::run);

    let mut text = format!("\n{}", table::head());
    for (plan, calm) in PLANS.iter().zip(&calm) {
        text.push_str(&table::part(plan, &calm.calls, |nth, trouble| {
            let those = cases.iter().zip(&results).filter(|(case, result)| {
                case.plan.name == plan.name && case.nth == nth && case.trouble == trouble && **result == Ok(true)
            });
            those.count()
        }));
    }
    let failures: Vec<String> = cases
        .iter()
        .zip(&results)
        .filter_map(|(case, result)| Some(format!("{}: {}", case.name(), result.as_ref().err()?)))
        .collect();
    let struck = results.iter().filter(|result| **result == Ok(true)).count();
    let plans = PLANS.len();
    text.push_str(&format!(
        "{plans} plans, {} cases: {struck} struck and overcome, {} where it cannot strike, {} failed; {:.1} s\n\n",
        cases.len(),
        results.iter().filter(|result| **result == Ok(false)).count(),
        failures.len(),
        started.elapsed().as_secs_f32(),
    ));
    // Not by `print!`, which the harness keeps to itself when a test passes.
    std::io::stdout().write_all(text.as_bytes()).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));

    let run: BTreeSet<&str> = calm.iter().flat_map(|done| done.steps.iter().copied()).collect();
    assert_eq!(run, Step::KINDS.iter().copied().collect(), "a step that no plan here runs is not tested");
}

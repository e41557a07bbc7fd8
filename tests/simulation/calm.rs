//! After the storm: no more faults, nobody asks for anything new, and everything has to come to rest as it is wanted.

use std::collections::BTreeMap;

use cloudflare_emulator::State;
use serde_json::Value as Json;

use crate::invariants::{existing, nothing_secret_in};
use crate::model::{OVERWRITTEN, Tenant, Wanted};
use crate::op::{Thing, Who};
use crate::plane::Plane;
use crate::run::Run;

/// Rounds within which each tenant comes to rest once nothing is in the way. At doubling waits from three seconds on it
/// takes eight until what was asked for has had its five minutes to show; the others are what is done before and after.
const MOST_ROUNDS: u64 = 12;

/// Simulated time within which all do. The longest wait of a deletion is 75 minutes; what was cut off may have to wait
/// that long, then be looked at, and looked at again when it has had time to show.
const MOST_MS: i64 = 4 * 60 * 60 * 1_000;

impl Run {
    /// Ends the storm, and checks what comes of it. In the end everybody leaves, and nothing may stay behind.
    pub(crate) fn calm_down(&mut self) -> Result<(), String> {
        self.end_faults();
        let done = self.tasks.finish_all()?;
        self.take(done)?;
        self.check()?;
        for who in Who::ALL {
            self.retry_what_failed(who)?;
        }
        self.come_to_rest("after the storm")?;
        self.everything_is_as_wanted()?;
        self.nothing_is_left_to_do()?;
        self.search()?;
        for who in Who::ALL {
            if self.model.living.contains_key(&who) {
                self.delete(who, 0)?;
            }
        }
        self.come_to_rest("after everybody left")?;
        self.nothing_is_left()?;
        self.search()
    }

    /// As an owner does on reading what the condition says.
    fn retry_what_failed(&mut self, who: Who) -> Result<(), String> {
        let sql = "SELECT 1 FROM tenant WHERE name = ?1 AND phase = 'failed'";
        if self.plane.rows(sql, [who.name().into()]).is_empty() {
            return Ok(());
        }
        self.apply(crate::op::Op::TryAgain { who })
    }

    /// The cron fires whenever somebody is due, until nobody is within the time that all have.
    fn come_to_rest(&mut self, when: &str) -> Result<(), String> {
        let start_ms = self.plane.time.true_ms();
        let mut rounds: BTreeMap<String, u64> = BTreeMap::new();
        self.plane.nudges.lose();
        loop {
            let sql = "SELECT id, MAX(due_at_ms, lease_expires_ms) AS next_ms FROM tenant \
                       WHERE due_at_ms IS NOT NULL ORDER BY next_ms LIMIT 1";
            let Some(next) = self.plane.rows(sql, []).pop() else { break };
            let now_ms = paramita::clock::Clock::now(&*self.plane.time).0;
            let wait_ms = next["next_ms"].as_i64().unwrap_or_default() - now_ms;
            let elapsed_ms = self.plane.time.true_ms() - start_ms + wait_ms.max(0);
            if elapsed_ms > MOST_MS {
                break;
            }
            self.plane.time.advance_ms(wait_ms.max(0));
            let count = rounds.entry(next["id"].to_string()).or_default();
            *count += 1;
            if *count > MOST_ROUNDS {
                return Err(format!("no rest within {MOST_ROUNDS} rounds {when}: {}", self.describe(&next["id"])));
            }
            self.plane.watch.tally(|tally| {
                tally.at_most("rounds of one tenant until it is at rest", *count);
                tally.at_most("minutes until all are at rest", elapsed_ms.unsigned_abs() / 60_000);
            });
            let task = self.cron();
            self.finish(&[task])?;
            self.plane.nudges.lose();
            self.check()?;
        }
        Ok(())
    }

    fn describe(&self, id: &Json) -> String {
        let id = id.as_str().unwrap_or_default();
        let tenant = self.plane.rows("SELECT * FROM tenant WHERE id = ?1", [id.into()]);
        let ledger = self.plane.rows("SELECT * FROM resource WHERE tenant_id = ?1", [id.into()]);
        format!("{tenant:?} {ledger:?}")
    }

    /// Every tenant is where it is wanted, or failed because a stranger stands in its way; and there is nothing else.
    fn everything_is_as_wanted(&self) -> Result<(), String> {
        let state = self.plane.state();
        let mut expected = State::default();
        for tenant in self.model.living.values() {
            if self.is_in_the_way(tenant, &state) {
                continue;
            }
            let row = self.plane.rows("SELECT * FROM tenant WHERE id = ?1", [tenant.id.as_str().into()]).remove(0);
            let is_at_rest = match tenant.wanted {
                Wanted::Running => row["phase"] == "ready",
                Wanted::Suspended => row["phase"] == "suspended",
                // Until its time is over its data is all that is left of it.
                Wanted::Gone(until_ms) => row["phase"] == "deleting" && until_ms + 5_000 > self.plane.time.true_ms(),
            };
            if !is_at_rest || row["generation"] != row["observed_generation"] {
                return Err(format!("{:?}, and it is not: {}", tenant.wanted, self.describe(&row["id"])));
            }
            let own = tenant.expected(&state);
            expected.buckets.extend(own.buckets);
            expected.scripts.extend(own.scripts);
            expected.applications.extend(own.applications);
            expected.namespaces.extend(own.namespaces);
            self.secrets_are_as_wanted(tenant)?;
        }
        self.compare(&expected, &state)
    }

    /// Whether a stranger's thing, or the operator's own, stands where one of the tenant's is to be.
    fn is_in_the_way(&self, tenant: &Tenant, state: &State) -> bool {
        let has_failed = {
            let sql = "SELECT 1 FROM tenant WHERE id = ?1 AND phase = 'failed' AND conditions LIKE '%NameTaken%'";
            !self.plane.rows(sql, [tenant.id.as_str().into()]).is_empty()
        };
        let is_overwritten =
            |who: Who| state.scripts.get(&who.thing(Thing::Script)).is_some_and(|script| script.tags == [OVERWRITTEN]);
        let is_blocked = Thing::ALL.into_iter().any(|thing| self.model.is_strangers(tenant.who, thing));
        // Its owner's token is lost, so nobody could ask for another try.
        let is_ownerless = tenant.token.is_none();
        has_failed && (is_blocked || is_ownerless || is_overwritten(tenant.who))
    }

    fn secrets_are_as_wanted(&self, tenant: &Tenant) -> Result<(), String> {
        if matches!(tenant.wanted, Wanted::Gone(_)) || tenant.disturbed.contains(&Thing::Script) {
            return Ok(());
        }
        let script = tenant.who.thing(Thing::Script);
        let is = |name: &str, value: &str| self.plane.emulator.secret_is(&script, name, value);
        for (name, known) in &tenant.secrets {
            if !known.may_be_lost && !known.values.is_empty() && !known.values.iter().any(|value| is(name, value)) {
                return Err(format!("{script} has another value of {name} than its owner gave"));
            }
        }
        let sleep = ("SANDBOX_SLEEP_AFTER", &tenant.sleep);
        let runs = matches!(tenant.wanted, Wanted::Running) && !tenant.disturbed.contains(&Thing::Application);
        let application = tenant.who.thing(Thing::Application);
        // How long to wait before sleep the Worker reads at each request.
        let stale = self.plane.emulator.stale_secrets(&application);
        match stale.map(|names| names.into_iter().filter(|name| name != sleep.0).collect::<Vec<_>>()) {
            _ if !runs => {}
            Some(names) if names.is_empty() => {}
            Some(names) => return Err(format!("{application} runs with former values of {names:?}")),
            None => return Err(format!("{application} is there, called at every moment, and does not run")),
        }
        if is(sleep.0, sleep.1) { Ok(()) } else { Err(format!("{script} has another {sleep:?}")) }
    }

    /// Compares what is there with what is to be there, leaving out what somebody else had a hand in.
    fn compare(&self, expected: &State, state: &State) -> Result<(), String> {
        let is_ours = |who: Who, thing: Thing| {
            let Some(tenant) = self.model.living.get(&who) else { return !self.is_foreign(who, thing, state) };
            !(tenant.disturbed.contains(&thing)
                || self.is_foreign(who, thing, state)
                || self.is_in_the_way(tenant, state)
                || (thing == Thing::Bucket && matches!(tenant.wanted, Wanted::Gone(_)) && tenant.objects == 0))
        };
        for who in Who::ALL {
            let name = |thing| who.thing(thing);
            if is_ours(who, Thing::Bucket) {
                same(&name(Thing::Bucket), &expected.buckets, &state.buckets)?;
            }
            if is_ours(who, Thing::Script) {
                same(&name(Thing::Script), &expected.scripts, &state.scripts)?;
            }
            if is_ours(who, Thing::Application) {
                same(&name(Thing::Application), &expected.applications, &state.applications)?;
            }
            if is_ours(who, Thing::Script) && is_ours(who, Thing::Application) {
                let namespace = format!("{}_Sandbox", name(Thing::Script));
                same(&namespace, &expected.namespaces, &state.namespaces)?;
            }
        }
        Ok(())
    }

    fn is_foreign(&self, who: Who, thing: Thing, state: &State) -> bool {
        let script = state.scripts.get(&who.thing(Thing::Script));
        self.model.is_strangers(who, thing)
            || (thing == Thing::Script && script.is_some_and(|script| script.tags == [OVERWRITTEN]))
    }

    /// Another round for everybody makes not a single call.
    fn nothing_is_left_to_do(&mut self) -> Result<(), String> {
        self.plane.watch.take_calls();
        make_all_due(&self.plane);
        let task = self.cron();
        self.finish(&[task])?;
        self.plane.nudges.lose();
        let disturbed = self.model.living.values().any(|tenant| !tenant.disturbed.is_empty());
        let calls: Vec<String> = self.plane.watch.take_calls().into_iter().map(|call| call.kind).collect();
        if calls.is_empty() || disturbed {
            self.check()
        } else {
            Err(format!("at rest, and yet a round calls {calls:?}"))
        }
    }

    /// Everybody has left, and nothing is there but what never was theirs.
    fn nothing_is_left(&self) -> Result<(), String> {
        let state = self.plane.state();
        for (thing, name) in existing(&state) {
            let mut all = Who::ALL.into_iter();
            let is_foreign = all.any(|who| who.thing(thing) == name && self.is_foreign(who, thing, &state));
            let is_ownerless = self.model.living.values().any(|tenant| tenant.who.thing(thing) == name);
            if !is_foreign && !is_ownerless {
                return Err(format!("the {} {name} was left behind", thing.as_str()));
            }
        }
        match self.model.living.values().find(|tenant| tenant.token.is_some()) {
            Some(tenant) => Err(format!("it was to be gone: {}", self.describe(&Json::from(tenant.id.as_str())))),
            None => nothing_secret_in(&self.model, &format!("{state:?}"), "the state of the account"),
        }
    }
}

fn make_all_due(plane: &Plane) {
    let sql = "UPDATE tenant SET due_at_ms = ?1 WHERE phase IN ('ready', 'suspended') \
               OR (phase = 'deleting' AND keep_data_until_ms > ?1 + 60000)";
    plane.rows(sql, [paramita::clock::Clock::now(&*plane.time).0.into()]);
}

fn same<T: PartialEq + std::fmt::Debug>(
    name: &str,
    expected: &BTreeMap<String, T>,
    found: &BTreeMap<String, T>,
) -> Result<(), String> {
    let (expected, found) = (expected.get(name), found.get(name));
    if expected == found { Ok(()) } else { Err(format!("{name} is to be {expected:?}, and is {found:?}")) }
}

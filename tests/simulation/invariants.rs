//! What has to hold after every operation.

use std::collections::{BTreeMap, BTreeSet};

use cloudflare_emulator::State;

use crate::model::{Model, OVERWRITTEN, THEIRS, Wanted};
use crate::op::{Thing, Who};
use crate::plane::Plane;

/// Generations seen so far, by tenant.
pub type Generations = BTreeMap<String, (i64, i64)>;

/// A tenant's generation never falls, and what was seen of it is never ahead.
pub fn generations(plane: &Plane, seen: &mut Generations) -> Result<(), String> {
    for row in plane.rows("SELECT id, generation, observed_generation FROM tenant", []) {
        let number = |column: &str| row[column].as_i64().unwrap_or_default();
        let now = (number("generation"), number("observed_generation"));
        let id = row["id"].as_str().unwrap_or_default().to_owned();
        let before = seen.insert(id, now).unwrap_or((0, 0));
        if now.0 < before.0 || now.1 < before.1 || now.1 > now.0 {
            return Err(format!("generation and observed generation went from {before:?} to {now:?}: {row}"));
        }
    }
    Ok(())
}

/// The fleet in numbers is as a fresh count of the tenants says.
pub fn fleet_is_counted(plane: &Plane) -> Result<(), String> {
    let sql = "WITH kept AS (SELECT phase, instance_type, tenants, instances FROM fleet WHERE tenants <> 0 OR instances <> 0), \
               counted AS (SELECT phase, spec ->> 'instance_type', COUNT(*), SUM(spec ->> 'max_instances') FROM tenant \
               WHERE deleted_at_ms IS NULL GROUP BY 1, 2) \
               SELECT 'kept' AS what, * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted) UNION ALL \
               SELECT 'counted', * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept)";
    match plane.rows(sql, []).as_slice() {
        [] => Ok(()),
        differences => Err(format!("the fleet is counted otherwise than it is kept: {differences:?}")),
    }
}

/// Nothing exists outside that no line of the ledger tells of, unless somebody else made it.
pub fn ledger_comes_first(plane: &Plane, model: &Model, state: &State) -> Result<(), String> {
    let sql = "SELECT kind, name FROM resource WHERE state != 'absent' OR asked_at_ms IS NOT NULL";
    let rows = plane.rows(sql, []);
    let known: BTreeSet<_> = rows.iter().map(|row| (row["kind"].as_str(), row["name"].as_str())).collect();
    for (thing, name) in existing(state) {
        let is_strangers = Who::ALL.into_iter().any(|who| model.is_strangers(who, thing) && who.thing(thing) == name);
        let is_overwritten = thing == Thing::Script && state.scripts[name].tags == [OVERWRITTEN];
        if !is_strangers && !is_overwritten && !known.contains(&(Some(thing.as_str()), Some(name))) {
            return Err(format!("the {} {name} exists, and no line of the ledger tells of it", thing.as_str()));
        }
    }
    Ok(())
}

/// Everything that there is, with its name.
pub fn existing(state: &State) -> impl Iterator<Item = (Thing, &str)> {
    let buckets = state.buckets.keys().map(|name| (Thing::Bucket, name.as_str()));
    let scripts = state.scripts.keys().map(|name| (Thing::Script, name.as_str()));
    let applications = state.applications.keys().map(|name| (Thing::Application, name.as_str()));
    buckets.chain(scripts).chain(applications)
}

/// What strangers made is as they made it.
pub fn strangers_are_left_alone(model: &Model, state: &State) -> Result<(), String> {
    for (who, thing) in &model.strangers {
        let name = who.thing(*thing);
        let is_untouched = match thing {
            Thing::Bucket => state.buckets.get(&name) == Some(&1),
            Thing::Script => state.scripts.get(&name).is_some_and(|script| script.tags == [THEIRS]),
            Thing::Application => {
                state.applications.get(&name).is_some_and(|application| application.image.as_deref() == Some(THEIRS))
            }
        };
        if !is_untouched {
            return Err(format!("the {} {name} is a stranger's and was changed", thing.as_str()));
        }
    }
    Ok(())
}

/// A tenant finds nothing of its predecessor's, and loses nothing of its own before its time.
pub fn data_is_its_owners(plane: &Plane, model: &Model, state: &State) -> Result<(), String> {
    for tenant in model.living.values() {
        let name = tenant.who.thing(Thing::Bucket);
        if model.is_strangers(tenant.who, Thing::Bucket) {
            continue;
        }
        let found = state.buckets.get(&name).copied();
        let count = found.unwrap_or(0);
        if count > tenant.objects {
            return Err(format!("{name} has {count} objects, of which its tenant wrote {}", tenant.objects));
        }
        let is_kept = match tenant.wanted {
            Wanted::Running | Wanted::Suspended => true,
            Wanted::Gone(until_ms) => until_ms > plane.time.true_ms() + 4_000,
        };
        if is_kept && count < tenant.objects && !tenant.disturbed.contains(&Thing::Bucket) {
            return Err(format!("{name} lost data: {count} objects of {}", tenant.objects));
        }
    }
    Ok(())
}

/// No planted value and no token is in a text.
pub fn nothing_secret_in(model: &Model, text: &str, what: &str) -> Result<(), String> {
    match model.planted.iter().find(|secret| text.contains(secret.as_str())) {
        Some(secret) => Err(format!("the secret {secret:?} is in {what}")),
        None => Ok(()),
    }
}

//! How everything stands at the end of a case, for comparing with a calm run.

use std::collections::BTreeSet;

use cloudflare_emulator::State;
use serde_json::Value as Json;

use super::case::Case;

/// News of single steps, which may be told twice or, where a look took a call's place, not at all; and of what went
/// wrong.
const NEWS_OF_STEPS: [&str; 14] = [
    "BucketCreated",
    "WorkerDeployed",
    "SecretsPushed",
    "RouteOpened",
    "RouteClosed",
    "ScheduleSet",
    "ContainerCreated",
    "ContainerChanged",
    "RolloutStarted",
    "SecretsLive",
    "ContainerDeleted",
    "WorkerDeleted",
    "ObjectsDeleted",
    "BucketDeleted",
];
const TROUBLES: [&str; 3] = ["Retrying", "NameTaken", "ForeignResourceLeftAlone"];
const ENDS: [&str; 4] = ["Converged", "Suspended", "DataKept", "Deleted"];
const SCRIPT: &str = "paramita-cloud-alice";

/// How everything stands.
#[derive(Debug, PartialEq)]
pub struct Picture {
    tenant: Vec<String>,
    ledger: Vec<String>,
    secrets: Vec<String>,
    history: Vec<String>,
    state: State,
    /// What single steps told of; at the end of a troubled run nothing else.
    told: Told,
}

/// Equal to whatever a calm run told.
#[derive(Debug)]
struct Told(BTreeSet<String>);

impl PartialEq for Told {
    fn eq(&self, calm: &Self) -> bool {
        // A container of which was not known how it was made is set and rolled out anew, and takes on what secrets there are.
        const ANEW: [&str; 3] = ["ContainerChanged", "RolloutStarted", "SecretsLive"];
        self.0.iter().all(|told| calm.0.contains(told) || ANEW.contains(&told.as_str()))
    }
}

impl Picture {
    /// Looks at everything, and finds nothing that is wrong by itself.
    pub async fn of(case: &Case<'_>) -> Self {
        let tenant = case.rows("SELECT * FROM tenant").await.remove(0);
        assert_eq!((&tenant["attempts"], &tenant["booked_calls"]), (&0.into(), &0.into()), "{tenant}");
        assert_eq!(tenant["phase"], case.plan.goal(), "{tenant}");
        assert_eq!(tenant["generation"], tenant["observed_generation"], "{tenant}");
        assert_eq!(tenant["lease_token"], Json::Null, "{tenant}");

        let state = case.plane.emulator.state().await.unwrap();
        let secrets = case.rows("SELECT * FROM secret ORDER BY name").await;
        // Nothing of what is there is hers, and all of it is compared with a calm run.
        let hers = if case.plan.meets_a_stranger() { State::default() } else { state.clone() };
        check_secrets(case, &secrets, &hers);
        check_nothing_is_seen(case).await;
        let ledger = case.rows("SELECT * FROM resource ORDER BY kind").await;
        check_ledger(&ledger, &hers);
        check_receipt(case, tenant["phase"].as_str().unwrap()).await;

        let events = case.rows("SELECT reason FROM event ORDER BY id").await;
        let reasons: Vec<&str> = events.iter().map(|event| event["reason"].as_str().unwrap()).collect();
        let mut history: Vec<&str> = reasons
            .iter()
            .copied()
            .filter(|reason| !NEWS_OF_STEPS.contains(reason) && !TROUBLES.contains(reason))
            .collect();
        let told = |reason: &&&str| NEWS_OF_STEPS.contains(*reason) && case.plan.instead.is_none();
        let told = reasons.iter().filter(told).map(|reason| (*reason).to_owned());
        let changes_its_mind = case.plan.instead.is_some();
        if changes_its_mind {
            // Whether the first wish came true before the second one is chance.
            let last = history.pop().unwrap();
            history.retain(|reason| !ENDS.contains(reason));
            history.push(last);
        }
        Self {
            tenant: tenant_lines(&tenant, changes_its_mind),
            ledger: if changes_its_mind { Vec::new() } else { ledger.iter().map(ledger_line).collect() },
            secrets: secrets.iter().filter_map(|row| secret_line(row, changes_its_mind)).collect(),
            history: history.into_iter().map(str::to_owned).collect(),
            state: if changes_its_mind { without_secrets(state) } else { state },
            told: Told(told.collect()),
        }
    }
}

impl Picture {
    /// The lines of each that the other does not have.
    pub fn difference_from(&self, calm: &Self) -> String {
        let (this, calm) = (format!("{self:#?}"), format!("{calm:#?}"));
        let only_in = |text: &str, other: &str, mark: &str| -> String {
            text.lines().filter(|line| !other.contains(line)).map(|line| format!("{mark}{line}\n")).collect()
        };
        only_in(&this, &calm, "  here") + &only_in(&calm, &this, "  calm")
    }
}

fn tenant_lines(tenant: &Json, changes_its_mind: bool) -> Vec<String> {
    let conditions: Vec<Json> = serde_json::from_str(tenant["conditions"].as_str().unwrap()).unwrap();
    let of = |condition: &Json| {
        format!("{} {} {}: {}", condition["type"], condition["status"], condition["reason"], condition["message"])
    };
    // What a Worker that was deleted halfway still had of its secrets is chance.
    let shown = conditions.iter().filter(|condition| !changes_its_mind || condition["type"] != "SecretsReady");
    let mut lines: Vec<String> = shown.map(of).collect();
    lines.push(format!("{} at {}, release {}", tenant["phase"], tenant["generation"], tenant["release_id"]));
    lines
}

fn ledger_line(line: &Json) -> String {
    let times = ["asked_at_ms", "removal_asked_at_ms", "removed_at_ms", "gone_at_ms"].map(|at| !line[at].is_null());
    let mut applied: Json = line["applied"].as_str().map_or(Json::Null, |text| serde_json::from_str(text).unwrap());
    if let Some(application) = applied["application"].as_object_mut() {
        assert_eq!(application["restart_owed_since"], Json::Null, "a restart is still owed");
        // What was not known for a while was restarted.
        application.remove("restarted_at");
    }
    format!("{} {} {applied}; asked for, asked to go, removed, gone: {times:?}", line["kind"], line["state"])
}

/// What the ledger says of each resource is so in Cloudflare.
fn check_ledger(ledger: &[Json], state: &State) {
    let script = state.scripts.get(SCRIPT);
    for line in ledger {
        let is_there = match line["kind"].as_str().unwrap() {
            "bucket" => !state.buckets.is_empty(),
            "script" => script.is_some(),
            "application" => !state.applications.is_empty(),
            "route" => script.is_some_and(|script| script.route_enabled),
            // Set to none is set, too.
            _ => script.is_some_and(|script| line["state"] == "present" || !script.schedules.is_empty()),
        };
        assert_eq!(line["state"], if is_there { "present" } else { "absent" }, "{line}");
    }
}

fn secret_line(row: &Json, changes_its_mind: bool) -> Option<String> {
    if changes_its_mind {
        return (row["wanted"] == "set").then(|| format!("{} {}", row["name"], row["version"]));
    }
    Some(format!("{} {} {} {}", row["name"], row["wanted"], row["version"], row["pushed_version"]))
}

fn without_secrets(mut state: State) -> State {
    state.scripts.values_mut().for_each(|script| script.secrets.clear());
    state
}

/// What the registry says of each secret is so in Cloudflare, and no value is kept.
fn check_secrets(case: &Case<'_>, secrets: &[Json], state: &State) {
    let script = state.scripts.get(SCRIPT);
    let is_there = |name: &str| script.is_some_and(|script| script.secrets.contains(name));
    for row in secrets {
        let name = row["name"].as_str().unwrap();
        assert_eq!(row["sealed"], Json::Null, "{name} is still kept");
        if script.is_none() {
            continue;
        }
        assert_eq!(row["wanted"], "set", "{name} is still to be deleted");
        let is_lost = row["version"] != row["pushed_version"];
        assert!(is_lost || row["live_version"] == row["version"], "{row} is not known to be live");
        assert_eq!(is_there(name), !is_lost, "{row}");
        let value = &case.secrets[name];
        assert!(is_lost || case.plane.emulator.secret_is(SCRIPT, name, value), "{name} has another value");
    }
    let stale = case.plane.emulator.stale_secrets("moltbot-alice").unwrap_or_default();
    // How long to wait before sleep the Worker reads at each request.
    let stale: Vec<_> = stale.iter().filter(|name| *name != "SANDBOX_SLEEP_AFTER").collect();
    assert!(stale.is_empty(), "the container runs with former values of {stale:?}");
    let known: BTreeSet<&str> = secrets.iter().filter_map(|row| row["name"].as_str()).collect();
    for name in script.iter().flat_map(|script| &script.secrets) {
        assert!(known.contains(name.as_str()) || name == "SANDBOX_SLEEP_AFTER", "{name} is in Cloudflare alone");
    }
    assert!(script.is_none() || case.plane.emulator.secret_is(SCRIPT, "SANDBOX_SLEEP_AFTER", "10m"));
}

/// No value shows in the database, in the journal, in a log line or in any answer.
async fn check_nothing_is_seen(case: &Case<'_>) {
    let mut seen = case.said.clone();
    seen.push(case.plane.database.dump().unwrap());
    seen.push(format!("{:?}", case.plane.emulator.journal()));
    for path in ["", "/events", "/secrets", "/wrangler.jsonc", "/receipt"] {
        seen.push(case.plane.get(&format!("/v1/tenants/alice{path}"), Some(&case.token)).await.text);
    }
    for value in case.hidden.iter().chain([&case.token]) {
        assert!(!value.is_empty());
        for text in &seen {
            assert!(!text.contains(value.as_str()), "{value} in {text}");
        }
    }
}

/// What is gone was asked to go, was deleted and was seen to be gone, in this order.
async fn check_receipt(case: &Case<'_>, phase: &str) {
    let answer = case.plane.get("/v1/tenants/alice/receipt", Some(&case.token)).await;
    if !matches!(phase, "deleting" | "deleted") {
        assert_eq!(answer.problem(404), "not_deleted");
        return;
    }
    let receipt = answer.expect(200);
    assert_eq!(receipt["complete"], phase == "deleted", "{receipt}");
    for line in receipt["resources"].as_array().unwrap() {
        let times = ["asked_to_go_at", "deleted_at", "confirmed_gone_at"].map(|field| line[field].as_str());
        let was_deleted = line["status"] == "gone" && times.iter().all(Option::is_some) && times.is_sorted();
        // Of what was asked for when somebody thought better of it, and never came to be.
        let never_came = case.plan.instead.is_some()
            && matches!(times, [None, None, Some(_)] | [None, None, None])
            && line["status"] != "there";
        let is_kept = phase == "deleting" && line["kind"] == "bucket" && line["status"] == "there";
        assert!(was_deleted || never_came || is_kept, "{line}");
    }
}

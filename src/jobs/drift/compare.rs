//! What is wanted of a tenant against what Cloudflare shows. Pure. Names what differs, never a value.
//!
//! Compared is what the plane can put back. So a secret that somebody added stays, and code is not looked at.

use serde_json::{Map, Value};

use crate::cloudflare::containers::Application as SeenApplication;
use crate::cloudflare::routes::ScriptSubdomain;
use crate::cloudflare::scripts::ScriptSettings;
use crate::reconcile::desired::{Application, Deployment};
use crate::registry::Repair;
use crate::tenant::{Applied, InstanceType, Ledger, Resource, ResourceState};
use crate::vault::Secret;
use crate::vault::secret::Wanted;

/// What Cloudflare shows of a tenant.
#[derive(Debug, Default)]
pub struct Seen {
    /// The script's bindings and tags; `None`: there is no script, and of what lives in it nothing is known.
    pub settings: Option<ScriptSettings>,
    /// Names of its secrets.
    pub secrets: Vec<String>,
    /// Its cron triggers.
    pub crons: Vec<String>,
    /// Its address.
    pub subdomain: ScriptSubdomain,
    /// The container application by its id.
    pub application: Option<SeenApplication>,
}

/// Differences for people, and what to record of them.
pub fn compare(wanted: &Deployment, ledger: &Ledger, secrets: &[Secret], seen: &Seen) -> (Vec<String>, Repair) {
    let mut differences = Vec::new();
    let mut repair = Repair::default();
    let Some(settings) = &seen.settings else {
        differences.push(format!("the Worker {} is gone", ledger.script.name));
        repair.lines.push(unknown(&ledger.script));
        return (differences, repair);
    };

    let mut script = ledger.script.clone();
    for name in differing_bindings(&wanted.bindings, &settings.bindings) {
        differences.push(format!("binding {name}"));
        forget(&mut script, Forget::Content);
    }
    for (tag, is_proof) in wanted.tags.iter().zip([false, true]) {
        if !settings.tags.contains(tag) {
            differences.push(format!("tag {tag} is gone"));
            if is_proof {
                // Without it the Worker may be another's: the round looks, and does not overwrite it.
                script.state = ResourceState::Unknown;
            } else {
                forget(&mut script, Forget::Content);
            }
        }
    }
    if let Some((name, _)) = &wanted.sleep
        && !has_secret(seen, name)
    {
        differences.push(format!("secret {name} is gone"));
        forget(&mut script, Forget::Sleep);
    }
    for secret in secrets.iter().filter(|secret| secret.wanted == Wanted::Set && secret.pushed_version > 0) {
        if !has_secret(seen, secret.name.as_str()) {
            differences.push(format!("secret {} is gone, and its owner has to set it again", secret.name));
            repair.lost.push(secret.name.clone());
        }
    }
    if script != ledger.script {
        repair.lines.push(script);
    }

    if seen.subdomain != (ScriptSubdomain { enabled: wanted.is_running, previews_enabled: false }) {
        differences.push("the address on workers.dev".to_owned());
        repair.lines.push(unknown(&ledger.route));
    }
    let has_all = seen.crons.len() == wanted.crons.len() && wanted.crons.iter().all(|cron| seen.crons.contains(cron));
    if !has_all {
        differences.push("cron triggers".to_owned());
        repair.lines.push(unknown(&ledger.schedule));
    }
    if let Some(application) = &wanted.application {
        compare_application(application, ledger, seen.application.as_ref(), &mut differences, &mut repair);
    }
    (differences, repair)
}

fn compare_application(
    wanted: &Application,
    ledger: &Ledger,
    seen: Option<&SeenApplication>,
    differences: &mut Vec<String>,
    repair: &mut Repair,
) {
    let line = &ledger.application;
    let Some(seen) = seen else {
        differences.push(format!("the container application {} is gone", line.name));
        repair.lines.push(unknown(line));
        return;
    };
    let before = differences.len();
    let shown = &seen.configuration;
    if shown.get("image").and_then(Value::as_str).is_some_and(|image| image != wanted.image) {
        differences.push("the containers' image".to_owned());
    }
    if !has_size(shown, &wanted.instance_type) {
        differences.push("the containers' size".to_owned());
    }
    if seen.max_instances.is_some_and(|most| most != wanted.max_instances) {
        differences.push("the number of containers".to_owned());
    }
    if differences.len() > before {
        repair.lines.push(Resource { applied: None, ..line.clone() });
    }
}

fn has_secret(seen: &Seen, name: &str) -> bool {
    seen.secrets.iter().any(|secret| secret == name)
}

/// Cloudflare shows the size by its name, or what follows from it; each size has another amount of memory.
fn has_size(shown: &Map<String, Value>, wanted: &str) -> bool {
    if let Some(name) = shown.get("instance_type").and_then(Value::as_str) {
        return name == wanted;
    }
    let memory = InstanceType::parse(wanted).map(|size| u64::from(size.dimensions().memory_quarter_gib) * 256);
    shown.get("memory_mib").and_then(Value::as_u64).is_none_or(|mib| Some(mib) == memory)
}

/// Names of the bindings that are missing, have other values, or were added. A field that Cloudflare does not show is no
/// difference.
fn differing_bindings(wanted: &[Map<String, Value>], seen: &[Map<String, Value>]) -> Vec<String> {
    let name_of = |binding: &Map<String, Value>| binding.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
    let is_named_as = |a: &Map<String, Value>, b: &Map<String, Value>| a.get("name") == b.get("name");
    let is_as_wanted = |wanted: &Map<String, Value>| {
        let found = seen.iter().find(|seen| is_named_as(seen, wanted));
        found.is_some_and(|seen| wanted.iter().all(|(key, value)| seen.get(key).is_none_or(|shown| shown == value)))
    };
    let is_added = |seen: &Map<String, Value>| {
        let kind = seen.get("type").and_then(Value::as_str).unwrap_or_default();
        !matches!(kind, "secret_text" | "secret_key") && !wanted.iter().any(|wanted| is_named_as(seen, wanted))
    };
    let changed = wanted.iter().filter(|binding| !is_as_wanted(binding)).map(name_of);
    changed.chain(seen.iter().filter(|binding| is_added(binding)).map(name_of)).collect()
}

enum Forget {
    Content,
    Sleep,
}

/// What it was made to be is not known any more, so that it is made so again.
fn forget(script: &mut Resource, what: Forget) {
    if let Some(Applied::Script { fingerprint, sleep_after, .. }) = &mut script.applied {
        match what {
            Forget::Content => *fingerprint = None,
            Forget::Sleep => *sleep_after = None,
        }
    }
}

/// Whether it is there is not known.
fn unknown(line: &Resource) -> Resource {
    Resource { state: ResourceState::Unknown, ..line.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::desired::deployment;
    use crate::reconcile::fixtures::*;

    fn fields(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn seen_as_wanted(wanted: &Deployment) -> Seen {
        let mut bindings = wanted.bindings.clone();
        bindings.push(fields(json!({ "type": "secret_text", "name": "A" })));
        Seen {
            settings: Some(ScriptSettings { bindings, tags: wanted.tags.to_vec() }),
            secrets: ["A", "ADDED_BY_HAND", "SANDBOX_SLEEP_AFTER"].map(str::to_owned).into(),
            crons: wanted.crons.clone(),
            subdomain: ScriptSubdomain { enabled: true, previews_enabled: false },
            application: wanted.application.as_ref().map(|application| SeenApplication {
                id: "1".into(),
                name: "moltbot-alice".into(),
                durable_objects: None,
                created_at: None,
                // As recorded: the size's name is not among what is shown.
                configuration: fields(json!({ "image": application.image, "vcpu": 0.5, "memory_mib": 4096 })),
                max_instances: Some(application.max_instances),
            }),
        }
    }

    fn found(change: impl FnOnce(&mut Seen)) -> (Vec<String>, Repair) {
        let (tenant, release) = (alice(), guide_release());
        let ledger = everything_there(&tenant, &release);
        let wanted = deployment(&tenant, &ledger, &release);
        let mut seen = seen_as_wanted(&wanted);
        change(&mut seen);
        compare(&wanted, &ledger, &[], &seen)
    }

    #[test]
    fn what_is_as_wanted_does_not_differ_however_cloudflare_shows_it() {
        assert_eq!(found(|_| {}), (Vec::new(), Repair::default()));
        let named = |seen: &mut Seen| {
            let application = seen.application.as_mut().unwrap();
            application.configuration = fields(json!({ "instance_type": "standard-1" }));
        };
        assert_eq!(found(named).0, Vec::<String>::new());
        let with_more = |seen: &mut Seen| {
            let settings = seen.settings.as_mut().unwrap();
            settings.bindings[3].insert("namespace_id".into(), json!("27ff"));
            settings.tags.push("by-hand".into());
        };
        assert_eq!(found(with_more).0, Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named_without_its_value() {
        type Change = fn(&mut Seen);
        let changes: [(&str, Change); 11] = [
            ("the Worker paramita-cloud-alice is gone", |seen| seen.settings = None),
            ("binding ENVIRONMENT", |seen| {
                drop(seen.settings.as_mut().unwrap().bindings[0].insert("text".into(), json!("planted")));
            }),
            ("binding BROWSER", |seen| {
                seen.settings.as_mut().unwrap().bindings.retain(|binding| binding["name"] != "BROWSER");
            }),
            ("binding EXTRA", |seen| {
                let extra = fields(json!({ "type": "plain_text", "name": "EXTRA", "text": "planted" }));
                seen.settings.as_mut().unwrap().bindings.push(extra);
            }),
            ("tag paramita is gone", |seen| drop(seen.settings.as_mut().unwrap().tags.remove(0))),
            ("secret SANDBOX_SLEEP_AFTER is gone", |seen| seen.secrets.retain(|name| !name.starts_with("SANDBOX"))),
            ("cron triggers", |seen| seen.crons.push("0 0 * * *".into())),
            ("the address on workers.dev", |seen| seen.subdomain.previews_enabled = true),
            ("the container application moltbot-alice is gone", |seen| seen.application = None),
            ("the containers' size", |seen| {
                let shown = &mut seen.application.as_mut().unwrap().configuration;
                shown.insert("memory_mib".into(), json!(8192));
            }),
            ("the number of containers", |seen| seen.application.as_mut().unwrap().max_instances = Some(99)),
        ];
        for (difference, change) in changes {
            let (differences, repair) = found(change);
            assert_eq!(differences, [difference]);
            assert_eq!(repair.lines.len(), 1, "{difference}");
        }
    }

    #[test]
    fn a_worker_that_does_not_prove_itself_any_more_is_looked_at_and_not_overwritten() {
        let (_, repair) = found(|seen| drop(seen.settings.as_mut().unwrap().tags.pop()));
        assert_eq!(repair.lines[0].state, ResourceState::Unknown);
        let (_, repair) = found(|seen| drop(seen.settings.as_mut().unwrap().tags.remove(0)));
        assert_eq!(repair.lines[0].state, ResourceState::Present);
    }
}

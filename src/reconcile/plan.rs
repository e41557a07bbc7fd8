//! The steps between what is there and what is wanted. Pure: no call, no clock, no chance.

use super::desired::{Deployment, Desired};
use super::step::{SecretVersion, Step};
use crate::tenant::ResourceState::{Absent, Present, Unknown};
use crate::tenant::{Applied, Ledger, ResourceKind};
use crate::vault::Secret;
use crate::vault::secret::Wanted;

/// What is known at one moment of a round: the ledger, and what holds for this round only.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// What exists, as far as we know.
    pub ledger: Ledger,
    /// A look or a claim in this round found the script's name free.
    pub is_script_name_free: bool,
    /// The release's assets are staged; the upload has the receipt.
    pub are_assets_staged: bool,
}

impl Observed {
    /// What is known when a round starts.
    pub fn at_start(ledger: Ledger) -> Self {
        Self { ledger, is_script_name_free: false, are_assets_staged: false }
    }
}

/// A step, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What to do.
    pub step: Step,
    /// Why, for people.
    pub reason: String,
}

/// Steps in stages: the steps of a stage need nothing from each other and run at once, a stage needs the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// None of them empty.
    pub stages: Vec<Vec<Planned>>,
}

impl Plan {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Every step in order.
    pub fn steps(&self) -> impl Iterator<Item = &Planned> {
        self.stages.iter().flatten()
    }

    fn of(stages: impl IntoIterator<Item = Vec<Planned>>) -> Self {
        Self { stages: stages.into_iter().filter(|stage| !stage.is_empty()).collect() }
    }
}

/// Plans from `observed` to `desired`. Where something is unknown the plan is to look, and nothing else: what follows
/// depends on what is seen. Once nothing else is to be done, what was deleted is looked at: only a read proves that it is
/// gone.
pub fn plan(desired: &Desired, observed: &Observed, secrets: &[Secret]) -> Plan {
    let ledger = &observed.ledger;
    let looks = looks(desired, ledger);
    if !looks.is_empty() {
        return Plan::of([looks]);
    }
    let mut plan = match desired {
        Desired::Deployed(deployment) => plan_deployed(deployment, observed, secrets),
        Desired::DataOnly => Plan::of(teardown(ledger)),
        Desired::Nothing => Plan::of(teardown(ledger).into_iter().chain(bucket_teardown(ledger))),
    };
    plan.stages.extend(Some(proofs(desired, ledger, &plan)).filter(|proofs| !proofs.is_empty()));
    plan
}

/// What is looked at, in the order in which a tenant is made. Route and schedule are not: setting them again costs the
/// same one call.
const LOOKED_AT: [ResourceKind; 3] = [ResourceKind::Bucket, ResourceKind::Script, ResourceKind::Application];

/// Whether a resource of this kind is to be there; `None`: it stays as it is.
fn is_wanted(desired: &Desired, kind: ResourceKind) -> Option<bool> {
    match (desired, kind) {
        (Desired::Deployed(deployment), ResourceKind::Application) => Some(deployment.application.is_some()),
        (Desired::Deployed(_), _) => Some(true),
        (Desired::DataOnly, ResourceKind::Bucket) => None,
        (Desired::DataOnly | Desired::Nothing, _) => Some(false),
    }
}

fn looks(desired: &Desired, ledger: &Ledger) -> Vec<Planned> {
    let reason = |kind: &ResourceKind| {
        let line = ledger.get(*kind);
        match (line.state, is_wanted(desired, *kind)?) {
            // It was there and ours when it was first asked to go: it is asked again.
            (Unknown, false) if line.removal_asked_at.is_some() => None,
            (Unknown, _) => Some("the end of an earlier call was never seen"),
            // What was made anew too early would meet what is being deleted.
            (Absent, true) if line.is_removal_unconfirmed() => Some("it was deleted, and is made anew once it is gone"),
            (Absent, false) if line.asked_at.is_some() && line.removed_at.is_none() => {
                Some("it was asked for and may show late")
            }
            (Absent | Present, _) => None,
        }
    };
    LOOKED_AT.iter().filter_map(|kind| Some(because(reason(kind)?, Step::Look(*kind)))).collect()
}

/// Of what is deleted, or will be by this plan.
fn proofs(desired: &Desired, ledger: &Ledger, plan: &Plan) -> Vec<Planned> {
    let is_deleted = |kind: &ResourceKind| {
        let is_deleted_by_plan = || {
            let removals = plan.steps().filter(|planned| planned.step.removes());
            removals.into_iter().any(|planned| planned.step.touches().contains(kind))
        };
        is_wanted(desired, *kind) == Some(false) && (ledger.get(*kind).is_removal_unconfirmed() || is_deleted_by_plan())
    };
    let deleted = LOOKED_AT.into_iter().filter(is_deleted);
    deleted.map(|kind| because("only a read proves that it is gone", Step::Look(kind))).collect()
}

fn plan_deployed(deployment: &Deployment, observed: &Observed, secrets: &[Secret]) -> Plan {
    let ledger = &observed.ledger;
    let script = ScriptSeen::of(ledger);
    let deploy_reason = match (ledger.script.state, &script.fingerprint) {
        (Absent | Unknown, _) => Some("the Worker does not exist yet"),
        (Present, None) => Some("what the Worker was deployed from is not known"),
        (Present, Some(fingerprint)) if *fingerprint != deployment.fingerprint => {
            Some("release or bindings differ from what is deployed")
        }
        (Present, Some(_)) => None,
    };

    let mut prepare = Vec::new();
    if ledger.bucket.state == Absent {
        prepare.push(because("the bucket does not exist yet", Step::CreateBucket));
    }
    if ledger.script.state == Absent && !observed.is_script_name_free {
        prepare.push(because("an upload would replace a Worker of that name that is not ours", Step::ClaimScript));
    }
    if deploy_reason.is_some() && deployment.has_assets && !observed.are_assets_staged {
        prepare.push(because("the upload needs a receipt for the static assets", Step::StageAssets));
    }

    // An application cannot be given another class, and the one that it serves went with the script.
    let is_stranded =
        deployment.application.is_some() && ledger.script.state == Absent && ledger.application.state == Present;
    if is_stranded && observed.is_script_name_free {
        prepare.push(because("its class went with the Worker that had it", Step::DeleteApplication));
    }

    let (set, remove) = unpushed(secrets);
    let has_news = !set.is_empty() || !remove.is_empty();
    let (application, roll_out) = plan_application(deployment, ledger, has_news);
    let mut deploy = Vec::new();
    let mut push = Vec::new();
    let mut attach = Vec::new();
    if let Some(reason) = deploy_reason {
        deploy.push(because(reason, Step::DeployScript { secrets: set }));
        // A Worker that does not exist yet has no secret to lose, yet the row is to go.
        if !remove.is_empty() {
            push.push(because("secrets are no longer wanted", Step::PushSecrets { set: Vec::new(), remove }));
        }
    } else {
        let sleep_differs = deployment.sleep.as_ref().is_some_and(|(_, value)| script.sleep_after != Some(value));
        if sleep_differs || has_news {
            push.push(because("secrets differ from what the Worker has", Step::PushSecrets { set, remove }));
        }
    }
    // What is made after the push starts with what was pushed; what runs already is restarted after it.
    let is_made = application.as_ref().is_some_and(|planned| planned.step == Step::CreateApplication);
    if !is_made {
        attach.append(&mut push);
    }
    match ledger.route.state {
        Absent | Unknown if deployment.is_running => {
            attach.push(because("the Worker's address is not open", Step::EnableRoute));
        }
        Present | Unknown if !deployment.is_running => {
            attach.push(because("a suspended tenant does not answer", Step::CloseRoute));
        }
        _ => {}
    }
    if !has_schedule(ledger, &deployment.crons) {
        attach.push(because("the cron triggers differ", Step::SetSchedule));
    }
    attach.extend(application);
    Plan::of([prepare, deploy, push, attach, roll_out])
}

/// The step for the application itself, and the rollout that follows it and, where there are any, the news of secrets.
fn plan_application(deployment: &Deployment, ledger: &Ledger, has_news: bool) -> (Option<Planned>, Vec<Planned>) {
    let seen = &ledger.application;
    let Some(wanted) = &deployment.application else {
        let reason = match deployment.container_class {
            Some(_) => "a suspended tenant has no containers",
            None => "the release has no container",
        };
        return ((seen.state != Absent).then(|| because(reason, Step::DeleteApplication)), Vec::new());
    };
    let roll_out = || vec![because("running containers take on a new image or size by a rollout", Step::RollOut)];
    let restart = || vec![because("running containers keep the secrets that they were started with", Step::RollOut)];
    let is_there = seen.state == Present && ledger.script.state != Absent;
    match &seen.applied {
        _ if !is_there => {
            (Some(because("the container application does not exist yet", Step::CreateApplication)), Vec::new())
        }
        Some(Applied::Application { image, instance_type, max_instances, rolled_out, restart_owed_since, .. }) => {
            let reshaped = *image != wanted.image || *instance_type != wanted.instance_type;
            if reshaped {
                return (Some(because("image or size of the containers differ", Step::ModifyApplication)), roll_out());
            }
            let rest = match *rolled_out {
                false => roll_out(),
                true if has_news || restart_owed_since.is_some() => restart(),
                true => Vec::new(),
            };
            let count = *max_instances != wanted.max_instances;
            (count.then(|| because("the number of containers differs", Step::ModifyApplication)), rest)
        }
        _ => (Some(because("what the containers were made to be is not known", Step::ModifyApplication)), roll_out()),
    }
}

/// First what stops traffic and cost, as for a suspension, then the Worker with its secrets and Durable Objects. The
/// application does not go with its script.
fn teardown(ledger: &Ledger) -> [Vec<Planned>; 2] {
    let mut suspend = Vec::new();
    if ledger.script.state == Present && ledger.route.state != Absent {
        suspend.push(because("deletion was asked for", Step::CloseRoute));
    }
    if ledger.application.state != Absent {
        suspend.push(because("deletion was asked for", Step::DeleteApplication));
    }
    let mut remove = Vec::new();
    if ledger.script.state != Absent {
        remove.push(because("deletion was asked for; route, cron, secrets go with it", Step::DeleteScript));
    }
    [suspend, remove]
}

fn bucket_teardown(ledger: &Ledger) -> Vec<Vec<Planned>> {
    if ledger.bucket.state == Absent {
        return Vec::new();
    }
    let delete = vec![because("the grace period is over", Step::DeleteBucket)];
    match ledger.bucket.applied {
        Some(Applied::Bucket { holds_objects: true, .. }) => {
            vec![vec![because("a bucket must be empty before it can be deleted", Step::EmptyBucket)], delete]
        }
        _ => vec![delete],
    }
}

/// Secrets whose wanted version Cloudflare does not have: to be set, to be removed.
fn unpushed(secrets: &[Secret]) -> (Vec<SecretVersion>, Vec<SecretVersion>) {
    let of = |wanted: Wanted| {
        let those = secrets.iter().filter(|secret| secret.is_unpushed() && secret.wanted == wanted);
        those.map(|secret| SecretVersion { name: secret.name.clone(), version: secret.version }).collect()
    };
    (of(Wanted::Set), of(Wanted::Deleted))
}

/// No triggers wanted and none ever set is the same.
fn has_schedule(ledger: &Ledger, wanted: &[String]) -> bool {
    match (&ledger.schedule.applied, ledger.schedule.state) {
        (_, Absent) => wanted.is_empty(),
        (Some(Applied::Schedule { crons }), Present) => crons == wanted,
        _ => false,
    }
}

#[derive(Default)]
struct ScriptSeen<'a> {
    fingerprint: Option<String>,
    sleep_after: Option<&'a String>,
}

impl<'a> ScriptSeen<'a> {
    fn of(ledger: &'a Ledger) -> Self {
        match &ledger.script.applied {
            Some(Applied::Script { fingerprint, sleep_after, .. }) => {
                Self { fingerprint: fingerprint.clone(), sleep_after: sleep_after.as_ref() }
            }
            _ => Self::default(),
        }
    }
}

fn because(reason: &str, step: Step) -> Planned {
    Planned { step, reason: reason.to_owned() }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

//! A simulated outside, in which every step does what [`Step`] promises and refuses to run before its needs are met.

use super::*;
use crate::reconcile::desired::Desired;
use crate::reconcile::fixtures::{NOW, as_wanted};
use crate::tenant::ResourceState;

/// What is wanted, what is known, and how the outside really stands where that is not known.
#[derive(Clone, Debug)]
pub struct World {
    pub wanted: Desired,
    pub observed: Observed,
    pub secrets: Vec<Secret>,
    /// What a look finds.
    pub is_there: Found,
    /// A claim finds a script of ours that an earlier call made and no look has shown yet.
    pub shows_late: bool,
    /// A container runs that was started with other secrets than the script has.
    pub is_stale: bool,
    /// Pages of objects in the bucket.
    pub pages: u32,
}

/// Whether a resource whose state is unknown exists.
#[derive(Clone, Debug)]
pub struct Found {
    pub bucket: bool,
    pub script: bool,
    pub application: bool,
}

impl World {
    pub fn plan(&self) -> Plan {
        plan(&self.wanted, &self.observed, &self.secrets)
    }

    fn deployment(&self) -> &Deployment {
        match &self.wanted {
            Desired::Deployed(deployment) => deployment,
            other => panic!("a step of a running tenant is planned for {other:?}"),
        }
    }

    pub fn state(&self, kind: ResourceKind) -> ResourceState {
        self.observed.ledger.get(kind).state
    }

    fn make(&mut self, kind: ResourceKind, applied: Option<Applied>) {
        let line = self.observed.ledger.get_mut(kind);
        line.making(NOW);
        line.present((kind == ResourceKind::Application).then(|| "app-1".into()), applied);
    }

    fn make_as_wanted(&mut self, kind: ResourceKind) {
        let applied = as_wanted(self.deployment(), kind);
        self.make(kind, applied);
    }

    fn remove(&mut self, kind: ResourceKind) {
        let line = self.observed.ledger.get_mut(kind);
        line.removing(NOW);
        line.removed(NOW);
    }

    fn lose(&mut self, kind: ResourceKind) {
        self.observed.ledger.get_mut(kind).gone(NOW);
    }

    fn lose_script(&mut self) {
        [ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule].into_iter().for_each(|it| self.lose(it));
    }

    fn find_script(&mut self) {
        let applied = Applied::Script { fingerprint: None, migration: Some("v1".into()), sleep_after: None };
        self.make(ResourceKind::Script, Some(applied));
    }

    /// Part of what the round notes before the call.
    fn owe_restart(&mut self, step: &Step) {
        if step.changes_secrets() && self.state(ResourceKind::Application) == Present {
            self.observed.ledger.application.owing_restart(NOW);
            self.is_stale = true;
        }
    }

    /// Panics unless the step's needs are met, then does what it promises. `false`: it found what no plan could know.
    pub fn run(&mut self, step: &Step) -> bool {
        self.owe_restart(step);
        let needs_script = || assert_eq!(self.state(ResourceKind::Script), Present, "{step:?} needs the script");
        match step {
            Step::Look(kind) if self.observed.ledger.get(*kind).is_removal_unconfirmed() => {
                self.lose(*kind);
                // Where it is wanted, all else had to wait for this.
                return is_wanted(&self.wanted, *kind) == Some(false);
            }
            Step::Look(kind) => {
                let (kind, found) = (*kind, self.is_there.clone());
                match kind {
                    ResourceKind::Bucket if found.bucket => self.make(kind, None),
                    ResourceKind::Script if found.script => self.find_script(),
                    ResourceKind::Application if found.application => self.make(kind, None),
                    ResourceKind::Script => self.lose_script(),
                    ResourceKind::Bucket | ResourceKind::Application => self.lose(kind),
                    part => panic!("{part:?} is not looked at"),
                }
                return false;
            }
            Step::ClaimScript if self.shows_late => {
                self.find_script();
                return false;
            }
            Step::ClaimScript => {
                self.lose_script();
                self.observed.is_script_name_free = true;
                // Only now is it known that an application that is there serves nothing any more.
                return self.state(ResourceKind::Application) != Present;
            }
            Step::CreateBucket => self.make(ResourceKind::Bucket, None),
            Step::StageAssets => self.observed.are_assets_staged = true,
            Step::DeployScript { secrets } => {
                assert_eq!(self.state(ResourceKind::Bucket), Present, "an upload binds the bucket");
                let is_claimed = self.state(ResourceKind::Script) == Present || self.observed.is_script_name_free;
                assert!(is_claimed, "an upload needs the name claimed");
                assert!(self.observed.are_assets_staged || !self.deployment().has_assets, "an upload needs a receipt");
                self.make_as_wanted(ResourceKind::Script);
                self.push(secrets);
            }
            Step::PushSecrets { set, remove } => {
                needs_script();
                self.push(set);
                self.secrets.retain(|secret| !remove.iter().any(|gone| gone.name == secret.name));
                let sleep = self.deployment().sleep.as_ref().map(|(_, value)| value.clone());
                if let Some(Applied::Script { sleep_after, .. }) = &mut self.observed.ledger.script.applied {
                    *sleep_after = sleep;
                }
            }
            Step::CreateApplication => {
                needs_script();
                assert_eq!(self.state(ResourceKind::Application), Absent, "one application a class");
                self.make_as_wanted(ResourceKind::Application);
                self.is_stale = false;
            }
            Step::ModifyApplication => {
                assert_eq!(self.state(ResourceKind::Application), Present);
                let keeps_its_shape = {
                    let wanted = self.deployment().application.as_ref().unwrap();
                    match &self.observed.ledger.application.applied {
                        Some(Applied::Application { image, instance_type, rolled_out, .. }) => {
                            *rolled_out && *image == wanted.image && *instance_type == wanted.instance_type
                        }
                        _ => false,
                    }
                };
                let owed = self.observed.ledger.application.restart().is_some();
                self.make_as_wanted(ResourceKind::Application);
                self.set_rolled_out(keeps_its_shape);
                if owed {
                    self.observed.ledger.application.owing_restart(NOW);
                }
            }
            Step::RollOut => {
                let stored = self.observed.ledger.application.applied.clone();
                self.set_rolled_out(true);
                self.is_stale = false;
                assert_eq!(
                    self.observed.ledger.application.applied,
                    as_wanted(self.deployment(), ResourceKind::Application),
                    "a rollout needs the wanted image and size stored, not {stored:?}"
                );
            }
            Step::EnableRoute => {
                needs_script();
                self.make_as_wanted(ResourceKind::Route);
            }
            Step::CloseRoute => {
                needs_script();
                self.lose(ResourceKind::Route);
            }
            Step::SetSchedule => {
                needs_script();
                self.make_as_wanted(ResourceKind::Schedule);
            }
            Step::DeleteApplication => {
                self.remove(ResourceKind::Application);
                self.is_stale = false;
            }
            Step::DeleteScript => {
                self.remove(ResourceKind::Script);
                [ResourceKind::Route, ResourceKind::Schedule].into_iter().for_each(|part| self.lose(part));
            }
            Step::EmptyBucket => {
                assert_eq!(self.state(ResourceKind::Script), Absent, "a script that is there may write to the bucket");
                self.pages = self.pages.saturating_sub(1);
                self.make(
                    ResourceKind::Bucket,
                    Some(Applied::Bucket { holds_objects: self.pages > 0, is_expiring: false }),
                );
                return self.pages == 0;
            }
            Step::DeleteBucket if self.pages > 0 => {
                self.make(ResourceKind::Bucket, Some(Applied::Bucket { holds_objects: true, is_expiring: false }));
                return false;
            }
            Step::DeleteBucket => {
                assert_eq!(self.state(ResourceKind::Script), Absent, "the bucket outlives the script");
                self.remove(ResourceKind::Bucket);
            }
        }
        true
    }

    fn set_rolled_out(&mut self, value: bool) {
        match &mut self.observed.ledger.application.applied {
            Some(Applied::Application { rolled_out, restart_owed_since, .. }) => {
                *rolled_out = value;
                *restart_owed_since = restart_owed_since.filter(|_| !value);
            }
            other => panic!("{other:?} cannot be rolled out"),
        }
    }

    fn push(&mut self, pushed: &[SecretVersion]) {
        for SecretVersion { name, version } in pushed {
            let secret = self.secrets.iter_mut().find(|secret| secret.name == *name).unwrap();
            secret.pushed_version = *version;
        }
    }

    /// Whether the outside is as wanted, judged without a plan.
    pub fn is_as_wanted(&self) -> bool {
        if self.is_stale && self.state(ResourceKind::Application) == Present {
            return false;
        }
        // Gone, and proved to be.
        let is_gone = |kind| self.state(kind) == Absent && self.observed.ledger.get(kind).asked_at.is_none();
        match &self.wanted {
            Desired::Deployed(wanted) => {
                ResourceKind::ALL.into_iter().all(|kind| {
                    let is_wanted = match kind {
                        ResourceKind::Application => wanted.application.is_some(),
                        ResourceKind::Schedule => !wanted.crons.is_empty() || !is_gone(kind),
                        ResourceKind::Route => wanted.is_running,
                        _ => true,
                    };
                    let is_free_in_shape = matches!(kind, ResourceKind::Bucket | ResourceKind::Route);
                    let resource = self.observed.ledger.get(kind);
                    let fits = is_free_in_shape || resource.applied == self.shape(wanted, kind);
                    if is_wanted { resource.state == Present && fits } else { is_gone(kind) }
                }) && self.secrets.iter().all(|secret| secret.wanted == Wanted::Set && !secret.is_unpushed())
            }
            Desired::DataOnly => is_gone(ResourceKind::Script) && is_gone(ResourceKind::Application),
            Desired::Nothing => ResourceKind::ALL.into_iter().all(is_gone),
        }
    }

    /// What a resource is to be; migration and, where the release does not read it, sleep do not come into it.
    fn shape(&self, wanted: &Deployment, kind: ResourceKind) -> Option<Applied> {
        let mut shape = as_wanted(wanted, kind);
        if let (
            Some(Applied::Script { migration, sleep_after, .. }),
            Some(Applied::Script { migration: seen_migration, sleep_after: seen_sleep, .. }),
        ) = (&mut shape, &self.observed.ledger.script.applied)
        {
            migration.clone_from(seen_migration);
            if wanted.sleep.is_none() {
                sleep_after.clone_from(seen_sleep);
            }
        }
        shape
    }

    /// Most stages that it may take from here to an empty plan.
    pub fn most_stages(&self) -> usize {
        let pages = usize::try_from(self.pages).unwrap();
        match self.wanted {
            // Look, prepare, look at what was in the way, deploy, push, attach, roll out or look.
            Desired::Deployed(_) => 7,
            // Look, suspend, tear down, look.
            Desired::DataOnly => 4,
            // Those, a first try, the pages (one look at an empty bucket at least), the last try.
            Desired::Nothing => 4 + 1 + pages.max(1) + 1,
        }
    }
}

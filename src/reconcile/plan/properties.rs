//! Plans for any ledger, carried out on a simulated outside in which every step does what [`Step`] promises.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::reconcile::desired::{Desired, deployment};
use crate::reconcile::fixtures::*;
use crate::tenant::ResourceState;

/// What is wanted, what is known, and how the outside really stands where that is not known.
#[derive(Clone, Debug)]
struct World {
    wanted: Desired,
    observed: Observed,
    secrets: Vec<Secret>,
    /// What a look finds.
    is_there: Found,
    /// A claim finds a script of ours that an earlier call made and no look has shown yet.
    shows_late: bool,
    /// Pages of objects in the bucket.
    pages: u32,
}

/// Whether a resource whose state is unknown exists.
#[derive(Clone, Debug)]
struct Found {
    bucket: bool,
    script: bool,
    application: bool,
}

impl World {
    fn plan(&self) -> Plan {
        plan(&self.wanted, &self.observed, &self.secrets)
    }

    fn deployment(&self) -> &Deployment {
        match &self.wanted {
            Desired::Running(deployment) => deployment,
            other => panic!("a step of a running tenant is planned for {other:?}"),
        }
    }

    fn state(&self, kind: ResourceKind) -> ResourceState {
        self.observed.ledger.get(kind).state
    }

    fn make(&mut self, kind: ResourceKind, applied: Option<Applied>) {
        let resource = self.observed.ledger.get_mut(kind);
        (resource.state, resource.applied) = (Present, applied);
        if kind == ResourceKind::Application {
            resource.external_id = Some("app-1".into());
        }
    }

    fn make_as_wanted(&mut self, kind: ResourceKind) {
        let applied = as_wanted(self.deployment(), kind);
        self.make(kind, applied);
    }

    fn remove(&mut self, kind: ResourceKind) {
        let resource = self.observed.ledger.get_mut(kind);
        (resource.state, resource.applied, resource.external_id) = (Absent, None, None);
    }

    fn remove_script(&mut self) {
        [ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule].into_iter().for_each(|it| self.remove(it));
    }

    fn find_script(&mut self) {
        let applied = Applied::Script { fingerprint: None, migration: Some("v1".into()), sleep_after: None };
        self.make(ResourceKind::Script, Some(applied));
    }

    /// Panics unless the step's needs are met, then does what it promises. `false`: it found what no plan could know.
    fn run(&mut self, step: &Step) -> bool {
        let needs_script = || assert_eq!(self.state(ResourceKind::Script), Present, "{step:?} needs the script");
        match step {
            Step::Look(kind) => {
                let (kind, found) = (*kind, self.is_there.clone());
                match kind {
                    ResourceKind::Bucket if found.bucket => self.make(kind, None),
                    ResourceKind::Script if found.script => self.find_script(),
                    ResourceKind::Application if found.application => self.make(kind, None),
                    ResourceKind::Script => self.remove_script(),
                    ResourceKind::Bucket | ResourceKind::Application => self.remove(kind),
                    part => panic!("{part:?} is not looked at"),
                }
                return false;
            }
            Step::ClaimScript if self.shows_late => {
                self.find_script();
                return false;
            }
            Step::ClaimScript => {
                self.remove_script();
                self.observed.is_script_name_free = true;
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
                self.make_as_wanted(ResourceKind::Application);
                self.set_rolled_out(keeps_its_shape);
            }
            Step::RollOut => {
                let stored = self.observed.ledger.application.applied.clone();
                self.set_rolled_out(true);
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
            Step::SetSchedule => {
                needs_script();
                self.make_as_wanted(ResourceKind::Schedule);
            }
            Step::DeleteApplication => self.remove(ResourceKind::Application),
            Step::DeleteScript => self.remove_script(),
            Step::EmptyBucket => {
                assert_eq!(self.state(ResourceKind::Script), Absent, "a script that is there may write to the bucket");
                self.pages = self.pages.saturating_sub(1);
                self.make(ResourceKind::Bucket, Some(Applied::Bucket { holds_objects: self.pages > 0 }));
                return self.pages == 0;
            }
            Step::DeleteBucket if self.pages > 0 => {
                self.make(ResourceKind::Bucket, Some(Applied::Bucket { holds_objects: true }));
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
            Some(Applied::Application { rolled_out, .. }) => *rolled_out = value,
            other => panic!("{other:?} cannot be rolled out"),
        }
    }

    fn push(&mut self, pushed: &[SecretVersion]) {
        for SecretVersion { name, version } in pushed {
            let secret = self.secrets.iter_mut().find(|secret| secret.name == *name).unwrap();
            secret.pushed_version = *version;
        }
    }

    /// Most stages that it may take from here to an empty plan.
    fn most_stages(&self) -> usize {
        let pages = usize::try_from(self.pages).unwrap();
        match self.wanted {
            // Look, prepare, deploy, attach, roll out.
            Desired::Running(_) => 5,
            // Look, tear down.
            Desired::DataOnly => 2,
            // Those two, a first try, the pages (one look at an empty bucket at least), the last try.
            Desired::Nothing => 2 + 1 + pages.max(1) + 1,
        }
    }
}

fn states() -> impl Strategy<Value = ResourceState> {
    prop_oneof![Just(Absent), Just(Unknown), Just(Present)]
}

/// Nothing known, as wanted, or something else.
fn applied(wanted: &Deployment, kind: ResourceKind) -> BoxedStrategy<Option<Applied>> {
    let known = match kind {
        ResourceKind::Bucket => any::<bool>().prop_map(|holds_objects| Applied::Bucket { holds_objects }).boxed(),
        ResourceKind::Script => {
            let fingerprint =
                prop_oneof![Just(None), Just(Some("older".to_owned())), Just(Some(wanted.fingerprint.clone()))];
            let sleep_after = prop_oneof![Just(None), Just(Some("10m".to_owned())), Just(Some("never".to_owned()))];
            (fingerprint, sleep_after)
                .prop_map(|(fingerprint, sleep_after)| Applied::Script { fingerprint, migration: None, sleep_after })
                .boxed()
        }
        ResourceKind::Application => (1u32..3, 1u32..3, 1u32..3, any::<bool>())
            .prop_map(|(image, size, max_instances, rolled_out)| Applied::Application {
                image: format!("image:v{image}"),
                instance_type: format!("standard-{size}"),
                max_instances,
                rolled_out,
            })
            .boxed(),
        ResourceKind::Route => Just(Applied::Route {}).boxed(),
        ResourceKind::Schedule => prop_oneof![Just(vec![]), Just(vec!["*/5 * * * *".to_owned()])]
            .prop_map(|crons| Applied::Schedule { crons })
            .boxed(),
    };
    prop_oneof![1 => Just(None), 3 => known.prop_map(Some)].boxed()
}

fn secrets() -> impl Strategy<Value = Vec<Secret>> {
    let one = |name| {
        let set = (1i64..4).prop_flat_map(move |version| {
            (0..=version).prop_map(move |pushed| secret(name, Wanted::Set, version, pushed))
        });
        let unwanted = (2i64..4).prop_flat_map(move |version| {
            (0..version).prop_map(move |pushed| secret(name, Wanted::Deleted, version, pushed))
        });
        proptest::option::of(prop_oneof![set, unwanted])
    };
    (one("A"), one("B"), one("C")).prop_map(|(a, b, c)| [a, b, c].into_iter().flatten().collect())
}

fn deployments() -> impl Strategy<Value = Deployment> {
    any::<[bool; 4]>().prop_map(|[has_assets, has_container, has_crons, reads_sleep]| {
        let mut release = guide_release();
        let manifest = &mut release.manifest;
        manifest.container.iter_mut().for_each(|container| container.image = "image:v2".into());
        manifest.container = manifest.container.take().filter(|_| has_container);
        manifest.assets = manifest.assets.take().filter(|_| has_assets);
        manifest.crons.retain(|_| has_crons);
        manifest.profile.sleep_secret = manifest.profile.sleep_secret.take().filter(|_| reads_sleep);
        deployment(&alice(), &nothing_there(), &release)
    })
}

fn worlds() -> impl Strategy<Value = World> {
    let ledgers = |deployment: Deployment| {
        let lines = ResourceKind::ALL.map(|kind| (states(), applied(&deployment, kind)));
        (Just(deployment), lines)
    };
    let outside = (any::<[bool; 4]>(), 0u32..3);
    (deployments().prop_flat_map(ledgers), 0u8..4, secrets(), outside).prop_map(
        |((deployment, lines), wanted, secrets, ([bucket, script, application, shows_late], pages))| {
            let mut ledger = nothing_there();
            for (kind, (state, applied)) in ResourceKind::ALL.into_iter().zip(lines) {
                let resource = ledger.get_mut(kind);
                resource.state = state;
                resource.applied = applied.filter(|_| state != Absent);
                let has_id = kind == ResourceKind::Application && state == Present;
                resource.external_id = has_id.then(|| "app-1".to_owned());
            }
            if ledger.script.state == Absent {
                // What lives in the script goes with it.
                (ledger.route.state, ledger.schedule.state) = (Absent, Absent);
                (ledger.route.applied, ledger.schedule.applied) = (None, None);
            }
            let wanted = match wanted {
                0 => Desired::DataOnly,
                1 => Desired::Nothing,
                _ => Desired::Running(Box::new(deployment)),
            };
            let is_there = Found { bucket, script, application };
            World { wanted, observed: Observed::at_start(ledger), secrets, is_there, shows_late, pages }
        },
    )
}

/// The same cases on every run.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 1_000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn running_stage_after_stage_ends_in_an_empty_plan_within_a_bound(mut world in worlds()) {
        for _ in 0..world.most_stages() {
            let Some(stage) = world.plan().stages.into_iter().next() else { break };
            for Planned { step, .. } in &stage {
                world.run(step);
            }
        }
        prop_assert_eq!(world.plan(), Plan::default());
    }

    #[test]
    fn without_surprises_a_plan_is_carried_out_as_it_was_announced(mut world in worlds()) {
        let steps = |stages: &[Vec<Planned>]| -> Vec<Vec<Step>> {
            stages.iter().map(|stage| stage.iter().map(|planned| planned.step.clone()).collect()).collect()
        };
        let mut announced = world.plan().stages;
        while !announced.is_empty() {
            let stage = announced.remove(0);
            let went_as_foreseen = stage.iter().fold(true, |so_far, planned| world.run(&planned.step) && so_far);
            if !went_as_foreseen {
                break;
            }
            prop_assert_eq!(steps(&world.plan().stages), steps(&announced));
        }
    }

    #[test]
    fn nothing_of_a_running_tenant_is_ever_deleted_but_a_container_that_its_release_lacks(world in worlds()) {
        if let Desired::Running(deployment) = &world.wanted {
            for Planned { step, .. } in world.plan().steps() {
                let is_stray = *step == Step::DeleteApplication && deployment.application.is_none();
                let deletes = matches!(
                    step,
                    Step::DeleteApplication | Step::DeleteScript | Step::EmptyBucket | Step::DeleteBucket
                );
                prop_assert!(!deletes || is_stray, "{:?}", step);
            }
        }
    }

    #[test]
    fn a_deleted_tenant_only_loses_and_keeps_its_bucket_while_data_is_kept(world in worlds()) {
        if !matches!(world.wanted, Desired::Running(_)) {
            for Planned { step, .. } in world.plan().steps() {
                let loses = matches!(
                    step,
                    Step::Look(_)
                        | Step::DeleteApplication
                        | Step::DeleteScript
                        | Step::EmptyBucket
                        | Step::DeleteBucket
                );
                prop_assert!(loses, "{:?}", step);
                prop_assert!(world.wanted == Desired::Nothing || step.resource() != ResourceKind::Bucket, "{:?}", step);
            }
        }
    }

    #[test]
    fn what_is_unknown_is_looked_at_before_anything_touches_it(world in worlds()) {
        for Planned { step, .. } in world.plan().steps() {
            // A route or a schedule is simply set again, or goes with its script.
            let unknown = step.touches().iter().copied().filter(|kind| world.state(*kind) == Unknown);
            let untouchable: Vec<_> =
                unknown.filter(|kind| !matches!(kind, ResourceKind::Route | ResourceKind::Schedule)).collect();
            prop_assert!(untouchable.is_empty(), "{:?} touches {:?}", step, untouchable);
        }
    }

    #[test]
    fn no_script_is_uploaded_under_an_unclaimed_name(mut world in worlds(), is_script_name_free: bool) {
        world.observed.is_script_name_free = is_script_name_free;
        let plan = world.plan();
        let uploads = plan.steps().any(|planned| matches!(planned.step, Step::DeployScript { .. }));
        let claims = plan.stages.first().is_some_and(|first| first.iter().any(|it| it.step == Step::ClaimScript));
        if uploads && world.state(ResourceKind::Script) == Absent {
            prop_assert!(claims != is_script_name_free);
        } else {
            prop_assert!(!claims);
        }
    }

    #[test]
    fn steps_of_one_stage_touch_nothing_in_common(world in worlds()) {
        for stage in &world.plan().stages {
            prop_assert!(!stage.is_empty());
            let mut touched: Vec<_> = stage.iter().flat_map(|planned| planned.step.touches()).collect();
            let count = touched.len();
            touched.sort();
            touched.dedup();
            prop_assert_eq!(touched.len(), count);
        }
    }
}

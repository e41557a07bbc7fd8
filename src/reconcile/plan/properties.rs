//! Plans for any ledger, run to their end in a [`World`].

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::simulation::{Found, World};
use super::*;
use crate::reconcile::desired::{Desired, deployment};
use crate::reconcile::fixtures::*;
use crate::tenant::ResourceState;

fn states() -> impl Strategy<Value = ResourceState> {
    prop_oneof![Just(Absent), Just(Unknown), Just(Present)]
}

/// Nothing known, as wanted, or something else.
fn applied(wanted: &Deployment, kind: ResourceKind) -> BoxedStrategy<Option<Applied>> {
    let known = match kind {
        ResourceKind::Bucket => {
            any::<bool>().prop_map(|holds_objects| Applied::Bucket { holds_objects, is_expiring: false }).boxed()
        }
        ResourceKind::Script => {
            let fingerprint =
                prop_oneof![Just(None), Just(Some("older".to_owned())), Just(Some(wanted.fingerprint.clone()))];
            let sleep_after = prop_oneof![Just(None), Just(Some("10m".to_owned())), Just(Some("never".to_owned()))];
            (fingerprint, sleep_after)
                .prop_map(|(fingerprint, sleep_after)| Applied::Script { fingerprint, migration: None, sleep_after })
                .boxed()
        }
        ResourceKind::Application => (1u32..3, 1u32..3, 1u32..3, any::<[bool; 2]>())
            .prop_map(|(image, size, max_instances, [rolled_out, is_owed])| Applied::Application {
                image: format!("image:v{image}"),
                instance_type: format!("standard-{size}"),
                max_instances,
                rolled_out,
                restart_owed_since: is_owed.then_some(NOW),
                restarted_at: None,
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
    any::<[bool; 5]>().prop_map(|[has_assets, has_container, has_crons, reads_sleep, is_suspended]| {
        let mut tenant = alice();
        tenant.suspended_at = is_suspended.then_some(NOW);
        let mut release = guide_release();
        let manifest = &mut release.manifest;
        manifest.container.iter_mut().for_each(|container| container.image = "image:v2".into());
        manifest.container = manifest.container.take().filter(|_| has_container);
        manifest.assets = manifest.assets.take().filter(|_| has_assets);
        manifest.crons.retain(|_| has_crons);
        manifest.profile.sleep_secret = manifest.profile.sleep_secret.take().filter(|_| reads_sleep);
        deployment(&tenant, &nothing_there(), &release)
    })
}

fn worlds() -> impl Strategy<Value = World> {
    let ledgers = |deployment: Deployment| {
        // The state, what it is, and whether it was deleted or was about to be.
        let lines = ResourceKind::ALL.map(|kind| (states(), applied(&deployment, kind), any::<bool>()));
        (Just(deployment), lines)
    };
    let outside = (any::<[bool; 4]>(), 0u32..3);
    (deployments().prop_flat_map(ledgers), 0u8..4, secrets(), outside).prop_map(
        |((deployment, lines), wanted, secrets, ([bucket, script, application, shows_late], pages))| {
            let mut ledger = nothing_there();
            for (kind, (state, applied, is_removal)) in ResourceKind::ALL.into_iter().zip(lines) {
                let line = ledger.get_mut(kind);
                let is_part = matches!(kind, ResourceKind::Route | ResourceKind::Schedule);
                let id = (kind == ResourceKind::Application).then(|| "app-1".to_owned());
                if state == Absent && (!is_removal || is_part) {
                    continue;
                }
                line.making(NOW);
                if state == Present || is_removal {
                    line.present(id, applied);
                }
                match state {
                    Absent => {
                        line.removing(NOW);
                        line.removed(NOW);
                    }
                    Unknown if is_removal => line.removing(NOW),
                    _ => {}
                }
            }
            if ledger.script.state == Absent {
                // What lives in the script goes with it.
                ledger.route.gone(NOW);
                ledger.schedule.gone(NOW);
            }
            let wanted = match wanted {
                0 => Desired::DataOnly,
                1 => Desired::Nothing,
                _ => Desired::Deployed(Box::new(deployment)),
            };
            let is_stale = ledger.application.state != Absent && ledger.application.restart().is_some();
            let is_there = Found { bucket, script, application };
            World { wanted, observed: Observed::at_start(ledger), secrets, is_there, shows_late, is_stale, pages }
        },
    )
}

/// The same cases on every run.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn running_stage_after_stage_ends_with_all_as_wanted_and_an_empty_plan_within_a_bound(mut world in worlds()) {
        for _ in 0..world.most_stages() {
            let Some(stage) = world.plan().stages.into_iter().next() else { break };
            for Planned { step, .. } in &stage {
                world.run(step);
            }
        }
        prop_assert_eq!(world.plan(), Plan::default());
        prop_assert!(world.is_as_wanted(), "{:#?}", world);
    }

    #[test]
    fn without_surprises_a_plan_is_carried_out_as_it_was_announced(mut world in worlds()) {
        let steps = |stages: &[Vec<Planned>]| -> Vec<Vec<Step>> {
            stages.iter().map(|stage| stage.iter().map(|planned| planned.step.clone()).collect()).collect()
        };
        let mut announced = world.plan().stages;
        while !announced.is_empty() {
            let stage = announced.remove(0);
            // Each of them runs, whatever the others found.
            let surprises = stage.iter().filter(|planned| !world.run(&planned.step)).count();
            if surprises > 0 {
                break;
            }
            prop_assert_eq!(steps(&world.plan().stages), steps(&announced));
        }
    }

    #[test]
    fn nothing_of_a_living_tenant_is_ever_deleted_but_a_container_that_is_not_wanted(world in worlds()) {
        if let Desired::Deployed(deployment) = &world.wanted {
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
        if !matches!(world.wanted, Desired::Deployed(_)) {
            for Planned { step, .. } in world.plan().steps() {
                let loses = matches!(
                    step,
                    Step::Look(_)
                        | Step::CloseRoute
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
            // What was there and ours when it was asked to go may be asked again.
            let is_known = |kind: ResourceKind| {
                world.state(kind) != Unknown
                    || step.removes() && world.observed.ledger.get(kind).removal_asked_at.is_some()
            };
            let unknown = step.touches().iter().copied().filter(|kind| !is_known(*kind));
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

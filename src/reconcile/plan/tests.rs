//! Plans for single situations, written on one line: steps of a stage joined by ` + `, stages by ` > `.

use super::*;
use crate::reconcile::desired::desired;
use crate::reconcile::fixtures::*;
use crate::release::Release;
use crate::tenant::{InstanceType, SleepAfter, Tenant};

/// All that a plan is made from.
#[derive(Clone)]
struct Situation {
    tenant: Tenant,
    release: Release,
    observed: Observed,
    secrets: Vec<Secret>,
}

impl Situation {
    fn at_sign_up() -> Self {
        let observed = Observed::at_start(nothing_there());
        Self { tenant: alice(), release: guide_release(), observed, secrets: Vec::new() }
    }

    fn converged() -> Self {
        let (tenant, release) = (alice(), guide_release());
        let observed = Observed::at_start(everything_there(&tenant, &release));
        Self { tenant, release, observed, secrets: vec![pushed_secret("ANTHROPIC_API_KEY")] }
    }

    fn deleted(keep_data_ms: i64) -> Self {
        let mut situation = Self::converged();
        situation.tenant.deletion = deletion_keeping_data_for(keep_data_ms);
        situation
    }

    fn but(mut self, change: fn(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.observed.ledger
    }

    fn lose(&mut self, kind: ResourceKind) {
        self.ledger().get_mut(kind).gone(NOW);
    }

    fn remove(&mut self, kind: ResourceKind) {
        let line = self.ledger().get_mut(kind);
        line.removing(NOW);
        line.removed(NOW);
    }

    fn lose_sight_of(&mut self, kind: ResourceKind) {
        self.ledger().get_mut(kind).state = Unknown;
    }

    fn take_next_release(&mut self) {
        self.release.id.0.push_str("_next");
    }

    fn plan(&self) -> Plan {
        let wanted = desired(&self.tenant, &self.observed.ledger, &self.release, NOW);
        plan(&wanted, &self.observed, &self.secrets)
    }

    fn in_short(&self) -> String {
        in_short(&self.plan())
    }
}

fn in_short(plan: &Plan) -> String {
    let stage = |steps: &Vec<Planned>| steps.iter().map(|planned| word(&planned.step)).collect::<Vec<_>>().join(" + ");
    plan.stages.iter().map(stage).collect::<Vec<_>>().join(" > ")
}

fn word(step: &Step) -> String {
    let list = |sign: &str, secrets: &[SecretVersion]| -> Vec<String> {
        secrets.iter().map(|secret| format!("{sign}{}@{}", secret.name, secret.version)).collect()
    };
    match step {
        Step::Look(kind) => format!("look({})", kind.as_str()),
        Step::DeployScript { secrets } => format!("deploy_script[{}]", list("+", secrets).join(" ")),
        Step::PushSecrets { set, remove } => {
            format!("push_secrets[{}]", [list("+", set), list("-", remove)].concat().join(" "))
        }
        other => other.kind().to_owned(),
    }
}

fn check(cases: &[(&str, Situation, &str)]) {
    for (what, situation, expected) in cases {
        assert_eq!(situation.in_short(), *expected, "{what}");
    }
}

#[test]
fn the_plan_for_a_new_tenant_reads_like_this() {
    let mut situation = Situation::at_sign_up();
    situation.secrets = vec![new_secret("ANTHROPIC_API_KEY"), new_secret("CLAWDBOT_GATEWAY_TOKEN")];
    let mut text = String::new();
    for (at, stage) in situation.plan().stages.iter().enumerate() {
        text.push_str(&format!("stage {}\n", at + 1));
        for Planned { step, reason } in stage {
            text.push_str(&format!("  {}: {reason}\n", word(step)));
        }
    }
    assert_eq!(
        text,
        "\
stage 1
  create_bucket: the bucket does not exist yet
  claim_script: an upload would replace a Worker of that name that is not ours
  stage_assets: the upload needs a receipt for the static assets
stage 2
  deploy_script[+ANTHROPIC_API_KEY@1 +CLAWDBOT_GATEWAY_TOKEN@1]: the Worker does not exist yet
stage 3
  enable_route: the Worker's address is not open
  set_schedule: the cron triggers differ
  create_application: the container application does not exist yet
"
    );
}

#[test]
fn a_new_tenant_is_made_of_what_its_release_has() {
    let new = Situation::at_sign_up;
    check(&[
        (
            "no assets",
            new().but(|it| it.release.manifest.assets = None),
            "create_bucket + claim_script > deploy_script[] > enable_route + set_schedule + create_application",
        ),
        (
            "no container",
            new().but(|it| it.release.manifest.container = None),
            "create_bucket + claim_script + stage_assets > deploy_script[] > enable_route + set_schedule",
        ),
        (
            "no cron triggers",
            new().but(|it| it.release.manifest.crons.clear()),
            "create_bucket + claim_script + stage_assets > deploy_script[] > enable_route + create_application",
        ),
        (
            "a secret set and unset before it was ever pushed",
            new().but(|it| it.secrets = vec![secret("A", Wanted::Deleted, 2, 0)]),
            "create_bucket + claim_script + stage_assets > deploy_script[] \
             > push_secrets[-A@2] > enable_route + set_schedule + create_application",
        ),
    ]);
}

#[test]
fn what_a_round_has_found_out_is_not_asked_again() {
    check(&[
        (
            "the name is free",
            Situation::at_sign_up().but(|it| it.observed.is_script_name_free = true),
            "create_bucket + stage_assets > deploy_script[] > enable_route + set_schedule + create_application",
        ),
        (
            "the assets are staged",
            Situation::at_sign_up().but(|it| it.observed.are_assets_staged = true),
            "create_bucket + claim_script > deploy_script[] > enable_route + set_schedule + create_application",
        ),
    ]);
}

#[test]
fn a_converged_tenant_has_an_empty_plan() {
    let plan = Situation::converged().plan();
    assert_eq!(plan, Plan::default());
    assert!(plan.is_empty());
    assert!(!Situation::at_sign_up().plan().is_empty());
}

#[test]
fn a_single_difference_costs_only_what_it_needs() {
    let but = |change| Situation::converged().but(change);
    check(&[
        ("a secret set", but(|it| it.secrets.push(new_secret("B"))), "push_secrets[+B@1] > roll_out"),
        ("a secret changed", but(|it| it.secrets.push(changed_secret("B"))), "push_secrets[+B@2] > roll_out"),
        ("a secret removed", but(|it| it.secrets.push(unwanted_secret("B"))), "push_secrets[-B@2] > roll_out"),
        (
            "several secrets",
            but(|it| it.secrets.extend([unwanted_secret("B"), new_secret("C"), changed_secret("D")])),
            "push_secrets[+C@1 +D@2 -B@2] > roll_out",
        ),
        ("sleep", but(|it| it.tenant.spec.sleep_after = SleepAfter::parse("10m").unwrap()), "push_secrets[]"),
        (
            "instance type",
            but(|it| it.tenant.spec.instance_type = InstanceType::Standard2),
            "modify_application > roll_out",
        ),
        ("number of instances", but(|it| it.tenant.spec.max_instances = 2), "modify_application"),
        (
            "image",
            but(|it| {
                let was_made_from = |applied: &mut Applied| match applied {
                    Applied::Application { image, .. } => *image = "registry.cloudflare.com/acc/sandbox:v0".into(),
                    other => panic!("{other:?}"),
                };
                it.ledger().application.applied.iter_mut().for_each(was_made_from);
            }),
            "modify_application > roll_out",
        ),
        ("release", but(Situation::take_next_release), "stage_assets > deploy_script[]"),
        (
            "release without assets",
            but(|it| {
                it.take_next_release();
                it.release.manifest.assets = None;
            }),
            "deploy_script[]",
        ),
        ("cron triggers", but(|it| it.release.manifest.crons = vec!["0 * * * *".into()]), "set_schedule"),
        ("cron triggers no longer wanted", but(|it| it.release.manifest.crons.clear()), "set_schedule"),
        ("cron triggers never set", but(|it| it.lose(ResourceKind::Schedule)), "set_schedule"),
        ("cron triggers of unknown content", but(|it| it.ledger().schedule.applied = None), "set_schedule"),
        ("route closed", but(|it| it.lose(ResourceKind::Route)), "enable_route"),
        ("bucket gone", but(|it| it.lose(ResourceKind::Bucket)), "create_bucket"),
        ("container gone", but(|it| it.lose(ResourceKind::Application)), "create_application"),
        (
            "container of unknown shape",
            but(|it| it.ledger().application.applied = None),
            "modify_application > roll_out",
        ),
        ("script of unknown content", but(|it| it.ledger().script.applied = None), "stage_assets > deploy_script[]"),
        (
            "script gone, and with it what lives in it",
            but(|it| {
                [ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule]
                    .into_iter()
                    .for_each(|kind| it.lose(kind))
            }),
            "claim_script + stage_assets > deploy_script[] > enable_route + set_schedule + create_application",
        ),
        (
            "script surely gone: an application cannot be given the new one's class",
            but(|it| {
                [ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule]
                    .into_iter()
                    .for_each(|kind| it.lose(kind));
                it.observed.is_script_name_free = true;
            }),
            "stage_assets + delete_application > deploy_script[] > enable_route + set_schedule + create_application",
        ),
        (
            "container no longer in the release",
            but(|it| it.release.manifest.container = None),
            "delete_application > look(application)",
        ),
    ]);
}

#[test]
fn an_upload_takes_waiting_secrets_and_sleep_along() {
    let mut situation = Situation::converged().but(Situation::take_next_release);
    situation.tenant.spec.sleep_after = SleepAfter::parse("10m").unwrap();
    situation.secrets.extend([new_secret("B"), pushed_secret("C")]);
    assert_eq!(situation.in_short(), "stage_assets > deploy_script[+B@1] > roll_out");
    situation.secrets.push(unwanted_secret("D"));
    assert_eq!(situation.in_short(), "stage_assets > deploy_script[+B@1] > push_secrets[-D@2] > roll_out");
}

#[test]
fn running_containers_are_restarted_once_for_all_that_changed_and_only_where_they_can_be_running() {
    let rotated = || Situation::converged().but(|it| it.secrets.extend([changed_secret("B"), unwanted_secret("C")]));
    check(&[
        (
            "size and secrets",
            rotated().but(|it| it.tenant.spec.instance_type = InstanceType::Standard4),
            "push_secrets[+B@2 -C@2] + modify_application > roll_out",
        ),
        (
            "number and secrets",
            rotated().but(|it| it.tenant.spec.max_instances = 4),
            "push_secrets[+B@2 -C@2] + modify_application > roll_out",
        ),
        (
            "release and secrets",
            rotated().but(Situation::take_next_release),
            "stage_assets > deploy_script[+B@2] > push_secrets[-C@2] > roll_out",
        ),
        (
            "what the containers were made to be is not known",
            rotated().but(|it| it.ledger().application.applied = None),
            "push_secrets[+B@2 -C@2] + modify_application > roll_out",
        ),
        (
            "no container in the release",
            rotated().but(|it| {
                it.release.manifest.container = None;
                it.lose(ResourceKind::Application);
            }),
            "push_secrets[+B@2 -C@2]",
        ),
        (
            "the container is gone: what is made after the push has what was pushed",
            rotated().but(|it| it.lose(ResourceKind::Application)),
            "push_secrets[+B@2 -C@2] > create_application",
        ),
        (
            "pushed, and the round ended there",
            Situation::converged().but(|it| assert!(it.ledger().application.owing_restart(NOW))),
            "roll_out",
        ),
        (
            "sleep: the Worker reads it at each request",
            Situation::converged().but(|it| {
                it.tenant.spec.sleep_after = SleepAfter::parse("10m").unwrap();
            }),
            "push_secrets[]",
        ),
    ]);
}

#[test]
fn sleep_does_not_matter_where_the_release_does_not_read_it() {
    let mut situation = Situation::converged();
    situation.release.manifest.profile.sleep_secret = None;
    situation.tenant.spec.sleep_after = SleepAfter::parse("10m").unwrap();
    assert_eq!(situation.in_short(), "");
}

#[test]
fn a_rollout_that_is_still_owed_is_made_up_for() {
    fn owe_rollout(situation: &mut Situation) {
        match &mut situation.observed.ledger.application.applied {
            Some(Applied::Application { rolled_out, .. }) => *rolled_out = false,
            other => panic!("{other:?}"),
        }
    }
    let owing = || Situation::converged().but(owe_rollout);
    check(&[
        ("nothing else differs", owing(), "roll_out"),
        (
            "the number of instances differs, too",
            owing().but(|it| it.tenant.spec.max_instances = 2),
            "modify_application > roll_out",
        ),
        (
            "the size has changed again meanwhile",
            owing().but(|it| it.tenant.spec.instance_type = InstanceType::Standard4),
            "modify_application > roll_out",
        ),
    ]);
}

#[test]
fn where_something_is_unknown_the_plan_is_only_to_look() {
    let cases = [
        (vec![ResourceKind::Bucket], "look(bucket)"),
        (vec![ResourceKind::Script], "look(script)"),
        (vec![ResourceKind::Application], "look(application)"),
        (ResourceKind::ALL.to_vec(), "look(bucket) + look(script) + look(application)"),
    ];
    for (unknown, expected) in cases {
        // Much else differs, too.
        let mut situation = Situation::converged().but(Situation::take_next_release);
        situation.tenant.spec.max_instances = 2;
        situation.secrets.push(new_secret("B"));
        unknown.iter().for_each(|kind| situation.lose_sight_of(*kind));
        assert_eq!(situation.in_short(), expected, "{unknown:?}");

        situation.tenant.deletion = deletion_keeping_data_for(0);
        assert_eq!(situation.in_short(), expected, "{unknown:?}, deleted");
    }
}

#[test]
fn an_unknown_route_or_schedule_is_set_again_without_a_look() {
    let but = |change| Situation::converged().but(change);
    check(&[
        ("route", but(|it| it.lose_sight_of(ResourceKind::Route)), "enable_route"),
        ("schedule", but(|it| it.lose_sight_of(ResourceKind::Schedule)), "set_schedule"),
        (
            "schedule of which none is wanted",
            but(|it| {
                it.lose_sight_of(ResourceKind::Schedule);
                it.release.manifest.crons.clear();
            }),
            "set_schedule",
        ),
    ]);
}

#[test]
fn a_suspended_tenant_loses_what_runs_and_keeps_what_it_has() {
    let suspended = || Situation::converged().but(|it| it.tenant.suspended_at = Some(NOW));
    check(&[
        ("all is there", suspended(), "close_route + set_schedule + delete_application > look(application)"),
        (
            "only the proof is owed",
            suspended().but(|it| {
                it.lose(ResourceKind::Route);
                it.ledger().schedule.applied = Some(Applied::Schedule { crons: Vec::new() });
                it.remove(ResourceKind::Application);
            }),
            "look(application)",
        ),
        (
            "the end of the deletion was not seen: it is asked again",
            suspended().but(|it| it.ledger().application.removing(NOW)),
            "close_route + set_schedule + delete_application > look(application)",
        ),
        (
            "a secret waits",
            suspended().but(|it| it.secrets.push(new_secret("B"))),
            "push_secrets[+B@1] + close_route + set_schedule + delete_application > look(application)",
        ),
        (
            "suspended before it was ever made",
            Situation::at_sign_up().but(|it| it.tenant.suspended_at = Some(NOW)),
            "create_bucket + claim_script + stage_assets > deploy_script[]",
        ),
    ]);
}

#[test]
fn a_resumed_tenant_gets_its_container_once_the_former_one_is_gone() {
    fn suspended(situation: &mut Situation) {
        situation.lose(ResourceKind::Route);
        situation.ledger().schedule.applied = Some(Applied::Schedule { crons: Vec::new() });
        situation.remove(ResourceKind::Application);
    }
    check(&[
        ("not yet proved to be gone", Situation::converged().but(suspended), "look(application)"),
        (
            "gone",
            Situation::converged().but(suspended).but(|it| it.lose(ResourceKind::Application)),
            "enable_route + set_schedule + create_application",
        ),
    ]);
}

#[test]
fn while_data_is_kept_everything_but_the_bucket_goes() {
    let deleted = || Situation::deleted(1);
    let all = "close_route + delete_application > delete_script > look(script) + look(application)";
    check(&[
        ("all is there", deleted(), all),
        ("the bucket is unknown", deleted().but(|it| it.lose_sight_of(ResourceKind::Bucket)), all),
        ("secrets wait", deleted().but(|it| it.secrets = vec![new_secret("A")]), all),
        (
            "the address is closed",
            deleted().but(|it| it.lose(ResourceKind::Route)),
            all.trim_start_matches("close_route + "),
        ),
        (
            "the script is gone",
            deleted().but(|it| it.lose(ResourceKind::Script)),
            "delete_application > look(application)",
        ),
        (
            "the container is gone",
            deleted().but(|it| it.lose(ResourceKind::Application)),
            "close_route > delete_script > look(script)",
        ),
        (
            "a container that was asked for does not show yet",
            deleted().but(|it| {
                it.lose(ResourceKind::Application);
                it.ledger().application.asked_at = Some(NOW);
            }),
            "look(application)",
        ),
        (
            "script and container are unknown",
            deleted().but(|it| {
                [ResourceKind::Script, ResourceKind::Application].into_iter().for_each(|kind| it.lose_sight_of(kind))
            }),
            "look(script) + look(application)",
        ),
        (
            "the ends of their deletions were not seen: they are asked again",
            deleted().but(|it| {
                let ledger = it.ledger();
                [&mut ledger.script, &mut ledger.application].into_iter().for_each(|line| line.removing(NOW));
            }),
            "delete_application > delete_script > look(script) + look(application)",
        ),
        (
            "both are deleted, and nothing proves it yet",
            deleted().but(|it| {
                [ResourceKind::Script, ResourceKind::Application].into_iter().for_each(|kind| it.remove(kind))
            }),
            "look(script) + look(application)",
        ),
        (
            "only the bucket is left",
            deleted()
                .but(|it| [ResourceKind::Script, ResourceKind::Application].into_iter().for_each(|kind| it.lose(kind))),
            "",
        ),
    ]);
}

#[test]
fn after_the_grace_period_the_bucket_goes_last() {
    fn only_bucket_left(situation: &mut Situation) {
        [ResourceKind::Script, ResourceKind::Application].into_iter().for_each(|kind| situation.lose(kind));
    }
    let deleted = || Situation::deleted(0);
    check(&[
        (
            "all is there",
            deleted(),
            "close_route + delete_application > delete_script > delete_bucket \
             > look(bucket) + look(script) + look(application)",
        ),
        ("only the bucket is left", deleted().but(only_bucket_left), "delete_bucket > look(bucket)"),
        (
            "the bucket was found to hold objects",
            deleted().but(only_bucket_left).but(|it| {
                it.ledger().bucket.applied = Some(Applied::Bucket { holds_objects: true, is_expiring: false });
            }),
            "empty_bucket > delete_bucket > look(bucket)",
        ),
        (
            "the bucket has been emptied",
            deleted().but(only_bucket_left).but(|it| {
                it.ledger().bucket.applied = Some(Applied::Bucket { holds_objects: false, is_expiring: false });
            }),
            "delete_bucket > look(bucket)",
        ),
        (
            "the bucket is deleted",
            deleted().but(only_bucket_left).but(|it| it.remove(ResourceKind::Bucket)),
            "look(bucket)",
        ),
        ("all is gone", deleted().but(|it| ResourceKind::ALL.into_iter().for_each(|kind| it.lose(kind))), ""),
    ]);
}

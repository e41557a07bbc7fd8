use proptest::prelude::*;

use serde_json::json;

use super::*;
use crate::reconcile::fixtures;
use crate::tenant::SleepAfter;

/// The guide's release: a cron trigger and a class.
const GUIDE: PerTenant = PerTenant { cron_triggers: 1, durable_object_classes: 1 };
/// Upstream's, which has no schedule.
const NO_CRON: PerTenant = PerTenant { cron_triggers: 0, durable_object_classes: 1 };

fn tenant(instance_type: InstanceType, max_instances: u32) -> Load {
    Load::of(&TenantSpec { instance_type, max_instances, sleep_after: SleepAfter::Never })
}

fn tenants(count: u64, size: InstanceType, instances_each: u64) -> Load {
    Load::default().with(size, count, count * instances_each)
}

/// How many tenants of that size fit, one after the other, and what stops the next one.
fn fill(account: &Account, size: InstanceType, instances: u32, each: PerTenant) -> (u64, Full) {
    let (mut load, mut count) = (Load::default(), 0);
    loop {
        if let Err(full) = account.check(&load, &tenant(size, instances), each) {
            return (count, full);
        }
        load = load.with(size, 1, instances.into());
        count += 1;
    }
}

#[test]
fn an_account_is_full_at_the_documented_numbers() {
    let account = Account::default();
    let small = InstanceType::Standard1;
    // 250 cron triggers, one of them the plane's; without crons 500 Workers, one of them the plane's.
    let full = Full { limit: Limit::CronTriggers, used: 250, of: 250 };
    assert_eq!(fill(&account, small, 1, GUIDE), (249, full));
    let full = Full { limit: Limit::Workers, used: 500, of: 500 };
    assert_eq!(fill(&account, small, 1, NO_CRON), (499, full));
    // 1,500 vCPU ÷ 4 = 375.
    let full = Full { limit: Limit::Vcpu, used: 1_500, of: 1_500 };
    assert_eq!(fill(&account, InstanceType::Standard4, 1, NO_CRON), (375, full));
    // 6,144 GiB ÷ 10 × 4 = 153.6.
    let full = Full { limit: Limit::Memory, used: 6_120, of: 6_144 };
    assert_eq!(fill(&account, small, 10, GUIDE), (153, full));
}

#[test]
fn disk_and_buckets_bound_when_nothing_else_does() {
    let plenty = setting::read("memory_gib=99999999, vcpu=99999999, workers=99999999", Amounts::DOCUMENTED).unwrap();
    let account = Account { limits: plenty, in_use: Amounts::NONE };
    let nothing = PerTenant { cron_triggers: 0, durable_object_classes: 0 };
    let (count, full) = fill(&account, InstanceType::Standard4, 10, nothing);
    assert_eq!((count, full.limit), (150, Limit::Disk));
    assert_eq!(account.most_tenants(nothing), (99_999, Limit::Buckets));
    let (count, full) =
        fill(&Account { limits: Amounts { disk_gb: u64::MAX, ..plenty }, ..account }, InstanceType::Lite, 1, NO_CRON);
    assert_eq!((count, full.limit), (500, Limit::DurableObjectClasses));
}

#[test]
fn what_else_is_in_the_account_takes_room() {
    let in_use = setting::read("workers=100, cron_triggers=9", Amounts::NONE).unwrap();
    let account = Account { in_use, ..Account::default() };
    assert_eq!(fill(&account, InstanceType::Standard1, 1, GUIDE).0, 240);
    assert_eq!(account.most_tenants(GUIDE), (240, Limit::CronTriggers));
    assert_eq!(account.most_tenants(NO_CRON), (399, Limit::Workers));
    // More than there is.
    let in_use = setting::read("cron_triggers=300", Amounts::NONE).unwrap();
    let account = Account { in_use, ..Account::default() };
    assert_eq!(fill(&account, InstanceType::Standard1, 1, GUIDE).0, 0);
    assert_eq!(account.most_tenants(GUIDE), (0, Limit::CronTriggers));
    assert_eq!(fill(&account, InstanceType::Standard1, 1, NO_CRON).0, 499);
}

#[test]
fn a_change_is_refused_only_for_what_it_takes_more_of() {
    let account = Account::default();
    let size = InstanceType::Standard4;
    // More than the 375 that fit, as after a limit that was lowered.
    let load = tenants(380, size, 1);
    let change = |before, after| account.check_change(&load, &tenant(size, before), &tenant(after, 1), NO_CRON);
    assert_eq!(change(1, InstanceType::Standard3), Ok(()));
    assert_eq!(change(1, size), Ok(()));
    let grown = account.check_change(&load, &tenant(size, 1), &tenant(size, 2), NO_CRON);
    assert_eq!(grown, Err(Full { limit: Limit::Vcpu, used: 1_520, of: 1_500 }));
    assert_eq!(grown.unwrap_err().to_string(), "the account is full: 1520 of 1500 container vCPU are taken");
}

#[test]
fn a_standing_has_every_limit_with_its_source() {
    let load = Load::default().with(InstanceType::Lite, 3, 3).with(InstanceType::Standard2, 2, 5);
    let standing = Account::default().standing(&load, GUIDE);
    let json = serde_json::to_value(standing).unwrap();
    let of = |name: &str| {
        let row = json.as_array().unwrap().iter().find(|row| row["limit"] == name).unwrap();
        (row["used"].as_u64().unwrap(), row["of"].as_u64().unwrap())
    };
    assert_eq!(of("workers"), (6, 500));
    assert_eq!(of("cron_triggers"), (6, 250));
    assert_eq!(of("durable_object_classes"), (5, 500));
    assert_eq!(of("buckets"), (6, 100_000));
    // 3 × 0.25 + 5 × 6, 3 ÷ 16 + 5, 3 × 2 + 5 × 12: parts count as wholes.
    assert_eq!((of("memory_gib"), of("vcpu"), of("disk_gb")), ((31, 6_144), (6, 1_500), (66, 30_000)));
    for limit in Limit::ALL {
        let source = limit.source();
        assert!(source.page.starts_with("developers.cloudflare.com/") && source.dated.len() == 10, "{limit:?}");
    }
}

#[test]
fn a_release_takes_what_its_manifest_has() {
    let mut manifest = fixtures::guide_release().manifest;
    assert_eq!(PerTenant::of(&manifest), GUIDE);
    manifest.crons.clear();
    assert_eq!(PerTenant::of(&manifest), NO_CRON);
    let steps = json!([
        {"tag": "v1", "new_sqlite_classes": ["A", "B"]},
        {"tag": "v2", "new_classes": ["C"], "deleted_classes": ["A"]},
    ]);
    manifest.migrations = serde_json::from_value(steps).unwrap();
    assert_eq!(PerTenant::of(&manifest).durable_object_classes, 2);
}

#[test]
fn the_planes_own_share_is_what_its_configuration_has() {
    let configuration = include_str!("../../wrangler.toml");
    let lines = |start: &str| configuration.lines().filter(|line| line.starts_with(start)).count() as u64;
    let crons = configuration.lines().find_map(|line| line.strip_prefix("crons = ")).unwrap();
    assert_eq!(crons.matches(',').count() as u64 + 1, PLANE.cron_triggers);
    assert_eq!((lines("[[r2_buckets]]"), lines("[[durable_objects")), (PLANE.buckets, PLANE.durable_object_classes));
}

proptest! {
    #[test]
    fn no_accepted_tenant_passes_a_limit_and_none_is_refused_that_fits(
        rows in proptest::collection::vec((0usize..6, 0u64..200, 0u64..900), 0..5),
        size in 0usize..6, instances in 1u32..=10, crons in 0u64..3,
    ) {
        let account = Account::default();
        let each = PerTenant { cron_triggers: crons, durable_object_classes: 1 };
        let load = rows.iter().fold(Load::default(), |load, (size, tenants, instances)| {
            load.with(InstanceType::ALL[*size], *tenants, *instances)
        });
        let addition = tenant(InstanceType::ALL[size], instances);
        let after = load.with(InstanceType::ALL[size], 1, instances.into());
        let passed = |limit: Limit| account.taken(&after, each).of(limit) > account.limits.of(limit);
        let grows = |limit: Limit| addition.amounts(each).of(limit) > 0;
        let expected = Limit::ALL.into_iter().find(|limit| passed(*limit) && grows(*limit));
        prop_assert_eq!(account.check(&load, &addition, each).err().map(|full| full.limit), expected);
    }
}

//! A tenant in each state of its life.

use paramita::clock::Timestamp;
use paramita::release::ReleaseId;
use paramita::tenant::{
    Condition, Deletion, Ledger, Phase, ResourceKind, SleepAfter, Status, Tenant, TenantId, TenantName, TenantSpec,
};

/// The present of the samples: 2026-11-23 12:00 UTC.
pub const NOW: Timestamp = Timestamp(1_795_435_200_000);

/// Where the sample answers.
pub const ADDRESS: &str = "https://paramita-cloud-alice.example.workers.dev/";

/// Signed up, nothing made yet.
pub fn new() -> (Tenant, Ledger) {
    let tenant = Tenant {
        id: TenantId("t0123456789abcdef01234567".to_owned()),
        name: TenantName::parse("alice").expect("a name"),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        owner: None,
        spec: TenantSpec::default(),
        largest: None,
        release: ReleaseId("r1".to_owned()),
        conditions: vec![condition("Ready", Status::False, "Provisioning", "signed up, nothing is made yet")],
        wanted_since: NOW,
        suspended_at: None,
        paused_at: None,
        expires_at: None,
        deletion: None,
        due_at: Some(NOW),
        attempts: 0,
        booked_calls: 0,
        created_at: NOW,
        updated_at: NOW,
    };
    let names = ResourceKind::ALL.map(|kind| (kind, format!("paramita-cloud-alice-{}", kind.as_str())));
    (tenant, Ledger::empty(&names).expect("every kind"))
}

/// Bucket and Worker are there.
pub fn half_made() -> (Tenant, Ledger) {
    let (tenant, mut ledger) = new();
    for kind in [ResourceKind::Bucket, ResourceKind::Script] {
        ledger.get_mut(kind).making(NOW);
        ledger.get_mut(kind).present(None, None);
    }
    (tenant, ledger)
}

/// All as asked for.
pub fn ready() -> (Tenant, Ledger) {
    let (mut tenant, mut ledger) = half_made();
    for kind in ResourceKind::ALL {
        ledger.get_mut(kind).present(None, None);
    }
    tenant.phase = Phase::Ready;
    tenant.generation = 3;
    tenant.observed_generation = 3;
    tenant.due_at = None;
    tenant.created_at = NOW.plus_ms(-40 * 86_400_000);
    tenant.conditions = vec![
        condition("Ready", Status::True, "Converged", "everything is as asked for"),
        condition("SecretsReady", Status::False, "SecretsMissing", "required and not set: CF_ACCESS_AUD"),
    ];
    (tenant, ledger)
}

/// A person has to act.
pub fn failed() -> (Tenant, Ledger) {
    let (mut tenant, ledger) = half_made();
    tenant.phase = Phase::Failed;
    let message = "container application moltbot-alice: Cloudflare says that the account's limit of vCPUs is reached (1001). \
                   Ask the operator to raise it.";
    tenant.conditions = vec![condition("Ready", Status::False, "LimitReached", message)];
    (tenant, ledger)
}

/// As asked, it stands still.
pub fn suspended() -> (Tenant, Ledger) {
    let (mut tenant, mut ledger) = ready();
    for kind in [ResourceKind::Route, ResourceKind::Application] {
        ledger.get_mut(kind).gone(NOW);
    }
    tenant.phase = Phase::Suspended;
    tenant.suspended_at = Some(NOW);
    tenant.spec.sleep_after = SleepAfter::parse("30m").expect("a duration");
    let message = "nothing runs, nothing answers and nothing but storage costs; all data is kept";
    tenant.conditions = vec![condition("Ready", Status::False, "Suspended", message)];
    (tenant, ledger)
}

/// Its data is kept for five more days.
pub fn deleting() -> (Tenant, Ledger) {
    let (mut tenant, mut ledger) = ready();
    for kind in [ResourceKind::Route, ResourceKind::Application, ResourceKind::Script, ResourceKind::Schedule] {
        ledger.get_mut(kind).gone(NOW);
    }
    let until = NOW.plus_ms(5 * 86_400_000);
    tenant.phase = Phase::Deleting;
    tenant.deletion = Some(Deletion { asked_at: NOW.plus_ms(-2 * 86_400_000), keep_data_until: until });
    tenant.due_at = Some(until);
    let message = "Worker, container and route are deleted; the bucket is kept until the grace period ends";
    tenant.conditions = vec![condition("Ready", Status::False, "DataKept", message)];
    (tenant, ledger)
}

/// Nothing is left.
pub fn deleted() -> (Tenant, Ledger) {
    let (mut tenant, mut ledger) = deleting();
    ledger.bucket.gone(NOW);
    tenant.phase = Phase::Deleted;
    tenant.deletion =
        Some(Deletion { asked_at: NOW.plus_ms(-8 * 86_400_000), keep_data_until: NOW.plus_ms(-86_400_000) });
    tenant.due_at = None;
    tenant.conditions = vec![condition("Ready", Status::False, "Deleted", "nothing is left")];
    (tenant, ledger)
}

fn condition(kind: &str, status: Status, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: NOW.plus_ms(-3 * 60_000),
    }
}

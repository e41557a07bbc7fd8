//! What the registry promises, on SQLite: lost races above all.

use std::sync::Arc;

use paramita::clock::Timestamp;
use paramita::registry::db::{Db, Statement, Value};
use paramita::registry::sqlite::Sqlite;
use paramita::registry::{
    Change, Error, Leased, NewTenant, Registry, ResourceChange, RoundEnd, SecretChange, StageEnd,
};
use paramita::release::ReleaseId;
use paramita::tenant::event::Event;
use paramita::tenant::{
    Applied, Condition, Deletion, Phase, Resource, ResourceKind, ResourceState, SecretName, SleepAfter, Status, Tenant,
    TenantId, TenantName, TenantSpec,
};
use paramita::vault::secret::Wanted;
use paramita::vault::{SealedSecret, Secret, TokenHash};

const LEASE_MS: i64 = 90_000;

/// So many milliseconds into the test.
fn at(ms: i64) -> Timestamp {
    Timestamp(1_767_225_600_000 + ms)
}

fn change(event: &Event, now: Timestamp) -> Change<'_> {
    Change { conditions: &[], event, now }
}

/// A registry with one release, which is what sign-ups get.
struct Fixture {
    db: Arc<Sqlite>,
    registry: Registry,
}

impl Fixture {
    async fn new() -> Self {
        let db = Arc::new(Sqlite::in_memory().unwrap());
        let fixture = Self { registry: Registry::new(db.clone()), db };
        fixture.publish("rel_1", Some(at(0))).await;
        fixture
    }

    async fn sql<const N: usize>(&self, sql: &'static str, args: [Value; N]) {
        self.db.batch(vec![Statement { sql, args: args.into() }]).await.unwrap();
    }

    async fn publish(&self, id: &str, default_since: Option<Timestamp>) {
        const MANIFEST: &str = r#"{"format":1,"profile":{"name":"guide","required":[]},"main_module":"index.js",
            "modules":[],"compatibility_date":"2025-05-06","bindings":[],"source":{"main":"index.js"}}"#;
        let args = [id.into(), MANIFEST.into(), at(0).0.into(), default_since.map(|since| since.0).into()];
        let insert = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?4)";
        self.sql(insert, args).await;
    }

    /// Signs up a tenant whose id is `t-{id}` and whose secret `A` is sealed at version 1.
    async fn try_sign_up(&self, id: &str, name: &str) -> Result<TenantId, Error> {
        let tenant = TenantId(format!("t-{id}"));
        let hash = TokenHash(format!("hash-{id}"));
        let new = NewTenant {
            id: &tenant,
            name: &TenantName::parse(name).unwrap(),
            spec: &TenantSpec::default(),
            release: &ReleaseId("rel_1".into()),
            resources: &ResourceKind::ALL.map(|kind| (kind, format!("{}-{name}", kind.as_str()))),
            secrets: &[(secret_name("A"), SealedSecret("sealed-A-1".into()))],
            conditions: &[],
            token: (&format!("token-{id}"), &hash),
        };
        self.registry.create_tenant(new, at(0)).await?;
        Ok(tenant)
    }

    async fn sign_up(&self, name: &str) -> Tenant {
        let id = self.try_sign_up(name, name).await.unwrap();
        self.tenant(&id).await
    }

    async fn tenant(&self, id: &TenantId) -> Tenant {
        self.registry.find_tenant(id).await.unwrap().unwrap().0
    }

    async fn resource(&self, id: &TenantId, kind: ResourceKind) -> Resource {
        let (_, resources) = self.registry.find_tenant(id).await.unwrap().unwrap();
        resources.into_iter().find(|resource| resource.kind == kind).unwrap()
    }

    async fn asked_at(&self, id: &TenantId, kind: ResourceKind) -> Option<Timestamp> {
        self.resource(id, kind).await.asked_at
    }

    async fn secret(&self, id: &TenantId, name: &str) -> Option<Secret> {
        self.registry.secrets(id).await.unwrap().into_iter().find(|secret| secret.name.as_str() == name)
    }

    async fn try_lease(&self, id: &TenantId, token: &str, now: Timestamp) -> Option<Leased> {
        self.registry.lease(id, token.into(), now.plus_ms(LEASE_MS), now).await.unwrap()
    }

    async fn lease(&self, id: &TenantId, now: Timestamp) -> Leased {
        self.try_lease(id, "mine", now).await.unwrap()
    }

    async fn begin_stage(&self, leased: &Leased, touched: &[ResourceKind], now: Timestamp) -> Result<(), Error> {
        self.registry.begin_stage(leased, touched, now.plus_ms(LEASE_MS), now).await
    }

    async fn record(&self, leased: &Leased, change: ResourceChange, now: Timestamp) {
        let end = StageEnd { resources: vec![change], ..StageEnd::default() };
        self.registry.end_stage(leased, &end, now).await.unwrap();
    }

    async fn change_spec(&self, tenant: &Tenant, sleep: &str, now: Timestamp) -> Result<(), Error> {
        let spec = TenantSpec { sleep_after: SleepAfter::parse(sleep).unwrap(), ..tenant.spec.clone() };
        let event = Event::new("SpecChanged", sleep);
        self.registry.change_spec(tenant, &spec, change(&event, now)).await
    }

    async fn change_secret(&self, tenant: &Tenant, version: i64, value: Option<&str>) -> Result<(), Error> {
        let sealed = value.map(|value| SealedSecret(value.into()));
        let secret = SecretChange { name: secret_name("A"), version, sealed };
        let event = Event::new("SecretsChanged", "A");
        self.registry.change_secrets(tenant, &[secret], change(&event, at(1))).await
    }

    async fn ask_deletion(&self, id: &TenantId, keep_until: Timestamp, now: Timestamp) -> Result<(), Error> {
        let tenant = self.tenant(id).await;
        let event = Event::new("DeletionAsked", "");
        self.registry.ask_deletion(&tenant, keep_until, change(&event, now)).await
    }

    /// A whole life: signed up and, a round later, deleted.
    async fn sign_up_and_delete(&self, id: &str, name: &str) -> TenantId {
        let tenant = self.try_sign_up(id, name).await.unwrap();
        self.ask_deletion(&tenant, at(1), at(1)).await.unwrap();
        let leased = self.lease(&tenant, at(2)).await;
        self.registry.finish_round(&leased, &RoundEnd { phase: Phase::Deleted, ..converged() }, at(3)).await.unwrap();
        tenant
    }

    async fn reasons(&self, id: &TenantId) -> Vec<String> {
        let events = self.registry.events(id, 0, 100).await.unwrap();
        events.into_iter().map(|event| event.reason).collect()
    }

    fn dump(&self) -> String {
        self.db.dump().unwrap()
    }
}

fn secret_name(name: &str) -> SecretName {
    SecretName::parse(name).unwrap()
}

fn state(kind: ResourceKind, state: ResourceState) -> ResourceChange {
    ResourceChange { kind, state, external_id: None, applied: None, is_end_of_life: false }
}

fn pushed(version: i64) -> StageEnd {
    StageEnd { pushed: vec![(secret_name("A"), version)], ..StageEnd::default() }
}

fn removed(version: i64) -> StageEnd {
    StageEnd { removed: vec![(secret_name("A"), version)], ..StageEnd::default() }
}

fn converged() -> RoundEnd {
    let ready = Condition {
        kind: "Ready".into(),
        status: Status::True,
        reason: "Converged".into(),
        message: String::new(),
        last_transition_time: at(0),
    };
    RoundEnd {
        phase: Phase::Ready,
        conditions: vec![ready],
        attempts: 0,
        due_at: None,
        converged: true,
        events: vec![Event::new("Converged", "everything is as asked for")],
    }
}

/// A round that met something in its way.
fn retrying(attempts: u32, due_at: Timestamp) -> RoundEnd {
    RoundEnd { phase: Phase::Pending, attempts, due_at: Some(due_at), converged: false, ..converged() }
}

#[tokio::test]
async fn a_tenant_signs_up_with_an_empty_ledger_and_is_due_at_once() {
    let fixture = Fixture::new().await;
    let id = fixture.try_sign_up("alice", "alice").await.unwrap();
    let (tenant, resources) = fixture.registry.find_tenant(&id).await.unwrap().unwrap();
    let expected = Tenant {
        id: id.clone(),
        name: TenantName::parse("alice").unwrap(),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        spec: TenantSpec::default(),
        release: ReleaseId("rel_1".into()),
        conditions: Vec::new(),
        deletion: None,
        due_at: Some(at(0)),
        attempts: 0,
        created_at: at(0),
        updated_at: at(0),
    };
    assert_eq!(tenant, expected);
    assert_eq!(resources.len(), ResourceKind::ALL.len());
    for resource in resources {
        assert_eq!(resource.name, format!("{}-alice", resource.kind.as_str()));
        assert_eq!((resource.state, resource.applied, resource.asked_at), (ResourceState::Absent, None, None));
    }
    assert_eq!(fixture.reasons(&id).await, ["SignedUp"]);
}

#[tokio::test]
async fn of_two_sign_ups_under_one_name_exactly_one_wins() {
    let fixture = Fixture::new().await;
    fixture.try_sign_up("first", "alice").await.unwrap();
    let before = fixture.dump();
    assert_eq!(fixture.try_sign_up("second", "alice").await, Err(Error::NameTaken));
    assert_eq!(fixture.dump(), before, "the loser leaves nothing behind");
    fixture.try_sign_up("third", "bob").await.unwrap();
}

#[tokio::test]
async fn a_token_finds_its_own_tenant_and_no_other() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await, fixture.sign_up("bob").await);
    for tenant in [alice, bob] {
        let hash = TokenHash(format!("hash-{}", tenant.name));
        let (found, resources) = fixture.registry.find_by_token(&hash).await.unwrap().unwrap();
        assert_eq!(found, tenant);
        assert!(resources.iter().all(|resource| resource.name.ends_with(tenant.name.as_str())));
        assert_eq!(resources.len(), ResourceKind::ALL.len());
    }
    assert_eq!(fixture.registry.find_by_token(&TokenHash("hash-carol".into())).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_tenant_is_deleted() {
    let fixture = Fixture::new().await;
    let name = TenantName::parse("alice").unwrap();
    let first = fixture.sign_up_and_delete("first", "alice").await;
    assert_eq!(fixture.registry.is_name_taken(&name).await, Ok(false));
    let second = fixture.try_sign_up("second", "alice").await.unwrap();
    assert_eq!(fixture.registry.is_name_taken(&name).await, Ok(true));

    // The tombstone stays, answers to its token, and wants nothing any more.
    let (tombstone, _) = fixture.registry.find_by_token(&TokenHash("hash-first".into())).await.unwrap().unwrap();
    assert_eq!((tombstone.id, tombstone.phase, tombstone.due_at), (first.clone(), Phase::Deleted, None));
    assert_eq!(fixture.registry.due(at(1_000_000), 10).await.unwrap(), [second]);
    assert_eq!(fixture.ask_deletion(&first, at(9), at(9)).await, Err(Error::Conflict));
}

#[tokio::test]
async fn a_lease_goes_to_one_worker_at_a_time() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    assert!(fixture.try_lease(&id, "early", at(-1)).await.is_none(), "it is not due yet");

    let first = fixture.try_lease(&id, "first", at(0)).await.unwrap();
    assert_eq!((first.token.as_str(), first.tenant.attempts), ("first", 1));
    assert_eq!((first.resources.len(), first.secrets.len()), (ResourceKind::ALL.len(), 1));
    assert_eq!(first.release.id, first.tenant.release);
    assert!(fixture.try_lease(&id, "second", at(LEASE_MS - 1)).await.is_none(), "somebody has it");

    let second = fixture.try_lease(&id, "second", at(LEASE_MS)).await.unwrap();
    assert_eq!(second.tenant.attempts, 2, "a round that vanished counts, too");
    assert!(fixture.try_lease(&TenantId("t-nobody".into()), "third", at(0)).await.is_none());
}

#[tokio::test]
async fn due_are_those_that_want_a_round_and_have_none_longest_waiting_first() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for (name, due_at) in [("alice", 30), ("bob", 10), ("carol", 20), ("dave", 40)] {
        let id = fixture.sign_up(name).await.id;
        let leased = fixture.lease(&id, at(0)).await;
        fixture.registry.finish_round(&leased, &retrying(1, at(due_at)), at(1)).await.unwrap();
        ids.push(id);
    }
    let [alice, bob, carol, dave] = ids.try_into().unwrap();
    let due = async |now, limit| fixture.registry.due(at(now), limit).await.unwrap();
    assert_eq!(due(9, 10).await, []);
    assert_eq!(due(30, 10).await, [bob.clone(), carol.clone(), alice.clone()]);
    assert_eq!(due(40, 2).await, [bob.clone(), carol.clone()]);

    fixture.lease(&bob, at(30)).await;
    assert_eq!(due(40, 10).await, [carol.clone(), alice.clone(), dave.clone()]);
    let all = [carol, alice, dave, bob];
    assert_eq!(due(30 + LEASE_MS, 10).await, all, "a round that vanished hides nobody, and goes to the back");
}

#[tokio::test]
async fn a_late_worker_changes_nothing() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let late = fixture.try_lease(&id, "late", at(0)).await.unwrap();
    fixture.try_lease(&id, "present", at(LEASE_MS)).await.unwrap();
    let before = fixture.dump();

    let now = at(LEASE_MS + 1);
    let end = StageEnd {
        resources: vec![state(ResourceKind::Bucket, ResourceState::Present)],
        events: vec![Event::new("BucketCreated", "")],
        ..pushed(1)
    };
    assert_eq!(fixture.begin_stage(&late, &[ResourceKind::Bucket], now).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.end_stage(&late, &end, now).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.finish_round(&late, &converged(), now).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
}

#[tokio::test]
async fn a_lease_given_back_is_worth_nothing_any_more() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    fixture.registry.finish_round(&leased, &retrying(1, at(5)), at(1)).await.unwrap();
    let before = fixture.dump();
    assert_eq!(fixture.begin_stage(&leased, &[], at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.end_stage(&leased, &pushed(1), at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.registry.finish_round(&leased, &converged(), at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
    assert!(fixture.try_lease(&id, "next", at(5)).await.is_some(), "it need not run out first");
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_goes_on_while_nobody_has_taken_it_over() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.begin_stage(&leased, &[ResourceKind::Bucket], at(LEASE_MS)).await, Ok(()));
    fixture.record(&leased, state(ResourceKind::Bucket, ResourceState::Present), at(LEASE_MS)).await;
    assert_eq!(fixture.resource(&id, ResourceKind::Bucket).await.state, ResourceState::Present);
}

#[tokio::test]
async fn each_stage_keeps_the_lease_for_another_while() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    fixture.begin_stage(&leased, &[], at(LEASE_MS - 1)).await.unwrap();
    assert!(fixture.try_lease(&id, "other", at(2 * LEASE_MS - 2)).await.is_none());
    assert!(fixture.try_lease(&id, "other", at(2 * LEASE_MS - 1)).await.is_some());
}

#[tokio::test]
async fn a_resource_is_unknown_while_a_call_is_under_way_and_as_recorded_after_it() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    let leased = fixture.lease(&alice, at(0)).await;
    let application = ResourceKind::Application;

    fixture.begin_stage(&leased, &[application], at(1)).await.unwrap();
    assert_eq!(fixture.resource(&alice, application).await.state, ResourceState::Unknown);
    assert_eq!(fixture.resource(&alice, ResourceKind::Bucket).await.state, ResourceState::Absent);
    assert_eq!(fixture.resource(&bob, application).await.state, ResourceState::Absent);

    let applied = Applied::Application {
        image: "image:v1".into(),
        instance_type: "standard-1".into(),
        max_instances: 1,
        rolled_out: true,
    };
    let change = ResourceChange {
        external_id: Some("app-1".into()),
        applied: Some(applied.clone()),
        ..state(application, ResourceState::Present)
    };
    let end = StageEnd {
        resources: vec![change],
        events: vec![Event::new("ContainerCreated", "standard-1")],
        ..StageEnd::default()
    };
    fixture.registry.end_stage(&leased, &end, at(2)).await.unwrap();
    let resource = fixture.resource(&alice, application).await;
    assert_eq!(resource.state, ResourceState::Present);
    assert_eq!((resource.external_id.as_deref(), resource.applied), (Some("app-1"), Some(applied)));
    assert_eq!(fixture.resource(&bob, application).await.state, ResourceState::Absent);
    assert_eq!(fixture.reasons(&alice).await, ["SignedUp", "ContainerCreated"]);

    // The next call leaves what was known where it is, but for the state.
    fixture.begin_stage(&leased, &[application], at(3)).await.unwrap();
    let resource = fixture.resource(&alice, application).await;
    assert_eq!((resource.state, resource.external_id.as_deref()), (ResourceState::Unknown, Some("app-1")));
}

#[tokio::test]
async fn the_time_of_asking_is_kept_over_looks_and_forgotten_at_the_end_of_a_life() {
    let fixture = Fixture::new().await;
    let (id, bucket) = (fixture.sign_up("alice").await.id, ResourceKind::Bucket);
    let leased = fixture.lease(&id, at(0)).await;

    fixture.begin_stage(&leased, &[bucket], at(10)).await.unwrap();
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(10)));
    // A look does not find it yet; it is asked for again; then it shows.
    fixture.record(&leased, state(bucket, ResourceState::Absent), at(20)).await;
    fixture.begin_stage(&leased, &[bucket], at(30)).await.unwrap();
    fixture.record(&leased, state(bucket, ResourceState::Present), at(40)).await;
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(10)));

    let deleted = ResourceChange { is_end_of_life: true, ..state(bucket, ResourceState::Absent) };
    fixture.record(&leased, deleted, at(50)).await;
    assert_eq!(fixture.asked_at(&id, bucket).await, None);
    fixture.begin_stage(&leased, &[bucket], at(60)).await.unwrap();
    assert_eq!(fixture.asked_at(&id, bucket).await, Some(at(60)));
}

#[tokio::test]
async fn a_converged_round_is_written_down_and_wants_no_other() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.registry.finish_round(&leased, &converged(), at(5)).await, Ok(None));
    let tenant = fixture.tenant(&id).await;
    assert_eq!((tenant.phase, tenant.generation, tenant.observed_generation), (Phase::Ready, 1, 1));
    assert_eq!((tenant.due_at, tenant.attempts, tenant.updated_at), (None, 0, at(5)));
    assert_eq!(tenant.conditions, converged().conditions);
    assert_eq!(fixture.reasons(&id).await, ["SignedUp", "Converged"]);
    assert!(fixture.try_lease(&id, "next", at(1_000_000)).await.is_none());
}

#[tokio::test]
async fn a_round_that_did_not_converge_says_when_it_wants_the_next() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let leased = fixture.lease(&id, at(0)).await;
    assert_eq!(fixture.registry.finish_round(&leased, &retrying(3, at(50)), at(5)).await, Ok(Some(at(50))));
    let tenant = fixture.tenant(&id).await;
    assert_eq!((tenant.phase, tenant.observed_generation), (Phase::Pending, 0));
    assert_eq!((tenant.due_at, tenant.attempts), (Some(at(50)), 3));
}

#[tokio::test]
async fn a_change_made_during_a_round_keeps_the_tenant_due_and_its_newer_phase() {
    let fixture = Fixture::new().await;
    let before = fixture.sign_up("alice").await;
    let leased = fixture.lease(&before.id, at(0)).await;
    fixture.change_spec(&before, "10m", at(1)).await.unwrap();

    let end = RoundEnd { attempts: 7, ..converged() };
    assert_eq!(fixture.registry.finish_round(&leased, &end, at(2)).await, Ok(Some(at(2))));
    let tenant = fixture.tenant(&before.id).await;
    assert_eq!((tenant.phase, tenant.due_at), (Phase::Pending, Some(at(2))));
    assert_eq!((tenant.generation, tenant.observed_generation), (2, 1), "the round made the older one true");
    assert_eq!(tenant.attempts, 0, "the change has not been tried yet");
    assert_eq!(tenant.spec.sleep_after.to_string(), "10m");
}

#[tokio::test]
async fn no_tombstone_is_made_of_a_tenant_of_which_something_newer_was_asked() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    fixture.ask_deletion(&id, at(10), at(1)).await.unwrap();
    let leased = fixture.lease(&id, at(20)).await;
    fixture.ask_deletion(&id, at(5), at(21)).await.unwrap();
    let end = RoundEnd { phase: Phase::Deleted, ..converged() };
    assert_eq!(fixture.registry.finish_round(&leased, &end, at(22)).await, Ok(Some(at(22))));
    assert_eq!(fixture.tenant(&id).await.phase, Phase::Deleting);
    assert_eq!(fixture.registry.is_name_taken(&TenantName::parse("alice").unwrap()).await, Ok(true));
}

#[tokio::test]
async fn every_change_of_what_is_wanted_raises_the_generation_and_nothing_else_does() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let generation = async || fixture.tenant(&id).await.generation;

    fixture.change_spec(&fixture.tenant(&id).await, "10m", at(1)).await.unwrap();
    assert_eq!(generation().await, 2);
    fixture.change_secret(&fixture.tenant(&id).await, 2, Some("sealed-A-2")).await.unwrap();
    assert_eq!(generation().await, 3);
    let leased = fixture.lease(&id, at(2)).await;
    fixture.begin_stage(&leased, &ResourceKind::ALL, at(3)).await.unwrap();
    fixture.registry.end_stage(&leased, &pushed(2), at(4)).await.unwrap();
    fixture.registry.finish_round(&leased, &converged(), at(5)).await.unwrap();
    assert_eq!(generation().await, 3);
    fixture.ask_deletion(&id, at(9), at(6)).await.unwrap();
    assert_eq!(generation().await, 4);

    let events = fixture.registry.events(&id, 0, 10).await.unwrap();
    let generations: Vec<_> = events.iter().map(|event| (event.reason.as_str(), event.generation)).collect();
    let expected = [("SignedUp", 1), ("SpecChanged", 2), ("SecretsChanged", 3), ("Converged", 3), ("DeletionAsked", 4)];
    assert_eq!(generations, expected);
}

#[tokio::test]
async fn a_change_makes_a_tenant_due_at_once_and_starts_its_attempts_anew() {
    for change in ["spec", "secret", "deletion"] {
        let fixture = Fixture::new().await;
        let id = fixture.sign_up("alice").await.id;
        let leased = fixture.lease(&id, at(0)).await;
        fixture.registry.finish_round(&leased, &retrying(7, at(1_000)), at(0)).await.unwrap();

        let tenant = fixture.tenant(&id).await;
        assert_eq!((tenant.due_at, tenant.attempts), (Some(at(1_000)), 7));
        match change {
            "spec" => fixture.change_spec(&tenant, "10m", at(1)).await.unwrap(),
            "secret" => fixture.change_secret(&tenant, 2, Some("sealed-A-2")).await.unwrap(),
            _ => fixture.ask_deletion(&id, at(9), at(1)).await.unwrap(),
        }
        let tenant = fixture.tenant(&id).await;
        assert_eq!((tenant.due_at, tenant.attempts, tenant.updated_at), (Some(at(1)), 0, at(1)), "{change}");
        let phase = if change == "deletion" { Phase::Deleting } else { Phase::Pending };
        assert_eq!(tenant.phase, phase, "{change}");
    }
}

#[tokio::test]
async fn a_change_made_from_an_old_generation_is_refused_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let old = fixture.sign_up("alice").await;
    fixture.change_spec(&old, "10m", at(1)).await.unwrap();
    let before = fixture.dump();

    let event = Event::new("DeletionAsked", "");
    assert_eq!(fixture.change_spec(&old, "1h", at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&old, 2, Some("sealed-A-2")).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&old, 2, None).await, Err(Error::Conflict));
    let deletion = change(&event, at(2));
    assert_eq!(fixture.registry.ask_deletion(&old, at(9), deletion).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before, "not even the line of history");
}

#[tokio::test]
async fn a_tenant_that_is_being_deleted_takes_no_more_changes() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    fixture.ask_deletion(&id, at(9), at(1)).await.unwrap();
    let going = fixture.tenant(&id).await;
    let before = fixture.dump();
    assert_eq!(fixture.change_spec(&going, "1h", at(2)).await, Err(Error::Conflict));
    assert_eq!(fixture.change_secret(&going, 2, Some("sealed-A-2")).await, Err(Error::Conflict));
    assert_eq!(fixture.dump(), before);
}

#[tokio::test]
async fn a_sealed_value_is_erased_when_that_version_is_pushed() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    let leased = fixture.lease(&alice, at(0)).await;
    fixture.registry.end_stage(&leased, &pushed(1), at(5)).await.unwrap();
    let expected = Secret {
        name: secret_name("A"),
        wanted: Wanted::Set,
        version: 1,
        pushed_version: 1,
        sealed: None,
        updated_at: at(0),
        pushed_at: Some(at(5)),
    };
    assert_eq!(fixture.secret(&alice, "A").await, Some(expected));
    assert!(fixture.secret(&bob, "A").await.unwrap().sealed.is_some(), "another tenant's waits on");
}

#[tokio::test]
async fn a_sealed_value_that_came_during_the_push_of_an_older_one_is_kept() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    let leased = fixture.lease(&tenant.id, at(0)).await;
    fixture.change_secret(&tenant, 2, Some("sealed-A-2")).await.unwrap();
    fixture.registry.end_stage(&leased, &pushed(1), at(5)).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.version, secret.pushed_version), (2, 1));
    assert_eq!(secret.sealed, Some(SealedSecret("sealed-A-2".into())));
    assert!(secret.is_pending());
}

#[tokio::test]
async fn a_value_is_erased_as_soon_as_it_is_no_longer_wanted_and_its_row_once_it_is_gone() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    fixture.change_secret(&tenant, 2, None).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.wanted, secret.version, secret.sealed), (Wanted::Deleted, 2, None));
    assert!(!fixture.dump().contains("sealed-A-1"));

    let leased = fixture.lease(&tenant.id, at(2)).await;
    fixture.registry.end_stage(&leased, &removed(2), at(5)).await.unwrap();
    assert_eq!(fixture.secret(&tenant.id, "A").await, None);
}

#[tokio::test]
async fn a_secret_set_again_during_its_removal_stays() {
    let fixture = Fixture::new().await;
    let tenant = fixture.sign_up("alice").await;
    fixture.change_secret(&tenant, 2, None).await.unwrap();
    let leased = fixture.lease(&tenant.id, at(2)).await;
    fixture.change_secret(&leased.tenant, 3, Some("sealed-A-3")).await.unwrap();
    fixture.registry.end_stage(&leased, &removed(2), at(5)).await.unwrap();
    let secret = fixture.secret(&tenant.id, "A").await.unwrap();
    assert_eq!((secret.wanted, secret.version, secret.pushed_version), (Wanted::Set, 3, 0));
    assert_eq!(secret.sealed, Some(SealedSecret("sealed-A-3".into())));
}

#[tokio::test]
async fn a_deletion_erases_sealed_values_of_that_tenant_at_once() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    fixture.ask_deletion(&alice, at(9), at(1)).await.unwrap();
    assert_eq!(fixture.secret(&alice, "A").await.unwrap().sealed, None);
    assert!(fixture.secret(&bob, "A").await.unwrap().sealed.is_some());
}

#[tokio::test]
async fn asked_again_a_deletion_may_only_come_sooner() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    for (now, asked_for, kept_until) in [(1, 1_000, 1_000), (2, 5_000, 1_000), (3, 10, 10)] {
        fixture.ask_deletion(&id, at(asked_for), at(now)).await.unwrap();
        let expected = Deletion { asked_at: at(1), keep_data_until: at(kept_until) };
        assert_eq!(fixture.tenant(&id).await.deletion, Some(expected), "asked for {asked_for}");
    }
}

#[tokio::test]
async fn history_is_read_page_by_page_without_gap_or_repetition() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    for (id, reasons) in [(&alice, ["One", "Two", "Three"]), (&bob, ["Four", "Five", "Six"])] {
        let leased = fixture.lease(id, at(0)).await;
        let events = reasons.iter().map(|reason| Event::new(reason, format!("{reason} happened"))).collect();
        fixture.registry.end_stage(&leased, &StageEnd { events, ..StageEnd::default() }, at(7)).await.unwrap();
    }
    let page = async |after| fixture.registry.events(&alice, after, 3).await.unwrap();
    let (first, mut seen) = (page(0).await, Vec::new());
    assert_eq!(first.len(), 3);
    let second = page(first[2].id).await;
    seen.extend(first.iter().chain(&second).map(|event| event.reason.as_str()));
    assert_eq!(seen, ["SignedUp", "One", "Two", "Three"]);
    assert_eq!((second[0].at_ms, second[0].message.as_str()), (at(7), "Three happened"));
    assert_eq!(page(second[0].id).await, []);
}

#[tokio::test]
async fn sign_ups_get_the_release_that_became_the_default_last() {
    let fixture = Fixture::new().await;
    let default = async || fixture.registry.default_release().await.unwrap().unwrap().id.0;
    fixture.publish("rel_never", None).await;
    fixture.publish("rel_older", Some(at(-1))).await;
    assert_eq!(default().await, "rel_1");
    fixture.publish("rel_2", Some(at(1))).await;
    assert_eq!(default().await, "rel_2");
    let older = fixture.registry.release(&ReleaseId("rel_older".into())).await.unwrap();
    assert_eq!(older.map(|release| release.id.0), Some("rel_older".into()));
    assert_eq!(fixture.registry.release(&ReleaseId("rel_unknown".into())).await, Ok(None));

    fixture.sql("UPDATE release SET default_since_ms = NULL", []).await;
    assert_eq!(fixture.registry.default_release().await, Ok(None));
}

#[tokio::test]
async fn a_row_that_does_not_fit_names_its_table() {
    let cases: [(&str, &str, &str); 6] = [
        ("UPDATE tenant SET spec = '{\"instance_type\":\"huge\"}'", "tenant", "spec: unknown variant `huge`"),
        ("UPDATE tenant SET conditions = '{}'", "tenant", "conditions: invalid type: map"),
        ("UPDATE tenant SET attempts = -9", "tenant", "invalid value: integer `-8`"),
        ("UPDATE resource SET applied = '{\"moon\":{}}'", "resource", "applied: unknown variant `moon`"),
        ("UPDATE release SET manifest = '[]'", "release", "rel_1: "),
        (
            "UPDATE release SET manifest = json_set(manifest, '$.format', 2)",
            "release",
            "rel_1: format 2 is not understood",
        ),
    ];
    for (damage, table, detail) in cases {
        let fixture = Fixture::new().await;
        let id = fixture.sign_up("alice").await.id;
        fixture.sql(damage, []).await;
        let error = fixture.registry.lease(&id, "mine".into(), at(1), at(0)).await.unwrap_err();
        let Error::Inconsistent { table: named, detail: told } = &error else { panic!("{damage}: {error:?}") };
        assert_eq!(*named, table, "{damage}");
        assert!(told.contains(detail), "{damage}: {told}");
    }
}

#[tokio::test]
async fn the_database_itself_refuses_what_must_not_be() {
    let fixture = Fixture::new().await;
    fixture.sign_up("alice").await;
    let before = fixture.dump();
    for sql in [
        "UPDATE tenant SET observed_generation = generation + 1",
        "UPDATE tenant SET generation = 0",
        "UPDATE tenant SET phase = 'deleted'",
        "UPDATE tenant SET deleted_at_ms = 1",
        "UPDATE tenant SET phase = 'asleep'",
        "UPDATE tenant SET release_id = 'rel_unknown'",
        "UPDATE tenant SET spec = 'no json'",
        "UPDATE resource SET state = 'perhaps'",
        "UPDATE secret SET version = 0",
        "DELETE FROM tenant",
        "INSERT INTO token SELECT 'other', tenant_id, hash, 0 FROM token",
    ] {
        let refused = fixture.db.batch(vec![Statement { sql, args: Vec::new() }]).await;
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(fixture.dump(), before);
}

/// The picture is `schema.sql` beside this file. After a new migration, have it made anew and look at the difference:
/// `UPDATE_SCHEMA=1 cargo test --test it schema`
#[tokio::test]
async fn the_migrations_make_the_schema_that_is_on_record() {
    const HEAD: &str = "\
-- The registry's schema as the migrations leave it, without comments; see the migrations for those.
-- Made by: UPDATE_SCHEMA=1 cargo test --test it schema
";
    let db = Sqlite::in_memory().unwrap();
    let sql = "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name";
    let outcome = db.batch(vec![Statement { sql, args: Vec::new() }]).await.unwrap().remove(0);
    let mut schema = HEAD.to_owned();
    for row in outcome.rows {
        let lines = row["sql"].as_str().unwrap().lines().map(|line| line.split("--").next().unwrap().trim_end());
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        schema.push_str(&format!("\n{};\n", lines.join("\n")));
    }
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schema.sql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(picture, &schema).unwrap();
    }
    assert_eq!(schema, std::fs::read_to_string(picture).unwrap());
}

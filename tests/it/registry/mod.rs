//! What the registry promises, on SQLite: lost races above all.

use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, join_all};
use paramita::capacity::Room;
use paramita::clock::Timestamp;
use paramita::registry::db::{Db, DbError, Outcome, Statement, Value};
use paramita::registry::sqlite::Sqlite;
use paramita::registry::{
    Change, Error, Leased, NewAnswer, NewTenant, NewToken, Registry, RoundEnd, SecretChange, SignUpLimits, StageEnd,
    StageStart,
};
use paramita::release::ReleaseId;
use paramita::tenant::event::Event;
use paramita::tenant::{
    Applied, Condition, Deletion, Phase, Resource, ResourceKind, ResourceState, SecretName, SleepAfter, Status, Tenant,
    TenantId, TenantName, TenantSpec,
};
use paramita::vault::secret::Wanted;
use paramita::vault::{Scopes, SealedAnswer, SealedSecret, Secret, TokenHash};
use serde_json::Value as Json;

mod changes;
mod fleet;
mod idempotency;
mod invites;
mod leases;
mod limits;
mod pages;
mod rows;
mod tenants;
mod tokens;

const LEASE_MS: i64 = 90_000;

/// So many milliseconds into the test.
fn at(ms: i64) -> Timestamp {
    Timestamp(1_767_225_600_000 + ms)
}

fn change(event: &Event, now: Timestamp) -> Change<'_> {
    Change { conditions: &[], event, now, answer: None, act: None }
}

/// What a sign-up asks for.
#[derive(Clone, Copy, Default)]
struct SignUp<'a> {
    id: &'a str,
    name: &'a str,
    owner: Option<&'a str>,
    invite: Option<&'a str>,
    limits: SignUpLimits,
    answer: Option<&'a NewAnswer<'a>>,
    now: Option<Timestamp>,
}

/// A database that notes what each batch changed.
struct Noted {
    db: Arc<Sqlite>,
    batches: Mutex<Vec<u64>>,
}

impl Db for Noted {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        Box::pin(async {
            let outcomes = self.db.batch(statements).await;
            let changes = outcomes.iter().flatten().map(|outcome| outcome.changes).sum();
            self.batches.lock().unwrap().push(changes);
            outcomes
        })
    }
}

/// A registry with one release, which is what sign-ups get.
struct Fixture {
    db: Arc<Sqlite>,
    noted: Arc<Noted>,
    registry: Registry,
}

impl Fixture {
    async fn new() -> Self {
        let db = Arc::new(Sqlite::in_memory().unwrap());
        let noted = Arc::new(Noted { db: db.clone(), batches: Mutex::default() });
        let fixture = Self { registry: Registry::new(noted.clone()), noted, db };
        fixture.publish("rel_1", Some(at(0))).await;
        fixture
    }

    async fn sql<const N: usize>(&self, sql: &'static str, args: [Value; N]) -> Vec<Json> {
        self.db.batch(vec![Statement { sql, args: args.into() }]).await.unwrap().remove(0).rows
    }

    /// Rows that each batch changed since it was last asked.
    fn batches(&self) -> Vec<u64> {
        std::mem::take(&mut *self.noted.batches.lock().unwrap())
    }

    async fn publish(&self, id: &str, default_since: Option<Timestamp>) {
        const MANIFEST: &str = r#"{"format":1,"profile":{"name":"guide","required":[]},"main_module":"index.js",
            "modules":[],"compatibility_date":"2025-05-06","bindings":[],"source":{"main":"index.js"}}"#;
        let args = [id.into(), MANIFEST.into(), at(0).0.into(), default_since.map(|since| since.0).into()];
        let insert = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?4)";
        self.sql(insert, args).await;
    }

    /// Signs up a tenant whose id is `t-{id}`, with the token `token-{id}`, whose secret `A` is sealed at version 1.
    async fn try_sign_up(&self, id: &str, name: &str) -> Result<TenantId, Error> {
        self.sign_up_as(SignUp { id, name, ..SignUp::default() }).await
    }

    async fn sign_up_as(&self, asked: SignUp<'_>) -> Result<TenantId, Error> {
        let SignUp { id, name, owner, invite, limits, answer, now } = asked;
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
            token: NewToken { id: &format!("token-{id}"), hash: &hash, scopes: Scopes::ALL, expires_at: None },
            expires_at: None,
            owner,
            invite,
            limits,
            answer,
        };
        self.registry.create_tenant(new, now.unwrap_or(at(0))).await?;
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
        self.registry.lease(id, token.into(), now.plus_ms(LEASE_MS), at(0), now).await.unwrap()
    }

    async fn lease(&self, id: &TenantId, now: Timestamp) -> Leased {
        self.try_lease(id, "mine", now).await.unwrap()
    }

    /// As before calls that make these.
    async fn begin_stage(&self, leased: &Leased, touched: &[ResourceKind], now: Timestamp) -> Result<(), Error> {
        let mut lines = Vec::new();
        for kind in touched {
            let mut line = self.resource(&leased.tenant.id, *kind).await;
            line.making(now);
            lines.push(line);
        }
        let start = StageStart { touched: &lines, is_new_script: false };
        self.registry.begin_stage(leased, &start, now.plus_ms(LEASE_MS), now).await
    }

    /// As after a call.
    async fn record(&self, leased: &Leased, kind: ResourceKind, news: impl FnOnce(&mut Resource), now: Timestamp) {
        let mut line = self.resource(&leased.tenant.id, kind).await;
        news(&mut line);
        let end = StageEnd { resources: vec![line], ..StageEnd::default() };
        self.registry.end_stage(leased, &end, now).await.unwrap();
    }

    async fn change_spec(&self, tenant: &Tenant, sleep: &str, now: Timestamp) -> Result<(), Error> {
        let spec = TenantSpec { sleep_after: SleepAfter::parse(sleep).unwrap(), ..tenant.spec.clone() };
        let event = Event::new("SpecChanged", sleep);
        self.registry.change_spec(tenant, &spec, Room::default(), change(&event, now)).await
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
        are_secrets_live: false,
        phase: Phase::Ready,
        conditions: vec![ready],
        attempts: 0,
        due_at: None,
        converged: true,
        events: vec![Event::new("Converged", "everything is as asked for")],
        booked_calls: 0,
        settle_ms: 0,
    }
}

/// A round that met something in its way.
fn retrying(attempts: u32, due_at: Timestamp) -> RoundEnd {
    RoundEnd { phase: Phase::Pending, attempts, due_at: Some(due_at), converged: false, ..converged() }
}

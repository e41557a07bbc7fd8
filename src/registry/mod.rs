//! The tenant registry.
//!
//! Kept: tenants with what is wanted of them and how far they are; the ledger of everything that may exist outside;
//! secrets, as names, versions and times, with a sealed value only between its change and its push; hashes of tokens and
//! of invites' codes; sealed answers to requests that may be repeated; history; the index of releases. Not kept: opened
//! secrets, tokens, codes, files of releases.
//!
//! What must hold: a tenant's generation never falls; a ledger row is there before the first call that makes what it
//! names, and says *unknown* while a call is under way; whoever changes a tenant outside a lease goes by its generation,
//! whoever runs a round goes by the lease's token, and a writer that has lost either changes nothing.

pub mod audit;
mod budget;
pub mod db;
pub mod fleet;
mod health;
pub mod idempotency;
pub mod invites;
mod jobs;
mod lease;
mod metered;
pub mod migrations;
mod retention;
mod row;
pub mod sign_ups;
pub mod sql;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;
pub mod tokens;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use self::budget::ApiBudget;
use self::db::{Db, DbError, Outcome, Statement, Value};
pub use self::fleet::FleetRow;
pub use self::health::{Health, JobRun};
pub use self::idempotency::{KeptAnswer, NewAnswer};
pub use self::invites::{Invite, InviteRefusal, NewInvite};
pub use self::jobs::{Claim, Orphan, Repair, SeenOrphan, Sighting, Standing, Sweep};
pub use self::lease::{Leased, RoundEnd, StageEnd, StageStart};
pub use self::metered::Meter;
pub use self::row::{EventRow, ListedRelease};
pub use self::sign_ups::{NewTenant, Outlook, SignUpLimit, SignUpLimits, SignUpStanding};
pub use self::tokens::{MAX_TOKENS, NewToken, Opened, Token, TokenState};
use crate::audit::Act;
use crate::capacity::Room;
use crate::clock::Timestamp;
use crate::release::{Release, ReleaseId};
use crate::tenant::event::Event;
use crate::tenant::{Condition, Resource, SecretName, Tenant, TenantId, TenantSpec};
use crate::vault::{SealedSecret, Secret};

/// What can go wrong with the registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A living tenant has the name.
    #[error("the name is taken")]
    NameTaken,
    /// Somebody else changed the tenant first, or the lease is no longer ours. Nothing was written.
    #[error("somebody else was there first")]
    Conflict,
    /// The key of the request stands for one already: see [`Registry::kept_answer`]. Nothing was written.
    #[error("the key was used before")]
    KeyUsed,
    /// The sign-up would pass a limit. Nothing was written.
    #[error("the limit {0} is reached")]
    LimitReached(SignUpLimit),
    /// The account has no room for what would grow ([`Room`]). Nothing was written.
    #[error("the account is full")]
    NoRoom,
    /// The sign-up's invite is good for nothing. Nothing was written.
    #[error("the invite is {0}")]
    Invite(InviteRefusal),
    /// The tenant has as many good tokens as it may have. Nothing was written.
    #[error("too many tokens are good at once")]
    TooManyTokens,
    /// A row does not fit the types: written by other code, or by hand.
    #[error("table {table} holds what does not fit: {detail}")]
    Inconsistent {
        /// Which table.
        table: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// The database did not do it.
    #[error(transparent)]
    Driver(DbError),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique(columns) if columns.contains("tenant.name") => Self::NameTaken,
            DbError::Unique(columns) if columns.contains("idempotency.") => Self::KeyUsed,
            DbError::Guard(name) => match name.as_str() {
                "token_limit" => Self::TooManyTokens,
                "limit_of_hour" => Self::LimitReached(SignUpLimit::OfHour),
                "limit_of_owner" => Self::LimitReached(SignUpLimit::OfOwner),
                "limit_in_all" => Self::LimitReached(SignUpLimit::InAll),
                "no_room" => Self::NoRoom,
                "invite_unknown" => Self::Invite(InviteRefusal::Unknown),
                "invite_used" => Self::Invite(InviteRefusal::Used),
                "invite_revoked" => Self::Invite(InviteRefusal::Revoked),
                "invite_expired" => Self::Invite(InviteRefusal::Expired),
                _ => Self::Conflict,
            },
            other => Self::Driver(other),
        }
    }
}

/// What every change of what is wanted writes, beside the change itself.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What holds from now on.
    pub conditions: &'a [Condition],
    /// What happened.
    pub event: &'a Event,
    /// When.
    pub now: Timestamp,
    /// What is answered, if the request had a key. [`Error::KeyUsed`] when that stands for a request already; said before
    /// anything else that is in the way.
    pub answer: Option<&'a NewAnswer<'a>>,
    /// What the audit log says of it, if an operator does it.
    pub act: Option<&'a Act>,
}

/// A change of one secret.
#[derive(Debug)]
pub struct SecretChange {
    /// Which.
    pub name: SecretName,
    /// Its version from now on.
    pub version: i64,
    /// Its new value; `None`: it is to go.
    pub sealed: Option<SealedSecret>,
}

/// The registry's operations.
#[derive(Clone)]
pub struct Registry {
    db: Arc<dyn Db>,
}

impl Registry {
    /// The registry in `db`.
    pub fn new(db: Arc<dyn Db>) -> Self {
        Self { db }
    }

    /// One statement through to the database and back.
    pub async fn ping(&self) -> Result<(), Error> {
        self.one(sql::PING, []).await.map(drop)
    }

    /// The release that sign-ups get; `None` before the first is published.
    pub async fn default_release(&self) -> Result<Option<Release>, Error> {
        Ok(row::releases(self.one(sql::DEFAULT_RELEASE, []).await?)?.pop())
    }

    /// At most `limit` releases, newest first.
    pub async fn releases(&self, limit: i64) -> Result<Vec<ListedRelease>, Error> {
        row::listed_releases(self.one(sql::RELEASES, [limit.into()]).await?)
    }

    /// One release, as it is listed.
    pub async fn listed_release(&self, id: &ReleaseId) -> Result<Option<ListedRelease>, Error> {
        Ok(row::listed_releases(self.one(sql::LISTED_RELEASE, [id.0.as_str().into()]).await?)?.pop())
    }

    /// Has sign-ups get this release from now on.
    pub async fn make_default(&self, id: &ReleaseId, act: &Act, now: Timestamp) -> Result<(), Error> {
        let batch = vec![
            statement(sql::MAKE_DEFAULT, [id.0.as_str().into(), now.0.into()]),
            statement(sql::GUARD_ONE_ROW_CHANGED, []),
        ];
        self.write(batch, Some(act), now).await.map(drop)
    }

    /// One release.
    pub async fn release(&self, id: &ReleaseId) -> Result<Option<Release>, Error> {
        Ok(row::releases(self.one(sql::RELEASE, [id.0.as_str().into()]).await?)?.pop())
    }

    /// A tenant by id, with its ledger.
    pub async fn find_tenant(&self, id: &TenantId) -> Result<Option<(Tenant, Vec<Resource>)>, Error> {
        let args: Vec<Value> = vec![id.0.as_str().into()];
        let batch = vec![Statement { sql: sql::TENANT, args: args.clone() }, Statement { sql: sql::RESOURCES, args }];
        let [tenant, resources] = self.batch(batch).await?;
        let resources = row::resources(resources)?;
        Ok(row::tenants(tenant)?.pop().map(|tenant| (tenant, resources)))
    }

    /// The tenant that is called so: a living one by its name; or by its id, or the last deleted one of that name.
    pub async fn find_tenant_called(&self, called: &str) -> Result<Option<(Tenant, Vec<Resource>)>, Error> {
        let batch =
            vec![statement(sql::TENANT_CALLED, [called.into()]), statement(sql::RESOURCES_OF_CALLED, [called.into()])];
        let [tenant, resources] = self.batch(batch).await?;
        let resources = row::resources(resources)?;
        Ok(row::tenants(tenant)?.pop().map(|tenant| (tenant, resources)))
    }

    /// A tenant's secrets by name.
    pub async fn secrets(&self, id: &TenantId) -> Result<Vec<Secret>, Error> {
        row::secrets(self.one(sql::SECRETS, [id.0.as_str().into()]).await?)
    }

    /// At most `limit` lines of history after line `after`, oldest first.
    pub async fn events(&self, id: &TenantId, after: i64, limit: i64) -> Result<Vec<EventRow>, Error> {
        row::events(self.one(sql::EVENTS, [id.0.as_str().into(), after.into(), limit.into()]).await?)
    }

    /// At most `limit` lines of history before line `before`, if one is given, newest first.
    pub async fn latest_events(
        &self,
        id: &TenantId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<EventRow>, Error> {
        // Beyond every line: what D1 can still bind as a whole number.
        let before = before.unwrap_or((1 << 53) - 1);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        row::events(self.one(sql::LATEST_EVENTS, [id.0.as_str().into(), before.into(), limit.into()]).await?)
    }

    /// Gives a tenant another spec, if it is still at the generation of `tenant`; due at once. [`Error::NoRoom`] when that
    /// would pass `room`, however many grow at once.
    pub async fn change_spec(
        &self,
        tenant: &Tenant,
        spec: &TenantSpec,
        room: Room,
        change: Change<'_>,
    ) -> Result<(), Error> {
        self.change(tenant, sql::CHANGE_SPEC, Some(to_json(spec)?), sign_ups::within(room), change).await
    }

    /// Has a tenant deployed from another release, if it is still at the generation of `tenant`; due at once.
    pub async fn change_release(&self, tenant: &Tenant, release: &ReleaseId, change: Change<'_>) -> Result<(), Error> {
        self.change(tenant, sql::CHANGE_RELEASE, Some(release.0.as_str().into()), Vec::new(), change).await
    }

    /// Has a tenant stand still, or run again, if it is still at the generation of `tenant`; due at once.
    pub async fn suspend(&self, tenant: &Tenant, is_to_run: bool, change: Change<'_>) -> Result<(), Error> {
        let sql = if is_to_run { sql::RESUME } else { sql::SUSPEND };
        self.change(tenant, sql, None, Vec::new(), change).await
    }

    /// Has a tenant's rounds wait, or run again at once, if it is still at the generation of `tenant`. A round that is under
    /// way goes on to its end.
    pub async fn pause(&self, tenant: &Tenant, is_to_wait: bool, change: Change<'_>) -> Result<(), Error> {
        let sql = if is_to_wait { sql::PAUSE } else { sql::UNPAUSE };
        self.change(tenant, sql, None, Vec::new(), change).await
    }

    /// Gives a tenant another end of its trial, or none, if it is still at the generation of `tenant`.
    pub async fn set_trial(
        &self,
        tenant: &Tenant,
        ends_at: Option<Timestamp>,
        change: Change<'_>,
    ) -> Result<(), Error> {
        self.change(tenant, sql::SET_TRIAL, Some(ends_at.map(|at| at.0).into()), Vec::new(), change).await
    }

    /// Changes secrets, if the tenant is still at the generation of `tenant`; due at once.
    pub async fn change_secrets(
        &self,
        tenant: &Tenant,
        secrets: &[SecretChange],
        change: Change<'_>,
    ) -> Result<(), Error> {
        self.change(tenant, sql::CHANGE_SECRETS, None, set_secrets(tenant, secrets, change.now), change).await
    }

    /// Takes a deletion back, with `secrets` set anew; due at once. [`Error::Conflict`] when the tenant is no longer at
    /// the generation of `tenant`, or its data is not kept any more.
    pub async fn undelete(&self, tenant: &Tenant, secrets: &[SecretChange], change: Change<'_>) -> Result<(), Error> {
        self.change(tenant, sql::UNDELETE, None, set_secrets(tenant, secrets, change.now), change).await
    }

    /// Asks for a tenant's deletion, its data to be kept until `keep_data_until`. Sealed values go at once. Asked again,
    /// only the time may become shorter.
    pub async fn ask_deletion(
        &self,
        tenant: &Tenant,
        keep_data_until: Timestamp,
        change: Change<'_>,
    ) -> Result<(), Error> {
        let erase = statement(sql::ERASE_SEALED, [tenant.id.0.as_str().into()]);
        self.change(tenant, sql::ASK_DELETE, Some(keep_data_until.0.into()), vec![erase], change).await
    }

    /// The answer that is kept, one conditional update that must change its row, what goes with it, and the line of history:
    /// all or nothing.
    async fn change(
        &self,
        tenant: &Tenant,
        sql: &'static str,
        content: Option<Value>,
        rest: Vec<Statement>,
        change: Change<'_>,
    ) -> Result<(), Error> {
        let mut args = vec![
            tenant.id.0.as_str().into(),
            tenant.generation.into(),
            to_json(change.conditions)?,
            change.now.0.into(),
        ];
        args.extend(content);
        let mut batch = idempotency::keep(change.answer, change.now);
        batch.extend([Statement { sql, args }, statement(sql::GUARD_ONE_ROW_CHANGED, [])]);
        batch.extend(rest);
        batch.push(event(&tenant.id, change.now, change.event));
        self.write(batch, change.act, change.now).await.map(drop)
    }

    fn one<const N: usize>(&self, sql: &'static str, args: [Value; N]) -> BoxFuture<'_, Result<Outcome, Error>> {
        self.run(statement(sql, args))
    }

    /// Boxed, and so compiled once: inlined into each of its callers it costs the Worker a kilobyte for each.
    fn run(&self, statement: Statement) -> BoxFuture<'_, Result<Outcome, Error>> {
        Box::pin(async {
            let [outcome] = self.batch(vec![statement]).await?;
            Ok(outcome)
        })
    }

    async fn batch<const N: usize>(&self, statements: Vec<Statement>) -> Result<[Outcome; N], Error> {
        let outcomes = self.db.batch(statements).await?;
        outcomes
            .try_into()
            .map_err(|_| Error::Driver(DbError::Other("another number of outcomes than statements".into())))
    }
}

fn statement<const N: usize>(sql: &'static str, args: [Value; N]) -> Statement {
    Statement { sql, args: args.into() }
}

fn event(id: &TenantId, now: Timestamp, event: &Event) -> Statement {
    let args = [id.0.as_str().into(), now.0.into(), event.reason.as_str().into(), event.message.as_str().into()];
    statement(sql::INSERT_EVENT, args)
}

fn set_secrets(tenant: &Tenant, secrets: &[SecretChange], now: Timestamp) -> Vec<Statement> {
    let id: Value = tenant.id.0.as_str().into();
    let set = |secret: &SecretChange| {
        let (name, version): (Value, Value) = (secret.name.as_str().into(), secret.version.into());
        match &secret.sealed {
            Some(sealed) => {
                statement(sql::SET_SECRET, [id.clone(), name, version, sealed.0.as_str().into(), now.0.into()])
            }
            None => statement(sql::UNSET_SECRET, [id.clone(), name, version, now.0.into()]),
        }
    };
    secrets.iter().map(set).collect()
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::Inconsistent { table: "(to be written)", detail: error.to_string() })?;
    Ok(Value::Text(text))
}

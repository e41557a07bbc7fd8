//! What a round does with the registry: take the lease, note each call before and after, give the lease back.

use super::db::{Statement, Value};
use super::{Error, Registry, row, sql, statement, to_json};
use crate::clock::Timestamp;
use crate::release::Release;
use crate::tenant::event::Event;
use crate::tenant::{Condition, Phase, Resource, SecretName, Tenant, TenantId};
use crate::vault::Secret;

/// The right to run one round, and all that it starts from.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Proof of the lease.
    pub token: String,
    /// The tenant, its attempts already counted up.
    pub tenant: Tenant,
    /// Its ledger.
    pub resources: Vec<Resource>,
    /// Its secrets, sealed.
    pub secrets: Vec<Secret>,
    /// What it is deployed from.
    pub release: Release,
}

/// What one stage of calls is about to do.
#[derive(Clone, Copy, Debug)]
pub struct StageStart<'a> {
    /// Lines of the ledger of what the calls touch: nobody knows how it stands from here on.
    pub touched: &'a [Resource],
    /// The script is made anew: of the secrets that a former one had, Cloudflare has none any more. Told before the call,
    /// since after a lost reply a script that is there shows nothing of it.
    pub is_new_script: bool,
}

/// What came of one stage of calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageEnd {
    /// Lines of the ledger as they are now.
    pub resources: Vec<Resource>,
    /// Secrets that Cloudflare has now, with the version that was pushed.
    pub pushed: Vec<(SecretName, i64)>,
    /// Secrets that Cloudflare no longer has, with the version that asked for it.
    pub removed: Vec<(SecretName, i64)>,
    /// What happened.
    pub events: Vec<Event>,
}

/// How a round ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundEnd {
    /// The tenant's phase, if nothing newer was asked for meanwhile.
    pub phase: Phase,
    /// What holds.
    pub conditions: Vec<Condition>,
    /// Rounds since the last progress.
    pub attempts: u32,
    /// When it wants the next round, if nothing newer was asked for meanwhile.
    pub due_at: Option<Timestamp>,
    /// Everything is as the generation that the round started from wants it.
    pub converged: bool,
    /// What happened.
    pub events: Vec<Event>,
    /// The Worker and every container surely have all secrets that were pushed, and this is news.
    pub are_secrets_live: bool,
    /// Calls that the next round may make, booked already.
    pub booked_calls: u32,
    /// By how many milliseconds the calls that were made cost more than was booked for them; less than 0: less.
    pub settle_ms: i64,
}

impl Registry {
    /// At most `limit` tenants that want a round and have none running, longest waiting first.
    pub async fn due(&self, now: Timestamp, limit: i64) -> Result<Vec<TenantId>, Error> {
        let outcome = self.one(sql::DUE, [now.0.into(), limit.into()]).await?;
        row::rows(outcome, "tenant", |row| row.get("id"))
    }

    /// Takes the lease on a tenant until `expires`. `None`: it is not due, or somebody else has it. What it has booked is
    /// forfeit if its turn came before `booked_since`.
    pub async fn lease(
        &self,
        id: &TenantId,
        token: String,
        expires: Timestamp,
        booked_since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Leased>, Error> {
        let (tenant_id, lease): (Value, Value) = (id.0.as_str().into(), token.as_str().into());
        let [_, tenant, resources, secrets, release] = self
            .batch(vec![
                statement(
                    sql::LEASE,
                    [tenant_id.clone(), lease.clone(), expires.0.into(), now.0.into(), booked_since.0.into()],
                ),
                statement(sql::LEASED_TENANT, [tenant_id.clone(), lease]),
                statement(sql::RESOURCES, [tenant_id.clone()]),
                statement(sql::SECRETS, [tenant_id.clone()]),
                statement(sql::RELEASE_OF_TENANT, [tenant_id]),
            ])
            .await?;
        let Some(tenant) = row::tenants(tenant)?.pop() else { return Ok(None) };
        let release = row::releases(release)?.pop().ok_or_else(|| Error::Inconsistent {
            table: "release",
            detail: format!("{} of tenant {id} is missing", tenant.release),
        })?;
        let (resources, secrets) = (row::resources(resources)?, row::secrets(secrets)?);
        Ok(Some(Leased { token, tenant, resources, secrets, release }))
    }

    /// Before the calls of a stage: what they touch, and what is lost by them. Keeps the
    /// lease until `expires`. [`Error::Conflict`] when the lease is lost or Cloudflare asked for a pause
    /// ([`Registry::api_budget`] tells): then no call may be sent.
    pub async fn begin_stage(
        &self,
        leased: &Leased,
        start: &StageStart<'_>,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (id, token) = ids(leased);
        let mut batch = vec![
            statement(sql::EXTEND_LEASE, [id.clone(), token, expires.0.into()]),
            statement(sql::GUARD_ONE_ROW_CHANGED, []),
            statement(sql::GUARD_NOT_BLOCKED, [now.0.into()]),
        ];
        for line in start.touched {
            batch.push(write(&id, line, None)?);
        }
        if start.is_new_script {
            batch.push(statement(sql::SECRETS_LOST, [id]));
        }
        self.db.batch(batch).await?;
        Ok(())
    }

    /// After the calls of a stage: what came of them. [`Error::Conflict`] when the lease is lost: then the resources
    /// stay unknown, and whoever has the lease looks for himself.
    pub async fn end_stage(&self, leased: &Leased, end: &StageEnd, now: Timestamp) -> Result<(), Error> {
        let (id, token) = ids(leased);
        let mut batch = vec![statement(sql::GUARD_LEASE, [id.clone(), token])];
        for line in &end.resources {
            batch.push(write(&id, line, Some(now))?);
        }
        for (name, version) in &end.pushed {
            let args = [id.clone(), name.as_str().into(), (*version).into(), now.0.into()];
            batch.push(statement(sql::SECRET_PUSHED, args));
        }
        for (name, version) in &end.removed {
            batch.push(statement(sql::SECRET_GONE, [id.clone(), name.as_str().into(), (*version).into()]));
        }
        batch.extend(end.events.iter().map(|happened| round_event(leased, happened, IsNewsOfTheEnd(false), now)));
        self.db.batch(batch).await?;
        Ok(())
    }

    /// Gives the lease back with what came of the round, and says when the tenant is due next: at once, if something
    /// was asked for while the round ran. [`Error::Conflict`] when the lease was lost already.
    pub async fn finish_round(
        &self,
        leased: &Leased,
        end: &RoundEnd,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let (id, token) = ids(leased);
        let args = [
            id,
            token,
            leased.tenant.generation.into(),
            to_json(&end.conditions)?,
            end.phase.as_str().into(),
            i64::from(end.attempts).into(),
            end.due_at.map(|due| due.0).into(),
            now.0.into(),
            i64::from(end.converged).into(),
            i64::from(end.booked_calls).into(),
        ];
        let mut batch = vec![statement(sql::FINISH_ROUND, args), statement(sql::GUARD_ONE_ROW_CHANGED, [])];
        if end.are_secrets_live {
            batch.push(statement(sql::SECRETS_LIVE, [leased.tenant.id.0.as_str().into()]));
        }
        if end.settle_ms != 0 {
            batch.push(statement(sql::SETTLE_CALLS, [end.settle_ms.into()]));
        }
        batch.extend(end.events.iter().map(|happened| round_event(leased, happened, IsNewsOfTheEnd(true), now)));
        let finished = self.db.batch(batch).await?.into_iter().next().unwrap_or_default();
        Ok(row::rows(finished, "tenant", |row| row.get("due_at_ms"))?.pop().flatten())
    }
}

/// Whether a line of history says how the round ended, not what it did.
struct IsNewsOfTheEnd(bool);

fn round_event(leased: &Leased, happened: &Event, is_news_of_the_end: IsNewsOfTheEnd, now: Timestamp) -> Statement {
    let args = [
        leased.tenant.id.0.as_str().into(),
        now.0.into(),
        happened.reason.as_str().into(),
        happened.message.as_str().into(),
        leased.tenant.generation.into(),
        i64::from(is_news_of_the_end.0).into(),
    ];
    statement(sql::INSERT_ROUND_EVENT, args)
}

fn ids(leased: &Leased) -> (Value, Value) {
    (leased.tenant.id.0.as_str().into(), leased.token.as_str().into())
}

/// A line of the ledger; `confirmed` when it was Cloudflare that said so.
pub(super) fn write(id: &Value, line: &Resource, confirmed: Option<Timestamp>) -> Result<Statement, Error> {
    let applied = match &line.applied {
        Some(applied) => to_json(applied)?,
        None => Value::Null,
    };
    let time = |at: Option<Timestamp>| at.map(|at| at.0).into();
    let args = [
        id.clone(),
        line.kind.as_str().into(),
        line.state.as_str().into(),
        line.external_id.clone().into(),
        applied,
        time(line.asked_at),
        time(line.removal_asked_at),
        time(line.removed_at),
        time(line.gone_at),
        time(confirmed),
    ];
    Ok(statement(sql::WRITE_RESOURCE, args))
}

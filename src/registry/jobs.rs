//! What the jobs do with the registry: claim a run, find what is to be looked at, note what was seen.

use serde::Serialize;
use serde_json::Value as Json;

use super::db::{Outcome, Statement, Value};
use super::lease::write;
use super::row::{self, Row};
use super::{Change, Error, Registry, event, sql, statement, to_json};
use crate::audit::Act;
use crate::clock::Timestamp;
use crate::tenant::event::Event;
use crate::tenant::{Phase, Resource, ResourceKind, SecretName, Tenant, TenantId};

/// The right to one run of a job, until it ends or is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: &'static str,
    /// When the run began; also what proves that it is still this one.
    pub started_at: Timestamp,
    /// Where the run before it left off; `None`: it begins at the beginning.
    pub cursor: Option<String>,
}

/// How the rounds of all tenants stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tenants that want a round now and have none running.
    pub due: u32,
    /// Rounds that vanished: their lease ran out, and they never gave it back.
    pub vanished: u32,
    /// Tenants on their way for longer than [`Phase::deadline_ms`] allows.
    pub overdue: u32,
    /// Tenants that have calls booked for a turn that is still to come.
    pub waiting_for_turn: u32,
}

/// Something that shows in the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Its name.
    pub name: String,
    /// Cloudflare's id, where it has one beside the name.
    pub external_id: Option<String>,
    /// It carries the plane's own mark.
    pub is_ours: bool,
}

/// Something in the account that is on no ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Bucket, script or application.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// Cloudflare's id, where it has one beside the name.
    pub external_id: Option<String>,
    /// When an operator said that it is to go.
    pub delete_asked_at: Option<Timestamp>,
}

/// An orphan, and what the sweeps saw of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenOrphan {
    /// Which.
    pub orphan: Orphan,
    /// It carries the plane's own mark.
    pub is_ours: bool,
    /// When a sweep saw it first.
    pub first_seen: Timestamp,
    /// When one saw it last.
    pub last_seen: Timestamp,
}

/// Something that runs by itself, as its last run left it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// When its last run began.
    pub started_at: Timestamp,
    /// When that ended; `None`: it is under way, or was cut off.
    pub finished_at: Option<Timestamp>,
    /// The next run goes on where the last one ended.
    pub has_more: bool,
    /// What the last run that ended said of itself: [`crate::jobs::run::Run`].
    pub report: Json,
}

/// What is found to be otherwise than the ledger says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repair {
    /// Lines of the ledger as they are from now on.
    pub lines: Vec<Resource>,
    /// Secrets that the Worker lacks.
    pub lost: Vec<SecretName>,
}

impl Registry {
    /// Takes a run of `job`: if none began within `every_ms`, or the last one left a cursor; and if none is under way that
    /// began within `patience_ms`. Of two at once one gets it.
    pub async fn claim_job(
        &self,
        job: &'static str,
        every_ms: i64,
        patience_ms: i64,
        now: Timestamp,
    ) -> Result<Option<Claim>, Error> {
        let args = [job.into(), now.0.into(), (now.0 - patience_ms).into(), (now.0 - every_ms).into()];
        let outcome = self.one(sql::CLAIM_JOB, args).await?;
        let cursor = row::rows(outcome, "job", |row| row.get("cursor"))?.pop();
        Ok(cursor.map(|cursor| Claim { job, started_at: now, cursor }))
    }

    /// Notes where a run is. [`Error::Conflict`] when it has been taken over: then it has to end.
    pub async fn save_job(&self, claim: &Claim) -> Result<(), Error> {
        let args = [claim.job.into(), claim.started_at.0.into(), claim.cursor.clone().into()];
        let saved = self.one(sql::SAVE_JOB, args).await?;
        if saved.changes == 1 { Ok(()) } else { Err(Error::Conflict) }
    }

    /// Ends a run with its report, a JSON text; nothing if it has been taken over.
    pub async fn finish_job(&self, claim: &Claim, report: String, now: Timestamp) -> Result<(), Error> {
        let Claim { job, started_at, cursor } = claim;
        let args = [(*job).into(), started_at.0.into(), now.0.into(), cursor.clone().into(), report.into()];
        self.one(sql::FINISH_JOB, args).await.map(drop)
    }

    /// How the rounds of all tenants stand.
    pub async fn standing(&self, now: Timestamp) -> Result<Standing, Error> {
        let [standing] = self.batch(vec![Self::ask_standing(now)]).await?;
        read_standing(standing)
    }

    pub(super) fn ask_standing(now: Timestamp) -> Statement {
        let deadline = |phase: Phase| phase.deadline_ms().unwrap_or(now.0).into();
        statement(sql::STANDING, [now.0.into(), deadline(Phase::Updating), deadline(Phase::Deleting)])
    }

    /// At most `limit` tenants whose trial has ended: that still run, or whose trial ended by `over`.
    pub async fn ended_trials(&self, over: Timestamp, now: Timestamp, limit: i64) -> Result<Vec<Tenant>, Error> {
        row::tenants(self.one(sql::ENDED_TRIALS, [now.0.into(), over.0.into(), limit.into()]).await?)
    }

    /// Has a tenant repaired, if it is as `tenant` says, at rest and not being deleted; due at once, its generation as it
    /// was. [`Error::Conflict`] otherwise; then nothing was written.
    pub async fn repair(&self, tenant: &Tenant, repair: &Repair, change: Change<'_>) -> Result<(), Error> {
        let id: Value = tenant.id.0.as_str().into();
        let args = [
            id.clone(),
            tenant.generation.into(),
            to_json(change.conditions)?,
            change.now.0.into(),
            tenant.updated_at.0.into(),
        ];
        let mut batch = vec![statement(sql::REPAIR, args), statement(sql::GUARD_ONE_ROW_CHANGED, [])];
        for line in &repair.lines {
            batch.push(write(&id, line, None)?);
        }
        batch.extend(repair.lost.iter().map(|name| statement(sql::SECRET_LOST, [id.clone(), name.as_str().into()])));
        batch.push(event(&tenant.id, change.now, change.event));
        self.db.batch(batch).await?;
        Ok(())
    }

    /// At most `limit` tenants at rest since `rested`, least recently compared first, none that was after `before`.
    pub async fn least_checked(
        &self,
        before: Timestamp,
        rested: Timestamp,
        limit: i64,
    ) -> Result<Vec<TenantId>, Error> {
        let outcome = self.one(sql::LEAST_CHECKED, [before.0.into(), rested.0.into(), limit.into()]).await?;
        row::rows(outcome, "tenant", |row| row.get("id"))
    }

    /// A tenant was compared with what Cloudflare has.
    pub async fn checked(&self, id: &TenantId, now: Timestamp) -> Result<(), Error> {
        self.one(sql::CHECKED, [id.0.as_str().into(), now.0.into()]).await.map(drop)
    }

    /// Whether the same happened to a tenant since then, word by word.
    pub async fn happened_since(&self, id: &TenantId, event: &Event, since: Timestamp) -> Result<bool, Error> {
        let args = [id.0.as_str().into(), event.reason.as_str().into(), event.message.as_str().into(), since.0.into()];
        Ok(!self.one(sql::HAPPENED_SINCE, args).await?.rows.is_empty())
    }

    /// Notes which of `seen` are on no ledger, and returns their names. One that was not seen for `gap_ms`, or has another
    /// id, counts as seen for the first time.
    pub async fn sight_orphans(
        &self,
        kind: ResourceKind,
        seen: &[Sighting],
        gap_ms: i64,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let args = [kind.as_str().into(), to_json(seen)?, now.0.into(), gap_ms.into()];
        row::rows(self.one(sql::SIGHT_ORPHANS, args).await?, "orphan", |row| row.get("name"))
    }

    /// The next orphan after `after` that is to go: seen since `seen_since`, known since `known_since`, and asked for by an
    /// operator; with `ours_go` also what carries the plane's mark.
    pub async fn orphan_to_remove(
        &self,
        after: (&str, &str),
        seen_since: Timestamp,
        known_since: Timestamp,
        ours_go: bool,
    ) -> Result<Option<Orphan>, Error> {
        let args =
            [after.0.into(), after.1.into(), seen_since.0.into(), known_since.0.into(), i64::from(ours_go).into()];
        let read = |row: &mut Row| {
            Ok(Orphan {
                kind: row.get("kind")?,
                name: row.get("name")?,
                external_id: row.get("external_id")?,
                delete_asked_at: row.get("delete_asked_at_ms")?,
            })
        };
        Ok(row::rows(self.one(sql::ORPHAN_TO_REMOVE, args).await?, "orphan", read)?.pop())
    }

    /// What runs by itself, by name. Of what never ran there is none.
    pub async fn sweeps(&self) -> Result<Vec<Sweep>, Error> {
        row::rows(self.one(sql::SWEEPS, []).await?, "job", |row| {
            Ok(Sweep {
                name: row.get("name")?,
                started_at: row.get("started_at_ms")?,
                finished_at: row.get("finished_at_ms")?,
                has_more: row.get::<u8>("has_more")? != 0,
                report: row.get_json("report")?,
            })
        })
    }

    /// At most `limit` orphans, by kind and name.
    pub async fn orphans(&self, limit: i64) -> Result<Vec<SeenOrphan>, Error> {
        seen_orphans(self.one(sql::ORPHANS, [limit.into()]).await?)
    }

    /// One orphan.
    pub async fn orphan(&self, kind: ResourceKind, name: &str) -> Result<Option<SeenOrphan>, Error> {
        Ok(seen_orphans(self.one(sql::ORPHAN, [kind.as_str().into(), name.into()]).await?)?.pop())
    }

    /// An operator's word that an orphan is to go. [`Error::Conflict`] when it is another thing by now.
    pub async fn ask_orphan_deletion(&self, orphan: &Orphan, act: &Act, now: Timestamp) -> Result<(), Error> {
        let args =
            [orphan.kind.as_str().into(), orphan.name.as_str().into(), orphan.external_id.clone().into(), now.0.into()];
        let batch = vec![statement(sql::ASK_ORPHAN_DELETION, args), statement(sql::GUARD_ONE_ROW_CHANGED, [])];
        self.write(batch, Some(act), now).await.map(drop)
    }

    /// Whether a tenant may own what has this name.
    pub async fn is_on_a_ledger(&self, kind: ResourceKind, name: &str) -> Result<bool, Error> {
        let outcome = self.one(sql::IS_ON_A_LEDGER, [kind.as_str().into(), name.into()]).await?;
        Ok(row::rows(outcome, "resource", |row| row.get("is_owned"))?.pop() != Some(0_i64))
    }

    /// An orphan that is gone.
    pub async fn forget_orphan(&self, orphan: &Orphan) -> Result<(), Error> {
        let args = [orphan.kind.as_str().into(), orphan.name.as_str().into()];
        self.one(sql::FORGET_ORPHAN, args).await.map(drop)
    }

    /// The next line after the name `after` that was known to be there before `confirmed_before`, of a tenant at rest, and
    /// is not among `seen`: its tenant and its name. Only names that begin with `prefix`.
    pub async fn next_missing(
        &self,
        kind: ResourceKind,
        after: &str,
        prefix: &str,
        confirmed_before: Timestamp,
        seen: &[String],
    ) -> Result<Option<(TenantId, String)>, Error> {
        let args = [kind.as_str().into(), after.into(), prefix.into(), confirmed_before.0.into(), to_json(seen)?];
        let read = |row: &mut Row| Ok((row.get("tenant_id")?, row.get("name")?));
        Ok(row::rows(self.one(sql::NEXT_MISSING, args).await?, "resource", read)?.pop())
    }
}

fn seen_orphans(outcome: Outcome) -> Result<Vec<SeenOrphan>, Error> {
    row::rows(outcome, "orphan", |row| {
        Ok(SeenOrphan {
            orphan: Orphan {
                kind: row.get("kind")?,
                name: row.get("name")?,
                external_id: row.get("external_id")?,
                delete_asked_at: row.get("delete_asked_at_ms")?,
            },
            is_ours: row.get::<u8>("is_ours")? != 0,
            first_seen: row.get("first_seen_ms")?,
            last_seen: row.get("last_seen_ms")?,
        })
    })
}

pub(super) fn read_standing(outcome: Outcome) -> Result<Standing, Error> {
    let read = |row: &mut Row| {
        Ok(Standing {
            due: row.get("due")?,
            vanished: row.get("vanished")?,
            overdue: row.get("overdue")?,
            waiting_for_turn: row.get("waiting_for_turn")?,
        })
    };
    Ok(row::rows(outcome, "tenant", read)?.pop().unwrap_or_default())
}

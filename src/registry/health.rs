//! What the registry knows of how the plane is: whether its jobs run, what waits, and whether its seals open.

use super::jobs::read_standing;
use super::row::{self, Row};
use super::sql::health as sql;
use super::{Error, FleetRow, Registry, Standing, sign_ups, statement};
use crate::clock::Timestamp;
use crate::release::Release;
use crate::tenant::{SecretName, TenantId};
use crate::vault::sealed::{AnswerPlace, Place, SealedAnswer, SealedSecret, SealingKey};

/// The last run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// Which.
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// How the plane is, by its registry.
#[derive(Clone, Debug)]
pub struct Health {
    /// Each job that has ever run.
    pub jobs: Vec<JobRun>,
    /// How the rounds of all tenants stand.
    pub standing: Standing,
    /// Since when the tenant that has waited longest is due without having a round.
    pub oldest_due: Option<Timestamp>,
    /// How many tenants there are of each phase and size.
    pub fleet: Vec<FleetRow>,
    /// The release that sign-ups get.
    pub release: Option<Release>,
    /// Of what was tried: whether each seal opens.
    pub seals_open: Vec<bool>,
}

impl Registry {
    /// How the plane is. Tries `key` on one secret and one kept answer, if there are any; what they hold is not handed on.
    pub async fn health(&self, key: &SealingKey, now: Timestamp) -> Result<Health, Error> {
        let batch = vec![
            statement(sql::JOBS, []),
            Self::ask_standing(now),
            statement(sql::OLDEST_DUE, [now.0.into()]),
            statement(super::sql::sign_ups::FLEET, []),
            statement(super::sql::DEFAULT_RELEASE, []),
            statement(sql::SEALED_SECRET, []),
            statement(sql::NEWEST_ANSWER, []),
        ];
        let [jobs, standing, oldest, fleet, release, secret, answer] = self.batch(batch).await?;
        let secrets = row::rows(secret, "secret", secret_row)?;
        let answers = row::rows(answer, "idempotency", answer_row)?;
        let secrets = secrets.iter().map(|(tenant, name, version, sealed)| {
            key.open(Place { tenant, name, version: *version }, &SealedSecret(sealed.clone())).is_ok()
        });
        let answers = answers.iter().map(|(scope, key_hash, sealed)| {
            key.open_answer(AnswerPlace { scope, key_hash }, &SealedAnswer(sealed.clone())).is_ok()
        });
        Ok(Health {
            jobs: row::rows(jobs, "job", job)?,
            standing: read_standing(standing)?,
            oldest_due: row::rows(oldest, "tenant", |row| row.get("due_at_ms"))?.pop(),
            fleet: row::rows(fleet, "fleet", sign_ups::fleet_row)?,
            release: row::releases(release)?.pop(),
            seals_open: secrets.chain(answers).collect(),
        })
    }

    /// Names of the migrations that the database has, oldest first.
    pub async fn applied_migrations(&self) -> Result<Vec<String>, Error> {
        row::rows(self.one(sql::APPLIED_MIGRATIONS, []).await?, "d1_migrations", |row| row.get("name"))
    }
}

fn job(row: &mut Row) -> Result<JobRun, Error> {
    let (outcome, error): (Option<String>, Option<String>) = (row.get("outcome")?, row.get("error")?);
    let error = (outcome.as_deref() == Some("failed")).then(|| error.unwrap_or_default());
    Ok(JobRun { name: row.get("name")?, started_at: row.get("started_at_ms")?, error })
}

fn secret_row(row: &mut Row) -> Result<(TenantId, SecretName, i64, String), Error> {
    Ok((row.get("tenant_id")?, row.get("name")?, row.get("version")?, row.get("sealed")?))
}

fn answer_row(row: &mut Row) -> Result<(String, String, String), Error> {
    Ok((row.get("scope")?, row.get("key_hash")?, row.get("answer")?))
}

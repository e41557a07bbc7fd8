//! What the registry knows of how the plane is: whether its jobs run, what waits, and whether its seals open.

use serde_json::Value as Json;

use super::db::Outcome;
use super::jobs::read_standing;
use super::row;
use super::sql::health as sql;
use super::{Error, FleetRow, Registry, Standing, fleet, statement};
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
    /// How many seals were tried.
    pub seals: u32,
    /// How many of them open.
    pub seals_that_open: u32,
}

impl Registry {
    /// How the plane is. Tries `key` on one secret and one kept answer, if there are any; what they hold is not handed on.
    pub async fn health(&self, key: &SealingKey, now: Timestamp) -> Result<Health, Error> {
        let batch = vec![
            statement(sql::JOBS, []),
            Self::ask_standing(now),
            statement(sql::OLDEST_DUE, [now.0.into()]),
            statement(super::sql::fleet::FLEET, []),
            statement(super::sql::DEFAULT_RELEASE, []),
            statement(sql::SEALED_SECRET, []),
            statement(sql::NEWEST_ANSWER, []),
        ];
        let [jobs, standing, oldest, counts, release, secret, answer] = self.batch(batch).await?;
        let opens = [
            secret.rows.first().map(|row| opens_secret(key, row)),
            answer.rows.first().map(|row| opens_answer(key, row)),
        ];
        let mut runs = Vec::with_capacity(jobs.rows.len());
        for row in &jobs.rows {
            let error = row.get("error").and_then(Json::as_str).map(str::to_owned);
            runs.push(JobRun { name: text(row, "name").to_owned(), started_at: time(row, "started_at_ms"), error });
        }
        Ok(Health {
            jobs: runs,
            standing: read_standing(standing)?,
            oldest_due: oldest.rows.first().map(|row| time(row, "due_at_ms")),
            fleet: fleet::rows(counts)?,
            release: row::releases(release)?.pop(),
            seals: opens.iter().flatten().map(|_| 1).sum(),
            seals_that_open: opens.into_iter().flatten().map(u32::from).sum(),
        })
    }

    /// Names of the migrations that the database has, oldest first.
    pub async fn applied_migrations(&self) -> Result<Vec<String>, Error> {
        let Outcome { rows, .. } = self.one(sql::APPLIED_MIGRATIONS, []).await?;
        let mut names = Vec::with_capacity(rows.len());
        for row in &rows {
            names.push(text(row, "name").to_owned());
        }
        Ok(names)
    }
}

fn opens_secret(key: &SealingKey, row: &Json) -> bool {
    let tenant = TenantId(text(row, "tenant_id").to_owned());
    let version = row.get("version").and_then(Json::as_i64).unwrap_or_default();
    let sealed = SealedSecret(text(row, "sealed").to_owned());
    SecretName::parse(text(row, "name"))
        .is_ok_and(|name| key.open(Place { tenant: &tenant, name: &name, version }, &sealed).is_ok())
}

fn opens_answer(key: &SealingKey, row: &Json) -> bool {
    let place = AnswerPlace { scope: text(row, "scope"), key_hash: text(row, "key_hash") };
    key.open_answer(place, &SealedAnswer(text(row, "answer").to_owned())).is_ok()
}

/// A column of text; empty where the row does not fit, which what is made of it then shows.
fn text<'a>(row: &'a Json, column: &str) -> &'a str {
    row.get(column).and_then(Json::as_str).unwrap_or_default()
}

fn time(row: &Json, column: &str) -> Timestamp {
    Timestamp(row.get(column).and_then(Json::as_i64).unwrap_or_default())
}

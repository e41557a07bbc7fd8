//! Rows to domain types. A row that does not fit says which one.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::Error;
use super::db::Outcome;
use crate::clock::Timestamp;
use crate::json;
use crate::release::{Manifest, Release, ReleaseId};
use crate::tenant::{Deletion, Resource, Tenant};
use crate::vault::{SealedSecret, Secret};

/// A line of a tenant's history, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its place in the order of all events.
    pub id: i64,
    /// When.
    pub at_ms: Timestamp,
    /// The tenant's generation at that moment.
    pub generation: i64,
    /// What, in one CamelCase word.
    pub reason: String,
    /// What, for people.
    pub message: String,
}

/// A release in a list: without its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRelease {
    /// Its id.
    pub id: ReleaseId,
    /// When it was published.
    pub created_at: Timestamp,
    /// Since when sign-ups get it; `None`: they never did.
    pub default_since: Option<Timestamp>,
    /// Whether sign-ups get it now.
    pub is_default: bool,
}

/// One row, read column by column.
pub(super) struct Row {
    table: &'static str,
    columns: Json,
}

impl Row {
    /// The value of a column.
    pub(super) fn get<T: DeserializeOwned>(&mut self, column: &str) -> Result<T, Error> {
        let value = self.columns.get_mut(column).map_or(Json::Null, Json::take);
        serde_json::from_value(value).map_err(|error| self.unfit(column, &error))
    }

    /// The value of a column that holds JSON as text.
    pub(super) fn get_json<T: DeserializeOwned>(&mut self, column: &str) -> Result<T, Error> {
        let text: String = self.get(column)?;
        json::read(text).map_err(|error| self.unfit(column, &error))
    }

    pub(super) fn unfit(&self, column: &str, error: &dyn std::fmt::Display) -> Error {
        Error::Inconsistent { table: self.table, detail: format!("{column}: {error}") }
    }
}

/// The rows of an outcome, each read by `read`.
pub(super) fn rows<T>(
    outcome: Outcome,
    table: &'static str,
    read: fn(&mut Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::with_capacity(outcome.rows.len());
    for columns in outcome.rows {
        all.push(read(&mut Row { table, columns })?);
    }
    Ok(all)
}

pub(super) fn tenants(outcome: Outcome) -> Result<Vec<Tenant>, Error> {
    rows(outcome, "tenant", tenant)
}

pub(super) fn tenant(row: &mut Row) -> Result<Tenant, Error> {
    let deletion = match (row.get("delete_asked_at_ms")?, row.get("keep_data_until_ms")?) {
        (Some(asked_at), Some(keep_data_until)) => Some(Deletion { asked_at, keep_data_until }),
        _ => None,
    };
    Ok(Tenant {
        id: row.get("id")?,
        name: row.get("name")?,
        phase: row.get("phase")?,
        generation: row.get("generation")?,
        observed_generation: row.get("observed_generation")?,
        owner: row.get("owner")?,
        spec: row.get_json("spec")?,
        largest: row.get("largest")?,
        release: row.get("release_id")?,
        conditions: row.get_json("conditions")?,
        wanted_since: row.get("wanted_since_ms")?,
        suspended_at: row.get("suspended_at_ms")?,
        paused_at: row.get("paused_at_ms")?,
        expires_at: row.get("expires_at_ms")?,
        deletion,
        due_at: row.get("due_at_ms")?,
        attempts: row.get("attempts")?,
        booked_calls: row.get("booked_calls")?,
        created_at: row.get("created_at_ms")?,
        updated_at: row.get("updated_at_ms")?,
    })
}

pub(super) fn resources(outcome: Outcome) -> Result<Vec<Resource>, Error> {
    rows(outcome, "resource", resource)
}

fn resource(row: &mut Row) -> Result<Resource, Error> {
    let applied: Option<String> = row.get("applied")?;
    let applied = applied.map(json::read).transpose().map_err(|error| row.unfit("applied", &error))?;
    Ok(Resource {
        kind: row.get("kind")?,
        name: row.get("name")?,
        state: row.get("state")?,
        external_id: row.get("external_id")?,
        applied,
        asked_at: row.get("asked_at_ms")?,
        removal_asked_at: row.get("removal_asked_at_ms")?,
        removed_at: row.get("removed_at_ms")?,
        gone_at: row.get("gone_at_ms")?,
    })
}

pub(super) fn secrets(outcome: Outcome) -> Result<Vec<Secret>, Error> {
    rows(outcome, "secret", secret)
}

fn secret(row: &mut Row) -> Result<Secret, Error> {
    let sealed: Option<String> = row.get("sealed")?;
    Ok(Secret {
        name: row.get("name")?,
        wanted: row.get("wanted")?,
        version: row.get("version")?,
        pushed_version: row.get("pushed_version")?,
        live_version: row.get("live_version")?,
        sealed: sealed.map(SealedSecret),
        updated_at: row.get("updated_at_ms")?,
        pushed_at: row.get("pushed_at_ms")?,
    })
}

pub(super) fn releases(outcome: Outcome) -> Result<Vec<Release>, Error> {
    rows(outcome, "release", release)
}

fn release(row: &mut Row) -> Result<Release, Error> {
    let (id, manifest): (ReleaseId, String) = (row.get("id")?, row.get("manifest")?);
    match Manifest::parse(&manifest) {
        Ok(manifest) => Ok(Release { id, manifest }),
        Err(detail) => Err(row.unfit(&id.0, &detail)),
    }
}

pub(super) fn listed_releases(outcome: Outcome) -> Result<Vec<ListedRelease>, Error> {
    rows(outcome, "release", |row| {
        Ok(ListedRelease {
            id: row.get("id")?,
            created_at: row.get("created_at_ms")?,
            default_since: row.get("default_since_ms")?,
            is_default: row.get::<u8>("is_default")? != 0,
        })
    })
}

pub(super) fn events(outcome: Outcome) -> Result<Vec<EventRow>, Error> {
    rows(outcome, "event", event)
}

fn event(row: &mut Row) -> Result<EventRow, Error> {
    Ok(EventRow {
        id: row.get("id")?,
        at_ms: row.get("at_ms")?,
        generation: row.get("generation")?,
        reason: row.get("reason")?,
        message: row.get("message")?,
    })
}

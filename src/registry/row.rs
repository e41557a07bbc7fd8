//! Rows to domain types and back. A row that does not fit says which one.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::db::Outcome;
use crate::clock::Timestamp;
use crate::release::{Manifest, Release, ReleaseId};
use crate::tenant::{
    Applied, Condition, Deletion, Phase, Resource, ResourceKind, ResourceState, SecretName, Tenant, TenantId,
    TenantName, TenantSpec,
};
use crate::vault::secret::Wanted;
use crate::vault::{SealedSecret, Secret};

#[derive(Deserialize)]
struct TenantRow {
    id: TenantId,
    name: TenantName,
    phase: Phase,
    generation: i64,
    observed_generation: i64,
    spec: String,
    release_id: ReleaseId,
    conditions: String,
    delete_asked_at_ms: Option<Timestamp>,
    keep_data_until_ms: Option<Timestamp>,
    due_at_ms: Option<Timestamp>,
    attempts: u32,
    created_at_ms: Timestamp,
    updated_at_ms: Timestamp,
}

#[derive(Deserialize)]
struct ResourceRow {
    kind: ResourceKind,
    name: String,
    state: ResourceState,
    external_id: Option<String>,
    applied: Option<String>,
    asked_at_ms: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SecretRow {
    name: SecretName,
    wanted: Wanted,
    version: i64,
    pushed_version: i64,
    sealed: Option<String>,
    updated_at_ms: Timestamp,
    pushed_at_ms: Option<Timestamp>,
}

#[derive(Deserialize)]
struct ReleaseRow {
    id: ReleaseId,
    manifest: String,
}

/// A line of a tenant's history, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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

/// The rows of an outcome as `T`s.
pub(super) fn rows<T: DeserializeOwned>(outcome: Outcome, table: &'static str) -> Result<Vec<T>, Error> {
    outcome.decode().map_err(|error| Error::Inconsistent { table, detail: error.to_string() })
}

pub(super) fn tenants(outcome: Outcome) -> Result<Vec<Tenant>, Error> {
    rows::<TenantRow>(outcome, "tenant")?.into_iter().map(tenant).collect()
}

fn tenant(row: TenantRow) -> Result<Tenant, Error> {
    let spec: TenantSpec = json(&row.spec, "tenant", "spec")?;
    let conditions: Vec<Condition> = json(&row.conditions, "tenant", "conditions")?;
    let deletion = match (row.delete_asked_at_ms, row.keep_data_until_ms) {
        (Some(asked_at), Some(keep_data_until)) => Some(Deletion { asked_at, keep_data_until }),
        _ => None,
    };
    Ok(Tenant {
        id: row.id,
        name: row.name,
        phase: row.phase,
        generation: row.generation,
        observed_generation: row.observed_generation,
        spec,
        release: row.release_id,
        conditions,
        deletion,
        due_at: row.due_at_ms,
        attempts: row.attempts,
        created_at: row.created_at_ms,
        updated_at: row.updated_at_ms,
    })
}

pub(super) fn resources(outcome: Outcome) -> Result<Vec<Resource>, Error> {
    let read = |row: ResourceRow| {
        let applied: Option<Applied> =
            row.applied.as_deref().map(|text| json(text, "resource", "applied")).transpose()?;
        Ok(Resource {
            kind: row.kind,
            name: row.name,
            state: row.state,
            external_id: row.external_id,
            applied,
            asked_at: row.asked_at_ms,
        })
    };
    rows::<ResourceRow>(outcome, "resource")?.into_iter().map(read).collect()
}

pub(super) fn secrets(outcome: Outcome) -> Result<Vec<Secret>, Error> {
    let read = |row: SecretRow| Secret {
        name: row.name,
        wanted: row.wanted,
        version: row.version,
        pushed_version: row.pushed_version,
        sealed: row.sealed.map(SealedSecret),
        updated_at: row.updated_at_ms,
        pushed_at: row.pushed_at_ms,
    };
    Ok(rows::<SecretRow>(outcome, "secret")?.into_iter().map(read).collect())
}

pub(super) fn releases(outcome: Outcome) -> Result<Vec<Release>, Error> {
    let read = |row: ReleaseRow| {
        let manifest = Manifest::parse(&row.manifest)
            .map_err(|detail| Error::Inconsistent { table: "release", detail: format!("{}: {detail}", row.id) })?;
        Ok(Release { id: row.id, manifest })
    };
    rows::<ReleaseRow>(outcome, "release")?.into_iter().map(read).collect()
}

fn json<T: DeserializeOwned>(text: &str, table: &'static str, column: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Inconsistent { table, detail: format!("{column}: {error}") })
}

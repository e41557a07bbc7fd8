//! Seeing how a resource stands, and whose it is.

use super::{Executor, StepDone, StepError, absent, ended, there};
use crate::clock::Timestamp;
use crate::cloudflare::Optional;
use crate::cloudflare::containers::Application as SeenApplication;
use crate::reconcile::desired::ownership_tag;
use crate::registry::{ResourceChange, StageEnd};
use crate::tenant::event::Event;
use crate::tenant::{Applied, Resource, ResourceKind};

/// How far Cloudflare's clock may be behind ours when a creation time is held against the time of asking.
const CLOCK_SKEW_MS: i64 = 5_000;

/// Most pages of a list that are looked through for one name.
const MAX_PAGES: usize = 20;

/// How long something that was asked for may take to show. Lists of containers are eventually consistent; others poll
/// for a minute at most. Until then its absence is no proof that nothing is left of a tenant.
const SETTLED_MS: i64 = 5 * 60 * 1_000;

impl Executor<'_> {
    pub(super) async fn look_at_bucket(&self) -> Result<StepDone, StepError> {
        let bucket = &self.ledger.bucket;
        match self.cloudflare.get_bucket(&bucket.name).await.optional()? {
            None => Ok(self.not_found(bucket)),
            Some(seen) if was_asked_for(bucket, seen.creation_date) => Ok(there(ResourceKind::Bucket, None, None)),
            Some(_) => self.not_ours(bucket),
        }
    }

    /// For a look and for a claim alike.
    pub(super) async fn look_at_script(&self) -> Result<StepDone, StepError> {
        let script = &self.ledger.script;
        match self.cloudflare.get_service_script(&script.name).await.optional()? {
            None => {
                let parts = [ResourceKind::Route, ResourceKind::Schedule].map(absent);
                let mut done = self.not_found(script);
                done.end.resources.extend(parts);
                Ok(StepDone { script_name_is_free: true, ..done })
            }
            Some(seen) if seen.tags.contains(&ownership_tag(&self.leased.tenant)) => {
                let applied = Applied::Script { fingerprint: None, migration: seen.migration_tag, sleep_after: None };
                Ok(there(ResourceKind::Script, None, Some(applied)))
            }
            Some(_) => self.not_ours(script),
        }
    }

    /// By its id once that is known; until then by its name, and then it is ours if it serves our script's class or was
    /// made after we asked for it.
    pub(super) async fn look_at_application(&self) -> Result<StepDone, StepError> {
        let application = &self.ledger.application;
        if let Some(id) = &application.external_id {
            let seen = self.cloudflare.get_application(id).await.optional()?;
            return Ok(match seen {
                None => self.not_found(application),
                Some(seen) => there(ResourceKind::Application, Some(seen.id), None),
            });
        }
        let Some(seen) = self.find_application(&application.name).await? else {
            return Ok(self.not_found(application));
        };
        let is_ours = match self.find_namespace_of(&seen).await? {
            Some(script) => script == self.ledger.script.name,
            None => was_asked_for(application, seen.created_at),
        };
        if is_ours { Ok(there(ResourceKind::Application, Some(seen.id), None)) } else { self.not_ours(application) }
    }

    async fn find_application(&self, name: &str) -> Result<Option<SeenApplication>, StepError> {
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.cloudflare.list_applications(Some(name), cursor.as_deref()).await?;
            // Whether Cloudflare's filter is by the whole name is not documented.
            if let Some(found) = page.items.into_iter().find(|application| application.name == name) {
                return Ok(Some(found));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(None);
            }
        }
        Err(StepError::Store(format!("the account has more than {MAX_PAGES} pages of container applications")))
    }

    /// The script whose class an application serves; `None` when its namespace is not listed (any more).
    async fn find_namespace_of(&self, application: &SeenApplication) -> Result<Option<String>, StepError> {
        let Some(wanted) = application.durable_objects.as_ref().map(|served| &served.namespace_id) else {
            return Ok(None);
        };
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.cloudflare.list_namespaces(cursor.as_deref()).await?;
            if let Some(found) = page.items.into_iter().find(|namespace| namespace.id == *wanted) {
                return Ok(found.script);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(None);
            }
        }
        Err(StepError::Store(format!("the account has more than {MAX_PAGES} pages of Durable Object namespaces")))
    }

    /// It does not show. For a running tenant that is enough: it is made, and if it was there all the same, Cloudflare
    /// says so. Of a tenant that is going it must not show for a while before that counts as the end of it.
    fn not_found(&self, resource: &Resource) -> StepDone {
        let is_going = self.leased.tenant.deletion.is_some();
        let is_settled = resource.asked_at.is_none_or(|asked| asked.plus_ms(SETTLED_MS) <= self.now);
        let change = ResourceChange { is_end_of_life: is_going && is_settled, ..absent(resource.kind) };
        let pause = (is_going && !is_settled).then(|| {
            let kind = resource.kind.as_str();
            format!("the {kind} {} was asked for a moment ago and may still show; looked at again later", resource.name)
        });
        StepDone { end: StageEnd { resources: vec![change], ..StageEnd::default() }, pause, ..StepDone::default() }
    }

    /// A running tenant stops here. One that is being deleted has nothing of that name, and leaves it alone.
    fn not_ours(&self, resource: &Resource) -> Result<StepDone, StepError> {
        let Resource { kind, name, .. } = resource;
        if self.leased.tenant.deletion.is_none() {
            return Err(StepError::NameTaken { kind: *kind, name: name.clone() });
        }
        let mut done = ended(&[*kind]);
        let message = format!("the {} {name} is not this tenant's and was not touched", kind.as_str());
        done.end.events.push(Event::new("ForeignResourceLeftAlone", message));
        Ok(done)
    }
}

/// Made after we first asked for it, so by that asking.
fn was_asked_for(resource: &Resource, made: Option<Timestamp>) -> bool {
    match (resource.asked_at, made) {
        (Some(asked), Some(made)) => made >= asked.plus_ms(-CLOCK_SKEW_MS),
        _ => false,
    }
}

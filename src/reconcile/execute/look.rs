//! Seeing how a resource stands, and whose it is.

use futures_util::future::join;

use super::{Executor, News, StepDone, StepError};
use crate::clock::Timestamp;
use crate::cloudflare::Optional;
use crate::cloudflare::containers::Application as SeenApplication;
use crate::cloudflare::durable_objects::Namespace;
use crate::reconcile::desired::ownership_tag;
use crate::tenant::{Applied, Resource, ResourceKind};

/// How far Cloudflare's clock may be behind ours when a creation time is held against the time of asking.
const CLOCK_SKEW_MS: i64 = 5_000;

/// Most pages of a list that are looked through for one name.
const MAX_PAGES: usize = 20;

/// How long something that was made or deleted may take to show as such. Lists of containers are eventually consistent;
/// others poll for a minute at most. Until then what is seen is no proof.
const SETTLED_MS: i64 = 5 * 60 * 1_000;

impl Executor<'_> {
    pub(super) async fn look_at_bucket(&self) -> Result<StepDone, StepError> {
        let bucket = &self.ledger.bucket;
        match self.cloudflare.get_bucket(&bucket.name).await.optional()? {
            None => Ok(self.not_found(bucket)),
            Some(seen) if was_made_for(bucket, seen.creation_date) => Ok(self.found(bucket, None, None)),
            Some(_) => self.not_ours(bucket),
        }
    }

    /// For a look and for a claim alike. A Durable Object namespace can outlive its script: whoever then uploads a script
    /// of that name would find a stranger's data in it, and a script is not wholly gone before its namespaces are.
    pub(super) async fn look_at_script(&self) -> Result<StepDone, StepError> {
        let script = &self.ledger.script;
        let (seen, left) = join(self.cloudflare.get_service_script(&script.name), self.find_namespaces_left()).await;
        match seen.optional()? {
            Some(seen) if seen.tags.contains(&ownership_tag(&self.leased.tenant)) => {
                let applied = Applied::Script { fingerprint: None, migration: seen.migration_tag, sleep_after: None };
                Ok(self.found(script, None, Some(applied)))
            }
            Some(_) => self.not_ours(script),
            None => match left? {
                Some(left) if script.asked_at.is_none() => Err(StepError::NamespaceTaken(left.name)),
                Some(left) if script.is_removal_unconfirmed() => {
                    let message = format!("the Worker {} is deleted and its {} still shows", script.name, left.name);
                    Ok(StepDone::default().and_pause(message))
                }
                _ => {
                    let mut done = self.not_found(script);
                    // What lives in the script stands as it does.
                    let news = done.news.first().map_or(News::NotShown, |(_, news)| news.clone());
                    done.news.extend([ResourceKind::Route, ResourceKind::Schedule].map(|kind| (kind, news.clone())));
                    done.script_name_is_free = true;
                    Ok(done)
                }
            },
        }
    }

    /// By its id once that is known; until then by its name, and then it is ours if it serves our script's class or was
    /// made after we asked for it.
    pub(super) async fn look_at_application(&self) -> Result<StepDone, StepError> {
        let application = &self.ledger.application;
        if let Some(id) = application.external_id.as_ref().filter(|_| application.asked_at.is_some()) {
            let seen = self.cloudflare.get_application(id).await.optional()?;
            return Ok(match seen {
                None => self.not_found(application),
                Some(seen) => self.found(application, Some(seen.id), None),
            });
        }
        let Some(seen) = self.find_application(&application.name).await? else {
            return Ok(self.not_found(application));
        };
        // Every application of the plane serves a class, though that may be gone by now.
        let is_ours = seen.durable_objects.is_some()
            && match self.find_namespace_of(&seen).await? {
                Some(script) => script == self.ledger.script.name,
                None => was_made_for(application, seen.created_at),
            };
        if is_ours { Ok(self.found(application, Some(seen.id), None)) } else { self.not_ours(application) }
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
        Ok(self.find_namespace(|namespace| namespace.id == *wanted).await?.and_then(|found| found.script))
    }

    /// A namespace of the script's name, though perhaps of no script any more: Cloudflare names it `<script>_<class>`.
    async fn find_namespaces_left(&self) -> Result<Option<Namespace>, StepError> {
        let of_script = format!("{}_", self.ledger.script.name);
        self.find_namespace(|namespace| namespace.name.starts_with(&of_script)).await
    }

    async fn find_namespace(&self, is_it: impl Fn(&Namespace) -> bool) -> Result<Option<Namespace>, StepError> {
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.cloudflare.list_namespaces(cursor.as_deref()).await?;
            if let Some(found) = page.items.into_iter().find(&is_it) {
                return Ok(Some(found));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(None);
            }
        }
        Err(StepError::Store(format!("the account has more than {MAX_PAGES} pages of Durable Object namespaces")))
    }

    /// It is there and ours. What was deleted a moment ago may still show; after a while it counts as there again. What was
    /// asked to go a moment ago may still go: where it is wanted again, nothing is built upon it before that is over.
    fn found(&self, line: &Resource, external_id: Option<String>, applied: Option<Applied>) -> StepDone {
        match line.removed_at {
            Some(removed) if !self.is_settled(removed) => {
                let Resource { kind, name, .. } = line;
                let message = format!("the {} {name} is deleted and still shows; looked at again later", kind.as_str());
                StepDone::of(*kind, News::Removed).and_pause(message)
            }
            None if self.is_wanted(line.kind) && line.removal_asked_at.is_some_and(|asked| !self.is_settled(asked)) => {
                let Resource { kind, name, .. } = line;
                let message =
                    format!("the {} {name} was asked to go and may still go; looked at again later", kind.as_str());
                StepDone::default().and_pause(message)
            }
            _ => StepDone::there(line.kind, external_id, applied),
        }
    }

    /// It does not show. That proves that it is gone once Cloudflare said that it is deleted. What was only asked for may
    /// show late: where it is wanted that does not matter, it is made, and if it was there all the same Cloudflare says
    /// so; where it is not, it must not show for a while.
    fn not_found(&self, line: &Resource) -> StepDone {
        let Resource { kind, name, .. } = line;
        let is_settled = line.asked_at.is_none_or(|asked| self.is_settled(asked));
        if line.removed_at.is_some() || is_settled && !self.is_wanted(*kind) {
            return StepDone::of(*kind, News::Gone);
        }
        let done = StepDone::of(*kind, News::NotShown);
        if self.is_wanted(*kind) {
            return done;
        }
        done.and_pause(format!(
            "the {} {name} was asked for a moment ago and may still show; looked at again later",
            kind.as_str()
        ))
    }

    fn is_wanted(&self, kind: ResourceKind) -> bool {
        self.deployment.is_some_and(|wanted| kind != ResourceKind::Application || wanted.application.is_some())
    }

    fn is_settled(&self, since: Timestamp) -> bool {
        since.plus_ms(SETTLED_MS) <= self.now
    }

    /// Where the resource is wanted the tenant stops here, unless what shows may be its own that it deleted. Where it is
    /// not wanted, what has its name is left alone.
    fn not_ours(&self, line: &Resource) -> Result<StepDone, StepError> {
        let Resource { kind, name, .. } = line;
        let message = format!("the {} {name} is not this tenant's and was not touched", kind.as_str());
        if !self.is_wanted(*kind) {
            return Ok(StepDone::of(*kind, News::NeverWas).with_event("ForeignResourceLeftAlone", message));
        }
        if line.gone_at.is_some_and(|gone| !self.is_settled(gone)) {
            let message = format!("a former {} {name} may still show; looked at again later", kind.as_str());
            return Ok(StepDone::of(*kind, News::NotShown).and_pause(message));
        }
        Err(StepError::NameTaken { kind: *kind, name: name.clone() })
    }
}

/// Made after we first asked for it, and not after we deleted it: so by our asking.
fn was_made_for(line: &Resource, made: Option<Timestamp>) -> bool {
    let is_before_removal =
        |made: Timestamp| line.removed_at.is_none_or(|removed| made <= removed.plus_ms(CLOCK_SKEW_MS));
    match (line.asked_at, made) {
        (Some(asked), Some(made)) => made >= asked.plus_ms(-CLOCK_SKEW_MS) && is_before_removal(made),
        _ => false,
    }
}

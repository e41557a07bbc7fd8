//! Runs one step: its calls, and what they mean for the ledger. Writes nothing; the round does, before and after.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::desired::{Application, Deployment, ownership_tag};
use super::step::{SecretVersion, Step};
use crate::clock::Timestamp;
use crate::cloudflare::assets::{AssetEntry, AssetFile};
use crate::cloudflare::containers::{Application as SeenApplication, ApplicationChange, NewApplication};
use crate::cloudflare::scripts::{
    Assets, Binding, CodeUpdateStrategy, ContainerClass, Metadata, Migrations, Module, Observability, ScriptUpload,
};
use crate::cloudflare::secrets::Secret as SecretBinding;
use crate::cloudflare::{self, Client, Optional, SecretText, Verdict};
use crate::json;
use crate::registry::{Leased, ResourceChange, StageEnd};
use crate::release::manifest::{self, blob_key};
use crate::release::store::ReleaseStore;
use crate::tenant::event::Event;
use crate::tenant::{Applied, Ledger, Resource, ResourceKind, ResourceState, SecretName};
use crate::vault::sealed::Place;
use crate::vault::{SealingKey, Secret};

/// How far Cloudflare's clock may be behind ours when a creation time is held against the time of asking.
const CLOCK_SKEW_MS: i64 = 5_000;

/// Most pages of a list that are looked through for one name.
const MAX_PAGES: usize = 20;

/// How long something that was asked for may take to show. Lists of containers are eventually consistent; others poll
/// for a minute at most. Until then its absence is no proof that nothing is left of a tenant.
const SETTLED_MS: i64 = 5 * 60 * 1_000;

/// Uploads of assets at once; what wrangler does.
const ASSET_UPLOADS_AT_ONCE: usize = 3;

/// Why a step did not get done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Cloudflare refused, or gave no answer.
    #[error("{0}")]
    Call(#[source] cloudflare::Error),
    /// A resource of that name exists that is not provably this tenant's. It was not touched.
    #[error("the {} {name:?} exists in the Cloudflare account and is not this tenant's", .kind.as_str())]
    NameTaken {
        /// Which kind.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// A sealed value does not open, or is not there.
    #[error("the value of {0} cannot be read any more; set it again")]
    Unreadable(SecretName),
    /// The release cannot be deployed as it is.
    #[error("release {release}: {detail}")]
    Release {
        /// Which.
        release: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The release's files cannot be had right now.
    #[error("{0}")]
    Store(String),
}

impl From<cloudflare::Error> for StepError {
    fn from(error: cloudflare::Error) -> Self {
        Self::Call(error)
    }
}

/// What came of a step that got done.
#[derive(Clone, Debug, Default)]
pub struct StepDone {
    /// For the registry.
    pub end: StageEnd,
    /// For this round: a look or a claim found the script's name free.
    pub script_name_is_free: bool,
    /// For this round: the receipt for the assets.
    pub assets: Option<SecretText>,
    /// Why the round had better end here and go on later, although nothing failed.
    pub pause: Option<String>,
}

/// What steps run with.
pub struct Executor<'a> {
    /// The way to Cloudflare.
    pub cloudflare: &'a Client,
    /// The files of releases.
    pub releases: &'a dyn ReleaseStore,
    /// Opens secrets.
    pub sealing_key: &'a SealingKey,
    /// The tenant and its release.
    pub leased: &'a Leased,
    /// What is wanted; `None` for a tenant that is being deleted, whose plans have no step that needs it.
    pub deployment: Option<&'a Deployment>,
    /// The ledger at this stage.
    pub ledger: &'a Ledger,
    /// Secrets at this stage.
    pub secrets: &'a [Secret],
    /// The receipt for the assets, once staged.
    pub assets: Option<&'a SecretText>,
    /// When this stage began.
    pub now: Timestamp,
}

impl Executor<'_> {
    /// Runs `step`.
    pub async fn run(&self, step: &Step) -> Result<StepDone, StepError> {
        match step {
            Step::Look(ResourceKind::Bucket) => self.look_at_bucket().await,
            Step::Look(ResourceKind::Application) => self.look_at_application().await,
            Step::Look(_) | Step::ClaimScript => self.look_at_script().await,
            Step::CreateBucket => self.create_bucket().await,
            Step::StageAssets => self.stage_assets().await,
            Step::DeployScript { secrets } => self.deploy_script(self.deployment()?, secrets).await,
            Step::PushSecrets { set, remove } => self.push_secrets(self.deployment()?, set, remove).await,
            Step::CreateApplication => self.create_application(self.application()?).await,
            Step::ModifyApplication => self.modify_application(self.application()?).await,
            Step::RollOut => self.roll_out(self.application()?).await,
            Step::EnableRoute => self.enable_route().await,
            Step::SetSchedule => self.set_schedule(self.deployment()?).await,
            Step::DeleteApplication => self.delete_application().await,
            Step::DeleteScript => self.delete_script().await,
            Step::EmptyBucket => self.empty_bucket().await,
            Step::DeleteBucket => self.delete_bucket().await,
        }
    }

    async fn look_at_bucket(&self) -> Result<StepDone, StepError> {
        let bucket = &self.ledger.bucket;
        match self.cloudflare.get_bucket(&bucket.name).await.optional()? {
            None => Ok(self.not_found(bucket)),
            Some(seen) if was_asked_for(bucket, seen.creation_date) => Ok(there(ResourceKind::Bucket, None, None)),
            Some(_) => self.not_ours(bucket),
        }
    }

    /// For a look and for a claim alike.
    async fn look_at_script(&self) -> Result<StepDone, StepError> {
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
    async fn look_at_application(&self) -> Result<StepDone, StepError> {
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

    async fn create_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        self.cloudflare.create_bucket(name).await?;
        Ok(there(ResourceKind::Bucket, None, None).with_event("BucketCreated", format!("bucket {name} created")))
    }

    async fn stage_assets(&self) -> Result<StepDone, StepError> {
        let Some(assets) = &self.leased.release.manifest.assets else { return Ok(StepDone::default()) };
        let listing = self.blob(&assets.manifest).await?;
        let files: Vec<manifest::AssetFile> =
            json::read(&listing).map_err(|error| self.release_error(format!("asset list: {error}")))?;
        let entry = |file: &manifest::AssetFile| AssetEntry {
            path: file.path.clone(),
            hash: file.hash.clone(),
            size: file.size,
        };
        let entries: Vec<_> = files.iter().map(entry).collect();
        let session = self.cloudflare.start_assets_session(&self.ledger.script.name, &entries).await?;
        if session.buckets.is_empty() {
            return Ok(StepDone { assets: Some(session.jwt), ..StepDone::default() });
        }
        let mut by_hash = BTreeMap::new();
        by_hash.extend(files.iter().map(|file| (file.hash.as_str(), file)));
        let uploads = session.buckets.iter().map(|group| self.upload_assets(&session.jwt, &by_hash, group));
        // Only the call that completes the set is answered with the receipt.
        let answers: Vec<Option<SecretText>> =
            stream::iter(uploads).buffer_unordered(ASSET_UPLOADS_AT_ONCE).try_collect().await?;
        let receipt = answers.into_iter().flatten().next_back();
        let receipt = receipt.ok_or_else(|| StepError::Store("no receipt for the uploaded assets".into()))?;
        Ok(StepDone { assets: Some(receipt), ..StepDone::default() })
    }

    async fn upload_assets(
        &self,
        jwt: &SecretText,
        by_hash: &BTreeMap<&str, &manifest::AssetFile>,
        group: &[String],
    ) -> Result<Option<SecretText>, StepError> {
        let mut uploads = Vec::with_capacity(group.len());
        for hash in group {
            let file = by_hash
                .get(hash.as_str())
                .ok_or_else(|| self.release_error(format!("Cloudflare asks for asset {hash}, which it lacks")))?;
            let (content_type, body) = (file.content_type.clone(), self.blob(&file.sha256).await?);
            uploads.push(AssetFile { hash: hash.clone(), content_type, body });
        }
        Ok(self.cloudflare.upload_assets(jwt, &uploads).await?)
    }

    async fn deploy_script(&self, wanted: &Deployment, secrets: &[SecretVersion]) -> Result<StepDone, StepError> {
        let name = &self.ledger.script.name;
        let upload = ScriptUpload { metadata: self.metadata(wanted, secrets)?, modules: self.modules().await? };
        self.cloudflare.upload_script(name, &upload).await?;
        let applied = Applied::Script {
            fingerprint: Some(wanted.fingerprint.clone()),
            migration: wanted.migration.clone(),
            sleep_after: wanted.sleep.as_ref().map(|(_, value)| value.clone()),
        };
        let message = format!("Worker {name} deployed from {}", self.leased.release.id);
        let mut done = there(ResourceKind::Script, None, Some(applied)).with_event("WorkerDeployed", message);
        done.end.is_new_script = self.ledger.script.state == ResourceState::Absent;
        done.end.pushed = secrets.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
        Ok(done)
    }

    fn metadata(&self, wanted: &Deployment, secrets: &[SecretVersion]) -> Result<Metadata, StepError> {
        let manifest = &self.leased.release.manifest;
        let mut bindings = Vec::with_capacity(wanted.bindings.len() + secrets.len() + 1);
        bindings.extend(wanted.bindings.iter().cloned().map(Binding::Other));
        if let Some((name, value)) = &wanted.sleep {
            bindings.push(Binding::Secret(SecretBinding::new(name, SecretText::new(value))));
        }
        for secret in secrets {
            bindings.push(Binding::Secret(SecretBinding::new(secret.name.as_str(), self.open(secret)?)));
        }
        let has_classes = !manifest.migrations.is_empty();
        let is_there = self.ledger.script.state == ResourceState::Present;
        let assets = match (&manifest.assets, self.assets) {
            (Some(assets), Some(jwt)) => Some(Assets { jwt: jwt.clone(), config: assets.config.clone() }),
            _ => None,
        };
        Ok(Metadata {
            main_module: manifest.main_module.clone(),
            bindings,
            containers: wanted
                .application
                .iter()
                .map(|application| ContainerClass {
                    name: self.ledger.application.name.clone(),
                    class_name: application.class_name.clone(),
                })
                .collect(),
            compatibility_date: manifest.compatibility_date.clone(),
            compatibility_flags: manifest.compatibility_flags.clone(),
            migrations: self.migrations(is_there)?,
            code_update_strategy: has_classes.then_some(CodeUpdateStrategy::DEFERRED),
            keep_bindings: Metadata::KEEP_SECRETS.to_vec(),
            assets,
            keep_assets: false,
            observability: manifest
                .observability
                .as_ref()
                .map(|settings| Observability { enabled: settings["enabled"].as_bool().unwrap_or(true) }),
            tags: wanted.tags.to_vec(),
        })
    }

    /// From the tag that the script was last seen with to the release's newest; `None` when they are the same.
    fn migrations(&self, is_there: bool) -> Result<Option<Migrations>, StepError> {
        let all = &self.leased.release.manifest.migrations;
        let Some(newest) = all.last() else { return Ok(None) };
        let seen = match &self.ledger.script.applied {
            Some(Applied::Script { migration, .. }) if is_there => migration.clone(),
            _ => None,
        };
        let missing = match &seen {
            None => all.as_slice(),
            Some(tag) => {
                let at = all.iter().position(|migration| migration.tag() == tag).ok_or_else(|| {
                    self.release_error(format!("its Durable Object migrations do not know the Worker's tag {tag:?}"))
                })?;
                all.get(at + 1..).unwrap_or_default()
            }
        };
        if missing.is_empty() {
            return Ok(None);
        }
        let steps = missing.iter().map(manifest::Migration::step).collect();
        Ok(Some(Migrations { old_tag: seen, new_tag: newest.tag().to_owned(), steps }))
    }

    async fn modules(&self) -> Result<Vec<Module>, StepError> {
        let mut modules = Vec::new();
        for module in &self.leased.release.manifest.modules {
            let body = self.blob(&module.sha256).await?;
            modules.push(Module { name: module.name.clone(), content_type: module.content_type.clone(), body });
        }
        Ok(modules)
    }

    async fn push_secrets(
        &self,
        wanted: &Deployment,
        set: &[SecretVersion],
        remove: &[SecretVersion],
    ) -> Result<StepDone, StepError> {
        let mut values = Vec::with_capacity(set.len() + 1);
        if let Some((name, value)) = &wanted.sleep {
            values.push(SecretBinding::new(name, SecretText::new(value)));
        }
        for secret in set {
            values.push(SecretBinding::new(secret.name.as_str(), self.open(secret)?));
        }
        let gone: Vec<String> = remove.iter().map(|secret| secret.name.as_str().to_owned()).collect();
        self.cloudflare.patch_secrets(&self.ledger.script.name, &values, &gone).await?;

        let mut done = StepDone::default();
        if let Some(Applied::Script { fingerprint, migration, .. }) = &self.ledger.script.applied {
            let applied = Applied::Script {
                fingerprint: fingerprint.clone(),
                migration: migration.clone(),
                sleep_after: wanted.sleep.as_ref().map(|(_, value)| value.clone()),
            };
            done = there(ResourceKind::Script, None, Some(applied));
        }
        done.end.pushed = set.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
        done.end.removed = remove.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
        let names: Vec<&str> = values.iter().map(|secret| &secret.name).chain(&gone).map(String::as_str).collect();
        Ok(done.with_event("SecretsPushed", format!("secrets live on the Worker: {}", names.join(", "))))
    }

    async fn create_application(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let name = &self.ledger.application.name;
        let new = NewApplication {
            name,
            script_name: &self.ledger.script.name,
            class_name: &wanted.class_name,
            image: &wanted.image,
            instance_type: &wanted.instance_type,
            max_instances: wanted.max_instances,
        };
        let made = self.cloudflare.create_application(&new).await?;
        let message = format!("container application {name} created, size {}", wanted.instance_type);
        Ok(there(ResourceKind::Application, Some(made.id), Some(applied(wanted, true)))
            .with_event("ContainerCreated", message))
    }

    async fn modify_application(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let id = self.application_id()?;
        // Image and size go into the stored configuration; only a rollout takes them to what runs.
        let rolled_out = match &self.ledger.application.applied {
            Some(Applied::Application { image, instance_type, rolled_out, .. })
                if *image == wanted.image && *instance_type == wanted.instance_type =>
            {
                self.cloudflare.set_max_instances(id, wanted.max_instances).await?;
                *rolled_out
            }
            _ => {
                let change = ApplicationChange {
                    image: &wanted.image,
                    instance_type: &wanted.instance_type,
                    max_instances: wanted.max_instances,
                };
                self.cloudflare.modify_application(id, &change).await?;
                false
            }
        };
        let message =
            format!("container application set to {}, at most {} at once", wanted.instance_type, wanted.max_instances);
        Ok(there(ResourceKind::Application, Some(id.to_owned()), Some(applied(wanted, rolled_out)))
            .with_event("ContainerChanged", message))
    }

    async fn roll_out(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let id = self.application_id()?;
        self.cloudflare.create_rollout(id, &wanted.image, &wanted.instance_type).await?;
        Ok(there(ResourceKind::Application, Some(id.to_owned()), Some(applied(wanted, true)))
            .with_event("RolloutStarted", format!("running containers move to {}", wanted.instance_type)))
    }

    async fn enable_route(&self) -> Result<StepDone, StepError> {
        self.cloudflare.set_script_subdomain(&self.ledger.script.name, true).await?;
        Ok(there(ResourceKind::Route, None, Some(Applied::Route {})).with_event("RouteOpened", "the address is open"))
    }

    async fn set_schedule(&self, wanted: &Deployment) -> Result<StepDone, StepError> {
        self.cloudflare.put_schedules(&self.ledger.script.name, &wanted.crons).await?;
        let message = format!("cron triggers set: {}", wanted.crons.join(", "));
        let crons = wanted.crons.clone();
        Ok(there(ResourceKind::Schedule, None, Some(Applied::Schedule { crons })).with_event("ScheduleSet", message))
    }

    async fn delete_application(&self) -> Result<StepDone, StepError> {
        gone_or(self.cloudflare.delete_application(self.application_id()?).await)?;
        let message = format!("container application {} deleted", self.ledger.application.name);
        Ok(ended(&[ResourceKind::Application]).with_event("ContainerDeleted", message))
    }

    async fn delete_script(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.script.name;
        gone_or(self.cloudflare.delete_script(name).await)?;
        let message = format!("Worker {name} deleted, with its route, cron triggers, secrets and Durable Objects");
        Ok(ended(&[ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule])
            .with_event("WorkerDeleted", message))
    }

    async fn empty_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        let page = self.cloudflare.list_objects(name, None).await?;
        let keys: Vec<String> = page.items.into_iter().map(|object| object.key).collect();
        let done = |holds_objects| there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects }));
        if keys.is_empty() {
            return Ok(done(false));
        }
        let deleted = self.cloudflare.delete_objects(name, &keys).await?.unwrap_or(keys.len());
        if deleted == 0 {
            let pause = Some(format!("Cloudflare deletes none of the objects of bucket {name}; is there a lock rule?"));
            return Ok(StepDone { pause, ..done(true) });
        }
        let message = format!("{} objects deleted from bucket {name}", deleted);
        Ok(done(page.cursor.is_some() || deleted < keys.len()).with_event("ObjectsDeleted", message))
    }

    async fn delete_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        match gone_or(self.cloudflare.delete_bucket(name).await) {
            Err(StepError::Call(error)) if error.verdict() == Verdict::NotEmpty => {
                let was_just_emptied = self.ledger.bucket.applied == Some(Applied::Bucket { holds_objects: false });
                let done = there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects: true }));
                // Something still writes, or what is left is no object: emptying it again at once would find the same.
                let pause = was_just_emptied.then(|| format!("bucket {name} was emptied and is not empty: {error}"));
                Ok(StepDone { pause, ..done })
            }
            Err(error) => Err(error),
            Ok(()) => {
                let message = format!("bucket {name} deleted");
                Ok(ended(&[ResourceKind::Bucket]).with_event("BucketDeleted", message))
            }
        }
    }

    fn deployment(&self) -> Result<&Deployment, StepError> {
        self.deployment.ok_or_else(|| self.release_error("nothing is wanted of it"))
    }

    fn application(&self) -> Result<&Application, StepError> {
        let application = self.deployment()?.application.as_ref();
        application.ok_or_else(|| self.release_error("it has no container"))
    }

    fn application_id(&self) -> Result<&str, StepError> {
        let id = self.ledger.application.external_id.as_deref();
        id.ok_or_else(|| StepError::Store("the container application's id is not on record".into()))
    }

    fn open(&self, secret: &SecretVersion) -> Result<SecretText, StepError> {
        let unreadable = || StepError::Unreadable(secret.name.clone());
        let stored = self.secrets.iter().find(|stored| stored.name == secret.name && stored.version == secret.version);
        let sealed = stored.and_then(|stored| stored.sealed.as_ref()).ok_or_else(unreadable)?;
        let place = Place { tenant: &self.leased.tenant.id, name: &secret.name, version: secret.version };
        let plain = self.sealing_key.open(place, sealed).map_err(|_| unreadable())?;
        Ok(SecretText::new(plain.expose()))
    }

    async fn blob(&self, sha256: &str) -> Result<bytes::Bytes, StepError> {
        let found = self.releases.get(&blob_key(sha256)).await.map_err(|error| StepError::Store(error.to_string()))?;
        found.ok_or_else(|| self.release_error(format!("file {sha256} is missing from the release store")))
    }

    fn release_error(&self, detail: impl Into<String>) -> StepError {
        StepError::Release { release: self.leased.release.id.to_string(), detail: detail.into() }
    }
}

impl StepDone {
    fn with_event(mut self, reason: &str, message: impl Into<String>) -> Self {
        self.end.events.push(Event::new(reason, message));
        self
    }
}

/// Made after we first asked for it, so by that asking.
fn was_asked_for(resource: &Resource, made: Option<Timestamp>) -> bool {
    match (resource.asked_at, made) {
        (Some(asked), Some(made)) => made >= asked.plus_ms(-CLOCK_SKEW_MS),
        _ => false,
    }
}

/// Deleting what is gone is done.
fn gone_or(result: Result<(), cloudflare::Error>) -> Result<(), StepError> {
    match result {
        Err(error) if error.verdict() == Verdict::Done => Ok(()),
        other => Ok(other?),
    }
}

fn applied(wanted: &Application, rolled_out: bool) -> Applied {
    Applied::Application {
        image: wanted.image.clone(),
        instance_type: wanted.instance_type.clone(),
        max_instances: wanted.max_instances,
        rolled_out,
    }
}

fn there(kind: ResourceKind, external_id: Option<String>, applied: Option<Applied>) -> StepDone {
    let change = ResourceChange { kind, state: ResourceState::Present, external_id, applied, is_end_of_life: false };
    StepDone { end: StageEnd { resources: vec![change], ..StageEnd::default() }, ..StepDone::default() }
}

fn ended(kinds: &[ResourceKind]) -> StepDone {
    let resources = kinds.iter().map(|kind| ResourceChange { is_end_of_life: true, ..absent(*kind) }).collect();
    StepDone { end: StageEnd { resources, ..StageEnd::default() }, ..StepDone::default() }
}

fn absent(kind: ResourceKind) -> ResourceChange {
    ResourceChange { kind, state: ResourceState::Absent, external_id: None, applied: None, is_end_of_life: false }
}

//! Runs one step: its calls, and what they mean for the ledger. Writes nothing; the round does, before and after.

mod application;
mod bucket;
mod look;
mod script;

use super::desired::{Application, Deployment};
use super::step::{SecretVersion, Step};
use crate::clock::Timestamp;
use crate::cloudflare::{self, Client, SecretText, Verdict};
use crate::registry::Leased;
use crate::release::manifest::blob_key;
use crate::release::store::ReleaseStore;
use crate::tenant::event::Event;
use crate::tenant::{Applied, Ledger, Resource, ResourceKind, SecretName};
use crate::vault::sealed::Place;
use crate::vault::{SealingKey, Secret};

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
    /// A Durable Object namespace of the script's name exists without the script: its data would come to light in ours.
    #[error("the Durable Object namespace {0:?} exists in the Cloudflare account and is not this tenant's")]
    NamespaceTaken(String),
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

/// What a step found out about a resource, or did to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is there, and ours.
    Present {
        /// Cloudflare's id; `None`: as it was.
        external_id: Option<String>,
        /// What it is.
        applied: Option<Applied>,
    },
    /// It does not show, which proves nothing.
    NotShown,
    /// Cloudflare said that it is deleted.
    Removed,
    /// It is surely not there.
    Gone,
    /// What is there is another's.
    NeverWas,
}

impl News {
    /// Writes it into the ledger's line.
    pub fn tell(self, line: &mut Resource, now: Timestamp) {
        match self {
            Self::Present { external_id, applied } => line.present(external_id, applied),
            Self::NotShown => line.not_shown(),
            Self::Removed => line.removed(now),
            Self::Gone => line.gone(now),
            Self::NeverWas => line.never_was(),
        }
    }
}

/// What came of a step that got done.
#[derive(Clone, Debug, Default)]
pub struct StepDone {
    /// For the ledger.
    pub news: Vec<(ResourceKind, News)>,
    /// Secrets that Cloudflare has now, with the version that was pushed.
    pub pushed: Vec<(SecretName, i64)>,
    /// Secrets that Cloudflare no longer has, with the version that asked for it.
    pub removed: Vec<(SecretName, i64)>,
    /// For people.
    pub events: Vec<Event>,
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
    /// Where R2's S3 API answers.
    pub s3_url: &'a str,
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
            Step::CloseRoute => self.close_route().await,
            Step::SetSchedule => self.set_schedule(self.deployment()?).await,
            Step::DeleteApplication => self.delete_application().await,
            Step::DeleteScript => self.delete_script().await,
            Step::EmptyBucket => self.empty_bucket().await,
            Step::DeleteBucket => self.delete_bucket().await,
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
    fn of(kind: ResourceKind, news: News) -> Self {
        Self { news: vec![(kind, news)], ..Self::default() }
    }

    fn there(kind: ResourceKind, external_id: Option<String>, applied: Option<Applied>) -> Self {
        Self::of(kind, News::Present { external_id, applied })
    }

    fn with_event(mut self, reason: &str, message: impl Into<String>) -> Self {
        self.events.push(Event::new(reason, message));
        self
    }

    fn and_pause(mut self, why: String) -> Self {
        self.pause = Some(why);
        self
    }
}

/// Deleting what is gone is done.
fn gone_or(result: Result<(), cloudflare::Error>) -> Result<(), StepError> {
    match result {
        Err(error) if error.verdict() == Verdict::Done => Ok(()),
        other => Ok(other?),
    }
}

//! The steps of the script: its assets, its upload, and what lives and dies with it.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Executor, News, StepDone, StepError, gone_or};
use crate::cloudflare::SecretText;
use crate::cloudflare::assets::{AssetEntry, AssetFile};
use crate::cloudflare::scripts::{
    Assets, Binding, CodeUpdateStrategy, ContainerClass, Metadata, Migrations, Module, Observability, ScriptUpload,
};
use crate::cloudflare::secrets::Secret as SecretBinding;
use crate::json;
use crate::reconcile::desired::Deployment;
use crate::reconcile::step::SecretVersion;
use crate::release::manifest;
use crate::tenant::{Applied, ResourceKind, ResourceState};

/// Uploads of assets at once; what wrangler does.
const ASSET_UPLOADS_AT_ONCE: usize = 3;

impl Executor<'_> {
    pub(super) async fn stage_assets(&self) -> Result<StepDone, StepError> {
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

    pub(super) async fn deploy_script(
        &self,
        wanted: &Deployment,
        secrets: &[SecretVersion],
    ) -> Result<StepDone, StepError> {
        let name = &self.ledger.script.name;
        let upload = ScriptUpload { metadata: self.metadata(wanted, secrets)?, modules: self.modules().await? };
        self.cloudflare.upload_script(name, &upload).await?;
        let applied = Applied::Script {
            fingerprint: Some(wanted.fingerprint.clone()),
            migration: wanted.migration.clone(),
            sleep_after: wanted.sleep.as_ref().map(|(_, value)| value.clone()),
        };
        let message = format!("Worker {name} deployed from {}", self.leased.release.id);
        let mut done = StepDone::there(ResourceKind::Script, None, Some(applied)).with_event("WorkerDeployed", message);
        done.pushed = secrets.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
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
                .container_class
                .iter()
                .map(|class_name| ContainerClass {
                    name: self.ledger.application.name.clone(),
                    class_name: class_name.clone(),
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

    pub(super) async fn push_secrets(
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
            done = StepDone::there(ResourceKind::Script, None, Some(applied));
        }
        done.pushed = set.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
        done.removed = remove.iter().map(|secret| (secret.name.clone(), secret.version)).collect();
        let there: Vec<&str> = values.iter().map(|secret| secret.name.as_str()).collect();
        let said = match (there.join(", "), gone.join(", ")) {
            (there, gone) if gone.is_empty() => format!("secrets on the Worker: {there}"),
            (there, gone) if there.is_empty() => format!("secrets taken from the Worker: {gone}"),
            (there, gone) => format!("secrets on the Worker: {there}; taken from it: {gone}"),
        };
        Ok(done.with_event("SecretsPushed", said))
    }

    pub(super) async fn enable_route(&self) -> Result<StepDone, StepError> {
        self.cloudflare.set_script_subdomain(&self.ledger.script.name, true).await?;
        Ok(StepDone::there(ResourceKind::Route, None, Some(Applied::Route {}))
            .with_event("RouteOpened", "the address is open"))
    }

    pub(super) async fn close_route(&self) -> Result<StepDone, StepError> {
        self.cloudflare.set_script_subdomain(&self.ledger.script.name, false).await?;
        Ok(StepDone::of(ResourceKind::Route, News::Removed).with_event("RouteClosed", "the address is closed"))
    }

    pub(super) async fn set_schedule(&self, wanted: &Deployment) -> Result<StepDone, StepError> {
        self.cloudflare.put_schedules(&self.ledger.script.name, &wanted.crons).await?;
        let message = match wanted.crons.as_slice() {
            [] => "cron triggers switched off".to_owned(),
            crons => format!("cron triggers set: {}", crons.join(", ")),
        };
        let crons = wanted.crons.clone();
        Ok(StepDone::there(ResourceKind::Schedule, None, Some(Applied::Schedule { crons }))
            .with_event("ScheduleSet", message))
    }

    pub(super) async fn delete_script(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.script.name;
        gone_or(self.cloudflare.delete_script(name).await)?;
        let message = format!("Worker {name} deleted, with its route, cron triggers, secrets and Durable Objects");
        let mut done = StepDone::of(ResourceKind::Script, News::Removed);
        done.news.extend([ResourceKind::Route, ResourceKind::Schedule].map(|kind| (kind, News::Removed)));
        Ok(done.with_event("WorkerDeleted", message))
    }
}

//! The steps that a plan consists of. Each may run twice.

use serde::Serialize;

use crate::tenant::{ResourceKind, SecretName};

/// A secret and the version of it that a step is about; the value is opened only when the step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretVersion {
    /// Which.
    pub name: SecretName,
    /// Its version when the plan was made.
    pub version: i64,
}

/// One outside act. The names that it goes by are those of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// See how a resource stands: one of which a call's end was never seen, or one that was deleted, to prove that it is
    /// gone.
    ///
    /// - Needs: nothing.
    /// - Leaves: the outside as it is; the ledger says absent or present, or the tenant stops because it is another's.
    /// - Twice, reply lost: looks again.
    Look(ResourceKind),

    /// Make sure that nobody else has a script of the tenant's name: an upload would replace it.
    ///
    /// - Needs: nothing.
    /// - Leaves: the outside as it is. A script that carries the tenant's tag is taken over into the ledger.
    /// - Twice, reply lost: asks again; the answer holds for this round only.
    ClaimScript,

    /// Create the tenant's bucket.
    ///
    /// - Needs: nothing.
    /// - Leaves: a bucket of that name; objects in it are not touched.
    /// - Twice: the name is taken; a look at its creation time tells whether by us.
    /// - Reply lost: the bucket may exist; it stays unknown until the next look.
    /// - Undo: [`Step::EmptyBucket`], then [`Step::DeleteBucket`].
    CreateBucket,

    /// Announce the release's static assets and upload those that Cloudflare asks for.
    ///
    /// - Needs: nothing; the script need not exist.
    /// - Leaves: nothing that lasts, only a receipt for the upload of this round.
    /// - Twice, reply lost: asks for another receipt.
    StageAssets,

    /// Upload the script with its bindings and the secrets that wait; this also deploys it.
    ///
    /// - Needs: the bucket, the name claimed, the receipt for the assets.
    /// - Leaves: the script live with these bindings; secrets that it had before are kept.
    /// - Twice: replaces the script by the same; the Durable Object migration goes only from the tag last seen.
    /// - Reply lost: the script may be there; it stays unknown until the next look, and the secrets stay sealed.
    /// - Undo: [`Step::DeleteScript`].
    DeployScript {
        /// Secrets that travel inside.
        secrets: Vec<SecretVersion>,
    },

    /// Set and delete secrets of a script that is there, all in one call and one new version.
    ///
    /// - Needs: the script.
    /// - Leaves: those secrets as wanted, others untouched; instances that run keep those that they were started with until
    ///   [`Step::RollOut`], which the ledger says to be owed before the call.
    /// - Twice: sets the same again.
    /// - Reply lost: they stay sealed and are pushed again; the time to sleep, which travels along, is not known.
    PushSecrets {
        /// To be set.
        set: Vec<SecretVersion>,
        /// To be deleted.
        remove: Vec<SecretVersion>,
    },

    /// Create the container application for the script's class.
    ///
    /// - Needs: the script.
    /// - Leaves: an application of the wanted size; no instance runs until the script starts one.
    /// - Twice: refused, one application a class; a look tells whether it belongs to our class.
    /// - Reply lost: it may exist; it stays unknown until the next look.
    /// - Undo: [`Step::DeleteApplication`].
    CreateApplication,

    /// Write image, size and number of instances into the application.
    ///
    /// - Needs: the application.
    /// - Leaves: the stored configuration as wanted; running instances keep their size until [`Step::RollOut`].
    /// - Twice, reply lost: writes the same again.
    ModifyApplication,

    /// Have running instances take on the stored image and size, and the secrets that the script has: what runs is ended,
    /// and is started with these.
    ///
    /// - Needs: [`Step::ModifyApplication`], [`Step::PushSecrets`].
    /// - Leaves: a rollout under way, in one step.
    /// - Twice, reply lost: a second rollout to the same target.
    RollOut,

    /// Open the script's workers.dev route.
    ///
    /// - Needs: the script.
    /// - Leaves: the tenant's address answering.
    /// - Twice, reply lost: opens it again.
    /// - Undo: with the script.
    EnableRoute,

    /// Close the script's workers.dev route.
    ///
    /// - Needs: the script.
    /// - Leaves: nobody reaches the tenant by its address any more.
    /// - Twice, reply lost: closes it again.
    /// - Undo: [`Step::EnableRoute`].
    CloseRoute,

    /// Give the script its cron triggers, replacing those it has.
    ///
    /// - Needs: the script.
    /// - Leaves: exactly these triggers.
    /// - Twice, reply lost: sets the same again.
    /// - Undo: with the script.
    SetSchedule,

    /// Delete the container application; its instances stop and stop costing.
    ///
    /// - Needs: nothing; it outlives the script, so it goes by its own call.
    /// - Twice: it is gone, which counts as done. Reply lost: deletes again.
    DeleteApplication,

    /// Delete the script, and with it route, cron triggers, secrets and Durable Objects.
    ///
    /// - Needs: nothing.
    /// - Twice: it is gone, which counts as done. Reply lost: deletes again.
    DeleteScript,

    /// Delete a page or several of the bucket's objects, and its unfinished uploads.
    ///
    /// - Needs: the script gone, so that nothing writes to it any more.
    /// - Leaves: some thousand objects fewer; without the S3 API up to 1,000, and a rule that lets the rest expire.
    /// - Twice, reply lost: deletes what is still listed.
    EmptyBucket,

    /// Delete the bucket.
    ///
    /// - Needs: it to be empty; when it is not, Cloudflare refuses, and [`Step::EmptyBucket`] comes first.
    /// - Twice: it is gone, which counts as done. Reply lost: deletes again.
    DeleteBucket,
}

/// `kind` and `KINDS` from one table, so that no step is on one and not on the other.
macro_rules! kinds {
    ($($step:pat => $word:literal,)*) => {
        /// Every word that [`Step::kind`] knows.
        pub const KINDS: &[&str] = &[$($word),*];

        /// The word for it in plans, events and logs.
        pub fn kind(&self) -> &'static str {
            match self {
                $($step => $word,)*
            }
        }
    };
}

impl Step {
    kinds! {
        Self::Look(_) => "look",
        Self::ClaimScript => "claim_script",
        Self::CreateBucket => "create_bucket",
        Self::StageAssets => "stage_assets",
        Self::DeployScript { .. } => "deploy_script",
        Self::PushSecrets { .. } => "push_secrets",
        Self::CreateApplication => "create_application",
        Self::ModifyApplication => "modify_application",
        Self::RollOut => "roll_out",
        Self::EnableRoute => "enable_route",
        Self::CloseRoute => "close_route",
        Self::SetSchedule => "set_schedule",
        Self::DeleteApplication => "delete_application",
        Self::DeleteScript => "delete_script",
        Self::EmptyBucket => "empty_bucket",
        Self::DeleteBucket => "delete_bucket",
    }

    /// The resource that it is about.
    pub fn resource(&self) -> ResourceKind {
        match self {
            Self::Look(kind) => *kind,
            Self::CreateBucket | Self::EmptyBucket | Self::DeleteBucket => ResourceKind::Bucket,
            Self::ClaimScript
            | Self::StageAssets
            | Self::DeployScript { .. }
            | Self::PushSecrets { .. }
            | Self::DeleteScript => ResourceKind::Script,
            Self::CreateApplication | Self::ModifyApplication | Self::RollOut | Self::DeleteApplication => {
                ResourceKind::Application
            }
            Self::EnableRoute | Self::CloseRoute => ResourceKind::Route,
            Self::SetSchedule => ResourceKind::Schedule,
        }
    }

    /// The resources that become unknown while it runs: those that it changes, and those that live inside them.
    pub fn touches(&self) -> &'static [ResourceKind] {
        match self {
            Self::Look(_) | Self::ClaimScript | Self::StageAssets => &[],
            // Removing objects leaves the bucket as much there as before, and pushing a secret the script: a lost reply
            // only means doing it again. (Of the time to sleep, which has no version, the round takes care.)
            Self::EmptyBucket | Self::PushSecrets { .. } => &[],
            Self::CreateBucket | Self::DeleteBucket => &[ResourceKind::Bucket],
            Self::DeployScript { .. } => &[ResourceKind::Script],
            Self::CreateApplication | Self::ModifyApplication | Self::RollOut | Self::DeleteApplication => {
                &[ResourceKind::Application]
            }
            Self::EnableRoute | Self::CloseRoute => &[ResourceKind::Route],
            Self::SetSchedule => &[ResourceKind::Schedule],
            Self::DeleteScript => &[ResourceKind::Script, ResourceKind::Route, ResourceKind::Schedule],
        }
    }

    /// Whether it gives the script other secrets. The time to sleep is none: the script reads it whenever it is called.
    pub fn changes_secrets(&self) -> bool {
        match self {
            Self::DeployScript { secrets } => !secrets.is_empty(),
            Self::PushSecrets { set, remove } => !set.is_empty() || !remove.is_empty(),
            _ => false,
        }
    }

    /// Whether it deletes what it touches.
    pub fn removes(&self) -> bool {
        matches!(self, Self::CloseRoute | Self::DeleteApplication | Self::DeleteScript | Self::DeleteBucket)
    }

    /// Calls to Cloudflare that it makes as a rule, and seldom more: lists go over several pages only in an account with
    /// thousands of tenants, and how many uploads the assets need only the release knows.
    pub fn calls(&self) -> u32 {
        match self {
            // The script, and a page of namespaces.
            Self::Look(ResourceKind::Script) | Self::ClaimScript | Self::StageAssets => 2,
            // The token's id, all else goes over the S3 API; without that a page is listed and deleted.
            Self::EmptyBucket => 2,
            _ => 1,
        }
    }
}

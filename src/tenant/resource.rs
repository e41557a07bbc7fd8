//! What a tenant has in Cloudflare, as the ledger knows it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The kinds of outside resource that a tenant consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// The R2 bucket.
    Bucket,
    /// The Worker script; its secrets and Durable Object namespaces live and die with it.
    Script,
    /// The container application; outlives the script unless deleted by itself.
    Application,
    /// The script's workers.dev route; part of the script.
    Route,
    /// The script's cron triggers; part of the script.
    Schedule,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Bucket, Self::Script, Self::Application, Self::Route, Self::Schedule];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Script => "script",
            Self::Application => "application",
            Self::Route => "route",
            Self::Schedule => "schedule",
        }
    }
}

/// What we know of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResourceState {
    /// Surely not there, as ours.
    Absent,
    /// A call that makes, changes or removes it was about to be sent, and its end was never seen.
    Unknown,
    /// There, and ours.
    Present,
}

impl ResourceState {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unknown => "unknown",
            Self::Present => "present",
        }
    }
}

/// One line of the ledger.
///
/// A resource has lives. One begins when it is first asked for and ends when a read shows that nothing is left of it; a
/// line whose last life is over is the receipt of its removal. Whoever runs the round writes the whole line: before a call
/// by [`Self::making`], [`Self::removing`], [`Self::pushing_sleep`] or [`Self::owing_restart`], after it by what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Which kind.
    pub kind: ResourceKind,
    /// Its name in Cloudflare, fixed at sign-up.
    pub name: String,
    /// What we know.
    pub state: ResourceState,
    /// Cloudflare's id in this life or the last one, where it has one beside the name.
    pub external_id: Option<String>,
    /// What it was last made to be; `None` when that is not known, and then it is made so again.
    pub applied: Option<Applied>,
    /// When it was first asked for in its present life: what was made in Cloudflare before that is not ours. `None`: it
    /// has no life, so there is surely nothing of it.
    pub asked_at: Option<Timestamp>,
    /// When it was first asked to go. Then it was there and ours, so it may be asked again without a look.
    pub removal_asked_at: Option<Timestamp>,
    /// When Cloudflare said that it is deleted.
    pub removed_at: Option<Timestamp>,
    /// When a read showed that its last life was over.
    pub gone_at: Option<Timestamp>,
}

impl Resource {
    /// One that does not exist and was never asked for.
    pub fn absent(kind: ResourceKind, name: String) -> Self {
        Self {
            kind,
            name,
            state: ResourceState::Absent,
            external_id: None,
            applied: None,
            asked_at: None,
            removal_asked_at: None,
            removed_at: None,
            gone_at: None,
        }
    }

    /// A call that makes or changes it is about to be sent.
    pub fn making(&mut self, now: Timestamp) {
        if self.asked_at.is_none() {
            (self.external_id, self.applied) = (None, None);
            self.asked_at = Some(now);
        }
        (self.removal_asked_at, self.removed_at) = (None, None);
        self.state = ResourceState::Unknown;
    }

    /// A call that deletes it is about to be sent.
    pub fn removing(&mut self, now: Timestamp) {
        self.removal_asked_at = self.removal_asked_at.or(Some(now));
        self.state = ResourceState::Unknown;
    }

    /// A call that gives the script another time to sleep is about to be sent; all else about it stays known.
    pub fn pushing_sleep(&mut self) {
        if let Some(Applied::Script { sleep_after, .. }) = &mut self.applied {
            *sleep_after = None;
        }
    }

    /// A call that gives the script other secrets is about to be sent: instances of the application that run by then keep
    /// those that they were started with. `false`: there is nothing that could run, or a rollout is owed anyway.
    pub fn owing_restart(&mut self, now: Timestamp) -> bool {
        let Some(Applied::Application { restart_owed_since, .. }) = &mut self.applied else { return false };
        restart_owed_since.get_or_insert(now);
        true
    }

    /// Of an application: how far its instances are with the secrets that the script has. `None`: they have them.
    pub fn restart(&self) -> Option<Restart> {
        match &self.applied {
            Some(Applied::Application { restart_owed_since: Some(since), .. }) => Some(Restart::Owed(Some(*since))),
            Some(Applied::Application { restarted_at, .. }) => restarted_at.map(Restart::Told),
            _ if self.state == ResourceState::Absent => None,
            _ => Some(Restart::Owed(None)),
        }
    }

    /// It is there, and ours.
    pub fn present(&mut self, external_id: Option<String>, applied: Option<Applied>) {
        self.state = ResourceState::Present;
        self.external_id = external_id.or_else(|| self.external_id.take());
        self.applied = applied;
        self.removed_at = None;
    }

    /// It does not show, which does not prove that it is not there.
    pub fn not_shown(&mut self) {
        self.state = ResourceState::Absent;
        (self.external_id, self.applied) = (None, None);
    }

    /// Cloudflare said that it is deleted.
    pub fn removed(&mut self, now: Timestamp) {
        self.state = ResourceState::Absent;
        self.applied = None;
        self.removed_at = self.removed_at.or(Some(now));
    }

    /// A read proved that it is not there.
    pub fn gone(&mut self, now: Timestamp) {
        self.state = ResourceState::Absent;
        self.applied = None;
        (self.asked_at, self.gone_at) = (None, Some(now));
    }

    /// What has its name is another's: so nothing of it was ever made.
    pub fn never_was(&mut self) {
        self.not_shown();
        (self.asked_at, self.removal_asked_at, self.removed_at) = (None, None, None);
    }

    /// It was deleted in this life, and no read has shown yet that it is gone.
    pub fn is_removal_unconfirmed(&self) -> bool {
        self.asked_at.is_some() && self.removed_at.is_some()
    }
}

/// What a resource was last made to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applied {
    /// A bucket, once a deletion of it was tried; until then nobody asked what it holds.
    Bucket {
        /// Whether it has to be emptied before the next try.
        holds_objects: bool,
        /// Whether a lifecycle rule was set that lets everything in it expire: where only that reaches unfinished
        /// uploads.
        #[serde(default)]
        is_expiring: bool,
    },
    /// A script.
    Script {
        /// Of the release and the bindings that were uploaded; `None`: the script is ours, its content not known.
        fingerprint: Option<String>,
        /// Tag of the last Durable Object migration.
        migration: Option<String>,
        /// The value of the sleep secret that was pushed.
        sleep_after: Option<String>,
    },
    /// A container application.
    Application {
        /// Image reference.
        image: String,
        /// Size.
        instance_type: String,
        /// Most instances at once.
        max_instances: u32,
        /// Whether running instances were told to take image and size on.
        rolled_out: bool,
        /// Since when running instances may have other secrets than the script; `None`, as in lines that were written
        /// before this was kept: they have not, as far as is known.
        #[serde(default)]
        restart_owed_since: Option<Timestamp>,
        /// When they were last told to restart for the sake of secrets.
        #[serde(default)]
        restarted_at: Option<Timestamp>,
    },
    /// A route.
    Route {},
    /// A schedule.
    Schedule {
        /// Cron expressions.
        crons: Vec<String>,
    },
}

/// How far running instances are with secrets that the script has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// They are still to be told to restart; since when, if that is known.
    Owed(Option<Timestamp>),
    /// They were told so then.
    Told(Timestamp),
}

/// A tenant's whole ledger: one line of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The R2 bucket.
    pub bucket: Resource,
    /// The Worker script.
    pub script: Resource,
    /// The container application.
    pub application: Resource,
    /// The workers.dev route.
    pub route: Resource,
    /// The cron triggers.
    pub schedule: Resource,
}

impl Ledger {
    /// From the registry's rows; `Err` names a kind that has no row.
    pub fn from_rows(rows: Vec<Resource>) -> Result<Self, ResourceKind> {
        let of = |kind| rows.iter().find(|row| row.kind == kind).cloned().ok_or(kind);
        Ok(Self {
            bucket: of(ResourceKind::Bucket)?,
            script: of(ResourceKind::Script)?,
            application: of(ResourceKind::Application)?,
            route: of(ResourceKind::Route)?,
            schedule: of(ResourceKind::Schedule)?,
        })
    }

    /// A ledger in which nothing exists yet.
    pub fn empty(names: &[(ResourceKind, String)]) -> Result<Self, ResourceKind> {
        Self::from_rows(names.iter().map(|(kind, name)| Resource::absent(*kind, name.clone())).collect())
    }

    /// The line of one kind.
    pub fn get(&self, kind: ResourceKind) -> &Resource {
        match kind {
            ResourceKind::Bucket => &self.bucket,
            ResourceKind::Script => &self.script,
            ResourceKind::Application => &self.application,
            ResourceKind::Route => &self.route,
            ResourceKind::Schedule => &self.schedule,
        }
    }

    /// The line of one kind, to be changed.
    pub fn get_mut(&mut self, kind: ResourceKind) -> &mut Resource {
        match kind {
            ResourceKind::Bucket => &mut self.bucket,
            ResourceKind::Script => &mut self.script,
            ResourceKind::Application => &mut self.application,
            ResourceKind::Route => &mut self.route,
            ResourceKind::Schedule => &mut self.schedule,
        }
    }
}

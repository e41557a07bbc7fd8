//! What the owners of tenants know, and what they may expect of the plane for it.

use std::collections::{BTreeMap, BTreeSet};

use cloudflare_emulator::{ApplicationState, NamespaceState, ScriptState, State};

use crate::fixtures::IMAGE;
use crate::op::{Shape, Thing, Who};

/// What is wanted of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Running,
    Suspended,
    /// Deleted, its data kept until then.
    Gone(i64),
}

/// What an owner knows of a secret.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// It may be any of these: one, but for those of which an answer was lost. None: nobody was told.
    pub values: Vec<String>,
    /// It may be gone, with a Worker that was to be deleted.
    pub may_be_lost: bool,
}

impl Known {
    pub fn value(value: String) -> Self {
        Self { values: vec![value], may_be_lost: false }
    }
}

/// A tenant that lives, as its owner knows it.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: String,
    pub who: Who,
    /// `None`: the answer with the token was lost.
    pub token: Option<String>,
    pub shape: Shape,
    pub wanted: Wanted,
    pub size: String,
    pub count: u64,
    pub sleep: String,
    pub secrets: BTreeMap<String, Known>,
    /// Objects written since the sign-up.
    pub objects: usize,
    /// What the operator's hand was at: nobody may expect that to be as it was.
    pub disturbed: BTreeSet<Thing>,
}

impl Tenant {
    /// What exists for it once all is as wanted. `found` tells of secrets that nobody can know of.
    pub fn expected(&self, found: &State) -> State {
        let mut state = State::default();
        state.buckets.insert(self.who.thing(Thing::Bucket), self.objects);
        if matches!(self.wanted, Wanted::Gone(_)) {
            return state;
        }
        let script = self.who.thing(Thing::Script);
        let namespace = format!("{script}_Sandbox");
        state.scripts.insert(script.clone(), self.expected_script(found.scripts.get(&script)));
        state.namespaces.insert(namespace.clone(), NamespaceState { sqlite: true, container_enabled: true });
        if self.wanted == Wanted::Suspended {
            return state;
        }
        let (image, size) = (Some(IMAGE.to_owned()), Some(self.size.clone()));
        let application = ApplicationState {
            image: image.clone(),
            instance_type: size.clone(),
            running_image: image,
            running_instance_type: size,
            max_instances: Some(self.count),
            namespace: Some(namespace),
        };
        state.applications.insert(self.who.thing(Thing::Application), application);
        state
    }

    fn expected_script(&self, found: Option<&ScriptState>) -> ScriptState {
        let is_running = self.wanted == Wanted::Running;
        let is_there = |name: &String| found.is_some_and(|script| script.secrets.contains(name));
        let secrets = self.secrets.iter().filter(|(name, known)| !known.may_be_lost || is_there(name));
        let text = |text: &str| text.to_owned();
        let mut variables = BTreeMap::from([(text("ENVIRONMENT"), text(self.who.name()))]);
        if self.shape == Shape::Moltworker {
            variables.insert(text("R2_BUCKET_NAME"), self.who.thing(Thing::Bucket));
        }
        let bindings = [
            ("Sandbox", "durable_object_namespace"),
            ("MOLTBOT_BUCKET", "r2_bucket"),
            ("BROWSER", "browser"),
            ("ASSETS", "assets"),
        ];
        ScriptState {
            tags: vec![text("paramita"), format!("paramita-{}", self.id)],
            migration_tag: Some(text("v1")),
            secrets: secrets.map(|(name, _)| name.clone()).chain([text("SANDBOX_SLEEP_AFTER")]).collect(),
            variables,
            bindings: bindings.map(|(name, kind)| (text(name), text(kind))).into(),
            schedules: if is_running && self.shape == Shape::Guide { vec![text("*/5 * * * *")] } else { Vec::new() },
            route_enabled: is_running,
            assets: BTreeSet::from([text("/app.css")]),
            modules: BTreeSet::from([text("index.js")]),
        }
    }
}

/// Everybody's knowledge.
#[derive(Debug, Default)]
pub struct Model {
    pub living: BTreeMap<Who, Tenant>,
    /// Owners of tombstones: name, id and token.
    pub gone: Vec<(Who, String, Option<String>)>,
    /// What strangers made.
    pub strangers: BTreeSet<(Who, Thing)>,
    /// Every secret value and token: none of them may ever be seen again.
    pub planted: Vec<String>,
}

impl Model {
    pub fn is_strangers(&self, who: Who, thing: Thing) -> bool {
        self.strangers.contains(&(who, thing))
    }
}

/// The tag and the image of what strangers make.
pub const THEIRS: &str = "theirs";

/// The tag of what the operator's hand deploys over a script.
pub const OVERWRITTEN: &str = "overwritten";

//! What exists, as plain comparable data: so that a test can say "exactly these resources".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::durable_objects::namespace_name;
use crate::world::{Script, World};

/// Everything in the account, by name. Ids and times are left out: two accounts with the same resources are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// R2 buckets, by name (`name@jurisdiction` outside the default one), with the number of objects in each.
    pub buckets: BTreeMap<String, usize>,
    /// Worker scripts, by name.
    pub scripts: BTreeMap<String, ScriptState>,
    /// Container applications, by name.
    pub applications: BTreeMap<String, ApplicationState>,
    /// Durable Object namespaces, by `script_Class`.
    pub namespaces: BTreeMap<String, NamespaceState>,
}

/// A script as its live version has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptState {
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Tag of the last migration.
    pub migration_tag: Option<String>,
    /// Names of the secrets.
    pub secrets: BTreeSet<String>,
    /// Plain-text variables with their values.
    pub variables: BTreeMap<String, String>,
    /// All other bindings: name and `type`.
    pub bindings: BTreeMap<String, String>,
    /// Cron expressions, sorted.
    pub schedules: Vec<String>,
    /// Whether the workers.dev route is on.
    pub route_enabled: bool,
    /// Paths of the static files.
    pub assets: BTreeSet<String>,
    /// Names of the modules.
    pub modules: BTreeSet<String>,
}

/// A container application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationState {
    /// Image in the stored configuration.
    pub image: Option<String>,
    /// Instance type in the stored configuration.
    pub instance_type: Option<String>,
    /// Image that instances are started with; only a rollout changes it.
    pub running_image: Option<String>,
    /// Instance type that instances are started with; only a rollout changes it.
    pub running_instance_type: Option<String>,
    /// Most instances at once.
    pub max_instances: Option<u64>,
    /// `script_Class` of its namespace; `None` if it has none or that is gone.
    pub namespace: Option<String>,
}

/// A Durable Object namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceState {
    /// SQLite storage or the older one.
    pub sqlite: bool,
    /// Whether an application can be made for it.
    pub container_enabled: bool,
}

/// Everything but the numbers of objects, which the runtime knows.
pub(crate) fn of(world: &World) -> State {
    let text = |value: &serde_json::Value, field: &str| value.get(field).and_then(|v| v.as_str()).map(str::to_owned);
    State {
        buckets: world.buckets.keys().map(|name| (name.clone(), 0)).collect(),
        scripts: world.scripts.values().map(|script| (script.name.clone(), script_state(script))).collect(),
        applications: world
            .applications
            .iter()
            .map(|application| {
                let namespace = world.namespaces.iter().find(|n| Some(&n.id) == application.namespace_id.as_ref());
                let state = ApplicationState {
                    image: text(&application.configuration, "image"),
                    instance_type: text(&application.configuration, "instance_type"),
                    running_image: text(&application.running, "image"),
                    running_instance_type: text(&application.running, "instance_type"),
                    max_instances: application.max_instances,
                    namespace: namespace.map(namespace_name),
                };
                (application.name.clone(), state)
            })
            .collect(),
        namespaces: world
            .namespaces
            .iter()
            .map(|n| (namespace_name(n), NamespaceState { sqlite: n.sqlite, container_enabled: n.container_enabled }))
            .collect(),
    }
}

fn script_state(script: &Script) -> ScriptState {
    let mut state = ScriptState {
        tags: script.tags.clone(),
        migration_tag: script.migration_tag.clone(),
        schedules: script.schedules.iter().map(|schedule| schedule.cron.clone()).collect(),
        route_enabled: script.route_enabled,
        ..ScriptState::default()
    };
    state.schedules.sort();
    let Some(version) = script.live() else { return state };
    for binding in &version.bindings {
        match (binding.is_secret(), binding.kind.as_str(), binding.text("text")) {
            (true, ..) => {
                state.secrets.insert(binding.name.clone());
            }
            (false, "plain_text", Some(text)) => {
                state.variables.insert(binding.name.clone(), text.to_owned());
            }
            (false, kind, _) => {
                state.bindings.insert(binding.name.clone(), kind.to_owned());
            }
        }
    }
    state.assets = version.assets.iter().flat_map(|assets| assets.manifest.keys().cloned()).collect();
    state.modules = version.modules.iter().map(|module| module.name.clone()).collect();
    state
}

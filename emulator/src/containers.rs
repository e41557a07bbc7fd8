//! Container applications. An application is of its own: it outlives its script and its namespace until it is deleted itself.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::rollouts;
use crate::world::{Application, Namespace, World, rfc3339};

/// Name, vCPU, memory in MiB, disk in MB (Containers limits page; MB as in the recorded reply: 8 GB is 8000).
const INSTANCE_TYPES: &[(&str, f64, u64, u64)] = &[
    ("lite", 0.0625, 256, 2000),
    ("basic", 0.25, 1024, 4000),
    ("standard-1", 0.5, 4096, 8000),
    ("standard-2", 1.0, 6144, 12_000),
    ("standard-3", 2.0, 8192, 16_000),
    ("standard-4", 4.0, 12_288, 20_000),
];

/// A configuration as a caller gives it. Strict like the script metadata.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    image: Option<String>,
    instance_type: Option<String>,
    vcpu: Option<f64>,
    memory_mib: Option<u64>,
    disk: Option<Disk>,
    authorized_keys: Option<Value>,
    wrangler_ssh: Option<Value>,
    command: Option<Value>,
    entrypoint: Option<Value>,
    environment_variables: Option<Value>,
    observability: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Disk {
    size_mb: Option<u64>,
}

impl Configuration {
    /// The stored form: what was there before, what the caller changes, and the sizes that follow from the instance type.
    pub(crate) fn over(self, before: &Value) -> Result<Value, ApiError> {
        let mut stored: Map<String, Value> = before.as_object().cloned().unwrap_or_default();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                stored.insert(name.to_owned(), value);
            }
        };
        set("image", self.image.map(Value::from));
        set("authorized_keys", self.authorized_keys);
        set("wrangler_ssh", self.wrangler_ssh);
        set("command", self.command);
        set("entrypoint", self.entrypoint);
        set("environment_variables", self.environment_variables);
        set("observability", self.observability);
        let custom = self.vcpu.is_some() || self.memory_mib.is_some() || self.disk.is_some();
        let (vcpu, memory_mib, disk_mb) = match &self.instance_type {
            Some(name) => {
                let known = INSTANCE_TYPES.iter().find(|(known, ..)| known == name);
                let (_, vcpu, memory, disk) =
                    known.ok_or_else(|| ApiError::container_input(format!("unknown instance_type {name:?}")))?;
                set("instance_type", Some(json!(name)));
                (Some(*vcpu), Some(*memory), Some(*disk))
            }
            None => (self.vcpu, self.memory_mib, self.disk.and_then(|disk| disk.size_mb)),
        };
        set("vcpu", vcpu.map(Value::from));
        set("memory_mib", memory_mib.map(Value::from));
        set("memory", memory_mib.map(|mib| json!(format!("{mib}MiB"))));
        set("disk", disk_mb.map(|mb| json!({"size_mb": mb, "size": format!("{}GB", mb / 1000)})));
        if custom && self.instance_type.is_none() {
            stored.remove("instance_type");
        }
        Ok(Value::Object(stored))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    scheduling_policy: String,
    #[serde(default)]
    configuration: Option<Configuration>,
    #[serde(default)]
    instances: u64,
    #[serde(default)]
    max_instances: Option<u64>,
    #[serde(default)]
    durable_objects: Option<DurableObjects>,
    #[serde(default)]
    observability: Value,
    #[serde(default)]
    constraints: Value,
    #[serde(default)]
    rollout_active_grace_period: Value,
    #[serde(default, rename = "affinities")]
    _affinities: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DurableObjects {
    #[serde(default)]
    namespace_id: Option<String>,
    #[serde(default)]
    script_name: Option<String>,
    #[serde(default)]
    class_name: Option<String>,
}

impl DurableObjects {
    fn find<'a>(&self, world: &'a World) -> Result<&'a Namespace, ApiError> {
        match (&self.namespace_id, &self.script_name, &self.class_name) {
            (Some(id), None, None) => {
                let found = world.namespaces.iter().find(|namespace| namespace.id == *id);
                found.ok_or_else(|| ApiError::container_namespace_missing(id))
            }
            (None, Some(script), Some(class)) => world
                .namespace_of(script, class)
                .ok_or_else(|| ApiError::container_namespace_missing(&format!("{script}/{class}"))),
            _ => Err(ApiError::container_input(
                "`durable_objects` takes a namespace_id, or a script_name and a class_name",
            )),
        }
    }
}

fn unreadable(why: &dyn std::fmt::Display) -> ApiError {
    ApiError::container_input(format!("the body cannot be read: {why}"))
}

/// `POST containers/applications`. The name is unique in the account, and a namespace carries one application.
pub(crate) async fn create(call: Call) -> Result<Reply, ApiError> {
    let body: Create = call.json(unreadable)?;
    limits::application_name(&body.name)?;
    if !matches!(body.scheduling_policy.as_str(), "default" | "durable_object") {
        return Err(ApiError::container_input(format!("unknown scheduling_policy {:?}", body.scheduling_policy)));
    }
    let durable = body.scheduling_policy == "durable_object";
    let mut world = call.world();
    let namespace_id = match &body.durable_objects {
        Some(wanted) => {
            let namespace = wanted.find(&world)?;
            if !namespace.container_enabled {
                return Err(ApiError::namespace_not_container_enabled(&namespace.id));
            }
            if world.applications.iter().any(|a| a.namespace_id.as_ref() == Some(&namespace.id)) {
                return Err(ApiError::namespace_has_application(&namespace.id));
            }
            Some(namespace.id.clone())
        }
        None if durable => return Err(ApiError::container_input("this policy needs `durable_objects`")),
        None => None,
    };
    if world.applications.iter().any(|application| application.name == body.name) {
        return Err(ApiError::container_input(format!("an application named {:?} already exists", body.name)));
    }
    let configuration = match body.configuration {
        Some(configuration) => configuration.over(&json!({}))?,
        None if durable => json!({}),
        None => return Err(ApiError::container_input("`configuration` must be given")),
    };
    if !durable && configuration.get("image").is_none() {
        return Err(ApiError::container_input("`configuration.image` must be given"));
    }
    // With this policy the application goes by the id of its namespace, as recorded.
    let id = match &namespace_id {
        Some(namespace) if durable => namespace.clone(),
        _ => world.ids.uuid(),
    };
    let application = Application {
        id,
        name: body.name,
        created_at: call.now,
        updated_at: call.now,
        version: 1,
        scheduling_policy: body.scheduling_policy,
        running: configuration.clone(),
        configuration,
        instances: body.instances,
        max_instances: body.max_instances,
        namespace_id,
        constraints: body.constraints,
        observability: body.observability,
        rollout_active_grace_period: body.rollout_active_grace_period,
        rollouts: Vec::new(),
        instance: None,
    };
    // 201: the API schema.
    let reply = Reply::created(public(&call, &application));
    world.applications.push(application);
    Ok(reply)
}

/// The application as the API shows it.
pub(crate) fn public(call: &Call, application: &Application) -> Value {
    let mut shown = json!({
        "id": application.id,
        "account_id": call.emulator.options().account,
        "created_at": rfc3339(application.created_at),
        "updated_at": rfc3339(application.updated_at),
        "version": application.version,
        "name": application.name,
        "scheduling_policy": application.scheduling_policy,
        "configuration": application.configuration,
        "instances": application.instances,
        "health": health(),
    });
    let optional = [
        ("max_instances", application.max_instances.map_or(Value::Null, Value::from)),
        ("durable_objects", application.namespace_id.as_ref().map_or(Value::Null, |id| json!({"namespace_id": id}))),
        ("constraints", application.constraints.clone()),
        ("observability", application.observability.clone()),
        ("rollout_active_grace_period", application.rollout_active_grace_period.clone()),
        ("active_rollout_id", rollouts::active(application, call.now).map_or(Value::Null, |id| json!(id))),
    ];
    if let Some(fields) = shown.as_object_mut() {
        for (name, value) in optional {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    shown
}

/// No instance ever runs here.
pub(crate) fn health() -> Value {
    json!({
        "errors": [],
        "instances": {
            "healthy": 0, "failed": 0, "starting": 0, "scheduling": 0, "active": 0, "assigned": 0, "stopped": 0,
            "durable_objects_not_connecting": 0,
        },
    })
}

fn page<'a>(call: &Call, found: Vec<&'a Application>) -> (Vec<&'a Application>, Value) {
    // Neither the default nor the maximum of this list's page is documented; 1,000 keeps small accounts on one page.
    let per_page = call.size("per_page", limits::PAGE_MAX, limits::PAGE_MAX);
    let after = call.query("page_token").unwrap_or("");
    let start = found.iter().position(|application| application.id == after).map_or(0, |at| at + 1);
    let rest = found.len().saturating_sub(start);
    let shown: Vec<&Application> = found.into_iter().skip(start).take(per_page).collect();
    let next = (rest > per_page).then(|| shown.last().map(|application| application.id.clone())).flatten();
    let mut info = json!({"per_page": per_page});
    if let (Some(next), Some(fields)) = (next, info.as_object_mut()) {
        fields.insert("next_page_token".to_owned(), json!(next));
    }
    (shown, info)
}

/// `GET containers/applications`: `name` and `image` select exactly here; whether Cloudflare matches in part is not known.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let found = world
        .applications
        .iter()
        .filter(|application| call.query("name").is_none_or(|name| application.name == name))
        .filter(|application| {
            call.query("image").is_none_or(|image| application.configuration.get("image") == Some(&json!(image)))
        })
        .collect();
    let (found, info) = page(&call, found);
    Ok(Reply::page(found.into_iter().map(|application| public(&call, application)).collect(), info))
}

/// `GET containers/dash/applications`: the short form that `wrangler containers list` reads.
pub(crate) async fn dashboard(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let (found, info) = page(&call, world.applications.iter().collect());
    let short = |application: &Application| {
        json!({
            "id": application.id,
            "name": application.name,
            "created_at": rfc3339(application.created_at),
            "updated_at": rfc3339(application.updated_at),
            "version": application.version,
            "instances": application.instances,
            "image": application.configuration.get("image"),
            "health": health(),
        })
    };
    Ok(Reply::page(found.into_iter().map(short).collect(), info))
}

/// The application that the path names.
pub(crate) fn find<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Application, ApiError> {
    let id = call.param("application");
    world.applications.iter_mut().find(|application| application.id == id).ok_or_else(ApiError::no_such_application)
}

/// `GET containers/applications/{application}`.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let application = find(&mut world, &call)?;
    Ok(Reply::ok(public(&call, application)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    configuration: Option<Configuration>,
    instances: Option<u64>,
    max_instances: Option<u64>,
    constraints: Option<Value>,
    observability: Option<Value>,
    rollout_active_grace_period: Option<Value>,
    /// Fixed at creation; wrangler repeats it.
    scheduling_policy: Option<String>,
    name: Option<String>,
    #[serde(default, rename = "affinities")]
    _affinities: Value,
}

/// `PATCH containers/applications/{application}`: changes what is stored. Image and size reach instances only by a rollout.
pub(crate) async fn patch(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let before = find(&mut world, &call)?.clone();
    let body: Patch = call.json(unreadable)?;
    if body.scheduling_policy.as_ref().is_some_and(|policy| *policy != before.scheduling_policy) {
        return Err(ApiError::container_input("`scheduling_policy` is fixed at creation"));
    }
    if let Some(name) = &body.name {
        limits::application_name(name)?;
        if world.applications.iter().any(|other| other.id != before.id && other.name == *name) {
            return Err(ApiError::container_input(format!("an application named {name:?} already exists")));
        }
    }
    let configuration = match body.configuration {
        Some(configuration) => configuration.over(&before.configuration)?,
        None => before.configuration.clone(),
    };
    let application = find(&mut world, &call)?;
    application.configuration = configuration;
    application.name = body.name.unwrap_or(before.name);
    application.instances = body.instances.unwrap_or(before.instances);
    application.max_instances = body.max_instances.or(before.max_instances);
    application.constraints = body.constraints.unwrap_or(before.constraints);
    application.observability = body.observability.unwrap_or(before.observability);
    application.rollout_active_grace_period =
        body.rollout_active_grace_period.unwrap_or(before.rollout_active_grace_period);
    application.updated_at = call.now;
    Ok(Reply::ok(public(&call, application)))
}

/// `DELETE containers/applications/{application}`.
pub(crate) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let id = find(&mut world, &call)?.id.clone();
    world.applications.retain(|application| application.id != id);
    Ok(Reply::ok(json!({"message": "application deleted"})))
}

/// `GET containers/me`: the account's limits (Containers limits page).
pub(crate) async fn me(call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::ok(json!({
        "external_account_id": call.emulator.options().account,
        "legacy_identity": call.emulator.options().account,
        "capabilities": [],
        "limits": {
            "account_id": call.emulator.options().account,
            "vcpu_per_deployment": 4,
            "memory_mib_per_deployment": 12_288,
            "memory_per_deployment": "12288MiB",
            "disk_per_deployment": "20GB",
            "total_vcpu": 1500,
            "total_memory_mib": 6 * 1024 * 1024,
            "total_memory": "6TiB",
            "node_group": "all",
            "ipv4s": 0,
            "network_modes": ["public"],
        },
        "locations": [],
        "defaults": {"vcpus": 0.0625, "memory_mib": 256, "memory": "256MiB", "disk_mb": 2000},
    })))
}

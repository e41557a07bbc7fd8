//! Durable Object namespaces: made, renamed and deleted by migrations or exports of an upload; listed by their own routes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::metadata::{Container, Migrations};
use crate::world::{Binding, Namespace, World};

/// Apply an upload's migrations to the account. Refused if they start from another tag than the script's (10079): so a replay of
/// migrations that were already applied is an error, as it is at Cloudflare.
pub(crate) fn migrate(
    world: &mut World,
    script: &str,
    stored_tag: Option<&str>,
    migrations: Migrations,
    containers: &[Container],
    bindings: &[Binding],
) -> Result<Option<String>, ApiError> {
    if migrations.old_tag.as_deref() != stored_tag {
        return Err(ApiError::migration_tag_mismatch(migrations.old_tag.as_deref(), stored_tag));
    }
    let tag = migrations.new_tag.clone().or(migrations.old_tag.clone());
    for step in migrations.into_steps() {
        for class in step.new_sqlite_classes {
            create(world, script, &class, true, containers)?;
        }
        for class in step.new_classes {
            create(world, script, &class, false, containers)?;
        }
        for rename in step.renamed_classes {
            move_class(world, (script, &rename.from), (script, &rename.to))?;
        }
        for transfer in step.transferred_classes {
            move_class(world, (&transfer.from_script, &transfer.from), (script, &transfer.to))?;
        }
        for class in step.deleted_classes {
            let bound = |b: &Binding| {
                b.kind == "durable_object_namespace"
                    && b.text("class_name") == Some(class.as_str())
                    && b.text("script_name").unwrap_or(script) == script
            };
            if bindings.iter().any(bound) {
                return Err(ApiError::class_still_bound(&class));
            }
            if world.namespace_of(script, &class).is_none() {
                return Err(ApiError::class_not_configured(&class));
            }
            world.namespaces.retain(|n| n.script != script || n.class != class);
        }
    }
    Ok(tag)
}

/// Make the classes that `exports` declares and that are not there yet. Only living classes are understood; `state` other than
/// `created` is refused.
pub(crate) fn export(
    world: &mut World,
    script: &str,
    exports: &BTreeMap<String, Value>,
    containers: &[Container],
) -> Result<(), ApiError> {
    for (class, export) in exports {
        let field = |name: &str| export.get(name).and_then(Value::as_str);
        match (field("type"), field("state").unwrap_or("created"), field("storage")) {
            (Some("worker"), "created", _) => {}
            (Some("durable-object"), "created", Some(storage @ ("sqlite" | "legacy-kv"))) => {
                if world.namespace_of(script, class).is_none() {
                    create(world, script, class, storage == "sqlite", containers)?;
                }
            }
            _ => return Err(ApiError::invalid(format!("export {class:?} is not understood"))),
        }
    }
    Ok(())
}

fn create(
    world: &mut World,
    script: &str,
    class: &str,
    sqlite: bool,
    containers: &[Container],
) -> Result<(), ApiError> {
    if world.namespace_of(script, class).is_some() {
        return Err(ApiError::class_exists(class));
    }
    let id = world.ids.hex();
    // Only here: no later upload enables an existing namespace (workers-sdk#14614), and it needs SQLite (workers-sdk#15026).
    let container_enabled = sqlite && containers.iter().any(|container| container.class_name == class);
    let (script, class) = (script.to_owned(), class.to_owned());
    world.namespaces.push(Namespace { id, script, class, sqlite, container_enabled });
    Ok(())
}

fn move_class(world: &mut World, from: (&str, &str), to: (&str, &str)) -> Result<(), ApiError> {
    if world.namespace_of(to.0, to.1).is_some() {
        return Err(ApiError::class_exists(to.1));
    }
    let namespace = world.namespaces.iter_mut().find(|n| n.script == from.0 && n.class == from.1);
    let namespace = namespace.ok_or_else(|| ApiError::class_not_configured(from.1))?;
    to.0.clone_into(&mut namespace.script);
    to.1.clone_into(&mut namespace.class);
    Ok(())
}

/// The name that Cloudflare gives a namespace.
pub(crate) fn namespace_name(namespace: &Namespace) -> String {
    format!("{}_{}", namespace.script, namespace.class)
}

/// `GET workers/durable_objects/namespaces`: paged by number; 20 on a page unless told otherwise.
pub(crate) async fn namespaces(call: Call) -> Result<Reply, ApiError> {
    let per_page = call.size("per_page", limits::PAGE_DEFAULT, limits::PAGE_MAX);
    let page = call.size("page", 1, usize::MAX);
    let world = call.world();
    let shown: Vec<Value> = world
        .namespaces
        .iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .map(|n| {
            json!({
                "id": n.id,
                "name": namespace_name(n),
                "script": n.script,
                "class": n.class,
                "use_sqlite": n.sqlite,
            })
        })
        .collect();
    let total = world.namespaces.len();
    let info = json!({
        "page": page,
        "per_page": per_page,
        "count": shown.len(),
        "total_count": total,
        "total_pages": total.div_ceil(per_page).max(1),
    });
    Ok(Reply::page(Value::Array(shown), info))
}

/// `GET workers/durable_objects/namespaces/{namespace}/objects`. The emulator does not know the objects: always an empty page.
pub(crate) async fn objects(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    if !world.namespaces.iter().any(|n| n.id == call.param("namespace")) {
        return Err(ApiError::no_such_namespace());
    }
    Ok(Reply::page(json!([]), json!({"cursor": "", "count": 0})))
}

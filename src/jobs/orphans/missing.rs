//! What a ledger says is there and a complete list does not show.

use super::{Found, Pass, Step, look_at, prefix_of};
use crate::jobs::drift::mend;
use crate::jobs::run::{Error, Shift};
use crate::registry::{self, Repair};
use crate::tenant::event::Event;
use crate::tenant::{Resource, ResourceKind, ResourceState};

/// What was made or last confirmed so shortly before a pass may not show in its lists yet.
const SETTLED_MS: i64 = 5 * 60 * 1_000;

/// Looks at the next line that the list does not bear out. If it is gone, its tenant is due, and the next round puts it
/// back. The list alone is not believed: an empty answer would have the whole fleet deployed anew.
pub async fn look(shift: &Shift<'_>, kind: ResourceKind, pass: &mut Pass, found: &mut Found) -> Result<Step, Error> {
    let registry = &shift.app.registry;
    let settled = pass.started.plus_ms(-SETTLED_MS);
    let prefix = prefix_of(shift.app, kind);
    let missing = registry.next_missing(kind, &pass.after.1, prefix, settled, &pass.seen).await?;
    let Some((id, name)) = missing else { return Ok(Step::Done) };
    if !shift.may_call(1).await? {
        return Ok(Step::OutOfCalls);
    }
    if let Some((tenant, lines)) = registry.find_tenant(&id).await?
        && let Some(line) = lines.into_iter().find(|line| line.kind == kind && line.state == ResourceState::Present)
        && look_at(shift, kind, &line.name, line.external_id.as_deref()).await?.is_none()
    {
        let message = format!("the {} {name} was removed by somebody; it is made anew", kind.as_str());
        let line = Resource { state: ResourceState::Unknown, ..line };
        let repair = Repair { lines: vec![line], lost: Vec::new() };
        match mend(shift, &tenant, &repair, Event::new("ResourceMissing", message)).await {
            Ok(()) => found.missing.push(format!("{} {name}", kind.as_str())),
            // Somebody changed the tenant meanwhile: the next pass sees how it stands then.
            Err(Error::Registry(registry::Error::Conflict)) => {}
            Err(error) => return Err(error),
        }
    }
    pass.after.1 = name;
    Ok(Step::More)
}

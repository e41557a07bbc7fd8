//! Orphans whose time has come.

use super::{Found, Pass, QUARANTINE_MS, Step, look_at};
use crate::cloudflare::{self, Verdict};
use crate::config;
use crate::jobs::run::{Error, Shift};
use crate::registry::Orphan;
use crate::tenant::ResourceKind;

/// What a look showed of an orphan.
enum Look {
    Gone,
    Changed,
    Same,
}

/// Removes the next orphan that this pass saw, that is out of quarantine, and that an operator, or the setting, wants
/// gone. By the setting only what carries the plane's mark. A bucket goes only if it is empty: nothing that is on no ledger
/// is emptied.
pub async fn remove(shift: &Shift<'_>, pass: &mut Pass, found: &mut Found) -> Result<Step, Error> {
    let registry = &shift.app.registry;
    let ours_go = shift.app.config.orphans == config::Orphans::Delete;
    let known_since = shift.app.clock.now().plus_ms(-QUARANTINE_MS);
    let after = (pass.after.0.as_str(), pass.after.1.as_str());
    let orphan = registry.orphan_to_remove(after, pass.started, known_since, ours_go).await?;
    let Some(orphan) = orphan else { return Ok(Step::Done) };
    if !shift.may_call(2).await? {
        return Ok(Step::OutOfCalls);
    }
    let name = format!("{} {}", orphan.kind.as_str(), orphan.name);
    match look(shift, &orphan).await? {
        Look::Gone => registry.forget_orphan(&orphan).await?,
        Look::Changed => found.kept.push(format!("{name}: it is not what was seen before")),
        // Somebody may have signed up under the name since the list was read. Between here and the call lies no more than
        // the call; what a tenant lost in that moment the next pass would put back.
        Look::Same if registry.is_on_a_ledger(orphan.kind, &orphan.name).await? => {}
        Look::Same => match delete(shift, &orphan).await {
            Ok(()) => {
                registry.forget_orphan(&orphan).await?;
                found.removed.push(name);
            }
            Err(error) => match error.verdict() {
                Verdict::Done => registry.forget_orphan(&orphan).await?,
                Verdict::NotEmpty => {
                    found.kept.push(format!("{name}: it is not empty, and what is on no ledger is not emptied"));
                }
                _ => {
                    shift.heed(&error).await?;
                    found.kept.push(format!("{name}: {error}"));
                }
            },
        },
    }
    pass.after = (orphan.kind.as_str().to_owned(), orphan.name);
    Ok(Step::More)
}

/// Whether it is still what the list showed; by the setting alone it also has to carry the plane's mark still.
async fn look(shift: &Shift<'_>, orphan: &Orphan) -> Result<Look, Error> {
    let Orphan { kind, name, external_id, delete_asked_at } = orphan;
    let Some(seen) = look_at(shift, *kind, name, external_id.as_deref()).await? else { return Ok(Look::Gone) };
    let is_same = seen.name == *name && (seen.external_id.is_none() || seen.external_id == *external_id);
    Ok(if is_same && (seen.is_ours || delete_asked_at.is_some()) { Look::Same } else { Look::Changed })
}

async fn delete(shift: &Shift<'_>, orphan: &Orphan) -> Result<(), cloudflare::Error> {
    let cloudflare = &shift.app.cloudflare;
    match (orphan.kind, &orphan.external_id) {
        (ResourceKind::Bucket, _) => cloudflare.delete_bucket(&orphan.name).await,
        (ResourceKind::Application, Some(id)) => cloudflare.delete_application(id).await,
        _ => cloudflare.delete_script(&orphan.name).await,
    }
}

//! How long rows are kept that nothing goes by any more. [`KEPT`] is the whole of it.

use serde::Serialize;

use super::run::{Error, Job, Shift};
use crate::clock::{DAY_MS, Timestamp};
use crate::registry::{self, Registry};

/// What is kept for how long, and why no longer.
pub struct Kept {
    /// What.
    pub entity: Entity,
    /// Days.
    pub days: i64,
    /// From when the days count, and why so many.
    pub why: &'static str,
}

/// What is kept for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// Lines of the history of tenants that live.
    Events,
    /// Tenants that are deleted, with all their rows: ledger (which is the receipt), secrets' names, hashes of tokens,
    /// history.
    Tombstones,
    /// What was seen in the account and was on nobody's ledger.
    Orphans,
    /// Keys of repeated requests, with the answers that they stand for.
    Keys,
    /// Tokens of living tenants that are good for nothing any more.
    Tokens,
    /// Invites that are good for nothing any more.
    Invites,
}

/// Whatever is not here is kept for ever, and nothing here touches what lives.
pub const KEPT: [Kept; 6] = [
    Kept {
        entity: Entity::Events,
        days: 90,
        why: "from the line; three months are enough to find out what happened, and keep a busy tenant's history short",
    },
    Kept {
        entity: Entity::Tombstones,
        days: 90,
        why: "from the deletion; with it goes the receipt, so who needs that as a proof for longer has to fetch it before",
    },
    Kept { entity: Entity::Orphans, days: 30, why: "from when it was last seen; what no list shows any more is gone" },
    Kept {
        entity: Entity::Keys,
        days: 1,
        why: "from the request; who repeats one because an answer was lost does so within minutes",
    },
    Kept {
        entity: Entity::Tokens,
        days: 30,
        why: "from the revocation or the expiry; until then its tenant's list shows it, and who still uses it is told what became of it",
    },
    Kept {
        entity: Entity::Invites,
        days: 90,
        why: "from its expiry, used or not; until then the list shows who came with it",
    },
];

/// Rows that one statement deletes, so that no statement holds the database up for long.
const ROWS: i64 = 500;

/// Tombstones that one batch deletes.
const TOMBSTONES: i64 = 50;

/// Statements of each kind in one run. Unfinished, the next tick goes on.
const PAGES: u32 = 10;

/// The job. Twice, or at once: what is deleted is deleted.
pub struct Retention;

/// Rows that were deleted.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Lines of history, those of tombstones included.
    pub events: u64,
    /// Tombstones, each with its rows.
    pub tombstones: u64,
    /// Orphans.
    pub orphans: u64,
    /// Keys of repeated requests.
    pub keys: u64,
    /// Tokens.
    pub tokens: u64,
    /// Invites.
    pub invites: u64,
}

impl Job for Retention {
    type Found = Found;
    const NAME: &'static str = "retention";
    const EVERY_MS: i64 = 60 * 60 * 1_000;
    const PATIENCE_MS: i64 = 5 * 60 * 1_000;

    async fn run(&self, shift: &mut Shift<'_>, found: &mut Found) -> Result<(), Error> {
        // Until all of it is done there is more to do, also if this run is cut off.
        shift.save(Some("{}".to_owned())).await?;
        let mut is_done = true;
        for Kept { entity, days, .. } in &KEPT {
            let until = shift.started_at().plus_ms(-days * DAY_MS);
            let mut has_more = true;
            for _ in 0..PAGES {
                has_more = purge(&shift.app.registry, *entity, until, found).await?;
                if !has_more {
                    break;
                }
            }
            is_done &= !has_more;
        }
        if is_done {
            shift.save(None).await?;
        }
        Ok(())
    }
}

/// Deletes a page; says whether there may be more.
async fn purge(
    registry: &Registry,
    entity: Entity,
    until: Timestamp,
    found: &mut Found,
) -> Result<bool, registry::Error> {
    let is_full = |deleted: u64, page: i64| i64::try_from(deleted).is_ok_and(|deleted| deleted >= page);
    let (deleted, counted) = match entity {
        Entity::Tombstones => {
            let (lines, deleted) = registry.purge_tombstones(until, TOMBSTONES, ROWS).await?;
            (found.events, found.tombstones) = (found.events + lines, found.tombstones + deleted);
            return Ok(is_full(lines, ROWS) || is_full(deleted, TOMBSTONES));
        }
        Entity::Events => (registry.purge_events(until, ROWS).await?, &mut found.events),
        Entity::Orphans => (registry.purge_orphans(until, ROWS).await?, &mut found.orphans),
        Entity::Keys => (registry.purge_keys(until, ROWS).await?, &mut found.keys),
        Entity::Tokens => (registry.purge_tokens(until, ROWS).await?, &mut found.tokens),
        Entity::Invites => (registry.purge_invites(until, ROWS).await?, &mut found.invites),
    };
    *counted += deleted;
    Ok(is_full(deleted, ROWS))
}

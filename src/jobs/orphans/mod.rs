//! What is in the account against what is on the ledgers, both ways.
//!
//! A pass lists scripts, buckets and applications, page by page. What shows under the plane's names and is on no ledger is
//! noted as an orphan; what a ledger says is there and a complete list does not show is looked at, and put back if it is
//! gone. Then orphans whose time has come are removed. A pass may take several ticks: after each step the cursor is saved,
//! with every name that was seen so far, so a list counts as complete only if each of its pages was read in this pass.

mod missing;
mod removal;

use futures_util::FutureExt;
use serde::Serialize;

use super::run::{Error, Job, Shift};
use crate::app::App;
use crate::clock::{DAY_MS, Timestamp};
use crate::cloudflare::{self, Optional, Page};
use crate::json;
use crate::reconcile::desired::PLANE_TAG;
use crate::registry::Sighting;
use crate::tenant::ResourceKind;
use crate::tenant::name::{NameError, TenantName};

/// Steps of one tick: a page, a look, or a removal, each of one or two calls.
const STEPS: u32 = 20;

/// How long an orphan is only looked at. Lists are eventually consistent, and a person may be at work.
const QUARANTINE_MS: i64 = DAY_MS;

/// A pass that takes longer is begun anew: what it saw at its beginning says little any more.
const PASS_MS: i64 = 60 * 60 * 1_000;

/// Most names that a report tells.
const NAMES: usize = 50;

/// The job. Twice, or at once: what was seen is noted as seen again.
pub struct Orphans;

/// What one tick of a pass found and did. All that is known of orphans is in their table.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// When the pass began.
    pub pass_started_at_ms: Timestamp,
    /// Names under the plane's prefixes, or with its tag, on the pages that this tick read.
    pub listed: u32,
    /// How many of them are on no ledger.
    pub orphans: u32,
    /// The first of those.
    pub names: Vec<String>,
    /// What a ledger has and Cloudflare has not; its tenant is due.
    pub missing: Vec<String>,
    /// Orphans that were removed.
    pub removed: Vec<String>,
    /// Orphans that were to be removed and were not, with the reason.
    pub kept: Vec<String>,
    /// The calls of the account were needed for something else; it goes on later.
    pub is_out_of_calls: bool,
}

/// Where a pass is.
#[derive(Debug)]
struct Pass {
    started: Timestamp,
    stage: usize,
    /// The next page of the list; `None`: the first, or none if the list is complete.
    page: Option<String>,
    /// Names under the prefix that the list has shown.
    seen: Vec<String>,
    /// The name that was looked at last, in the order of names; for removals its kind before.
    after: (String, String),
}

/// What a pass consists of, in this order.
const STAGES: [Stage; 7] = [
    Stage::Listing(ResourceKind::Script),
    Stage::Missing(ResourceKind::Script),
    Stage::Listing(ResourceKind::Bucket),
    Stage::Missing(ResourceKind::Bucket),
    Stage::Listing(ResourceKind::Application),
    Stage::Missing(ResourceKind::Application),
    Stage::Removal,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Listing(ResourceKind),
    Missing(ResourceKind),
    Removal,
}

/// What came of a step.
enum Step {
    /// This stage has more.
    More,
    /// This stage is done.
    Done,
    /// Not now: the calls of the account are needed for something else.
    OutOfCalls,
}

impl Pass {
    fn new(started: Timestamp) -> Self {
        Self { started, stage: 0, page: None, seen: Vec::new(), after: Default::default() }
    }

    /// From a cursor, which is a list: a record with named fields would cost the Worker kilobytes more.
    fn read(cursor: &str) -> Option<Self> {
        let (started, stage, page, seen, after) = json::read(cursor).ok()?;
        Some(Self { started: Timestamp(started), stage, page, seen, after })
    }

    async fn save(&self, shift: &mut Shift<'_>) -> Result<(), Error> {
        let Self { started, stage, page, seen, after } = self;
        shift.save(serde_json::to_string(&(started, stage, page, seen, after)).ok()).await
    }

    /// On to the next stage; what the list has shown is kept for as long as it is compared.
    fn go_on(&mut self) {
        self.stage += 1;
        (self.page, self.after) = (None, Default::default());
        if matches!(STAGES.get(self.stage), Some(Stage::Listing(_))) {
            self.seen.clear();
        }
    }
}

impl Job for Orphans {
    type Found = Found;
    const NAME: &'static str = "orphans";
    const EVERY_MS: i64 = 30 * 60 * 1_000;
    const PATIENCE_MS: i64 = 5 * 60 * 1_000;

    async fn run(&self, shift: &mut Shift<'_>, found: &mut Found) -> Result<(), Error> {
        let now = shift.started_at();
        let left = shift.cursor().and_then(Pass::read).filter(|pass| pass.started.plus_ms(PASS_MS) > now);
        let mut pass = left.unwrap_or_else(|| Pass::new(now));
        found.pass_started_at_ms = pass.started;
        pass.save(shift).await?;
        for _ in 0..STEPS {
            let Some(stage) = STAGES.get(pass.stage) else { return shift.save(None).await };
            let step = match *stage {
                Stage::Listing(kind) => list(shift, kind, &mut pass, found).boxed().await?,
                Stage::Missing(kind) => missing::look(shift, kind, &mut pass, found).boxed().await?,
                Stage::Removal => removal::remove(shift, &mut pass, found).boxed().await?,
            };
            match step {
                Step::More => {}
                Step::Done => pass.go_on(),
                Step::OutOfCalls => {
                    found.is_out_of_calls = true;
                    return Ok(());
                }
            }
            pass.save(shift).await?;
        }
        Ok(())
    }
}

/// Reads a page, and notes what is on no ledger.
async fn list(shift: &Shift<'_>, kind: ResourceKind, pass: &mut Pass, found: &mut Found) -> Result<Step, Error> {
    if !shift.may_call(1).await? {
        return Ok(Step::OutOfCalls);
    }
    let app = shift.app;
    let Page { items, cursor } = read(app, kind, pass.page.as_deref()).boxed().await?;
    let prefix = prefix_of(app, kind);
    let named = |sighting: &Sighting| sighting.name.starts_with(prefix);
    let (ours, theirs): (Vec<_>, Vec<_>) = items.into_iter().partition(named);
    pass.seen.extend(ours.iter().map(|sighting| sighting.name.clone()));
    // What carries the plane's tag under another name is shown to people, and is nothing that the plane would delete.
    let marked =
        theirs.into_iter().filter(|sighting| sighting.is_ours).map(|sighting| Sighting { is_ours: false, ..sighting });
    let of_plane = ours.into_iter().filter(|sighting| !is_made_by_hand(prefix, &sighting.name));
    let sightings: Vec<Sighting> = of_plane.chain(marked).collect();
    found.listed += u32::try_from(sightings.len()).unwrap_or(u32::MAX);
    let orphans = app.registry.sight_orphans(kind, &sightings, QUARANTINE_MS, app.clock.now()).await?;
    found.orphans += u32::try_from(orphans.len()).unwrap_or(u32::MAX);
    for name in orphans {
        if found.names.len() < NAMES {
            found.names.push(format!("{} {name}", kind.as_str()));
        }
    }
    pass.page = cursor;
    Ok(if pass.page.is_some() { Step::More } else { Step::Done })
}

/// All scripts are one page. They are not asked for by tag: then one that lost its tag would seem to be gone.
async fn read(app: &App, kind: ResourceKind, page: Option<&str>) -> Result<Page<Sighting>, cloudflare::Error> {
    let sighting = |name, external_id| Sighting { name, external_id, is_ours: false };
    match kind {
        ResourceKind::Bucket => {
            let page = app.cloudflare.list_buckets(Some(&app.config.prefixes.bucket), page).await?;
            let items = page.items.into_iter().map(|bucket| sighting(bucket.name, None)).collect();
            Ok(Page { items, cursor: page.cursor })
        }
        ResourceKind::Application => {
            let page = app.cloudflare.list_applications(None, page).await?;
            let items = page.items.into_iter().map(|seen| sighting(seen.name, Some(seen.id))).collect();
            Ok(Page { items, cursor: page.cursor })
        }
        ResourceKind::Script | ResourceKind::Route | ResourceKind::Schedule => {
            let scripts = app.cloudflare.list_scripts().await?;
            let items = scripts.into_iter().map(|script| Sighting {
                is_ours: is_marked(&script.tags),
                name: script.id,
                external_id: script.tag,
            });
            Ok(Page { items: items.collect(), cursor: None })
        }
    }
}

/// A fresh look at one thing; `None`: it is not there. An application whose id is not known does not show by itself.
async fn look_at(
    shift: &Shift<'_>,
    kind: ResourceKind,
    name: &str,
    id: Option<&str>,
) -> Result<Option<Sighting>, Error> {
    let cloudflare = &shift.app.cloudflare;
    let sighting = |name: String, external_id, is_ours| Sighting { name, external_id, is_ours };
    let seen = match (kind, id) {
        (ResourceKind::Bucket, _) => cloudflare.get_bucket(name).await.map(|seen| sighting(seen.name, None, false)),
        (ResourceKind::Application, Some(id)) => {
            cloudflare.get_application(id).await.map(|seen| sighting(seen.name, Some(seen.id), false))
        }
        (ResourceKind::Application, None) => return Ok(None),
        (ResourceKind::Script | ResourceKind::Route | ResourceKind::Schedule, _) => {
            let seen = cloudflare.get_service_script(name).await;
            seen.map(|seen| sighting(name.to_owned(), seen.tag, is_marked(&seen.tags)))
        }
    };
    Ok(seen.optional()?)
}

fn is_marked(tags: &[String]) -> bool {
    tags.iter().any(|tag| tag == PLANE_TAG)
}

fn prefix_of(app: &App, kind: ResourceKind) -> &str {
    let prefixes = &app.config.prefixes;
    match kind {
        ResourceKind::Bucket => &prefixes.bucket,
        ResourceKind::Application => &prefixes.application,
        ResourceKind::Script | ResourceKind::Route | ResourceKind::Schedule => &prefixes.script,
    }
}

/// Deployments made by hand live beside the plane's under the same prefixes, with names that no tenant can have.
fn is_made_by_hand(prefix: &str, name: &str) -> bool {
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    matches!(TenantName::parse(rest), Err(NameError::Reserved(_)))
}

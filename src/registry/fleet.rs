//! The fleet as operators look at it: in numbers, page by page, and what needs a person.
//!
//! What must hold: no question reads more tenants than it shows and a constant, however many there are. Counts are kept by
//! triggers; a page walks one index in its order, for at most [`WINDOW`] tenants, and says where the next page goes on.

use std::fmt;

use super::budget::{self, ApiBudget};
use super::db::{Outcome, Statement, Value};
use super::row::{self, Row};
use super::{Error, Registry, sql, statement, to_json};
use crate::clock::Timestamp;
use crate::release::Release;
use crate::tenant::{InstanceType, Phase, Tenant};

/// Most tenants that are looked at for a page, where not all of them are shown.
pub const WINDOW: usize = 1_000;

/// Most tenants of each kind that need a person, and that are named.
pub const NAMED: usize = 10;

/// Most tenants that want a round and are counted.
pub const MOST_DUE: u32 = 1_000;

/// Longest text of a filter, in characters.
const MAX_TEXT: usize = 64;

/// Beyond every time: what D1 can still bind as a whole number.
const END_OF_TIME: i64 = (1 << 53) - 1;

/// Sorts after whatever is in a name.
const AFTER_NAMES: char = '~';

/// Sorts before whatever a name may go on with.
const BEFORE_NAMES: char = ' ';

/// Tenants that are alike. What is deleted is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetRow {
    /// Where they stand.
    pub phase: Phase,
    /// The size that is wanted of them.
    pub instance_type: InstanceType,
    /// How many they are.
    pub tenants: u32,
    /// How many instances they may have at once, all together.
    pub instances: u32,
}

/// A condition that does not say what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// `Ready` is not true.
    Ready,
    /// `SecretsReady` is false.
    SecretsReady,
    /// `Stalled` is true.
    Stalled,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ready, Self::SecretsReady, Self::Stalled];

    /// The condition's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::SecretsReady => "SecretsReady",
            Self::Stalled => "Stalled",
        }
    }
}

/// Which tenants; `None`: any. Deleted ones only where the phase says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// How their name begins; empty: anyhow. See [`Filter::beginning`].
    pub name: String,
    /// Whose they are.
    pub owner: Option<String>,
    /// Where they stand.
    pub phase: Option<Phase>,
    /// The size that is wanted of them.
    pub instance_type: Option<InstanceType>,
    /// What they are deployed from.
    pub release: Option<String>,
    /// What is wrong with them.
    pub condition: Option<Wrong>,
}

impl Filter {
    /// Reads the beginning of a name, which may be typed in capitals and with spaces around.
    pub fn beginning(text: &str) -> Result<String, &'static str> {
        let text = text.trim().to_ascii_lowercase();
        let fits = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits && text.len() <= MAX_TEXT {
            Ok(text)
        } else {
            Err("must be the beginning of a name: letters, digits and hyphens")
        }
    }

    /// Reads a text that is looked for as it is.
    pub fn exactly(text: &str) -> Result<String, &'static str> {
        if text.chars().count() <= MAX_TEXT { Ok(text.to_owned()) } else { Err("has more than 64 characters") }
    }
}

/// The order of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// Newest sign-up first.
    Created,
    /// Latest change first.
    Updated,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Name, Self::Created, Self::Updated];

    /// Its word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Created => "created",
            Self::Updated => "updated",
        }
    }
}

/// A place in a list of tenants. What it is made of is nobody's business but this file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this name, and of tenants that share it after this id.
    Name(String, String),
    /// Before this time in the order of sign-ups, and of that time before this id.
    Created(Timestamp, String),
    /// The same in the order of changes.
    Updated(Timestamp, String),
}

impl Position {
    /// Reads what [`Position`] was written as, and no other spelling of it; `None` when it is none, or of another order.
    pub fn parse(text: &str, sort: Sort) -> Option<Self> {
        let (_, rest) = text.split_once('.')?;
        let (key, id) = rest.split_once('.')?;
        let at = || key.parse().ok().filter(|at| (0..=END_OF_TIME).contains(at)).map(Timestamp);
        let position = match sort {
            Sort::Name => Self::Name(Filter::beginning(key).ok()?, id.to_owned()),
            Sort::Created => Self::Created(at()?, id.to_owned()),
            Sort::Updated => Self::Updated(at()?, id.to_owned()),
        };
        let is_id = id.len() <= MAX_TEXT && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(position).filter(|position| is_id && position.to_string() == text)
    }

    fn after(tenant: &Tenant, sort: Sort) -> Self {
        let id = tenant.id.0.clone();
        match sort {
            Sort::Name => Self::Name(tenant.name.as_str().to_owned(), id),
            Sort::Created => Self::Created(tenant.created_at, id),
            Sort::Updated => Self::Updated(tenant.updated_at, id),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, id) => write!(f, "n.{name}.{id}"),
            Self::Created(at, id) => write!(f, "c.{}.{id}", at.0),
            Self::Updated(at, id) => write!(f, "u.{}.{id}", at.0),
        }
    }
}

/// What to show of the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Which tenants.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// From where on; `None`: from the beginning.
    pub position: Option<Position>,
    /// How many at most.
    pub limit: usize,
}

/// A page of tenants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In their order.
    pub tenants: Vec<Tenant>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Position>,
    /// The page ends before it is full, since [`WINDOW`] tenants were looked at: others may follow.
    pub is_cut: bool,
}

/// Some tenants that need a person, worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named {
    /// [`NAMED`] at most.
    pub tenants: Vec<Tenant>,
    /// There are more.
    pub has_more: bool,
}

/// What waits for a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Tenants that want a round now and have none running; of the first [`MOST_DUE`] that are due.
    pub due: u32,
    /// There are more than were looked at.
    pub has_more: bool,
    /// Since when the first of them waits.
    pub oldest_due: Option<Timestamp>,
    /// Rounds that vanished: their lease ran out, and they never gave it back.
    pub vanished: u32,
}

/// Something that runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its name.
    pub name: String,
    /// When it last began.
    pub started_at: Timestamp,
    /// It has not ended, or was cut off.
    pub is_under_way: bool,
    /// When a run last ended.
    pub ended_at: Option<Timestamp>,
    /// How: `done`, `unfinished` or `failed`.
    pub outcome: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Everything about the fleet and the plane itself that an operator looks at first.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// The fleet in numbers.
    pub fleet: Vec<FleetRow>,
    /// Failed tenants, longest first.
    pub failed: Named,
    /// Tenants on their way for longer than [`Phase::deadline_ms`], those of each phase longest first.
    pub overdue: Named,
    /// Tenants that lack secrets which only their owner can set.
    pub lack_secrets: Named,
    /// What waits for a round.
    pub backlog: Backlog,
    /// Calls to Cloudflare.
    pub budget: ApiBudget,
    /// What runs by itself, by name.
    pub jobs: Vec<JobRow>,
    /// What sign-ups get.
    pub default_release: Option<Release>,
}

impl Registry {
    /// How many tenants there are of each phase and size: at most as many rows as there are pairs of these.
    pub async fn fleet(&self) -> Result<Vec<FleetRow>, Error> {
        rows(self.one(sql::fleet::FLEET, []).await?)
    }

    /// A page of tenants. What signs up, changes or goes meanwhile neither hides nor doubles another, but that in the order
    /// of changes one that changes moves to the front.
    pub async fn tenants(&self, asked: &Asked) -> Result<Page, Error> {
        let (statement, window) = walk(asked);
        page(self.run(statement).await?, asked, window)
    }

    /// Those of these ids, by name.
    pub async fn these(&self, ids: &[&str]) -> Result<Vec<Tenant>, Error> {
        row::tenants(self.one(sql::fleet::THESE, [to_json(ids)?]).await?)
    }

    /// All that an operator looks at first, and a page of tenants with it: one round trip.
    pub async fn overview(&self, asked: Option<&Asked>, now: Timestamp) -> Result<(Overview, Page), Error> {
        let due: Value = i64::from(MOST_DUE).into();
        let mut batch = vec![
            statement(sql::fleet::FLEET, []),
            stuck(Phase::Failed, now),
            stuck(Phase::Pending, now),
            stuck(Phase::Updating, now),
            stuck(Phase::Deleting, now),
            statement(sql::fleet::LACK_SECRETS, [number(NAMED + 1)]),
            statement(sql::fleet::DUE_NOW, [now.0.into(), due]),
            statement(sql::API_BUDGET, []),
            statement(sql::fleet::JOBS, []),
            statement(sql::DEFAULT_RELEASE, []),
        ];
        let walked = asked.map(|asked| (walk(asked), asked));
        let (walk, shown) = match walked {
            Some(((statement, window), asked)) => (Some(statement), Some((asked, window))),
            None => (None, None),
        };
        batch.extend(walk);
        let mut outcomes = self.db.batch(batch).await?.into_iter();
        let mut next = || outcomes.next().unwrap_or_default();
        let overview = Overview {
            fleet: rows(next())?,
            failed: some(vec![next()])?,
            overdue: some(vec![next(), next(), next()])?,
            lack_secrets: some(vec![next()])?,
            backlog: row::rows(next(), "tenant", backlog)?.pop().unwrap_or_default(),
            budget: budget::of(next())?,
            jobs: row::rows(next(), "job", job)?,
            default_release: row::releases(next())?.pop(),
        };
        let page = shown.map_or(Ok(Page::default()), |(asked, window)| page(next(), asked, window))?;
        Ok((overview, page))
    }
}

pub(super) fn rows(outcome: Outcome) -> Result<Vec<FleetRow>, Error> {
    row::rows(outcome, "fleet", |row| {
        Ok(FleetRow {
            phase: row.get("phase")?,
            instance_type: row.get("instance_type")?,
            tenants: row.get("tenants")?,
            instances: row.get("instances")?,
        })
    })
}

fn number(number: usize) -> Value {
    i64::try_from(number).unwrap_or(i64::from(u32::MAX)).into()
}

/// Tenants that are in this phase for longer than they should.
fn stuck(phase: Phase, now: Timestamp) -> Statement {
    let by = now.plus_ms(-phase.deadline_ms().unwrap_or(0));
    statement(sql::fleet::STUCK, [phase.as_str().into(), by.0.into(), number(NAMED + 1)])
}

fn some(outcomes: Vec<Outcome>) -> Result<Named, Error> {
    let mut tenants = Vec::new();
    for outcome in outcomes {
        tenants.extend(row::tenants(outcome)?);
    }
    let has_more = tenants.len() > NAMED;
    tenants.truncate(NAMED);
    Ok(Named { tenants, has_more })
}

/// The statement of a page, and how many tenants it looks at: by the index of what fewest tenants are likely to have in
/// common, and where it shows all that it looks at, one more than the page has.
fn walk(asked: &Asked) -> (Statement, usize) {
    let Asked { filter, sort, position, limit } = asked;
    let Filter { name, owner, phase, instance_type, release, condition } = filter;
    // A name's beginning is a part of each index by name.
    let filters = [owner.is_some(), phase.is_some(), instance_type.is_some(), release.is_some(), condition.is_some()];
    let filters = filters.iter().filter(|is_set| **is_set).count();
    let (sql, covered) = match (sort, filter) {
        (Sort::Created, _) => (sql::fleet::NEWEST, 0),
        (Sort::Updated, _) => (sql::fleet::LATEST, 0),
        (_, Filter { phase: Some(Phase::Deleted), .. }) => (sql::fleet::OF_PHASE, 1),
        (_, Filter { owner: Some(_), .. }) => (sql::fleet::OF_OWNER, 1),
        (_, Filter { condition: Some(Wrong::Stalled), .. }) => (sql::fleet::STALLED, 1),
        (_, Filter { condition: Some(Wrong::SecretsReady), .. }) => (sql::fleet::SECRETS_UNREADY, 1),
        (_, Filter { phase: Some(phase), .. }) if *phase != Phase::Ready => (sql::fleet::OF_PHASE, 1),
        (_, Filter { condition: Some(Wrong::Ready), .. }) => (sql::fleet::UNREADY, 1),
        (_, Filter { release: Some(_), .. }) => (sql::fleet::OF_RELEASE, 1),
        (_, Filter { instance_type: Some(_), .. }) => (sql::fleet::OF_SIZE, 1),
        (_, Filter { phase: Some(_), .. }) => (sql::fleet::OF_PHASE, 1),
        (_, _) => (sql::fleet::BY_NAME, 0),
    };
    let is_covered = *sort == Sort::Name && filters == covered;
    let window = if is_covered { limit.saturating_add(1) } else { WINDOW.max(limit.saturating_add(1)) };
    let is_of_phase = sql == sql::fleet::OF_PHASE;
    let (from, id): (Value, Value) = match position {
        Some(Position::Name(after, _)) if after < name => (name.as_str().into(), "".into()),
        Some(Position::Name(after, id)) if is_of_phase => (after.as_str().into(), id.as_str().into()),
        Some(Position::Name(after, _)) => (format!("{after}{BEFORE_NAMES}").into(), "".into()),
        Some(Position::Created(before, id) | Position::Updated(before, id)) => (before.0.into(), id.as_str().into()),
        None if *sort == Sort::Name => (name.as_str().into(), "".into()),
        None => (END_OF_TIME.into(), "".into()),
    };
    let args = [
        from,
        id,
        number(window),
        number(limit.saturating_add(1)),
        phase.map(Phase::as_str).into(),
        owner.as_deref().into(),
        instance_type.map(InstanceType::as_str).into(),
        release.as_deref().into(),
        condition.map(Wrong::as_str).into(),
        name.as_str().into(),
        format!("{name}{AFTER_NAMES}").into(),
    ];
    (statement(sql, args), window)
}

fn page(outcome: Outcome, asked: &Asked, window: usize) -> Result<Page, Error> {
    let read = |row: &mut Row| Ok((row.get::<usize>("place")?, row.get::<u8>("is_shown")?, row::tenant(row)?));
    let mut found = row::rows(outcome, "tenant", read)?;
    let after = |tenant: &Tenant| Position::after(tenant, asked.sort);
    let (mut next, mut is_cut) = (None, false);
    if found.len() > asked.limit {
        found.truncate(asked.limit);
        next = found.last().map(|(_, _, tenant)| after(tenant));
    } else if let Some((place, is_shown, last)) = found.last()
        && *place == window
    {
        (next, is_cut) = (Some(after(last)), true);
        if *is_shown == 0 {
            found.pop();
        }
    }
    Ok(Page { tenants: found.into_iter().map(|(_, _, tenant)| tenant).collect(), next, is_cut })
}

fn backlog(row: &mut Row) -> Result<Backlog, Error> {
    let looked_at: u32 = row.get("looked_at")?;
    Ok(Backlog {
        due: row.get("due")?,
        has_more: looked_at >= MOST_DUE,
        oldest_due: row.get("oldest_due_ms")?,
        vanished: row.get("vanished")?,
    })
}

fn job(row: &mut Row) -> Result<JobRow, Error> {
    Ok(JobRow {
        name: row.get("name")?,
        started_at: row.get("started_at_ms")?,
        is_under_way: row.get::<u8>("is_under_way")? == 1,
        ended_at: row.get("ended_at_ms")?,
        outcome: row.get("outcome")?,
        error: row.get("error")?,
    })
}

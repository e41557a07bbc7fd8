//! `GET /admin/api/fleet`, `GET /admin/api/tenants`: all tenants, in numbers and one by one.

use serde::Serialize;

use crate::access::Operator;
use crate::app::App;
use crate::clock::Timestamp;
use crate::cost::Money;
use crate::fleet::{State, why};
use crate::http::api::spec::parse_instance_type;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::reply::{Response, json};
use crate::http::view::ConditionView;
use crate::registry::fleet::{Asked, Filter, JobRow, Named, Overview, Position, Sort, Wrong};
use crate::tenant::{InstanceType, Phase, Tenant, TenantSpec};

/// Tenants in a page, and at most.
const LINES: i64 = 50;
pub const MAX_LINES: i64 = 200;

/// Where the list is.
const TENANTS: &str = "/admin/api/tenants";

/// The phases, as operators read them.
pub const PHASES: [Phase; 7] =
    [Phase::Failed, Phase::Pending, Phase::Updating, Phase::Deleting, Phase::Ready, Phase::Suspended, Phase::Deleted];

/// A tenant in a list.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "TenantLine"))]
pub struct Line<'a> {
    name: &'a str,
    /// For ever; a name may be given again.
    id: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Phase"))]
    phase: &'static str,
    /// Who counts for the limit of tenants per owner.
    owner: Option<&'a str>,
    /// What is wanted.
    spec: &'a TenantSpec,
    /// What it is deployed from.
    release: &'a str,
    /// The conditions that do not say what they should.
    wrong: Vec<ConditionView<'a>>,
    /// When it signed up.
    created_at: String,
    /// When anything about it last changed.
    updated_at: String,
    /// Since when it is to stand still.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<String>,
    /// Since when an operator has all work on it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_at: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Tenants"))]
pub struct Page<'a> {
    tenants: Vec<Line<'a>>,
    /// A thousand tenants were looked at, and the page is not full: others may follow.
    is_cut: bool,
    /// For `?cursor=`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Where the list goes on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> Line<'a> {
    fn of(tenant: &'a Tenant) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            name: tenant.name.as_str(),
            id: &tenant.id.0,
            phase: tenant.phase.as_str(),
            owner: tenant.owner.as_deref(),
            spec: &tenant.spec,
            release: &tenant.release.0,
            wrong: tenant.conditions.iter().filter(|condition| condition.is_wrong()).map(ConditionView::of).collect(),
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
            suspended_at: time(tenant.suspended_at),
            paused_at: time(tenant.paused_at),
        }
    }
}

/// The fleet in numbers, and the plane itself.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Fleet"))]
pub struct Fleet<'a> {
    /// What is not well, a sentence each, worst first; empty: all is well.
    troubles: &'a [String],
    /// Tenants that are not deleted.
    tenants: u64,
    /// How many there are of each phase and size.
    counts: Vec<Count>,
    /// Tenants that need a person.
    attention: Attention<'a>,
    /// What waits for a round.
    backlog: BacklogView,
    /// Calls to the Cloudflare API, of which all tenants share one allowance.
    budget: BudgetView,
    /// What runs by itself.
    jobs: Vec<JobView<'a>>,
    /// How much of the account's limits is taken.
    limits: Vec<LimitView>,
    /// A month of all tenants, those that run awake around the clock with light use.
    monthly_usd: CostView,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "FleetCount"))]
pub struct Count {
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Phase"))]
    phase: &'static str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "InstanceType"))]
    instance_type: &'static str,
    tenants: u32,
    /// Instances that they may have at once, all together.
    instances: u32,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Attention<'a> {
    /// Cloudflare refused for good.
    failed: NamedView<'a>,
    /// On their way for longer than they should be.
    overdue: NamedView<'a>,
    /// They lack secrets that only their owners can set.
    lack_secrets: NamedView<'a>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct NamedView<'a> {
    /// Ten at most.
    tenants: Vec<NeedsSomebody<'a>>,
    /// There are more.
    has_more: bool,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct NeedsSomebody<'a> {
    name: &'a str,
    id: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Phase"))]
    phase: &'static str,
    /// Since when it is so.
    since: String,
    /// Why, and what to do, for people.
    why: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Backlog"))]
pub struct BacklogView {
    /// Tenants that want a round now and have none running; of the first thousand that are due.
    due: u32,
    /// There are more than that.
    has_more: bool,
    /// Since when the first of them waits.
    oldest_due_at: Option<String>,
    /// Rounds that vanished; the sweep takes them up.
    vanished_rounds: u32,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Budget"))]
pub struct BudgetView {
    /// Calls that could be made at once.
    calls_left: u32,
    /// Calls in any window.
    calls: u32,
    window_s: i64,
    /// Cloudflare takes none before then.
    blocked_until: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Job"))]
pub struct JobView<'a> {
    name: &'a str,
    /// When it last began.
    started_at: String,
    /// It has not ended, or was cut off.
    is_under_way: bool,
    /// When a run last ended.
    ended_at: Option<String>,
    /// How: `done`, `unfinished` or `failed`.
    outcome: Option<&'a str>,
    /// What went wrong.
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "AccountLimit"))]
pub struct LimitView {
    limit: &'static str,
    used: u64,
    of: u64,
    /// What is counted.
    unit: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "FleetCost"))]
pub struct CostView {
    /// By size, before what the plan includes is taken off.
    by_size: Vec<SizeCostView>,
    /// What of it the plan includes.
    included: Money,
    /// The Workers Paid plan itself.
    plan: Money,
    /// What is paid.
    total: Money,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "SizeCost"))]
pub struct SizeCostView {
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "InstanceType"))]
    instance_type: &'static str,
    /// Tenants of it, those that stand still among them.
    tenants: u64,
    /// Instances that may run at once.
    instances: u32,
    monthly: Money,
}

impl<'a> NamedView<'a> {
    /// Each with what its condition `kind` says.
    fn of(named: &'a Named, kind: &str) -> Self {
        let line = |tenant: &'a Tenant| {
            let (since, why) = why(tenant, kind);
            let (name, id, phase) = (tenant.name.as_str(), tenant.id.0.as_str(), tenant.phase.as_str());
            NeedsSomebody { name, id, phase, since: since.to_string(), why }
        };
        Self { tenants: named.tenants.iter().map(line).collect(), has_more: named.has_more }
    }
}

/// The fleet in numbers, what needs a person, and how the plane itself stands. One round trip to the database.
pub async fn read(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    call.query.finish()?;
    let (app, now) = (&call.app, call.app.clock.now());
    let (overview, _) = app.registry.overview(None, now).await?;
    let state = state_of(app, &overview, now);
    json(&view(app, &overview, &state, now))
}

/// What `overview` says of this plane.
pub fn state_of(app: &App, overview: &Overview, now: Timestamp) -> State {
    State::of(overview, app.config.budget, &app.config.account, now)
}

fn view<'a>(app: &App, overview: &'a Overview, state: &'a State, now: Timestamp) -> Fleet<'a> {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let blocked_until = Some(overview.budget.blocked_until).filter(|until| *until > now);
    let (backlog, budget, cost) = (overview.backlog, app.config.budget, &state.cost);
    Fleet {
        troubles: &state.troubles,
        tenants: state.tenants,
        counts: overview
            .fleet
            .iter()
            .map(|row| Count {
                phase: row.phase.as_str(),
                instance_type: row.instance_type.as_str(),
                tenants: row.tenants,
                instances: row.instances,
            })
            .collect(),
        attention: Attention {
            failed: NamedView::of(&overview.failed, "Ready"),
            overdue: NamedView::of(&overview.overdue, "Ready"),
            lack_secrets: NamedView::of(&overview.lack_secrets, "SecretsReady"),
        },
        backlog: BacklogView {
            due: backlog.due,
            has_more: backlog.has_more,
            oldest_due_at: time(backlog.oldest_due),
            vanished_rounds: backlog.vanished,
        },
        budget: BudgetView {
            calls_left: state.calls_left,
            calls: budget.calls,
            window_s: budget.window_ms / 1_000,
            blocked_until: time(blocked_until),
        },
        jobs: overview.jobs.iter().map(job).collect(),
        limits: state
            .limits
            .iter()
            .map(|one| LimitView { limit: one.limit.as_str(), used: one.used, of: one.of, unit: one.limit.unit() })
            .collect(),
        monthly_usd: CostView {
            by_size: cost
                .by_size
                .iter()
                .map(|size| SizeCostView {
                    instance_type: size.instance_type.as_str(),
                    tenants: size.tenants,
                    instances: size.instances,
                    monthly: size.monthly,
                })
                .collect(),
            included: cost.included,
            plan: cost.plan,
            total: cost.total,
        },
    }
}

fn job(row: &JobRow) -> JobView<'_> {
    JobView {
        name: &row.name,
        started_at: row.started_at.to_string(),
        is_under_way: row.is_under_way,
        ended_at: row.ended_at.map(|at| at.to_string()),
        outcome: row.outcome.as_deref(),
        error: row.error.as_deref(),
    }
}

/// Tenants, a page: those of `?name=` and so on, in the order of `?sort=`, `?limit=` of them from `?cursor=` on.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    let asked = asked(&mut call.query, usize::try_from(limit).unwrap_or_default());
    call.query.finish()?;
    let page = call.app.registry.tenants(&asked).await?;
    let cursor = page.next.map(|position| position.to_string());
    let next = cursor.as_ref().map(|cursor| format!("{TENANTS}?{}limit={limit}&cursor={cursor}", query_of(&asked)));
    json(&Page { tenants: page.tenants.iter().map(Line::of).collect(), is_cut: page.is_cut, cursor, next })
}

/// Which tenants a query asks for. A parameter that is there and empty asks for nothing, as a form sends it.
pub fn asked(query: &mut Query, limit: usize) -> Asked {
    let filter = Filter {
        name: query.text("name", Filter::beginning).unwrap_or_default(),
        owner: unless_empty(query, "owner", Filter::exactly),
        phase: unless_empty(query, "phase", |text| one_of(&PHASES, Phase::as_str, text)),
        instance_type: unless_empty(query, "instance_type", |text| {
            parse_instance_type(text).map_err(|error| error.to_string())
        }),
        release: unless_empty(query, "release", Filter::exactly),
        condition: unless_empty(query, "condition", |text| one_of(&Wrong::ALL, Wrong::as_str, text)),
    };
    let sort = unless_empty(query, "sort", |text| one_of(&Sort::ALL, Sort::as_str, text)).unwrap_or_default();
    let position = query.text("cursor", |text| Position::parse(text, sort).ok_or("is none of this list's cursors"));
    Asked { filter, sort, position, limit }
}

fn unless_empty<T, E: ToString>(
    query: &mut Query,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let read = query.text(name, |text| {
        if text.is_empty() { Ok(None) } else { parse(text).map(Some).map_err(|error| error.to_string()) }
    });
    read.flatten()
}

fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().copied().map(name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// What asks for the same filter and order, ready for more behind it: empty, or with `&` at its end.
pub fn query_of(asked: &Asked) -> String {
    let Asked { filter, sort, .. } = asked;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("name", filter.name.as_str()),
        ("owner", filter.owner.as_deref().unwrap_or_default()),
        ("phase", filter.phase.map_or("", Phase::as_str)),
        ("instance_type", filter.instance_type.map_or("", InstanceType::as_str)),
        ("release", filter.release.as_deref().unwrap_or_default()),
        ("condition", filter.condition.map_or("", Wrong::as_str)),
        ("sort", if *sort == Sort::Name { "" } else { sort.as_str() }),
    ] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let mut query = query.finish();
    if !query.is_empty() {
        query.push('&');
    }
    query
}

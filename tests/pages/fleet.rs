//! The page about all tenants, with none of them, with some, and with many.

use paramita::capacity::Account;
use paramita::fleet::State;
use paramita::pages::FieldError;
use paramita::pages::console::fleet::acts::{BULK, Became, GRACE_DAYS, Sure, became, sure};
use paramita::pages::console::fleet::{FleetPage, Now, fleet, news};
use paramita::pages::console::{Frame, Section};
use paramita::reconcile::budget::Budget;
use paramita::registry::fleet::{Asked, Backlog, Filter, JobRow, Named, Overview, Page, Position, Sort};
use paramita::registry::{ApiBudget, FleetRow};
use paramita::tenant::{InstanceType, Phase, Tenant, TenantId, TenantName};

use crate::samples::{Sample, at, operator, sample};
use crate::states::{self, NOW};

/// What a page is made of.
pub struct Fleet {
    /// What the registry says.
    pub overview: Overview,
    /// Those that are listed.
    pub page: Page,
    asked: Asked,
}

/// Tenants of every kind, so many.
pub fn tenants(count: usize, hostile: Option<&str>) -> Vec<Tenant> {
    let kinds = [states::ready, states::failed, states::ready, states::half_made, states::suspended, states::deleting];
    let one = |number: usize| {
        let mut tenant = kinds[number % kinds.len()]().0;
        tenant.id = TenantId(format!("t{number:024}"));
        tenant.name = TenantName::parse(&format!("tenant-{number}")).unwrap();
        tenant.owner = hostile.or((!number.is_multiple_of(3)).then_some("the-platform-team")).map(str::to_owned);
        if let Some(hostile) = hostile {
            tenant.conditions.iter_mut().for_each(|condition| condition.message = hostile.to_owned());
        }
        tenant
    };
    (0..count).map(one).collect()
}

impl Fleet {
    /// One in which all is well.
    pub fn well(count: usize, hostile: Option<&str>) -> Self {
        let named = Named::default;
        let row = |phase, instance_type, tenants| FleetRow { phase, instance_type, tenants, instances: tenants };
        let fleet = if count == 0 {
            Vec::new()
        } else {
            vec![
                row(Phase::Ready, InstanceType::Standard1, u32::try_from(count).unwrap()),
                row(Phase::Ready, InstanceType::Standard2, 1),
                row(Phase::Suspended, InstanceType::Standard4, 1),
            ]
        };
        let job = |name: &str, minutes_ago, outcome: &str| JobRow {
            name: name.to_owned(),
            started_at: at(0, minutes_ago),
            is_under_way: false,
            ended_at: Some(at(0, minutes_ago)),
            outcome: Some(outcome.to_owned()),
            error: None,
        };
        let jobs = match count {
            0 => Vec::new(),
            _ => vec![job("drift", 0, "done"), job("orphans", 20, "unfinished"), job("rounds", 0, "done")],
        };
        let overview = Overview {
            fleet,
            failed: named(),
            overdue: named(),
            lack_secrets: named(),
            backlog: Backlog::default(),
            budget: ApiBudget { booked_until: NOW, blocked_until: at(1, 0) },
            jobs,
            default_release: None,
        };
        Self {
            overview,
            page: Page { tenants: tenants(count.min(50), hostile), ..Page::default() },
            asked: Asked::default(),
        }
    }

    /// One in which much is not.
    pub fn ill(hostile: Option<&str>) -> Self {
        let well = Self::well(99_998, hostile);
        let page = tenants(50, hostile);
        let of = |phase: Phase| page.iter().filter(|tenant| tenant.phase == phase).take(3).cloned().collect::<Vec<_>>();
        let mut jobs = well.overview.jobs;
        jobs[0].outcome = Some("failed".to_owned());
        jobs[0].error = Some(hostile.unwrap_or("workers.list: status 403, code 10000").to_owned());
        let failed =
            FleetRow { phase: Phase::Failed, instance_type: InstanceType::Lite, tenants: 1_234, instances: 1_234 };
        Self {
            overview: Overview {
                fleet: well.overview.fleet.into_iter().chain([failed]).collect(),
                failed: Named { tenants: of(Phase::Failed), has_more: true },
                overdue: Named { tenants: of(Phase::Pending), has_more: false },
                lack_secrets: Named { tenants: of(Phase::Ready), has_more: false },
                backlog: Backlog { due: 1_000, has_more: true, oldest_due: Some(at(0, 9)), vanished: 2 },
                budget: ApiBudget { booked_until: NOW, blocked_until: NOW.plus_ms(240_000) },
                jobs,
                default_release: None,
            },
            page: Page { tenants: page, next: Position::parse("c.1795435100000.t1", Sort::Created), is_cut: true },
            asked: Asked {
                filter: Filter { name: "tenant".into(), owner: hostile.map(str::to_owned), ..Filter::default() },
                sort: Sort::Created,
                position: None,
                limit: 50,
            },
        }
    }

    /// What `make` makes of how it stands.
    pub fn with_now<T>(&self, make: impl FnOnce(Now<'_>) -> T) -> T {
        let state = State::of(&self.overview, Budget::default(), &Account::default(), NOW);
        make(Now {
            overview: &self.overview,
            state: &state,
            page: &self.page,
            most_calls: 200,
            poll: "/admin/fleet/live?",
        })
    }

    fn page(&self, frame: Frame<'_>, errors: &[FieldError<'_>]) -> maud::Markup {
        let query = if self.asked == Asked::default() { "" } else { "name=tenant&sort=created&" };
        let Filter { name, owner, release, .. } = &self.asked.filter;
        let typed = [name, owner.as_deref().unwrap_or_default(), release.as_deref().unwrap_or_default()];
        self.with_now(|now| fleet(&FleetPage { frame, now, asked: &self.asked, typed, query, errors }))
    }
}

/// Every whole page.
pub fn pages(hostile: Option<&str>) -> Vec<Sample> {
    let frame = operator(Section::Fleet, hostile);
    let viewer = Frame { may_change: false, ..frame };
    let errors =
        [FieldError { field: "phase", message: hostile.unwrap_or("must be one of failed, pending, updating, ready") }];
    let chosen = tenants(12, hostile);
    let ask = |act: usize, error| {
        let (release, grace_days) = (hostile.unwrap_or("rel_0f1e2d3c4b5a6978"), hostile.unwrap_or(GRACE_DAYS));
        sure(&Sure { frame, act: BULK[act], tenants: &chosen, release, grace_days, error })
    };
    let outcome = |tenant, outcome, detail: Option<&'static str>| Became {
        tenant,
        outcome,
        detail: hostile.and(detail).or(detail),
    };
    let outcomes = [
        outcome("alice", "accepted", None),
        outcome("bob", "unchanged", None),
        outcome("carol", "refused", Some("It is being deleted.")),
    ];
    vec![
        sample("fleet-empty", &Fleet::well(0, hostile).page(frame, &[])),
        sample("fleet", &Fleet::well(3, hostile).page(frame, &[])),
        sample("fleet-ill", &Fleet::ill(hostile).page(frame, &[])),
        sample("fleet-viewed", &Fleet::ill(hostile).page(viewer, &[])),
        sample("fleet-refused", &Fleet::well(3, hostile).page(frame, &errors)),
        sample("fleet-sure", &ask(1, None)),
        sample("fleet-sure-release", &ask(3, None)),
        sample("fleet-sure-delete", &ask(4, Some(hostile.unwrap_or("Type delete 12 tenants to be sure.")))),
        sample("fleet-became", &became(frame, BULK[0], &outcomes)),
    ]
}

/// What a page asks for to stand instead of a part of it.
pub fn fragments(hostile: Option<&str>) -> Vec<Sample> {
    vec![sample("fleet-news", &Fleet::ill(hostile).with_now(|now| news(&now, "")).unwrap())]
}

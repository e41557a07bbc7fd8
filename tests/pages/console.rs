//! The operators' pages, filled in as they may come.

use maud::Markup;
use paramita::pages::FieldError;
use paramita::pages::console::audit::{AuditLine, AuditPage, Check, audit};
use paramita::pages::console::invites::{InviteLine, InvitesPage, invites, made};
use paramita::pages::console::layout::sign_in;
use paramita::pages::console::releases::{ReleasesPage, releases};
use paramita::pages::console::sweeps::{SweepsPage, sweeps as sweeps_page};
use paramita::pages::console::tenant::{SecretLine, Standing, TenantPage, TokenLine, once, standing, tenant};
use paramita::pages::console::{Frame, Section};
use paramita::registry::{EventRow, ListedRelease, Orphan, SeenOrphan, Sweep};
use paramita::release::ReleaseId;
use paramita::tenant::{Ledger, Phase, ResourceKind, Tenant};
use serde_json::{Value as Json, json};

use crate::samples::{SHOWN_ONCE, Sample, at, operator, sample};
use crate::states::{self, ADDRESS, NOW};

/// Every whole page but the fleet's and the doctor's.
pub fn pages(hostile: Option<&str>) -> Vec<Sample> {
    let mut all = vec![sample("console-sign-in", &sign_in("https://team.example/cdn-cgi/access/login/x?kid=y"))];
    all.extend(logs(hostile));
    all.extend(invited(hostile));
    all.extend(published(hostile));
    all.extend(swept(hostile));
    for (name, phase) in [
        ("console-tenant-new", Phase::Pending),
        ("console-tenant", Phase::Ready),
        ("console-tenant-failed", Phase::Failed),
        ("console-tenant-suspended", Phase::Suspended),
        ("console-tenant-deleting", Phase::Deleting),
        ("console-tenant-deleted", Phase::Deleted),
    ] {
        all.push(sample(name, &OneTenant::of(phase, hostile).page(operator(Section::Fleet, hostile), &[])));
    }
    let errors = [
        ("delete-confirm", "This is not the tenant's name. Type alice to be sure."),
        ("max_instances", "must be a whole number from 1 to 10"),
    ]
    .map(|(field, message)| FieldError { field, message: hostile.unwrap_or(message) });
    let one = OneTenant::of(Phase::Ready, hostile);
    all.push(sample("console-tenant-refused", &one.page(operator(Section::Fleet, hostile), &errors)));
    let viewer = Frame { may_change: false, ..operator(Section::Fleet, hostile) };
    all.push(sample("console-tenant-viewed", &one.page(viewer, &[])));
    all.push(sample("console-once", &once(operator(Section::Fleet, hostile), &one.tenant, "API token", SHOWN_ONCE[0])));
    all
}

/// What a page asks for to stand instead of a part of it.
pub fn fragments(hostile: Option<&str>) -> Vec<Sample> {
    let one = OneTenant::of(Phase::Updating, hostile);
    vec![sample("console-standing", &standing(&one.standing(operator(Section::Fleet, hostile), &one.plan())))]
}

fn logs(hostile: Option<&str>) -> Vec<Sample> {
    let (before, after) = (json!({"phase": "ready", "suspended_at": null}), json!({"phase": "updating"}));
    let line = |seq, days, act, target| AuditLine {
        seq,
        at: at(days, 5),
        actor: hostile.unwrap_or("ada@example.com"),
        act: hostile.unwrap_or(act),
        target: hostile.unwrap_or(target),
        from: hostile.unwrap_or("2001:db8::7"),
        request_id: "req_9a3c5e7f1b2d4680",
        before: &before,
        after: &after,
    };
    let lines = [
        line(3, 0, "tenant.suspend", "alice"),
        line(2, 1, "invite.make", "ivt_0d4f6b8a2c1e3579"),
        line(1, 40, "tenant.delete", "a-tenant-with-quite-a-long-name-in-it"),
    ];
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let page = |lines, of, check| AuditPage {
        frame: operator(Section::Audit, hostile),
        lines,
        of,
        check,
        older: Some("/admin/audit?before=1"),
    };
    let holds = Check { checked_to: 3, hash, broken: None, next: Some("/admin/audit?check=true&after=3") };
    let broken = Check { checked_to: 1, broken: Some(hostile.unwrap_or("line 2 was changed")), next: None, ..holds };
    vec![
        sample("console-audit", &audit(&page(&lines, None, None))),
        sample("console-audit-holds", &audit(&page(&lines, Some(hostile.unwrap_or("alice")), Some(holds)))),
        sample("console-audit-broken", &audit(&page(&lines, None, Some(broken)))),
        sample("console-audit-empty", &audit(&AuditPage { older: None, ..page(&[], None, None) })),
    ]
}

fn invited(hostile: Option<&str>) -> Vec<Sample> {
    let good = InviteLine {
        id: "ivt_0d4f6b8a2c1e3579",
        state: "good",
        name: Some("acme-prod"),
        largest: Some("standard-2"),
        owner: Some(hostile.unwrap_or("acme")),
        note: Some(hostile.unwrap_or("For the pilot of the platform team")),
        created_at: at(1, 0),
        expires_at: at(-6, 0),
        used_by: None,
    };
    let used = InviteLine { state: "used", note: None, name: None, used_by: Some("t0123456789abcdef01234567"), ..good };
    let lines = [
        good,
        used,
        InviteLine { state: "revoked", ..good },
        InviteLine { state: "expired", owner: None, note: None, name: None, ..good },
    ];
    let page = InvitesPage {
        frame: operator(Section::Invites, hostile),
        invites: &lines,
        older: Some("/admin/invites?cursor=1.ivt"),
        are_needed: true,
        typed: &[],
        errors: &[],
        notice: Some("The invite is revoked."),
    };
    let name = hostile.unwrap_or("Acme!");
    let errors = [FieldError { field: "name", message: hostile.unwrap_or("must be lowercase letters") }];
    let empty = InvitesPage { invites: &[], older: None, are_needed: false, notice: None, ..page };
    vec![
        sample("console-invites", &invites(&page)),
        sample("console-invites-empty", &invites(&empty)),
        sample("console-invites-refused", &invites(&InvitesPage { typed: &[("name", name)], errors: &errors, ..page })),
        sample("console-invite-made", &made(page.frame, SHOWN_ONCE[2], "https://plane.example/signup", at(-7, 0))),
    ]
}

fn published(hostile: Option<&str>) -> Vec<Sample> {
    let release = |id: &str, days, default_since, is_default| ListedRelease {
        id: ReleaseId(hostile.unwrap_or(id).to_owned()),
        created_at: at(days, 0),
        default_since,
        is_default,
    };
    let all = [
        release("rel_8d7f3f0e6f3c4b57", 0, None, false),
        release("rel_0f1e2d3c4b5a6978", 3, Some(at(3, 0)), true),
        release("rel_1a2b3c4d5e6f7081", 90, Some(at(90, 0)), false),
    ];
    let page = |releases| ReleasesPage { frame: operator(Section::Releases, hostile), releases, notice: None };
    vec![sample("console-releases", &releases(&page(&all))), sample("console-releases-empty", &releases(&page(&[])))]
}

fn swept(hostile: Option<&str>) -> Vec<Sample> {
    let run = |outcome: &str, error: Option<&str>, found: Json| {
        let end = json!({"started_at_ms": at(0, 5).0, "finished_at_ms": at(0, 5).0 + 1_240, "outcome": outcome, "error": error});
        json!({"end": end, "found": found})
    };
    let sweep = |name: &str, is_over: bool, report| Sweep {
        name: name.to_owned(),
        started_at: at(0, 5),
        finished_at: is_over.then(|| at(0, 5)),
        has_more: false,
        report,
    };
    let missing = hostile.unwrap_or("moltbot-data-alice");
    let error = hostile.unwrap_or("r2.bucket.list: Authentication error (10000)");
    let sweeps = [
        sweep("drift", true, run("done", None, json!({"compared": 2, "drifted": [missing, "moltbot-bob"]}))),
        sweep("orphans", true, run("failed", Some(error), json!({"listed": 0, "pass_started_at_ms": at(0, 9).0}))),
        sweep("retention", true, run("unfinished", None, json!({"events": 5_000, "invites": 0}))),
        sweep("rounds", false, run("done", None, json!({"due": 3, "converged": 3}))),
    ];
    let orphan = |name: &str, delete_asked_at, is_ours| SeenOrphan {
        orphan: Orphan {
            kind: ResourceKind::Bucket,
            name: hostile.map_or_else(|| name.to_owned(), |hostile| format!("{hostile}{is_ours}")),
            external_id: None,
            delete_asked_at,
        },
        is_ours,
        first_seen: at(2, 0),
        last_seen: at(0, 20),
    };
    let orphans = [orphan("moltbot-data-lost", None, true), orphan("moltbot-data-old", Some(at(0, 3)), false)];
    let page = |sweeps, orphans, notice| SweepsPage {
        frame: operator(Section::Sweeps, hostile),
        sweeps,
        orphans,
        notice,
        errors: &[],
    };
    vec![
        sample(
            "console-sweeps",
            &sweeps_page(&page(&sweeps, &orphans, Some("It is to go: the next sweeps see to it."))),
        ),
        sample("console-sweeps-empty", &sweeps_page(&page(&[], &[], None))),
    ]
}

/// A tenant, and all that its page borrows.
struct OneTenant<'a> {
    tenant: Tenant,
    ledger: Ledger,
    dashboards: Vec<Option<String>>,
    events: Vec<EventRow>,
    hostile: Option<&'a str>,
}

impl<'a> OneTenant<'a> {
    fn of(phase: Phase, hostile: Option<&'a str>) -> Self {
        let (mut tenant, ledger) = match phase {
            Phase::Pending | Phase::Updating => states::half_made(),
            Phase::Ready => states::ready(),
            Phase::Failed => states::failed(),
            Phase::Suspended => states::suspended(),
            Phase::Deleting => states::deleting(),
            Phase::Deleted => states::deleted(),
        };
        tenant.owner = Some(hostile.unwrap_or("acme").to_owned());
        tenant.paused_at = (phase == Phase::Suspended).then(|| at(0, 7));
        for condition in tenant.conditions.iter_mut().filter(|_| hostile.is_some()) {
            condition.message = hostile.unwrap_or_default().to_owned();
        }
        let event = |id, minutes, reason: &str, message: &str| EventRow {
            id,
            at_ms: at(0, minutes),
            generation: 1,
            reason: reason.to_owned(),
            message: hostile.unwrap_or(message).to_owned(),
        };
        let dashboard = |kind: ResourceKind| match kind {
            ResourceKind::Route => None,
            _ => Some("https://dash.cloudflare.com/0123/r2/default/buckets/moltbot-data-alice".to_owned()),
        };
        Self {
            tenant,
            ledger,
            dashboards: ResourceKind::ALL.into_iter().map(dashboard).collect(),
            events: vec![
                event(3, 2, "Retrying", "container application moltbot-alice: no reply; tried again in 4 seconds"),
                event(2, 3, "Deployed", "Worker paramita-cloud-alice deployed"),
                event(1, 9, "SignedUp", "alice signed up"),
            ],
            hostile,
        }
    }

    fn plan(&self) -> Vec<(&str, &str, &str)> {
        let why = self.hostile.unwrap_or("it does not exist");
        let steps = [("create_application", "moltbot-alice", why), ("enable_route", "paramita-cloud-alice", why)];
        if self.tenant.phase == Phase::Ready { Vec::new() } else { steps.to_vec() }
    }

    fn standing<'s>(&'s self, frame: Frame<'s>, plan: &'s [(&'s str, &'s str, &'s str)]) -> Standing<'s> {
        Standing {
            frame,
            tenant: &self.tenant,
            ledger: &self.ledger,
            address: ADDRESS,
            dashboards: &self.dashboards,
            plan,
            events: &self.events,
            older: Some("/admin/tenants/t0?before=1#events"),
            mark: "1.2",
            now: NOW,
        }
    }

    fn page(&self, frame: Frame<'_>, errors: &[FieldError<'_>]) -> Markup {
        let plan = self.plan();
        let secret = |name, state, days| SecretLine { name, state, updated_at: Some(at(days, 0)) };
        let name = self.hostile.unwrap_or("CF_ACCESS_TEAM_DOMAIN");
        let secrets = [secret("ANTHROPIC_API_KEY", ("good", "live"), 40), secret(name, ("bad", "lost"), 2)];
        let token = TokenLine {
            id: "tok_5f2b8c1d9e3a7460",
            scopes: self.hostile.unwrap_or("read, write, secrets"),
            created_at: at(40, 0),
            expires_at: None,
            last_used_at: Some(at(0, 30)),
        };
        let usage = self.hostile.unwrap_or("Light: awake 24 hours a day, 10 % CPU");
        tenant(&TenantPage {
            frame,
            standing: self.standing(frame, &plan),
            notice: (self.tenant.phase == Phase::Suspended).then_some("It is being suspended. Its data is kept."),
            errors,
            forecast: &[
                ("As it stands", "$34.58"),
                (usage, "$34.58"),
                ("Stress: awake 24 hours a day, 100 % CPU", "$61.93"),
            ],
            secrets: &secrets,
            tokens: &[token],
            releases: &[("rel_0f1e2d3c4b5a6978", true), (self.hostile.unwrap_or("r1"), false)],
        })
    }
}

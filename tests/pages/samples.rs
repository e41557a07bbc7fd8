//! Every page and fragment, filled in as it may come.

use maud::Markup;
use paramita::clock::Timestamp;
use paramita::config::SignupMode;
use paramita::cost::{Preset, Usage};
use paramita::doctor::{Check, Finding, Report, Verdict};
use paramita::pages::console::doctor::{DoctorPage, doctor};
use paramita::pages::console::{self, Section};
use paramita::pages::created::{Created, TokenMade, created, token_made};
use paramita::pages::error::{Problem, problem};
use paramita::pages::home::{Home, home};
use paramita::pages::progress::{Progress, fragment};
use paramita::pages::signup::{NameSaid, SignUp, Size, name_said, signup};
use paramita::pages::tenant::{Preview, Quote, preview, tenant};
use paramita::pages::{FieldError, Frame};
use paramita::tenant::{InstanceType, Ledger, Phase, SleepAfter, Tenant};

use crate::states::{self, NOW};
use crate::tenant_page::Page;

/// A page, or a part of one.
pub struct Sample {
    /// What it shows; also the name of its file.
    pub name: &'static str,
    /// As it is sent.
    pub html: String,
}

/// Stand in for secrets: shown once, on the pages that are made for that, and on no other.
pub const SHOWN_ONCE: [&str; 3] = [
    "pcp_q3v5x8z2b4n6m1k9j7h5g3f1d0s2a4p6o8i0u2y4t6r8e1w3_Zk9Q",
    "9f2c1e8b7a6d5c4f3e2b1a0998877665544332211ffeeddccbbaa00112233445",
    "inv_q3v5x8z2b4n6m1k9j7h5g3f1d0s2a4p6_Zk9Q",
];

/// The frame of somebody who has come in.
pub fn signed_in() -> Frame<'static> {
    Frame { csrf: "c5rf-of-the-session", session: Some("alice") }
}

fn stranger() -> Frame<'static> {
    Frame { csrf: "c5rf-of-a-stranger", session: None }
}

/// What may be chosen, with its price.
pub fn sizes() -> Vec<Size> {
    let open = InstanceType::ALL.into_iter().filter(|size| size.is_open_to_tenants());
    let price = |size| Usage::around_the_clock(size, 1, Preset::Light.cpu_percent()).estimate().next_tenant.total;
    open.map(|size| Size { instance_type: size, monthly: price(size) }).collect()
}

/// Every page and fragment. With `hostile`, that text stands wherever text comes from outside.
pub fn all(hostile: Option<&str>) -> Vec<Sample> {
    let mut all = pages(hostile);
    all.extend(fragments(hostile));
    all
}

/// Every whole page.
pub fn pages(hostile: Option<&str>) -> Vec<Sample> {
    let mut all = vec![
        sample("home", &front(SignupMode::Open, "", &[])),
        sample("home-invite", &front(SignupMode::Invite, "", &[])),
        sample(
            "home-refused",
            &front(
                SignupMode::Closed,
                hostile.unwrap_or("alice"),
                &[says(
                    hostile,
                    "token",
                    "There is no tenant of that name with that token. Look for a typo in either.",
                )],
            ),
        ),
        sample(
            "problem",
            &problem(&Problem {
                frame: stranger(),
                status: 404,
                title: hostile.unwrap_or("There is nothing here"),
                detail: hostile.unwrap_or("Either there is no such tenant, or you have not come in with its token."),
                errors: &[hostile.unwrap_or("The name may have a typo.")],
                next: &[(hostile.unwrap_or("Open your tenant"), "/#open")],
                request_id: "01JD3Y8ZK4V9",
            }),
        ),
    ];
    all.extend(sign_ups(hostile));
    all.extend(once(hostile));
    all.extend(tenants(hostile));
    all.extend(doctors(hostile));
    all.extend(crate::console::pages(hostile));
    all.extend(crate::fleet::pages(hostile));
    all
}

pub fn sample(name: &'static str, markup: &Markup) -> Sample {
    Sample { name, html: markup.0.clone() }
}

fn says<'a>(hostile: Option<&'a str>, field: &'a str, message: &'a str) -> FieldError<'a> {
    FieldError { field, message: hostile.unwrap_or(message) }
}

fn front(mode: SignupMode, name: &str, errors: &[FieldError<'_>]) -> Markup {
    home(&Home { frame: stranger(), mode, name, errors })
}

fn sign_ups(hostile: Option<&str>) -> Vec<Sample> {
    let sizes = sizes();
    let empty = SignUp {
        frame: stranger(),
        mode: SignupMode::Invite,
        idempotency_key: "0d7a2f31c9b84e55",
        name: "",
        name_said: None,
        invite: "",
        instance_type: InstanceType::Standard1,
        sleep_after: SleepAfter::Never,
        sizes: &sizes,
        trial_days: None,
        turnstile_site_key: None,
        errors: &[],
    };
    let refused = SignUp {
        name: hostile.unwrap_or("Alice!"),
        name_said: None,
        invite: hostile.unwrap_or("inv_typo"),
        instance_type: InstanceType::Standard3,
        sleep_after: SleepAfter::parse("90m").expect("a duration"),
        trial_days: Some(14),
        errors: &[
            says(hostile, "name", "Tenant name must be lowercase alphanumeric with optional hyphens. Try alice."),
            says(
                hostile,
                "invite",
                "This is no invite code: some of it is missing. Copy it again, from inv_ to the end.",
            ),
        ],
        ..empty.clone()
    };
    let open = SignUp {
        mode: SignupMode::Open,
        name: "alice",
        name_said: Some(NameSaid::Free {
            address: hostile.unwrap_or("https://paramita-cloud-alice.example.workers.dev/"),
        }),
        turnstile_site_key: Some("1x00000000000000000000AA"),
        ..empty.clone()
    };
    vec![
        sample("signup", &signup(&empty)),
        sample("signup-refused", &signup(&refused)),
        sample("signup-turnstile", &signup(&open)),
        sample("signup-closed", &signup(&SignUp { mode: SignupMode::Closed, ..empty })),
    ]
}

fn once(hostile: Option<&str>) -> Vec<Sample> {
    let (tenant, ledger) = states::half_made();
    let origin = "https://paramita.example";
    let made = Created {
        frame: signed_in(),
        progress: progress(&tenant, &ledger, "1.2"),
        address: hostile.unwrap_or(states::ADDRESS),
        origin,
        token: Some(SHOWN_ONCE[0]),
        gateway_token: Some(SHOWN_ONCE[1]),
        missing_secrets: &["ANTHROPIC_API_KEY", "CF_ACCESS_TEAM_DOMAIN", "CF_ACCESS_AUD"],
    };
    let token = TokenMade {
        frame: signed_in(),
        name: "alice",
        origin,
        token: SHOWN_ONCE[0],
        scopes: hostile.unwrap_or("read, write"),
    };
    vec![
        sample("created", &created(&made)),
        sample("restored", &created(&Created { token: None, missing_secrets: &[], ..made })),
        sample("token-made", &token_made(&token)),
    ]
}

/// The frame of an operator's page.
pub fn operator(section: Section, hostile: Option<&str>) -> console::Frame<'_> {
    console::Frame {
        csrf: "c5rf-of-an-operator",
        operator: hostile.unwrap_or("ada@example.com"),
        sign_out: "https://team.example/cdn-cgi/access/logout",
        may_change: true,
        section,
    }
}

fn doctors(hostile: Option<&str>) -> Vec<Sample> {
    let say = |check: Check| {
        let (verdict, why, next) = match check {
            Check::R2 => (
                Verdict::Failed,
                "Refused: r2.bucket.list: status 403, code 10042: Please enable R2 through the Cloudflare Dashboard.",
                "Enable R2 on the Cloudflare account (dashboard: R2, then choose the plan).",
            ),
            Check::Migrations => {
                (Verdict::Failed, "The database lacks 0006_operators.sql.", "wrangler d1 migrations apply DB --remote")
            }
            Check::ApiToken => (
                Verdict::Warning,
                "The token ends at 2026-12-01T00:00:00.000Z.",
                "Make a token of the account, and set it: wrangler secret put CLOUDFLARE_API_TOKEN",
            ),
            Check::Operators => (Verdict::Warning, "Nobody may change anything.", "Set ACCESS_OPERATORS, and deploy."),
            _ => (Verdict::Ok, "As it should be.", ""),
        };
        Finding { check, verdict, why: hostile.unwrap_or(why).to_owned(), next }
    };
    let findings: Vec<Finding> = Check::ALL.into_iter().map(say).collect();
    let of = |verdict: Verdict| findings.iter().filter(|line| line.verdict <= verdict).cloned().collect();
    let page = |findings| {
        let report = Report { checked_at: at(0, 2), findings };
        doctor(&DoctorPage { frame: operator(Section::Doctor, hostile), report: &report })
    };
    vec![
        sample("doctor", &page(findings.clone())),
        sample("doctor-warned", &page(of(Verdict::Warning))),
        sample("doctor-well", &page(of(Verdict::Ok))),
    ]
}

fn tenants(hostile: Option<&str>) -> Vec<Sample> {
    let page = |phase| Page::of(phase, hostile);
    let mut all = vec![
        sample("tenant-new", &tenant(&page(Phase::Pending).view())),
        sample("tenant", &tenant(&page(Phase::Ready).view())),
        sample("tenant-failed", &tenant(&page(Phase::Failed).view())),
        sample("tenant-suspended", &tenant(&page(Phase::Suspended).view())),
        sample("tenant-deleting", &tenant(&page(Phase::Deleting).view())),
        sample("tenant-deleted", &tenant(&page(Phase::Deleted).view())),
        sample("tenant-read-only", &tenant(&page(Phase::Ready).read_only().view())),
        sample(
            "tenant-refused",
            &tenant(
                &page(Phase::Ready)
                    .with_errors(&[
                        says(hostile, "delete-confirm", "This is not the tenant's name. Type alice to delete it."),
                        says(
                            hostile,
                            "paste",
                            "DEV_MODE switches the tenant's own access protection off and is refused.",
                        ),
                    ])
                    .view(),
            ),
        ),
    ];
    let shape = |instance_type, sleep: &str, monthly| Quote {
        instance_type,
        sleep_after: SleepAfter::parse(sleep).expect("a duration"),
        monthly,
    };
    let change = Preview {
        frame: signed_in(),
        name: "alice",
        generation: 3,
        before: shape(InstanceType::Standard1, "never", "$30.38"),
        after: shape(InstanceType::Standard2, "30m", "$15.63"),
        difference: hostile.unwrap_or("$14.75 less a month"),
        usage: hostile.unwrap_or("Light: 8 hours a day, 10 % CPU"),
        plan: &[
            hostile.unwrap_or("The container is made standard-2. It restarts once; that takes under a minute."),
            "The Worker is told to let it sleep after 30 minutes.",
        ],
    };
    all.push(sample("preview", &preview(&change)));
    all.push(sample(
        "preview-nothing",
        &preview(&Preview {
            after: change.before.clone(),
            difference: "The price stays as it is",
            plan: &[],
            ..change
        }),
    ));
    all
}

fn progress<'a>(tenant: &'a Tenant, ledger: &'a Ledger, mark: &'a str) -> Progress<'a> {
    Progress { tenant, ledger, address: Some(states::ADDRESS), mark, now: NOW }
}

/// What answers a script.
pub fn fragments(hostile: Option<&str>) -> Vec<Sample> {
    let free = NameSaid::Free { address: hostile.unwrap_or(states::ADDRESS) };
    let refused = NameSaid::Refused { reason: hostile.unwrap_or("Another tenant has this name. Try alice-2.") };
    let (pending, ledger) = states::half_made();
    let (ready, whole) = states::ready();
    vec![
        sample("name-free", &name_said(Some(free))),
        sample("name-refused", &name_said(Some(refused))),
        sample("progress-half", &fragment(&progress(&pending, &ledger, "1.3"))),
        sample("progress-ready", &fragment(&progress(&ready, &whole, "1.9"))),
    ]
    .into_iter()
    .chain(crate::console::fragments(hostile))
    .chain(crate::fleet::fragments(hostile))
    .collect()
}

/// The clock of the samples.
pub fn at(days_ago: i64, minutes_ago: i64) -> Timestamp {
    NOW.plus_ms(-days_ago * 86_400_000 - minutes_ago * 60_000)
}
